"""Right answers in unusual Python, and a few that are wrong on their own account."""

from pathlib import Path

from nbformat import NotebookNode

from tests.grading import tiny
from tests.grading.corpus import Corpus, answer, extra, solve, write
from tests.grading.course import World

HONEST = Corpus()
honest = HONEST.family("answers")

ALL = tiny.POINTS


def _but(*names: str) -> dict[str, float]:
    """All points except those of some exercises."""
    return {name: 0.0 if name in names else points for name, points in ALL.items()}


@honest(deserves=ALL)
def all_right(notebook: NotebookNode, _: Path, __: World) -> None:
    """Every answer is the instructor's."""
    solve(notebook)


@honest()
def untouched(_: NotebookNode, __: Path, ___: World) -> None:
    """The notebook is handed in as it was released."""


@honest()
def all_wrong(notebook: NotebookNode, _: Path, __: World) -> None:
    """Every answer has the right shape and a wrong value."""
    for name, source in tiny.WRONG.items():
        answer(notebook, name, source)


@honest(deserves={"scale": 4.0})
def one_of_five(notebook: NotebookNode, _: Path, __: World) -> None:
    """One exercise is answered, in the middle of the notebook; the others are left as they were."""
    solve(notebook, "scale")


@honest(deserves=ALL)
def warnings_and_stderr(notebook: NotebookNode, _: Path, __: World) -> None:
    """Answers warn, log and write to standard error whenever they are called."""
    solve(notebook)
    answer(
        notebook,
        "relu",
        """
        import logging
        import sys
        import warnings

        def relu(x: Tensor) -> Tensor:
            warnings.warn("this will be slow", UserWarning)
            logging.warning("called with %s", tuple(x.shape))
            print("a remark", file=sys.stderr)
            return torch.where(x > 0, x, torch.zeros_like(x))
        """,
    )


@honest(deserves=ALL)
def prints_in_functions(notebook: NotebookNode, _: Path, __: World) -> None:
    """Answers print, and display what they compute, whenever they are called."""
    solve(notebook)
    answer(
        notebook,
        "iterate",
        """
        def iterate(step, start, times):
            values = [start]
            for number in range(times):
                print("step", number, "from", values[-1])
                values.append(step(values[-1]))
            display(values)
            return values
        """,
    )


@honest(deserves=ALL)
def python_floats_from_numpy(notebook: NotebookNode, _: Path, __: World) -> None:
    """Floats come as numpy's float64, which equal Python's."""
    solve(notebook)
    answer(
        notebook,
        "mean_and_spread",
        """
        import numpy as np

        def mean_and_spread(x):
            values = x.numpy().astype(np.float64)
            return values.mean(), values.std()
        """,
    )
    answer(
        notebook,
        "iterate",
        """
        import numpy as np

        def iterate(step, start, times):
            values = [np.float64(start)]
            for _ in range(times):
                values.append(np.float64(step(float(values[-1]))))
            return values
        """,
    )


@honest(deserves=ALL)
def tensors_for_floats(notebook: NotebookNode, _: Path, __: World) -> None:
    """Floats come as tensors of one number, which math.isclose takes."""
    solve(notebook)
    answer(
        notebook,
        "mean_and_spread",
        "def mean_and_spread(x):\n    return x.mean(), x.std(correction=0)\n",
    )


@honest(deserves=ALL)
def list_for_tuple(notebook: NotebookNode, _: Path, __: World) -> None:
    """A list comes in place of a tuple, and an integer where it equals the float."""
    solve(notebook)
    answer(
        notebook,
        "mean_and_spread",
        """
        def mean_and_spread(x):
            mean = x.mean().item()
            return [int(mean) if mean == int(mean) else mean, x.std(correction=0).item()]
        """,
    )


@honest(deserves=ALL)
def numpy_array_for_tensor(notebook: NotebookNode, _: Path, __: World) -> None:
    """A numpy array comes where the check takes everything that torch.as_tensor takes."""
    solve(notebook)
    answer(
        notebook,
        "noisy",
        """
        def noisy(x, *, generator):
            return x.numpy() + 0.5 * torch.randn(x.shape, generator=generator).numpy()
        """,
    )


@honest(deserves=ALL)
def views_and_strides(notebook: NotebookNode, _: Path, __: World) -> None:
    """Results are transposed, expanded and sliced views, and one is a parameter's."""
    solve(notebook)
    answer(
        notebook,
        "relu",
        """
        def relu(x):
            wide = torch.stack([x, torch.zeros_like(x)], dim=-1)
            return wide.amax(dim=-1) if not x.requires_grad else x.clamp(min=0).mT.mT
        """.replace(".mT.mT", "[None].expand(2, *x.shape)[1]"),
    )
    answer(
        notebook,
        "noisy",
        """
        def noisy(x, *, generator):
            noise = torch.randn(x.shape, generator=generator)
            return (x + 0.5 * noise).unsqueeze(-1).repeat_interleave(2, -1)[..., ::2].squeeze(-1)
        """,
    )


