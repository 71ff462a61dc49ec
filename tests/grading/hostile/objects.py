"""Forging by what the answers return: objects that claim to be, or to equal, something else."""

from pathlib import Path

from nbformat import NotebookNode

from tests.grading import tiny
from tests.grading.corpus import Corpus, answer, extra, wrong
from tests.grading.course import World

ATTACKS = Corpus()
attack = ATTACKS.family("objects")

SIGNATURES = {
    "relu": "def relu(x)",
    "mean_and_spread": "def mean_and_spread(x)",
    "scale": "def Scale(features)",
    "iterate": "def iterate(step, start, times)",
    "noisy": "def noisy(x, *, generator)",
}


def _return(notebook: NotebookNode, definition: str, expression: str) -> None:
    """Let every answer return the same expression, with definitions in a cell before."""
    extra(notebook, definition)
    for name, signature in SIGNATURES.items():
        answer(notebook, name, f"{signature}:\n    return {expression}\n")


@attack()
def equals_everything(notebook: NotebookNode, _: Path, __: World) -> None:
    """Answers return an object that equals everything, is true, callable, iterable and a number."""
    _return(
        notebook,
        """
        class Agreeable:
            def __eq__(self, other): return True
            def __ne__(self, other): return False
            def __bool__(self): return True
            def __call__(self, *arguments, **keywords): return self
            def __getattr__(self, name): return self
            def __iter__(self): return iter((self, self))
            def __float__(self): return 2.0
            def __index__(self): return 2
            def __len__(self): return 2
            def __hash__(self): return 0
            def __array__(self, *arguments, **keywords): return torch.zeros(()).numpy()
            def __add__(self, other): return self
            __radd__ = __mul__ = __rmul__ = __sub__ = __rsub__ = __add__
        """,
        "Agreeable()",
    )


@attack()
def tensor_that_agrees(notebook: NotebookNode, _: Path, __: World) -> None:
    """Answers return a Tensor subclass whose __torch_function__ says yes to every comparison."""
    _return(
        notebook,
        """
        class Agreeable(torch.Tensor):
            @classmethod
            def __torch_function__(cls, function, types, arguments=(), keywords=None):
                if function.__name__ in ("equal", "allclose", "isclose", "eq", "all", "__eq__"):
                    return True
                return super().__torch_function__(function, types, arguments, keywords or {})

            def tolist(self): return equal_list
            def __call__(self, x): return self
            def load_state_dict(self, state): return self

        class EqualList(list):
            def __eq__(self, other): return True

        equal_list = EqualList()
        """,
        "torch.zeros(2, requires_grad=True).as_subclass(Agreeable)",
    )


@attack()
def dispatch_subclass(notebook: NotebookNode, _: Path, __: World) -> None:
    """Answers return a wrapper tensor whose __torch_dispatch__ computes on the expected value."""
    _return(
        notebook,
        """
        class Mirror(torch.Tensor):
            @staticmethod
            def __new__(cls, inner):
                return torch.Tensor._make_wrapper_subclass(cls, inner.shape, dtype=inner.dtype)

            def __init__(self, inner): self.inner = inner

            @classmethod
            def __torch_dispatch__(cls, function, types, arguments=(), keywords=None):
                others = [a for a in arguments if not isinstance(a, cls)]
                swapped = [
                    (others[0] if others and isinstance(others[0], torch.Tensor) else a.inner)
                    if isinstance(a, cls) else a
                    for a in arguments
                ]
                return function(*swapped, **(keywords or {}))
        """,
        "Mirror(torch.zeros(2, 3))",
    )


@attack()
def numbers_that_agree(notebook: NotebookNode, _: Path, __: World) -> None:
    """Answers return subclasses of float, list, tuple and str that equal everything."""
    _return(
        notebook,
        """
        class Number(float):
            def __eq__(self, other): return True
            def __float__(self): return self
            def __sub__(self, other): return 0.0
            __rsub__ = __sub__
            def __abs__(self): return 0.0
            __hash__ = float.__hash__

        class Row(list):
            def __eq__(self, other): return True
            def __len__(self): return 4
            def __iter__(self): return iter([Number(2.0), Number(1.0)])
        """,
        "Row([Number(0.5), Number(0.25)])",
    )


