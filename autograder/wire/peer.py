"""Calls between the judge and a student's process, in both directions, autograd included.

Both ends are a Peer. A value that has a form of its own (autograder.wire.values) is copied; of any
other object the owner keeps the object and the other side gets a reference to it. The student's end
lets references be called, looked into and iterated over. The judge's end owns functions that a
check passes, and lets them be called with values, nothing more.

An argument that the called function changed in place is copied back. A tensor that requires a
gradient stays part of one autograd graph over both processes: the caller's backward pass asks the
other end for its part of it, to any order. Seeds and default dtypes that a check sets hold for the
student's code too; nothing of the student's ever sets the judge's.
"""

import builtins
import contextlib
import io
import itertools
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from autograder.wire import randomness, records
from autograder.wire.channel import Channel
from autograder.wire.operations import assign, operate
from autograder.wire.records import MOST_PRINTED, Done, Message, Query, Raised, read, write
from autograder.wire.reference import (
    Remote,
    RemoteClass,
    RemoteFunction,
    Restriction,
    exception_class,
)
from autograder.wire.values import Decoder, Encoder, WireError

__all__ = ["Call", "Peer"]

DEPTH = 40  # of calls that call back
FIRST_SEED = 2**31  # far from those that people choose
MOST_CALLS = 2000  # that are recorded
KINDS: tuple[type[Remote], ...] = (Remote, RemoteFunction, RemoteClass)


@dataclass
class Node:
    """What a backward pass needs of one call: leaves that came in, and tensors that went out."""

    inputs: list[Any]
    outputs: list[Any]


@dataclass(frozen=True)
class Call:
    """One query of this end and its answer, as they went over the wire."""

    query: Query
    answer: Done | Raised


