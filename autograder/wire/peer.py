"""Calls between the judge and a student's process, in both directions, autograd included.

Both ends are a Peer. A value that has a form of its own (autograder.wire) is copied; of any other
object the owner keeps the object and the other side gets a reference to it. The student's end lets
references be called, looked into and iterated over. The judge's end owns functions that a check
passes, and lets them be called with values, nothing more.

An argument that the called function changed in place is copied back. A tensor that requires a
gradient stays part of one autograd graph over both processes: the caller's backward pass asks the
other end for its part of it, to any order.
"""

import builtins
import itertools
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from autograder.wire import randomness
from autograder.wire.channel import Channel
from autograder.wire.reference import Remote, RemoteError, Restriction
from autograder.wire.values import Decoder, Encoder, WireError, pack, unpack

__all__ = ["Call", "Peer", "assign", "operate"]

MAX_TEXT = 4000
DEPTH = 40  # of calls that call back


@dataclass
class Node:
    """What a backward pass needs of one call: leaves that came in, and tensors that went out."""

    inputs: list[Any]
    outputs: list[Any]


@dataclass(frozen=True)
class Call:
    """One request of this end and its answer, as they went over the wire."""

    operation: str
    target: int
    name: str
    arguments: Any
    answer: list[Any]


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
        answer = self._exchange([operation, target, name, form, graph, self._random()])
        if self.role == "judge" and len(self.calls) < 2000:
            self.calls.append(Call(operation, target, name, form, answer))
        if answer[0] == "raise":
            raise _exception(answer[1], answer[2])
        _, result, changed, node = answer
        for index, new in changed:
            if not 0 <= index < len(encoder.mutable):
                raise WireError("a change of an argument that was not passed")
            assign(encoder.mutable[index], self._decoder().decode(new))
        return self._join(result, node, encoder.tensors)

    def backward(self, node: int, gradients: list[Any], inputs: list[Any] | None) -> list[Any]:
        """Return the other end's part of a backward pass, one gradient or None for each input.

        Where inputs are given, the gradients are themselves functions of them.
        """
        form = self._encoder().encode([gradient.detach() for gradient in gradients])
        operation = "backward" if inputs is None else "backward twice"
        answer = self._exchange([operation, node, "", form, False, []])
        if answer[0] == "raise":
            raise _exception(answer[1], answer[2])
        found = self._join(answer[1], answer[3], inputs or [])
        if not isinstance(found, list):
            raise WireError("gradients are malformed")
        return found

    def serve(self) -> None:
        """Answer requests until the other end closes. Raises Closed."""
        while True:
            self._answer(unpack(self.channel.receive()[0]))

    def _exchange(self, message: list[Any]) -> list[Any]:
        self.channel.send(pack(message))
        while True:
            reply = unpack(self.channel.receive()[0])
            if not isinstance(reply, list) or not reply:
                raise WireError("a message is malformed")
            if reply[0] in ("ok", "raise"):
                if len(reply) != (5 if reply[0] == "ok" else 4):
                    raise WireError("an answer is malformed")
                self._take_random(reply.pop())
                return reply
            self._answer(reply)

    def _answer(self, message: Any) -> None:
        """Do what a message asks for and send the outcome."""
        if not isinstance(message, list) or len(message) != 6:
            raise WireError("a request is malformed")
        self._take_random(message.pop())
        self._depth += 1
        try:
            if self._depth > DEPTH:
                raise WireError(f"calls back and forth are nested more than {DEPTH} deep")
            reply = pack([*self._perform(*message), self._random()])
        except (WireError, MemoryError) as error:
            if self.role == "judge":
                raise
            reply = pack(["raise", ["TypeError", "Exception"], str(error)[:MAX_TEXT], []])
        except BaseException as error:
            if self.role == "judge" and not isinstance(error, Exception):
                raise
            names = [kind.__name__ for kind in type(error).__mro__]
            reply = pack(["raise", names, _text(error), []])
        finally:
            self._depth -= 1
        self.channel.send(reply)

    def _perform(self, operation: str, target: int, name: str, form: Any, graph: bool) -> list[Any]:
        allowed = self.role == "student" or operation in ("call", "backward", "backward twice")
        if not allowed:
            raise WireError(f"the operation {operation!r} is not offered")
        if operation in ("backward", "backward twice"):
            return self._backward(target, form, twice=operation == "backward twice")
        decoder = self._decoder()
        value = decoder.decode(form)
        self._received.update({id(made): made for made in decoder.mutable})
        before = [self._form(value) for value in decoder.mutable]
        torch = sys.modules.get("torch")
        if torch is not None:
            with torch.set_grad_enabled(bool(graph)):
                result = self._operate(operation, target, name, value)
        else:
            result = self._operate(operation, target, name, value)
        after = [self._form(value) for value in decoder.mutable]
        changed = [
            [i, new]
            for i, (old, new) in enumerate(zip(before, after, strict=True))
            if _content(old) != _content(new)
        ]
        encoder = self._encoder(decoder.tensors)
        encoded = encoder.encode(result)
        outputs = [tensor for tensor in encoder.tensors if encoder.joins(tensor)]
        node = self._remember(Node(decoder.tensors, outputs)) if outputs else 0
        return ["ok", encoded, changed, node]

    def _operate(self, operation: str, target: int, name: str, value: Any) -> Any:
        if target not in self._owned:
            raise WireError(f"there is no object {target}")
        return operate(operation, self._owned[target], name, value)

    def _backward(self, number: int, form: Any, *, twice: bool) -> list[Any]:
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
            return ["ok", self._encoder().encode(gradients), [], 0]
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
        return ["ok", encoded, [], new]

    def _random(self) -> list[Any]:
        """Return what the other end does not know of this end's random numbers.

        A check that seeds them means the student's as well; there is one stream, as in a notebook.
        """
        news = []
        for name, state in randomness.states():
            if self._known.get(name) != state:
                self._known[name] = state
                news.append([name, self._encoder().encode(state)])
        return news

    def _take_random(self, news: Any) -> None:
        for name, state in news:
            self._known[name] = state = self._decoder().decode(state)
            randomness.set_state(name, state)

    def _join(self, result: Any, node: int, inputs: list[Any]) -> Any:
        """Decode a result some of whose tensors may belong to a graph at the other end."""
        if not node:
            return self._decoder().decode(result)
        from autograder.wire.autograd import join

        outputs = [self._decoder().decode(form).detach() for form in _tensors(result)]
        joined = join(self.backward, node, outputs, inputs)
        return self._decoder(joined).decode(result)

    def _remember(self, node: Node) -> int:
        number = next(self._count)
        self._nodes[number] = node
        return number

    def _form(self, value: Any) -> list[Any]:
        form = self._encoder().encode(value)
        return form if isinstance(form, list) else [form]

    def _encoder(self, inputs: Iterable[Any] = ()) -> Encoder:
        # A student's own module stays where it is; what the judge has sent goes back as it came.
        judging, received = self.role == "judge", self._received
        return Encoder(
            self._refer, inputs=inputs, copies=lambda module: judging or id(module) in received
        )

    def _decoder(self, graph: Any = ()) -> Decoder:
        # The judge makes no objects of classes that it has not sent.
        classes = self._sent if self.role == "judge" else None
        return Decoder(self._resolve, device=self._device(), graph=graph, classes=classes)

    def _device(self) -> str | None:
        # What comes from a student's process lives on the CPU until a check moves it.
        return "cpu" if self.role == "student" else None

    def _refer(self, value: Any) -> list[Any]:
        if isinstance(value, Remote):
            return ["r", value._id]
        if self.role == "judge" and not callable(value):
            raise Restriction(
                f"a check passed a {type(value).__name__} to the submission; it can pass numbers, "
                "strings, containers, tensors, arrays, generators, torch.nn modules and functions"
            )
        return ["R", self.own(value), type(value).__name__[:60]]

    def _resolve(self, form: list[Any]) -> Any:
        number = form[1]
        if form[0] == "R":
            return Remote(self.request, int(number), str(form[2])[:60])
        if number not in self._owned:
            raise WireError(f"there is no object {number}")
        return self._owned[number]


