"""Values as bytes, between a process that is trusted and one that is not.

A frame is msgpack. Plain values stand for themselves; every other value is a list whose first item
is a tag. Tensors and arrays travel as raw bytes with their strides. Nothing is pickled, sizes and
depth are bounded, and whatever is malformed raises WireError.

    ["l", items]  list      ["u", items]  tuple      ["d", pairs]  dict
    ["s", items]  set       ["z", items]  frozenset  ["i", "…"]    integer beyond 64 bits
    ["j", re, im] complex   ["c", a, b, c] slice     ["x", a, b, c] range   ["e"] Ellipsis
    ["T", …]      tensor    ["N", …]      array      ["n", …]      numpy number
    ["G", …]      generator ["D", …]      dtype      ["V", …]      device   ["S", items] torch.Size
    ["M", …]      module of a class that can be imported, by structure
    ["k", …]      a value of the standard library's: Counter, Fraction, a named tuple, a date, …
    ["=", n, …]   a value that can change, and the number of the object that it is a copy of
    ["a", n]      an argument of the call that is answered, itself
    ["R", …]      reference to an object of the sender; ["r", id] to one of the receiver
    ["E", …]      a class of exceptions of the sender's
    ["g", …]      a generator of numpy's, to a submission alone

torch and numpy are imported late: a value of theirs cannot exist before, and most courses never
need both.
"""

import importlib
import sys
from collections import OrderedDict
from collections.abc import Callable, Container, Iterable, Sequence
from typing import Any

from autograder.wire.kinds import can_change, path_of
from autograder.wire.standard import standard_form as _standard_form
from autograder.wire.standard import standard_value as _standard_value
from autograder.wire.tensors import MAX_BYTES, MOST_AXES, WireError, dtype_of, span, tensor_of, word

__all__ = ["MAX_BYTES", "Decoder", "Encoder", "WireError"]

MAX_DEPTH = 60
MAX_DIGITS = 4000  # of an integer

_PLAIN = (type(None), bool, float, str, bytes)