class Peer:
    """One end of a connection.

    role "student" owns everything it is asked for; role "judge" owns the callables it passes.
    """

    def __init__(self, channel: Channel, role: Literal["student", "judge"]) -> None:
        self.channel = channel
        self.role = role
        self.calls: list[Call] = []  # what the judge asked, for the diagnosis
        self._owned: dict[int, Any] = {}
        self._numbers: dict[int, int] = {}
        self._nodes: dict[int, Node] = {}
        self._count = itertools.count(1)
        self._depth = 0
        self._sent: set[str] = set()
        self._received: dict[int, Any] = {}
        self._known: dict[str, Any] = {}
        self._remotes: dict[int, Remote] = {}
        self._same: dict[int, Any] = {}  # values by the number of the object they are copies of

    def own(self, value: Any) -> int:
        """Return the number under which the other end knows an object of this one."""
        number = self._numbers.get(id(value))
        if number is None:
            number = next(self._count)
            self._owned[number] = value  # keeps it alive, so that its id stays its own
            self._numbers[id(value)] = number
        return number

    def request(self, operation: str, target: int, name: str, value: Any) -> Any:
        """Ask the other end; return what it answers or raise what it raised."""
        encoder = self._encoder()
        form = encoder.encode(value)
        self._sent |= encoder.classes
        torch = sys.modules.get("torch")
        graph = torch is not None and torch.is_grad_enabled()
        query = Query(operation, target, name, form, graph, self._news())
        answer = self._exchange(query)
        if self.role == "judge":
            self._let_go(operation)
            if len(self.calls) < MOST_CALLS:
                self.calls.append(Call(query, answer))
            sys.stdout.write(answer.printed)
        if isinstance(answer, Raised):
            raise _exception(answer)
        known = range(len(encoder.mutable))
        if len(answer.changed) > len(known) or any(i not in known for i, _ in answer.changed):
            raise WireError("a change of an argument that was not passed")
        for index, new in answer.changed:
            assign(encoder.mutable[index], self._decoder().decode(new))
        return self._join(answer.value, answer.node, encoder.tensors, encoder.mutable)

    def backward(self, node: int, gradients: list[Any], inputs: list[Any] | None) -> list[Any]:
        """Return the other end's part of a backward pass, one gradient or None for each input.

        Where inputs are given, the gradients are themselves functions of them.
        """
        form = self._encoder().encode([gradient.detach() for gradient in gradients])
        operation = "backward" if inputs is None else "backward twice"
        answer = self._exchange(Query(operation, node, "", form, False, []))
        if isinstance(answer, Raised):
            raise _exception(answer)
        found = self._join(answer.value, answer.node, inputs or [])
        if not isinstance(found, list):
            raise WireError("gradients are malformed")
        return found

    def serve(self) -> None:
        """Answer queries until the other end closes. Raises Closed."""
        while True:
            query: Query = read(self.channel.receive()[0], Query)
            self._answer(query)

    def _exchange(self, query: Query) -> Done | Raised:
        self.channel.send(write(query))
        while True:
            message: Query | Done | Raised = read(self.channel.receive()[0], Message)
            if not isinstance(message, Query):
                return message
            self._answer(message)

    def _answer(self, query: Query) -> None:
        """Do what a query asks for and send the outcome."""
        if self.role == "student":
            self._take(query.random)
        self._depth += 1
        printed = io.StringIO()
        try:
            if self._depth > DEPTH:
                raise WireError(f"calls back and forth are nested more than {DEPTH} deep")
            if self.role == "student":
                with contextlib.redirect_stdout(printed):
                    done = self._perform(query)
                done = Done(done.value, done.changed, done.node, _cut(printed))
            else:
                done = self._perform(query)
            reply = write(done)
        except (WireError, MemoryError) as error:
            if self.role == "judge":
                raise
            reply = write(Raised(["TypeError"], str(error)[: records.MOST_WORDS]))
        except BaseException as error:
            if self.role == "judge" and not isinstance(error, Exception):
                raise
            names = [kind.__name__[:200] for kind in type(error).__mro__[: records.MOST_CLASSES]]
            reply = write(Raised(names, _text(error), self._lineage(error), _cut(printed)))
        finally:
            self._depth -= 1
        self.channel.send(reply)

    def _perform(self, query: Query) -> Done:
        operation = query.operation
        if self.role == "judge" and operation not in ("call", "backward", "backward twice"):
            raise WireError(f"the operation {operation!r} is not offered")
        if operation in ("backward", "backward twice"):
            return self._backward(query.target, query.value, twice=operation == "backward twice")
        if query.target not in self._owned:
            raise WireError(f"there is no object {query.target}")
        decoder = self._decoder()
        value = decoder.decode(query.value)
        self._received.update({id(made): made for made in decoder.mutable})
        before = [self._form(value) for value in decoder.mutable]
        target = self._owned[query.target]
        torch = sys.modules.get("torch")
        wanted = torch.set_grad_enabled(query.graph) if torch else contextlib.nullcontext()
        with wanted:
            result = operate(operation, target, query.name, value)
        after = [self._form(value) for value in decoder.mutable]
        changed = [
            (i, new)
            for i, (old, new) in enumerate(zip(before, after, strict=True))
            if _content(old) != _content(new)
        ]
        encoder = self._encoder(
            decoder.tensors, identify=self.role == "student", arguments=decoder.mutable
        )
        encoded = encoder.encode(result)
        outputs = [tensor for tensor in encoder.tensors if encoder.joins(tensor)]
        node = self._remember(Node(decoder.tensors, outputs)) if outputs else 0
        return Done(encoded, changed, node)

    def _backward(self, number: int, form: Any, *, twice: bool) -> Done:
        import torch

        if number not in self._nodes:
            raise WireError(f"there is no graph {number}")
        node = self._nodes[number]
        incoming = self._decoder().decode(form)
        if not twice:
            for leaf in node.inputs:
                leaf.grad = None
            torch.autograd.backward(node.outputs, incoming, retain_graph=True)
            gradients = [leaf.grad for leaf in node.inputs]
            return Done(self._encoder().encode(gradients), [], 0)
        leaves = [gradient.detach().requires_grad_() for gradient in incoming]
        with torch.enable_grad():
            gradients = list(
                torch.autograd.grad(
                    node.outputs, node.inputs, leaves, create_graph=True, allow_unused=True
                )
            )
        encoder = self._encoder(node.inputs + leaves)
        encoded = encoder.encode(gradients)
        outputs = [tensor for tensor in encoder.tensors if encoder.joins(tensor)]
        new = self._remember(Node(node.inputs + leaves, outputs)) if outputs else 0
        return Done(encoded, [], new)

    def _news(self) -> list[tuple[str, Any]]:
        """Return what the student's end does not know of this one's generators and defaults."""
        if self.role == "student":
            return []
        news = []
        for name, state in randomness.states():
            if self._known.get(name) != state:
                self._known[name] = state
                news.append((name, self._encoder().encode(state)))
        return news

    def _let_go(self, operation: str) -> None:
        """Part with the stream of random numbers, which the student's code goes on with.

        Where the check seeds it again, with the same seed perhaps, that shows from now on.
        """
        if operation not in ("name", "put", "drop"):
            randomness.disturb(FIRST_SEED + next(self._count))
            self._known = dict(randomness.states())

    def _take(self, news: list[tuple[str, Any]]) -> None:
        for name, form in news:
            randomness.set_state(name, self._decoder().decode(form))

    def _join(
        self, result: Any, node: int, inputs: list[Any], arguments: Sequence[Any] = ()
    ) -> Any:
        """Decode a result some of whose tensors may belong to a graph at the other end."""
        if not node:
            return self._decoder(arguments=arguments).decode(result)
        # Not earlier: it imports torch, which takes seconds, and most courses have no gradients.
        from autograder.wire.autograd import join

        outputs = [self._decoder().decode(form).detach() for form in _tensors(result)]
        joined = join(self.backward, node, outputs, inputs)
        return self._decoder(joined, arguments).decode(result)

    def _remember(self, node: Node) -> int:
        number = next(self._count)
        self._nodes[number] = node
        return number

    def _form(self, value: Any) -> list[Any]:
        form = self._encoder().encode(value)
        return form if isinstance(form, list) else [form]

    def _encoder(
        self,
        inputs: Iterable[Any] = (),
        *,
        identify: bool = False,
        arguments: Iterable[Any] = (),
    ) -> Encoder:
        # A student's own module stays where it is; what the judge has sent goes back as it came.
        judging, received = self.role == "judge", self._received
        return Encoder(
            self._refer,
            inputs=inputs,
            copies=lambda module: judging or id(module) in received,
            identify=self.own if identify else None,
            arguments=arguments,
        )

    def _decoder(self, graph: Any = (), arguments: Sequence[Any] = ()) -> Decoder:
        # The judge makes no objects of classes that it has not sent.
        judging = self.role == "judge"
        return Decoder(
            self._resolve,
            # What comes from a student's process lives on the CPU until a check moves it.
            device=None if judging else "cpu",
            graph=graph,
            classes=self._sent if judging else None,
            identity=self._identity if judging else None,
            arguments=arguments,
        )

    def _identity(self, number: int, made: Any) -> Any:
        """Return the value that stands for an object already, where it still says the same."""
        known = self._same.get(number)
        if type(known) is type(made) and self._form(known) == self._form(made):
            return known
        self._same[number] = made
        return made

    def _refer(self, value: Any) -> list[Any]:
        if isinstance(value, Remote):
            return ["r", value._remote_id]
        if self.role == "judge" and (state := randomness.state_of(value)) is not None:
            return ["g", self._encoder().encode(state)]
        if self.role == "judge" and not callable(value):
            raise Restriction(
                f"a check passed a {type(value).__name__} to the submission; it can pass numbers, "
                "strings, containers, tensors, arrays, generators, torch.nn modules and functions"
            )
        if isinstance(value, type) and issubclass(value, Exception) and self.role == "student":
            return ["E", self._chain(value), _builtin(value)]
        kind = 2 if isinstance(value, type) else int(callable(value))
        return ["R", self.own(value), type(value).__name__[:60], kind]

    def _chain(self, kind: type) -> list[tuple[str, str]]:
        bases = kind.__mro__[: records.MOST_CLASSES]
        own = itertools.takewhile(lambda base: base.__module__ != "builtins", bases)
        return [(str(self.own(base)), base.__name__[:60]) for base in own]

    def _lineage(self, error: BaseException) -> list[tuple[str, str]]:
        return self._chain(type(error)) if self.role == "student" else []

    def _resolve(self, form: list[Any]) -> Any:
        if form[0] == "E":
            chain = [(str(key), str(name)) for key, name in form[1][: records.MOST_CLASSES]]
            return exception_class(chain, str(form[2]))
        if form[0] == "g" and self.role == "student":
            return randomness.generator_of(self._decoder().decode(form[1]))
        number = int(form[1])
        if form[0] == "R":
            if number not in self._remotes:
                self._remotes[number] = KINDS[form[3]](self.request, number, str(form[2])[:60])
            return self._remotes[number]
        if number not in self._owned:
            raise WireError(f"there is no object {number}")
        return self._owned[number]