@honest(deserves=ALL)
def slow_but_fine(notebook: NotebookNode, _: Path, __: World) -> None:
    """An answer takes a second."""
    solve(notebook)
    answer(
        notebook,
        "mean_and_spread",
        """
        import time

        def mean_and_spread(x):
            time.sleep(0.5)
            return x.mean().item(), x.std(correction=0).item()
        """,
    )


@honest(deserves=ALL)
def renamed_variables(notebook: NotebookNode, _: Path, __: World) -> None:
    """Arguments that are given by position have other names, and defaults are added."""
    solve(notebook)
    answer(
        notebook,
        "iterate",
        """
        def iterate(f, first=0.0, n=1, *rest, **more):
            out = [first]
            while len(out) <= n:
                out += [f(out[-1])]
            return out
        """,
    )


@honest(deserves=ALL)
def unicode_names(notebook: NotebookNode, _: Path, __: World) -> None:
    """Names, comments and strings are in other alphabets."""
    solve(notebook)
    answer(
        notebook,
        "mean_and_spread",
        '''
        def mean_and_spread(χ):
            """Среднее значение и разброс — 平均と標準偏差."""
            μ = χ.mean()
            sigma = ((χ - μ) ** 2).mean().sqrt()  # naïve, but right
            print("deviation =", sigma.item(), "雨")
            return μ.item(), sigma.item()
        ''',
    )


@honest(deserves=ALL)
def annotations_and_typing(notebook: NotebookNode, _: Path, __: World) -> None:
    """Answers import typing and annotate everything, with names that exist for checkers alone."""
    solve(notebook)
    answer(
        notebook,
        "iterate",
        """
        from __future__ import annotations

        from typing import TYPE_CHECKING, Callable, List, Optional as Maybe, TypeVar

        if TYPE_CHECKING:
            from nowhere import Never

        T = TypeVar("T")

        def iterate(step: Callable[[T], T], start: T, times: int, _: Maybe[Never] = 0) -> List[T]:
            values: List[T] = [start]
            for _ in range(times):
                values.append(step(values[-1]))
            return values
        """,
    )


@honest(deserves=ALL)
def decorated(notebook: NotebookNode, _: Path, __: World) -> None:
    """Answers are wrapped by a decorator of the student's own, and by functools."""
    solve(notebook)
    extra(
        notebook,
        """
        import functools

        def counted(function):
            @functools.wraps(function)
            def wrapper(*arguments, **keywords):
                wrapper.calls += 1
                return function(*arguments, **keywords)

            wrapper.calls = 0
            return wrapper
        """,
    )
    answer(notebook, "relu", "@counted\n@torch.enable_grad()\n" + tiny.RIGHT["relu"])
    answer(
        notebook,
        "mean_and_spread",
        "mean_and_spread = functools.partial("
        "lambda c, x: (x.mean().item(), x.std(correction=c).item()), 0)",
    )


@honest(deserves=ALL)
def helper_class_and_closure(notebook: NotebookNode, _: Path, __: World) -> None:
    """An answer is an instance of a class with __call__, another is a closure."""
    solve(notebook)
    answer(
        notebook,
        "relu",
        """
        class Gate:
            def __init__(self, threshold): self.threshold = threshold
            def __call__(self, x): return torch.where(x > self.threshold, x, torch.zeros_like(x))

        relu = Gate(0.0)
        """,
    )
    answer(
        notebook,
        "noisy",
        """
        def make_noisy(sigma):
            def inner(x, *, generator):
                return x + sigma * torch.randn(x.shape, generator=generator)
            return inner

        noisy = make_noisy(0.5)
        """,
    )


@honest(deserves=ALL)
def global_state_and_cache(notebook: NotebookNode, _: Path, __: World) -> None:
    """Answers count their calls in a global, and remember results by lru_cache."""
    solve(notebook)
    answer(
        notebook,
        "mean_and_spread",
        """
        from functools import lru_cache

        calls = 0

        @lru_cache(maxsize=None)
        def square(value):
            return value * value

        def mean_and_spread(x):
            global calls
            calls += 1
            values = x.flatten().tolist()
            mean = sum(values) / len(values)
            return mean, (sum(square(v - mean) for v in values) / len(values)) ** 0.5
        """,
    )


@honest(deserves=ALL)
def recursion_and_generator(notebook: NotebookNode, _: Path, __: World) -> None:
    """One answer calls itself, another collects what a generator function yields."""
    solve(notebook)
    answer(
        notebook,
        "iterate",
        """
        def walk(step, start, times):
            yield start
            if times:
                yield from walk(step, step(start), times - 1)

        def iterate(step, start, times):
            return list(walk(step, start, times))
        """,
    )
    answer(
        notebook,
        "mean_and_spread",
        """
        def total(values):
            return values[0] + total(values[1:]) if values else 0.0

        def mean_and_spread(x):
            values = x.flatten().tolist()
            mean = total(values) / len(values)
            return mean, math.sqrt(total([(v - mean) ** 2 for v in values]) / len(values))
        """,
    )


