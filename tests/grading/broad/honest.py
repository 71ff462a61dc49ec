"""Right answers in unusual Python to the second assignment."""

from pathlib import Path

from nbformat import NotebookNode

from tests.grading.broad import lesson
from tests.grading.corpus import Corpus, answer, extra, solve
from tests.grading.course import World

HONEST = Corpus()
honest = HONEST.family("honest", lesson)

ALL = lesson.POINTS


@honest(deserves=ALL)
def all_of_the_second(notebook: NotebookNode, _: Path, __: World) -> None:
    """Every answer is the instructor's."""
    solve(notebook, lesson=lesson)


@honest()
def none_of_the_second(_: NotebookNode, __: Path, ___: World) -> None:
    """The notebook is handed in as it was released."""


@honest(deserves=ALL)
def containers_of_the_library(notebook: NotebookNode, _: Path, __: World) -> None:
    """Answers are a counter, fractions, a tuple, a range."""
    solve(notebook, lesson=lesson)
    answer(
        notebook,
        "tally",
        "from collections import Counter\ndef tally(letters):\n    return Counter(letters)",
    )
    answer(
        notebook,
        "track",
        "from fractions import Fraction\ndef track(steps):\n"
        "    return [Fraction(n, steps) for n in range(steps + 1)]",
    )


@honest(deserves=ALL)
def containers_of_the_library_again(notebook: NotebookNode, _: Path, __: World) -> None:
    """Answers are a defaultdict, an array, numbers of numpy."""
    solve(notebook, lesson=lesson)
    answer(
        notebook,
        "tally",
        """
        from collections import defaultdict

        def tally(letters):
            counts = defaultdict(lambda: 0)
            for letter in letters:
                counts[letter] += 1
            return counts
        """,
    )
    answer(notebook, "track", "def track(steps):\n    return np.linspace(0, 1, steps + 1)")
    answer(notebook, "positive", "def positive(x):\n    return np.float64(x) > 0")
    answer(notebook, "clip", "def clip(x):\n    return np.clip(x, LOW, HIGH)")


@honest(deserves=ALL)
def ordered_and_named(notebook: NotebookNode, _: Path, __: World) -> None:
    """Answers are an OrderedDict, a named tuple, decimals turned to numbers."""
    solve(notebook, lesson=lesson)
    answer(
        notebook,
        "tally",
        """
        from collections import OrderedDict

        def tally(letters):
            counts = OrderedDict()
            for letter in letters:
                counts[letter] = counts.get(letter, 0) + 1
            return counts
        """,
    )
    answer(
        notebook,
        "track",
        """
        from collections import namedtuple

        def track(steps):
            Track = namedtuple("Track", [f"at_{n}" for n in range(steps + 1)])
            return Track(*(n / steps for n in range(steps + 1)))
        """,
    )


@honest(deserves=ALL)
def compiled(notebook: NotebookNode, _: Path, __: World) -> None:
    """Answers are compiled by torch, as its tutorials advise."""
    solve(notebook, lesson=lesson)
    answer(notebook, "double", "@torch.compile\n" + lesson.RIGHT["double"])
    answer(
        notebook,
        "noise",
        lesson.RIGHT["noise"] + "\nmodel = torch.compile(nn.Linear(2, 2))\n"
        "print(model(torch.zeros(1, 2)).shape)\n",
    )


@honest(deserves=ALL)
def compiled_by_another_backend(notebook: NotebookNode, _: Path, __: World) -> None:
    """An answer is compiled with a backend that makes no machine code."""
    solve(notebook, lesson=lesson)
    answer(
        notebook,
        "double",
        lesson.RIGHT["double"] + '\ndouble = torch.compile(double, backend="eager")\n',
    )


@honest(deserves=ALL)
def own_relu_in_a_class(notebook: NotebookNode, _: Path, __: World) -> None:
    """The answer without torch's own relu is an object with __call__, decorated, and in part."""
    solve(notebook, lesson=lesson)
    answer(
        notebook,
        "relu",
        """
        import functools

        class Gate:
            def __init__(self, threshold): self.threshold = threshold
            def __call__(self, x): return torch.where(x > self.threshold, x, 0.0 * x)

        def counted(function):
            @functools.wraps(function)
            def wrapper(*arguments):
                wrapper.calls += 1
                return function(*arguments)

            wrapper.calls = 0
            return wrapper

        relu = counted(functools.partial(Gate.__call__, Gate(0.0)))
        """,
    )


@honest(deserves=ALL)
def own_relu_of_a_module(notebook: NotebookNode, _: Path, __: World) -> None:
    """The answer without torch's own relu is a module, or the apply of an autograd function."""
    solve(notebook, lesson=lesson)
    answer(
        notebook,
        "relu",
        """
        class Own(torch.autograd.Function):
            @staticmethod
            def forward(context, x): return x.clamp(min=0)
            @staticmethod
            def backward(context, slope): return slope

        class Gate(nn.Module):
            def forward(self, x): return Own.apply(x)

        relu = Gate()
        """,
    )


@honest(deserves=ALL)
def stack_by_inheritance(notebook: NotebookNode, _: Path, __: World) -> None:
    """The class derives from others of the student's and of the library."""
    solve(notebook, lesson=lesson)
    answer(
        notebook,
        "stack",
        """
        from collections import UserList

        class Stack(UserList):
            def push(self, item): self.append(item)
            def __repr__(self): return f"Stack({self.data})"
        """,
    )


@honest(deserves=ALL)
def stack_as_data(notebook: NotebookNode, _: Path, __: World) -> None:
    """The class is a dataclass, with properties and a generator for its loop."""
    solve(notebook, lesson=lesson)
    answer(
        notebook,
        "stack",
        """
        from __future__ import annotations

        from dataclasses import dataclass, field

        @dataclass(repr=False)
        class Stack:
            items: list = field(default_factory=list)

            def push(self, item): self.items.append(item)
            def pop(self): return self.items.pop()
            def __len__(self): return len(self.items)
            def __iter__(self):
                for item in self.items:
                    yield item
            def __repr__(self): return f"{type(self).__name__}({self.items!r})"
        """,
    )


@honest(deserves=ALL)
def errors_of_its_own(notebook: NotebookNode, _: Path, __: World) -> None:
    """The exceptions are classes of the student's own, with fields, chained and in a group."""
    solve(notebook, lesson=lesson)
    extra(
        notebook,
        """
        class NegativeError(ValueError):
            def __init__(self, x, *, why):
                super().__init__(f"{x} is negative: {why}")
                self.x = x

        class EmptyError(IndexError, KeyError):
            pass
        """,
    )
    answer(
        notebook,
        "refuse",
        """
        def refuse(x):
            try:
                math.sqrt(x)
            except Exception as error:
                if x < 0:
                    raise NegativeError(x, why="so it is") from error
            return x
        """,
    )
    answer(
        notebook,
        "stack",
        lesson.RIGHT["stack"].replace(
            "return self.items.pop()",
            "if not self.items:\n            raise EmptyError('empty')\n"
            "        return self.items.pop()",
        ),
    )


@honest(deserves=ALL)
def noise_in_other_ways(notebook: NotebookNode, _: Path, __: World) -> None:
    """Random numbers are drawn in place, and other generators are used besides."""
    solve(notebook, lesson=lesson)
    answer(
        notebook,
        "noise",
        """
        own = torch.Generator().manual_seed(1)
        rng = np.random.default_rng(2)

        def noise(x):
            torch.rand(3, generator=own), rng.random(), random.Random(3).random()
            return torch.randn_like(x) + x
        """,
    )
