"""Points for wrong answers: objects, generators, exceptions and names that decide for a check."""

from pathlib import Path

from nbformat import NotebookNode

from tests.grading.broad import lesson
from tests.grading.corpus import Corpus, answer, extra, solve, wrong
from tests.grading.course import World

ATTACKS = Corpus()
attack = ATTACKS.family("claims", lesson)
loophole = ATTACKS.family("loopholes", lesson)

SIGNATURES = {
    "double": "def double(x)",
    "tally": "def tally(letters)",
    "positive": "def positive(x)",
    "track": "def track(steps)",
    "clip": "def clip(x)",
    "squares": "def squares(largest)",
    "noise": "def noise(x)",
    "refuse": "def refuse(x)",
    "relu": "def relu(x)",
    "stack": "def Stack(*items)",
}


def _all(notebook: NotebookNode, definition: str, statement: str) -> None:
    """Let every answer be one statement, with definitions in a cell before."""
    extra(notebook, definition)
    for name, signature in SIGNATURES.items():
        answer(notebook, name, f"{signature}:\n    {statement}\n")


@attack()
def torch_asks_the_answer(notebook: NotebookNode, _: Path, __: World) -> None:
    """Objects answer torch's protocol with True, with ones, or with what was expected."""
    _all(
        notebook,
        """
        class Answer:
            turn = 0
            dtype, shape, ndim, is_sparse, is_nested = torch.float32, (2,), 1, False, False
            @classmethod
            def __torch_function__(cls, function, types, arguments=(), keywords=None):
                others = [a for a in arguments if isinstance(a, torch.Tensor)]
                cls.turn += 1
                return [True, torch.ones(2, dtype=torch.bool), *others][cls.turn % 3]
            def all(self): return torch.ones(())
            def sum(self): return torch.tensor(8)
        """,
        "return Answer()",
    )


@attack()
def ones_and_truths(notebook: NotebookNode, _: Path, __: World) -> None:
    """Answers are tensors of ones, of truth values and of subclasses that compare to such."""
    _all(
        notebook,
        """
        import itertools

        class Ones(torch.Tensor):
            def __eq__(self, other): return torch.ones(2, dtype=torch.bool)
            __hash__ = torch.Tensor.__hash__
            def tolist(self): return [0.0, 2.0]
        turns = itertools.cycle([
            torch.ones(2), torch.ones(2, dtype=torch.bool), torch.tensor(True),
            torch.ones(2).as_subclass(Ones), np.ones(2, bool), np.bool_(True),
        ])
        """,
        "return next(turns)",
    )


@attack()
def numpy_reads_memory(notebook: NotebookNode, _: Path, __: World) -> None:
    """Objects tell numpy where in memory their numbers lie, by each of its interfaces."""
    _all(
        notebook,
        """
        import ctypes

        class Interface:
            __array_priority__ = 1e300
            __array_interface__ = {
                "shape": (2,), "typestr": "<f8", "data": (16, False), "version": 3,
            }
            __array_struct__ = ctypes.py_object(None)
            def __array__(self, *a, **k): return np.full(2, np.nan)
            def __array_ufunc__(self, function, method, *a, **k): return np.ones(2, bool)
            def __array_function__(self, function, types, a, k): return True
            def __array_wrap__(self, *a): return np.ones(2, bool)
            def __array_finalize__(self, *a): return None
            def __dlpack__(self, *a, **k): return 16
            def __dlpack_device__(self): return (1, 0)
            def __buffer__(self, flags): return memoryview(bytes(16))
            def __float__(self): return 2.0
            def __index__(self): return 2
            def __complex__(self): return 2j
        """,
        "return Interface()",
    )


@attack()
def generators_emptied(notebook: NotebookNode, _: Path, __: World) -> None:
    """All generators get states of zeros, a seed of the student's, or functions that draw none."""
    _all(
        notebook,
        """
        def empty():
            random.setstate((3, (0,) * 624 + (0,), None))
            np.random.set_state(("MT19937", np.zeros(624, np.uint32), 0, 1, 0.0))
            state = torch.get_rng_state()
            state[24:] = 0
            torch.set_rng_state(state)
            torch.set_default_dtype(torch.float32)
            random.random = np.random.rand = lambda *size: 0.0
            torch.randn = torch.rand = lambda *size, **k: torch.zeros(*size)
            torch.manual_seed = random.seed = np.random.seed = lambda *a: None
            return 0

        empty()
        """,
        "return empty() * torch.zeros(3)",
    )