def _cut(printed: io.StringIO) -> str:
    return printed.getvalue()[:MOST_PRINTED]


def _content(form: list[Any]) -> list[Any]:
    """Return what counts as a change of an argument: not whether a tensor requires a gradient."""
    return [*form[:6], form[6][2]] if form[0] == "T" else form


def _tensors(form: Any) -> list[Any]:
    """Tagged tensors of a graph within a form, in order."""
    found: list[Any] = []
    if isinstance(form, list):
        if form and form[0] == "T":
            return [form] if form[6][1] else []
        for part in form:
            found += _tensors(part)
    return found


def _builtin(kind: type) -> str:
    """Name of the builtin class that an exception class derives from."""
    return next(base.__name__ for base in kind.__mro__ if base.__module__ == "builtins")


def _exception(raised: Raised) -> Exception:
    """Build what stands for the exception that the other end raised."""
    text = raised.text
    names = [name for name in raised.kinds if isinstance(getattr(builtins, name, None), type)]
    kind = exception_class(raised.chain, names[0] if names else "Exception")
    try:
        error = kind(text)
    except TypeError:  # some builtin exceptions take more than a message
        error = exception_class([], "RuntimeError")(text)
    told = raised.kinds[0] if raised.kinds else "an exception"
    # They tell the judge whose words these are.
    error.remote, error.kind = True, told  # type: ignore[attr-defined]  # of our own making
    return error


def _text(error: BaseException) -> str:
    try:
        return str(error)[: records.MOST_WORDS]
    except Exception:
        return ""