def operate(operation: str, target: Any, name: str, value: Any) -> Any:
    """Carry out an operation on an object. Raises what the object raises, and WireError."""
    match operation:
        case "call":
            args, kwargs = value
            return target(*args, **kwargs)
        case "get":
            return getattr(target, name)
        case "set":
            return setattr(target, name, value)
        case "item":
            return target[value]
        case "len":
            return len(target)
        case "iter":
            return _Iterator(target)
        case "next":
            return next(target)
        case "name":
            return target[name]
        case "put":
            target[name] = value
            return None
        case "drop":
            target.pop(name, None)
            return None
    raise WireError(f"the operation {operation!r} is not offered")


class _Iterator:
    """An iterator under a type of its own, so that it goes as a reference and not as a value."""

    def __init__(self, iterable: Any) -> None:
        self._iterator = iter(iterable)

    def __iter__(self) -> "_Iterator":
        return self

    def __next__(self) -> Any:
        return next(self._iterator)


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


def assign(old: Any, new: Any) -> None:
    """Make the caller's object what the called function made of its copy."""
    torch = sys.modules.get("torch")
    if type(old) is not type(new) and not isinstance(old, dict):
        raise WireError("an argument came back as something else")
    if isinstance(old, list):
        old[:] = new
    elif isinstance(old, dict | set):
        old.clear()
        old.update(new)
    elif torch is not None and isinstance(old, torch.Tensor):
        with torch.no_grad():
            if old.shape == new.shape and old.dtype == new.dtype:
                old.copy_(new)
            else:
                old.data = new.detach()
            old.grad = new.grad
    elif torch is not None and isinstance(old, torch.Generator):
        old.set_state(new.get_state())
    elif torch is not None and isinstance(old, torch.nn.Module):
        _assign_module(old, new)
    else:
        old[...] = new


def _assign_module(old: Any, new: Any) -> None:
    for mine, theirs in zip(old.modules(), new.modules(), strict=True):
        mine.training = theirs.training
        for name, parameter in mine.named_parameters(recurse=False):
            other = theirs._parameters[name]
            parameter.data.copy_(other.data)
            parameter.requires_grad_(other.requires_grad)
            parameter.grad = other.grad
        for name, buffer in mine.named_buffers(recurse=False):
            buffer.copy_(theirs._buffers[name])


def _exception(names: Any, message: Any) -> Exception:
    """Build the builtin exception that is nearest to what the other end raised."""
    text = str(message)[:MAX_TEXT]
    for name in names if isinstance(names, list) else []:
        kind = getattr(builtins, str(name), None)
        if isinstance(kind, type) and issubclass(kind, Exception) and kind is not Exception:
            try:
                error = kind(text)
            except TypeError:  # some builtin exceptions take more than a message
                continue
            break
    else:
        error = RemoteError(f"{names[0] if names else 'an exception'}: {text}")
    error.remote = True  # type: ignore[attr-defined]  # tells the judge whose words these are
    return error


def _text(error: BaseException) -> str:
    try:
        return str(error)[:MAX_TEXT]
    except Exception:
        return ""