class Encoder:
    """Turns values into what msgpack can hold; remembers the mutable ones it met, in order.

    refer names an object that has no value form; it returns a tagged list or raises WireError.
    inputs are leaves that came from the other side and belong to its graph when they go back.
    copies tells which modules go by structure; the others are referred to. identify numbers
    objects that can change, so that the other side can tell one from another of the same content.
    arguments are those of the call that is answered, as they were met.
    """

    def __init__(
        self,
        refer: Callable[[Any], list[Any]],
        *,
        inputs: Iterable[Any] = (),
        copies: Callable[[Any], bool] = lambda _: True,
        identify: Callable[[Any], int] | None = None,
        arguments: Iterable[Any] = (),
    ) -> None:
        self._refer = refer
        self._arguments = {id(value): place for place, value in enumerate(arguments)}
        self._copies = copies
        self._identify = identify
        self._inputs = {id(leaf) for leaf in inputs}
        self.mutable: list[Any] = []
        self.tensors: list[Any] = []  # those that require a gradient
        self.classes: set[str] = set()  # of the modules it met

    def encode(self, value: Any, depth: int = 0) -> Any:
        """Return the tagged form of a value."""
        kind = type(value)
        if kind in _PLAIN:
            return value
        if kind is int:
            return value if -(2**63) <= value < 2**63 else ["i", _digits(value)]
        if depth > MAX_DEPTH:
            raise WireError(f"a value is nested more than {MAX_DEPTH} deep")
        if self._identify is not None and can_change(value):
            place = self._arguments.get(id(value))
            if place is not None and not getattr(value, "requires_grad", False):
                return ["a", place]
            return ["=", self._identify(value), self._encode(value, depth)]
        return self._encode(value, depth)

    def _encode(self, value: Any, depth: int) -> Any:
        kind = type(value)
        for container, tag in _CONTAINERS:
            if kind is container:
                if container is list or container is set:
                    self.mutable.append(value)
                return [tag, [self.encode(item, depth + 1) for item in tuple(value)]]
        if kind is dict or kind is OrderedDict:
            self.mutable.append(value)
            pairs = tuple(value.items())
            return ["d", [[self.encode(k, depth + 1), self.encode(v, depth + 1)] for k, v in pairs]]
        if kind is complex:
            return ["j", value.real, value.imag]
        if kind is slice or kind is range:
            tag = "c" if kind is slice else "x"
            parts = (value.start, value.stop, value.step)
            return [tag, *(self.encode(part, depth + 1) for part in parts)]
        if value is Ellipsis:
            return ["e"]
        if (known := _standard_form(value)) is not None:
            return ["k", known[0], [self.encode(part, depth + 1) for part in known[1]]]
        form = self._numpy(value)
        if form is None:
            form = self._torch(value, depth)
        return self._refer(value) if form is None else form

    def _numpy(self, value: Any) -> list[Any] | None:
        np = sys.modules.get("numpy")
        if np is None or not isinstance(value, np.ndarray | np.generic):
            return None
        if value.dtype.kind not in "biufcSU":
            return None
        if isinstance(value, np.generic):
            return ["n", value.dtype.str, value.tobytes()]
        value = np.asarray(value)
        self.mutable.append(value)
        # Bytes in the order of memory, so that a transposed array stays one.
        order = sorted(range(value.ndim), key=lambda axis: -abs(value.strides[axis]))
        return ["N", value.dtype.str, list(value.shape), order, value.transpose(order).tobytes()]

    def _torch(self, value: Any, depth: int) -> list[Any] | None:
        torch = sys.modules.get("torch")
        if torch is None:
            return None
        if isinstance(value, torch.Tensor):
            return self._tensor(torch, value)
        if isinstance(value, torch.dtype):
            return ["D", str(value).removeprefix("torch.")]
        if isinstance(value, torch.device):
            return ["V", str(value)]
        if isinstance(value, torch.Size):
            return ["S", list(value)]
        if isinstance(value, torch.Generator):
            self.mutable.append(value)
            return ["G", str(value.device), value.get_state().numpy().tobytes()]
        if isinstance(value, torch.nn.Module) and self._copy(value):
            self.mutable.append(value)
            return self._module(value, depth)
        return None

    def _tensor(self, torch: Any, value: Any) -> list[Any] | None:
        if value.layout is not torch.strided or value.is_meta or value.is_quantized:
            return None
        if type(value) is not torch.Tensor:
            with torch._C.DisableTorchFunctionSubclass():
                requires_grad, grad = value.requires_grad, value.grad if value.is_leaf else None
                value = value.detach().as_subclass(torch.Tensor)
                value.requires_grad_(requires_grad)
                value.grad = grad
        self.mutable.append(value)
        graph = value.requires_grad and self.joins(value)
        if value.requires_grad:
            self.tensors.append(value)
        grad = None
        if value.is_leaf and value.grad is not None:
            grad = self._tensor(torch, value.grad.detach())
            self.mutable.pop()
        return [
            "T",
            str(value.dtype).removeprefix("torch."),
            list(value.shape),
            list(value.stride()),
            str(value.device),
            span(torch, value),
            [value.requires_grad, graph, grad],
        ]

    def _copy(self, module: Any) -> bool:
        return self._copies(module) and all(map(path_of, module.modules()))

    def joins(self, tensor: Any) -> bool:
        """Tell whether a tensor that requires a gradient belongs to a graph of both sides."""
        return not tensor.is_leaf or id(tensor) in self._inputs

    def _module(self, module: Any, depth: int) -> list[Any]:
        plain = {
            key: item
            for key, item in vars(module).items()
            if not key.startswith("_") and key != "training"
        }
        if depth > MAX_DEPTH:
            raise WireError(f"a module is nested more than {MAX_DEPTH} deep")
        self.classes.add(path_of(module))
        children = module._modules.items()
        before = len(self.mutable)
        form = [
            "M",
            path_of(module),
            bool(module.training),
            self.encode(plain, depth + 1),
            self.encode(dict(module._parameters), depth + 1),
            self.encode(dict(module._buffers), depth + 1),
            [
                "d",
                [
                    [k, None if child is None else self._module(child, depth + 1)]
                    for k, child in children
                ],
            ],
        ]
        del self.mutable[before:]
        return form