@honest(deserves=ALL)
def autograd_function(notebook: NotebookNode, _: Path, __: World) -> None:
    """ReLU is a torch.autograd.Function with a backward pass of the student's own."""
    solve(notebook)
    answer(
        notebook,
        "relu",
        """
        class ReLU(torch.autograd.Function):
            @staticmethod
            def forward(context, x):
                context.save_for_backward(x)
                return x.clamp(min=0)

            @staticmethod
            def backward(context, slope):
                (x,) = context.saved_tensors
                return slope * (x > 0)

        relu = ReLU.apply
        """,
    )


@honest(deserves=ALL)
def module_by_inheritance(notebook: NotebookNode, _: Path, __: World) -> None:
    """Scale comes from a base class in a helper cell and registers its parameters by name."""
    solve(notebook)
    extra(
        notebook,
        """
        class Affine(nn.Module):
            def __init__(self, features, *, dtype=None):
                super().__init__()
                self.register_parameter("weight", nn.Parameter(torch.ones(features, dtype=dtype)))
                self.register_parameter("bias", nn.Parameter(torch.zeros(features, dtype=dtype)))
                self.register_buffer("seen", torch.zeros(()), persistent=False)
        """,
    )
    answer(
        notebook,
        "scale",
        """
        class Scale(Affine):
            def extra_repr(self):
                return f"{self.weight.numel()} features"

            def forward(self, x):
                self.seen += 1
                return torch.addcmul(self.bias, x, self.weight)

        print(Scale(3))
        """,
    )


@honest(deserves=ALL)
def numpy_only(notebook: NotebookNode, _: Path, __: World) -> None:
    """An answer computes with numpy alone, and matplotlib is imported for nothing."""
    solve(notebook)
    answer(
        notebook,
        "mean_and_spread",
        """
        import matplotlib.pyplot as plt
        import numpy as np

        def mean_and_spread(x):
            values = np.asarray(x)
            return float(np.mean(values)), float(np.std(values))
        """,
    )


@honest(deserves=ALL)
def default_dtype_left_as_it_was(notebook: NotebookNode, _: Path, __: World) -> None:
    """Answers seed the global generator, and switch gradients off and on around their work."""
    solve(notebook)
    answer(
        notebook,
        "noisy",
        """
        def noisy(x, *, generator):
            torch.manual_seed(12345)
            with torch.no_grad():
                return torch.empty_like(x).normal_(0.0, 0.5, generator=generator) + x
        """,
    )


@honest(deserves=_but("relu"))
def input_changed_in_place(notebook: NotebookNode, _: Path, __: World) -> None:
    """ReLU works in place, which fails where the input needs a gradient."""
    solve(notebook)
    answer(notebook, "relu", "def relu(x):\n    x[x < 0] = 0\n    return x\n")


@honest(deserves=_but("noisy"))
def generator_ignored(notebook: NotebookNode, _: Path, __: World) -> None:
    """The noise comes from the global generator, seeded as in the visible check."""
    solve(notebook)
    answer(
        notebook,
        "noisy",
        """
        def noisy(x, *, generator):
            torch.manual_seed(3)
            return x + 0.5 * torch.randn(x.shape)
        """,
    )


@honest(deserves=_but("relu"))
def detached(notebook: NotebookNode, _: Path, __: World) -> None:
    """ReLU's values are right and its gradient is cut off."""
    solve(notebook)
    answer(notebook, "relu", "def relu(x):\n    return x.detach().clamp(min=0)\n")


@honest(deserves=ALL)
def data_file_of_its_own(notebook: NotebookNode, folder: Path, _: World) -> None:
    """An answer reads a file that was handed in with the notebook, with a name not in ASCII."""
    solve(notebook)
    write(folder, "data/größe.txt", "0.5\n")
    answer(
        notebook,
        "noisy",
        """
        from pathlib import Path

        sigma = float(Path("data/größe.txt").read_text())

        def noisy(x, *, generator):
            return x + sigma * torch.randn(x.shape, generator=generator)
        """,
    )


@honest(deserves=_but("relu"))
def module_of_its_own(notebook: NotebookNode, folder: Path, _: World) -> None:
    """An answer imports a module handed in with the notebook, which this course does not ask for.

    Modules in the folder can stand in for others; so they are there only where a course names them
    among the files that students may bring.
    """
    solve(notebook)
    write(folder, "my_helpers.py", "def positive(x):\n    return x > 0\n")
    answer(
        notebook,
        "relu",
        """
        from my_helpers import positive

        def relu(x):
            return torch.where(positive(x), x, torch.zeros_like(x))
        """,
    )


@honest(deserves=ALL)
def scratch_file(notebook: NotebookNode, _: Path, __: World) -> None:
    """An answer writes a file beside the notebook and reads it again."""
    solve(notebook)
    answer(
        notebook,
        "mean_and_spread",
        """
        def mean_and_spread(x):
            torch.save(x, "scratch.pt")
            x = torch.load("scratch.pt")
            return x.mean().item(), x.std(correction=0).item()
        """,
    )