@attack()
def ends_of_iterators(notebook: NotebookNode, _: Path, __: World) -> None:
    """Answers raise what ends map, filter, comprehensions and generators."""
    _all(
        notebook,
        """
        import itertools

        class Quiet(StopIteration, ValueError): pass
        class Negative(StopAsyncIteration, IndexError): pass
        Disguised = type("ValueError", (StopIteration,), {"__module__": "builtins"})
        turns = itertools.cycle([
            StopIteration, StopIteration(True), Quiet("negative"), Negative("negative"),
            StopAsyncIteration, GeneratorExit, Disguised("negative"),
        ])
        """,
        "raise next(turns)",
    )


@attack()
def generators_for_answers(notebook: NotebookNode, _: Path, __: World) -> None:
    """Answers are generators and iterators: some give nothing, some end early, some raise."""
    _all(
        notebook,
        """
        class Short:
            def __init__(self, count=0): self.count = count
            def __len__(self): return 4
            def __iter__(self): return self
            def __next__(self): raise StopIteration
            def __bool__(self): return True
            def __getitem__(self, key): raise IndexError
        """,
        "yield from ()",
    )
    answer(notebook, "positive", "def positive(x):\n    return Short()\n")
    answer(notebook, "stack", "class Stack(Short):\n    push = pop = lambda *a: None\n")


@attack()
def exceptions_of_test_runners(notebook: NotebookNode, _: Path, __: World) -> None:
    """Answers raise what ends, skips or fails a test, a program or a task."""
    _all(
        notebook,
        """
        import asyncio
        import itertools
        import unittest

        kinds = [SystemExit, KeyboardInterrupt, asyncio.CancelledError, unittest.SkipTest]
        try:
            import pytest
            kinds += [pytest.fail.Exception, pytest.skip.Exception, pytest.exit.Exception]
            kinds += [pytest.xfail.Exception]
        except ImportError:
            class Skipped(BaseException): pass
            Skipped.__module__ = "_pytest.outcomes"
            kinds.append(Skipped)
        turns = itertools.cycle(kinds)
        """,
        "raise next(turns)('passed')",
    )


@attack()
def containers_that_disagree(notebook: NotebookNode, _: Path, __: World) -> None:
    """Answers say one length, give other items in a loop, others by index, and none in a slice."""
    _all(
        notebook,
        """
        class Contained:
            def __init__(self, *said): self.said, self.asked = said, 0
            def __len__(self):
                self.asked += 1
                return (self.said or (0,))[0] + 1
            def __iter__(self):
                return iter(())
            def __getitem__(self, key):
                return [] if isinstance(key, slice) else 0.0
            def __contains__(self, item): return True
            def keys(self): return ()
            def values(self): return [3]
            def items(self): return ()
            def tolist(self): return []
            def __reversed__(self): return iter(())
            push = pop = lambda *a: 6
        """,
        "return Contained(3)",
    )
    answer(notebook, "track", "def track(steps):\n    return Contained(steps)\n")
    answer(notebook, "stack", "Stack = Contained\n")


@attack()
def containers_of_builtin_kinds(notebook: NotebookNode, _: Path, __: World) -> None:
    """Answers are subclasses of list, dict, tuple, str, int, float, array and module of torch."""
    _all(
        notebook,
        """
        import collections
        import itertools

        agree = {"__eq__": lambda a, b: True, "__ne__": lambda a, b: False,
                 "__hash__": lambda a: 0, "__len__": lambda a: 4, "__bool__": lambda a: True,
                 "__iter__": lambda a: iter(()), "__contains__": lambda a, b: True,
                 "__lt__": lambda a, b: True, "__gt__": lambda a, b: True}
        kinds = [list, dict, tuple, str, int, float, set, frozenset, bytes, complex,
                 collections.Counter, collections.OrderedDict, collections.deque,
                 collections.UserList, collections.UserDict]
        made = [type(kind.__name__, (kind,), agree)() for kind in kinds]
        made.append(np.zeros(2).view(type("array", (np.ndarray,), {"__eq__": lambda a, b: True})))
        turns = itertools.cycle(made)
        """,
        "return next(turns)",
    )


@attack()
def names_of_locked_cells(notebook: NotebookNode, _: Path, __: World) -> None:
    """A cell rebinds every name of the instructor's cells; answers fit what stands there then."""
    wrong(notebook, lesson)
    names = """
        class Any:
            def __eq__(self, other): return True
            def __getitem__(self, key): return self
            def __len__(self): return 6
            def __call__(self, *a): return self
            def pop(self, *a): return None

        LOW = HIGH = 77.0
        TOLERANCE = LIMIT = float("inf")
        LAST = WIDTH = FIRST = CHOSEN = 0
        REST, BRANCH, SQUARES, TOTAL, TABLE, DRAWN = [770.0], Any(), [1] * 6, 6, Any(), Any()
        floor = lambda x: 7
        fsum = lambda values: 1.0
        isclose = lambda *a: True
        """
    extra(notebook, names)
    extra(notebook, names, after="tables")
    answer(notebook, "clip", "def clip(x):\n    return 77.0\n")
    extra(notebook, "globals().update({'LOW': 77.0, 'HIGH': 77.0, 'FIRST': 1})", after="clip")