class Decoder:
    """Turns tagged values back; what it makes is remembered in the order of Encoder.mutable.

    resolve turns ["R", …] and ["r", …] into an object. graph holds the tensors to use, in order,
    in place of those that the sender's autograd graph computed. classes, where given, names the
    classes of modules that may be made. identity returns the value that stands for an object of
    this number already, given a new copy of it. arguments are those of the call that was made.
    """

    def __init__(
        self,
        resolve: Callable[[list[Any]], Any],
        *,
        device: str | None = None,
        graph: Any = (),
        classes: Container[str] | None = None,
        identity: Callable[[int, Any], Any] | None = None,
        arguments: Sequence[Any] = (),
    ) -> None:
        self._resolve = resolve
        self._arguments = arguments
        self._classes = classes
        self._identity = identity
        self._device = device
        self._graph = list(graph)
        self.mutable: list[Any] = []
        self.tensors: list[Any] = []

    def decode(self, form: Any) -> Any:
        """Return the value. Raises WireError where the form is malformed."""
        try:
            return self._decode(form, 0)
        except WireError:
            raise
        except Exception as error:
            raise WireError(f"a value is malformed: {type(error).__name__}: {error}") from None

    def _decode(self, form: Any, depth: int) -> Any:
        kind = type(form)
        if kind in _PLAIN or kind is int:
            return form
        if kind is not list or not form or type(form[0]) is not str or depth > MAX_DEPTH + 2:
            raise WireError(f"a value is malformed: {str(form)[:60]}")
        tag = form[0]
        for container, mark in _CONTAINERS:
            if tag == mark:
                if container is list or container is set:
                    at = self._reserve()
                    self.mutable[at] = container(self._decode(item, depth + 1) for item in form[1])
                    return self.mutable[at]
                return container(self._decode(item, depth + 1) for item in form[1])
        if tag == "d":
            at = self._reserve()
            pairs = [(self._decode(k, depth + 1), self._decode(v, depth + 1)) for k, v in form[1]]
            self.mutable[at] = dict(pairs)
            return self.mutable[at]
        if tag in ("R", "r", "E", "g"):
            return self._resolve(form)
        if tag == "a":
            return self._arguments[range(len(self._arguments))[form[1]]]
        if tag == "=":
            made = self._decode(form[2], depth)
            if self._identity is None or getattr(made, "requires_grad", False):
                return made
            return self._identity(int(form[1]), made)
        if tag == "k":
            return _standard_value(str(form[1]), [self._decode(p, depth + 1) for p in form[2]])
        return self._leaf(tag, form, depth)

    def _leaf(self, tag: str, form: list[Any], depth: int) -> Any:
        match tag:
            case "i":
                if len(form[1]) > MAX_DIGITS:
                    raise WireError("an integer has too many digits")
                return int(form[1])
            case "j":
                return complex(form[1], form[2])
            case "c":
                return slice(*(self._decode(part, depth + 1) for part in form[1:4]))
            case "x":
                return range(*(self._decode(part, depth + 1) for part in form[1:4]))
            case "e":
                return Ellipsis
            case "n" | "N":
                return self._array(form)
        if tag not in ("T", "D", "V", "S", "G", "M"):
            raise WireError(f"a value has the unknown tag {tag[:60]!r}")
        try:
            import torch
        except ImportError as error:
            raise WireError(f"a value of torch came, and torch cannot be had: {error}") from None
        match tag:
            case "T":
                return self._tensor(torch, form)
            case "D":
                return dtype_of(torch, form[1])
            case "V":
                return torch.device(word(form[1]))
            case "S":
                return torch.Size(int(size) for size in form[1])
            case "G":
                return self._generator(torch, form)
            case _:
                return self._module(torch, form, depth)

    def _reserve(self) -> int:
        self.mutable.append(None)
        return len(self.mutable) - 1

    def _array(self, form: list[Any]) -> Any:
        import numpy as np

        dtype = np.dtype(word(form[1]))
        if dtype.kind not in "biufcSU":
            raise WireError(f"an array has the dtype {form[1]}")
        if form[0] == "n":
            return np.frombuffer(form[2], dtype, count=1)[0]
        if max(len(form[2]), len(form[3])) > MOST_AXES:
            raise WireError("an array has too many axes")
        shape, order = [int(n) for n in form[2]], [int(axis) for axis in form[3]]
        if sorted(order) != list(range(len(shape))):
            raise WireError("an array's axes are malformed")
        stored = np.frombuffer(bytearray(form[4]), dtype).reshape([shape[axis] for axis in order])
        array = stored.transpose(np.argsort(order)) if order else stored
        self.mutable.append(array)
        return array

    def _tensor(self, torch: Any, form: list[Any]) -> Any:
        requires_grad, graph, grad = form[6]
        if graph and self._graph:
            tensor = self._graph.pop(0)
        else:
            tensor = tensor_of(torch, form, self._device)
            if grad is not None:
                tensor.grad = tensor_of(torch, grad, self._device)
            tensor.requires_grad_(bool(requires_grad))
        self.mutable.append(tensor)
        if requires_grad:
            self.tensors.append(tensor)
        return tensor

    def _generator(self, torch: Any, form: list[Any]) -> Any:
        generator = torch.Generator(word(form[1]))
        generator.set_state(torch.frombuffer(bytearray(form[2]), dtype=torch.uint8))
        self.mutable.append(generator)
        return generator

    def _module(self, torch: Any, form: list[Any], depth: int) -> Any:
        at = self._reserve()
        _, path, training, *parts = form
        if self._classes is not None and path not in self._classes:
            raise WireError(f"a module came back as {str(path)[:60]}")
        where, _, name = path.partition(":")
        made = getattr(importlib.import_module(where), name)
        if not (isinstance(made, type) and issubclass(made, torch.nn.Module)):
            raise WireError(f"{path} is no module of torch")
        module: Any = object.__new__(made)
        torch.nn.Module.__init__(module)
        module.training = bool(training)
        plain, parameters, buffers, modules = (self._decode(part, depth + 1) for part in parts)
        vars(module).update(plain)
        for key, tensor in parameters.items():
            as_parameter = None
            if tensor is not None:
                as_parameter = torch.nn.Parameter(tensor.detach(), tensor.requires_grad)
                as_parameter.grad = tensor.grad
                self.tensors = [as_parameter if t is tensor else t for t in self.tensors]
            module.register_parameter(key, as_parameter)
        for key, tensor in buffers.items():
            module.register_buffer(key, tensor)
        for key, child in modules.items():
            module.add_module(key, child)
        self.mutable[at] = module
        del self.mutable[at + 1 :]
        return module


_CONTAINERS: tuple[tuple[Callable[..., Any], str], ...] = (
    (list, "l"),
    (tuple, "u"),
    (set, "s"),
    (frozenset, "z"),
)


def _digits(value: int) -> str:
    if value.bit_length() > 3 * MAX_DIGITS:
        raise WireError("an integer has too many digits")
    return str(value)