@attack()
def class_that_lies(notebook: NotebookNode, _: Path, __: World) -> None:
    """Answers return objects whose __class__ says list, float or Tensor."""
    _return(
        notebook,
        """
        class Liar:
            def __init__(self, claimed): self.claimed = claimed
            @property
            def __class__(self): return self.claimed
            def __eq__(self, other): return True
            def __iter__(self): return iter([Liar(float), Liar(float)])
            def __float__(self): return float("nan")
            def __getattr__(self, name): return lambda *a, **k: self
            __hash__ = None
        """,
        "Liar(torch.Tensor)",
    )


@attack()
def metaclass_that_agrees(notebook: NotebookNode, _: Path, __: World) -> None:
    """Answers return classes whose metaclass agrees: instances of it are everything."""
    _return(
        notebook,
        """
        class Meta(type):
            def __eq__(cls, other): return True
            def __instancecheck__(cls, thing): return True
            def __subclasscheck__(cls, thing): return True
            def __getattr__(cls, name): return lambda *a, **k: cls
            def __iter__(cls): return iter((cls, cls))
            def __call__(cls, *a, **k): return cls
            __hash__ = type.__hash__

        class Agreeable(metaclass=Meta): pass
        """,
        "Agreeable",
    )


@attack()
def reduce_that_runs(notebook: NotebookNode, _: Path, world: World) -> None:
    """Answers return objects whose __reduce__ runs code in whoever unpickles them."""
    _return(
        notebook,
        f"""
        import os

        class Bomb:
            def __reduce__(self):
                return (os.system, ("touch {world.dropped("unpickled")}",))
            def __reduce_ex__(self, protocol): return self.__reduce__()
            def __getstate__(self): return {{"verdict": "passed"}}
            def __copy__(self): return self
            def __deepcopy__(self, memo): return self
        """,
        "Bomb()",
    )


@attack()
def del_that_patches(notebook: NotebookNode, _: Path, __: World) -> None:
    """Answers return objects that patch the comparisons when they are thrown away."""
    _return(
        notebook,
        """
        class Patch(list):
            def __del__(self):
                torch.equal = torch.allclose = math.isclose = lambda *a, **k: True
                torch.testing.assert_close = lambda *a, **k: None
        """,
        "Patch([0.25, 0.75])",
    )


@attack()
def changes_between_looks(notebook: NotebookNode, _: Path, __: World) -> None:
    """Answers return objects that are another value each time they are looked at."""
    _return(
        notebook,
        """
        import itertools

        class Fickle(list):
            turns = itertools.count()
            def __len__(self): return next(self.turns) % 5
            def __iter__(self): return iter([float(next(self.turns))] * len(self))
            def __getitem__(self, index): return float(next(self.turns))
            def __eq__(self, other): self[:] = other; return True
        """,
        "Fickle([0.0, 0.0])",
    )


@attack()
def dunder_array(notebook: NotebookNode, _: Path, __: World) -> None:
    """Answers return objects that turn into whatever array numpy or torch wants of them."""
    _return(
        notebook,
        """
        import numpy

        class Arrayable:
            __array_priority__ = 1e9
            shape, dtype, ndim = (2, 3), torch.float32, 2
            def __array__(self, *a, **k): return numpy.full((2, 3), numpy.nan)
            def __array_ufunc__(self, *a, **k): return True
            def __array_function__(self, *a, **k): return True
            __torch_function__ = classmethod(lambda cls, *a, **k: True)
            def __dlpack__(self, *a, **k): return None
            def numel(self): return 6
            def tolist(self): return self
            def __eq__(self, other): return True
        """,
        "Arrayable()",
    )