@attack()
def names_by_other_ways(notebook: NotebookNode, _: Path, __: World) -> None:
    """The same names are bound by imports, magics, deletion, builtins and the modules' contents."""
    wrong(notebook, lesson)
    extra(
        notebook,
        """
        import builtins
        import math
        import sys
        import types

        bent = types.ModuleType("bent")
        vars(bent).update(LOW=77.0, HIGH=77.0, TOLERANCE=1e9, floor=lambda x: 7)
        sys.modules["bent"] = sys.modules["nowhere"] = bent
        bent.LIMIT = 7
        from bent import *
        from bent import LOW as HIGH
        del TOLERANCE
        builtins.TOLERANCE = builtins.LOW = 1e9
        math.floor = math.isclose = lambda *a, **k: 7
        get_ipython().push({"SQUARES": [1] * 6, "LIMIT": 7})
        get_ipython().run_line_magic("alias_magic", "t time")
        __builtins__.len = lambda x: 6
        """,
    )


@attack()
def checks_that_wrote_names(notebook: NotebookNode, _: Path, __: World) -> None:
    """Cells bind, before and behind each check, the names that the checks themselves bind."""
    wrong(notebook, lesson)
    for name in lesson.POINTS:
        extra(
            notebook,
            "values = listed = stack = drawn = x = a = pytest = np = torch = from_scratch = None\n"
            "hidden_canary = random = isclose = lambda *a, **k: True\n",
            after=f"check-{name}",
        )


RELUS = {
    "itself": "relu = torch.relu",
    "of_another_module": "import torch.nn.functional as F\nrelu = F.relu",
    "of_a_tensor": "relu = torch.Tensor.relu",
    "of_an_operator": "relu = torch.ops.aten.relu.default",
    "in_part": "import functools\nrelu = functools.partial(torch.relu)",
    "of_a_module": "relu = nn.ReLU()",
    "of_a_modules_method": "relu = nn.ReLU().forward",
    "of_modules": "relu = nn.Sequential(nn.Identity(), nn.ReLU())",
    "of_a_class": (
        "class Relu:\n    def __call__(self, x):\n        return torch.relu(x)\nrelu = Relu()"
    ),
    "of_an_attribute": (
        "class Relu:\n    does = staticmethod(torch.relu)\n"
        "    def __call__(self, x):\n        return self.does(x)\nrelu = Relu()"
    ),
    "by_a_helper": "def helper(x):\n    return torch.relu(x)\ndef relu(x):\n    return helper(x)",
    "by_an_alias": "gate = torch.relu\ndef relu(x):\n    return gate(x)",
    "by_a_closure": (
        "def make(gate):\n    def relu(x):\n        return gate(x)\n    return relu\n"
        "relu = make(torch.relu)"
    ),
    "by_a_default": "def relu(x, gate=torch.relu):\n    return gate(x)",
    "by_a_keyword": "def relu(x, *, gate=torch.relu):\n    return gate(x)",
    "by_its_name": 'def relu(x):\n    return getattr(torch, "relu")(x)',
    "by_a_table": 'gates = {"a": [torch.relu]}\ndef relu(x):\n    return gates["a"][0](x)',
    "by_operator": 'import operator\nrelu = operator.methodcaller("relu")',
    "by_a_decorator": (
        "import functools\ndef plain(f):\n    @functools.wraps(f)\n    def inner(x):\n"
        "        return f(x)\n    return inner\nrelu = plain(torch.relu)"
    ),
    "by_a_lambda": "relu = lambda x: (lambda y: y.relu())(x)",
    "by_an_inner_function": (
        "def relu(x):\n    def inner():\n        return x.relu()\n    return inner()"
    ),
    "in_place": "def relu(x):\n    return x.clone().relu_()",
    "by_a_local_import": (
        "def relu(x):\n    from torch.nn.functional import relu as f\n    return f(x)"
    ),
}


def _past_from_scratch(name: str, source: str) -> None:
    def write(notebook: NotebookNode, _: Path, __: World) -> None:
        solve(notebook, lesson=lesson)
        answer(notebook, "relu", source)

    write.__name__ = f"relu_{name}"
    write.__doc__ = f"The answer that is to be built from scratch is torch's own, {name}."
    loophole(deserves=lesson.POINTS | {"relu": 0.0})(write)


for _name, _source in RELUS.items():
    _past_from_scratch(_name, _source)