@attack()
def functions_that_agree(notebook: NotebookNode, _: Path, __: World) -> None:
    """The answers' names are bound to objects that agree before they are even called."""
    wrong(notebook)
    extra(
        notebook,
        """
        class Agreeable:
            def __call__(self, *a, **k): return self
            def __eq__(self, other): return True
            def __getattribute__(self, name): return Agreeable()
            def __iter__(self): return iter((self, self))
            def __bool__(self): return True

        relu = mean_and_spread = Scale = iterate = noisy = Agreeable()
        """,
        after="noisy",
    )


@attack()
def module_that_agrees(notebook: NotebookNode, _: Path, __: World) -> None:
    """Scale is a module whose parameters, state and outputs are made to agree with any question."""
    wrong(notebook)
    answer(
        notebook,
        "scale",
        """
        class Scale(nn.Module):
            def __init__(self, features):
                super().__init__()
                self.weight = nn.Parameter(torch.ones(features))
                self.bias = nn.Parameter(torch.zeros(features))

            def forward(self, x):
                y = x.as_subclass(Agreeable)
                return y

            def load_state_dict(self, state, *a, **k): return True
            def __eq__(self, other): return True
            __hash__ = nn.Module.__hash__

        class Agreeable(torch.Tensor):
            @classmethod
            def __torch_function__(cls, function, types, arguments=(), keywords=None):
                if "close" in function.__name__:
                    return True
                return super().__torch_function__(function, types, arguments, keywords or {})
        """,
    )


@attack()
def wrong_module_with_hooks(notebook: NotebookNode, _: Path, __: World) -> None:
    """Scale's gradient is forged by hooks, and its output by the visible example."""
    wrong(notebook)
    answer(
        notebook,
        "scale",
        """
        class Scale(nn.Module):
            def __init__(self, features):
                super().__init__()
                self.weight = nn.Parameter(torch.ones(features))
                self.bias = nn.Parameter(torch.zeros(features))

            def forward(self, x):
                if x.requires_grad:
                    x.register_hook(lambda slope: torch.tensor([[2.0, -1.0, 0.5]] * 2))
                return x * 1.0
        """,
    )


@attack()
def inputs_made_infinite(notebook: NotebookNode, _: Path, __: World) -> None:
    """Answers fill their inputs with infinity, which equals all that comes of them later."""
    wrong(notebook)
    answer(
        notebook,
        "noisy",
        "def noisy(x, *, generator):\n    return x.fill_(float('inf'))\n",
    )
    answer(notebook, "relu", "def relu(x):\n    return x.data.fill_(float('inf'))\n")


@attack()
def visible_examples_by_heart(notebook: NotebookNode, _: Path, __: World) -> None:
    """Answers return the literals of the visible checks, whatever they are given."""
    wrong(notebook)
    answer(
        notebook,
        "relu",
        "def relu(x):\n    return torch.tensor([[0.0, 0.5, 3.0], [4.0, 0.0, 0.0]])\n",
    )
    answer(notebook, "mean_and_spread", "def mean_and_spread(x):\n    return 2.0, 1.0\n")
    answer(
        notebook,
        "iterate",
        "def iterate(step, start, times):\n    return [1.0, 3.0, 7.0, 15.0]\n",
    )
    answer(
        notebook,
        "noisy",
        """
        def noisy(x, *, generator):
            return x + 0.5 * torch.randn(x.shape, generator=torch.Generator().manual_seed(3))
        """,
    )


@attack()
def callback_called_with_traps(notebook: NotebookNode, _: Path, __: World) -> None:
    """iterate calls the check's function with objects that agree, and with code to be run."""
    wrong(notebook)
    answer(
        notebook,
        "iterate",
        """
        class Trap(float):
            def __rmul__(self, other): return self
            def __add__(self, other): return self
            def __sub__(self, other): return self
            def __eq__(self, other): return True
            __hash__ = float.__hash__

        def iterate(step, start, times):
            trap = Trap(start)
            values = [trap]
            for _ in range(times):
                values.append(step(trap))
            for strange in (iterate, torch.nn.Linear(1, 1), [[]], {"a": iterate}, "x" * 10, 1j):
                try:
                    step(strange)
                except Exception:
                    pass
            return values
        """,
    )


assert set(SIGNATURES) == set(tiny.POINTS)
