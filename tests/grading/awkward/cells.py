"""Right answers in notebooks whose cells are more, fewer, elsewhere, or special."""

import copy
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tests.grading import tiny
from tests.grading.corpus import Corpus, answer, extra, get, markdown, position, solve
from tests.grading.course import World

HONEST = Corpus()
honest = HONEST.family("cells")

ALL = tiny.POINTS


def _but(*names: str) -> dict[str, float]:
    """All points except those of some exercises."""
    return {name: 0.0 if name in names else points for name, points in ALL.items()}


@honest(deserves=ALL)
def helper_cells(notebook: NotebookNode, _: Path, __: World) -> None:
    """Answers use helpers from cells of the student's own, before, behind and between."""
    solve(notebook)
    extra(notebook, "def positive(x):\n    return x > 0\n")
    extra(notebook, "half = 0.5", after="check-iterate")
    markdown(notebook, "# Now it gets *hard*", after="check-iterate")
    answer(
        notebook,
        "relu",
        "def relu(x):\n    return torch.where(positive(x), x, torch.zeros_like(x))\n",
    )
    answer(
        notebook,
        "noisy",
        """
        def noisy(x, *, generator):
            return x + half * torch.randn(x.shape, generator=generator)
        """,
    )


@honest(deserves=ALL)
def own_hidden_tests(notebook: NotebookNode, _: Path, __: World) -> None:
    """A cell of the student's own opens a region of hidden tests, as the student saw it done."""
    solve(notebook)
    extra(notebook, "### BEGIN HIDDEN TESTS\nassert relu(torch.ones(2)).sum() == 2", after="relu")


@honest(deserves=ALL)
def answer_in_a_later_helper(notebook: NotebookNode, _: Path, __: World) -> None:
    """An answer calls a helper that is defined behind it, but before its check."""
    solve(notebook)
    answer(notebook, "relu", "def relu(x):\n    return really(x)\n")
    extra(notebook, "def really(x):\n    return x.clamp(min=0)\n", after="relu")


@honest(deserves=ALL)
def imports_in_odd_places(notebook: NotebookNode, _: Path, __: World) -> None:
    """Imports stand in functions, at the end, under other names and with a star."""
    solve(notebook)
    answer(
        notebook,
        "mean_and_spread",
        """
        def mean_and_spread(x):
            import statistics as s
            from math import sqrt
            values = x.flatten().tolist()
            return s.fmean(values), sqrt(s.pvariance(values))

        from math import *
        import torch as t, torch.nn as the_nn
        """,
    )


@honest(deserves=ALL)
def answers_in_another_order(notebook: NotebookNode, _: Path, __: World) -> None:
    """Each exercise with its check stands in the opposite order, behind the written question."""
    solve(notebook)
    head = notebook.cells[: position(notebook, "relu")]
    graded = notebook.cells[len(head) :]
    notebook.cells = head + graded[-1:]
    for name in reversed(tiny.POINTS):
        notebook.cells += [cell for cell in graded if cell.id in (name, f"check-{name}")]


@honest(deserves=ALL)
def all_checks_at_the_end(notebook: NotebookNode, _: Path, __: World) -> None:
    """The checks were moved behind all answers."""
    solve(notebook)
    checks = [cell for cell in notebook.cells if cell.id.startswith("check-")]
    notebook.cells = [cell for cell in notebook.cells if cell not in checks] + checks


@honest(deserves=ALL)
def duplicated_answer_first_wrong(notebook: NotebookNode, _: Path, __: World) -> None:
    """The cell of relu is there twice before its check, wrong and then right.

    The first is the answer, since copy and paste put the copy behind the original. The second is a
    cell of the student's own and runs where it stands, as it would under any other name: so what
    the check meets is what it met when the student ran the notebook.
    """
    solve(notebook)
    twin = copy.deepcopy(get(notebook, "relu"))
    twin.id = "relu-copy"
    answer(notebook, "relu", tiny.WRONG["relu"])
    notebook.cells.insert(position(notebook, "relu") + 1, twin)


@honest(deserves=_but("relu"))
def duplicated_answer_second_wrong(notebook: NotebookNode, _: Path, __: World) -> None:
    """The cell of relu is there twice before its check, right and then wrong: the check failed.

    The student saw it fail, for the same reason as above.
    """
    solve(notebook)
    twin = copy.deepcopy(get(notebook, "relu"))
    twin.id, twin.source = "relu-copy", tiny.WRONG["relu"]
    notebook.cells.insert(position(notebook, "relu") + 1, twin)


@honest(deserves=ALL)
def duplicated_answer_behind_the_check(notebook: NotebookNode, _: Path, __: World) -> None:
    """The cell of relu is there again behind its check, with an old attempt that raises."""
    solve(notebook)
    twin = copy.deepcopy(get(notebook, "relu"))
    twin.id, twin.source = "relu-copy", "raise NotImplementedError('an old attempt')"
    notebook.cells.insert(position(notebook, "check-relu") + 1, twin)


@honest(deserves=ALL)
def duplicated_everything(notebook: NotebookNode, _: Path, __: World) -> None:
    """The whole notebook stands in the file twice, cell ids and all."""
    solve(notebook)
    twins = copy.deepcopy(notebook.cells)
    for cell in twins:
        cell.id = f"{cell.id}-copy"
    notebook.cells += twins


@honest(deserves=ALL)
def checks_deleted_by_accident(notebook: NotebookNode, _: Path, __: World) -> None:
    """Two checks are gone; their answers are there and count."""
    solve(notebook)
    gone = ("check-relu", "check-noisy")
    notebook.cells = [cell for cell in notebook.cells if cell.id not in gone]


@honest(deserves=_but("scale"), verdicts={"scale": "missing"})
def answer_deleted(notebook: NotebookNode, _: Path, __: World) -> None:
    """The answer cell of one exercise is gone: that exercise alone is lost."""
    solve(notebook)
    notebook.cells = [cell for cell in notebook.cells if cell.id != "scale"]


@honest(deserves=ALL)
def setup_deleted(notebook: NotebookNode, _: Path, __: World) -> None:
    """The setup cell is gone, which is the instructor's and comes back."""
    solve(notebook)
    notebook.cells = [cell for cell in notebook.cells if cell.id != "setup"]


@honest(deserves=ALL)
def answer_split_in_two(notebook: NotebookNode, _: Path, __: World) -> None:
    """The answer cell was split: its first half keeps the id, the second is an extra cell."""
    solve(notebook)
    answer(notebook, "relu", "zero = torch.zeros(())\n")
    extra(notebook, "def relu(x):\n    return torch.maximum(x, zero.to(x.dtype))\n", after="relu")
    # At 0 torch.maximum shares the gradient; the check's fixture has no 0 there.


@honest(deserves=_but("iterate"), verdicts={"iterate": "error"})
def syntax_error(notebook: NotebookNode, _: Path, __: World) -> None:
    """One answer is no Python."""
    solve(notebook)
    answer(notebook, "iterate", "def iterate(step, start, times)\n    return [start\n")


@honest(deserves=ALL)
def failing_cell_between(notebook: NotebookNode, _: Path, __: World) -> None:
    """A cell of the student's own fails between two answers."""
    solve(notebook)
    extra(notebook, "1 / 0", after="check-mean_and_spread")
    extra(notebook, "assert False, 'a test of my own'", after="scale")


@honest(deserves=_but("iterate"), verdicts={"iterate": "timeout"})
def endless_loop(notebook: NotebookNode, _: Path, __: World) -> None:
    """One answer never returns."""
    solve(notebook)
    answer(
        notebook,
        "iterate",
        "def iterate(step, start, times):\n    while times >= 0:\n        pass\n",
    )


@honest(deserves=ALL)
def endless_loop_in_a_cell(notebook: NotebookNode, _: Path, __: World) -> None:
    """A cell of the student's own never ends; what stands before and behind it counts."""
    solve(notebook)
    extra(notebook, "while True:\n    pass\n", after="check-scale")


@honest(deserves=_but("scale"), verdicts={"scale": "crashed"})
def ends_the_process(notebook: NotebookNode, _: Path, __: World) -> None:
    """One answer ends the process."""
    solve(notebook)
    answer(
        notebook,
        "scale",
        tiny.RIGHT["scale"].replace(
            "        return", "        import os\n        os._exit(1)\n        return"
        ),
    )


@honest(deserves=_but("mean_and_spread"), verdicts={"mean_and_spread": "error"})
def leaves_by_sys_exit(notebook: NotebookNode, _: Path, __: World) -> None:
    """One answer calls sys.exit, and a cell calls exit()."""
    solve(notebook)
    answer(
        notebook, "mean_and_spread", "import sys\ndef mean_and_spread(x):\n    sys.exit('bye')\n"
    )
    extra(notebook, "import sys\nsys.exit(0)", after="check-iterate")


@honest(deserves=ALL)
def changes_its_folder(notebook: NotebookNode, _: Path, __: World) -> None:
    """A cell and an answer change the working directory."""
    solve(notebook)
    extra(notebook, "import os\nos.makedirs('inner', exist_ok=True)\nos.chdir('inner')")
    answer(
        notebook,
        "relu",
        "def relu(x):\n    os.chdir('/')\n    return torch.where(x > 0, x, torch.zeros_like(x))\n",
    )


@honest(deserves=ALL)
def plots(notebook: NotebookNode, _: Path, __: World) -> None:
    """Cells plot, by pyplot and by display."""
    solve(notebook)
    extra(
        notebook,
        """
        %matplotlib inline
        import matplotlib.pyplot as plt

        figure, axes = plt.subplots()
        axes.plot([1, 2, 3])
        plt.show()
        display(figure)
        """,
        after="check-relu",
    )


@honest(deserves=ALL)
def magics(notebook: NotebookNode, _: Path, __: World) -> None:
    """Cells use line and cell magics, the help operator and the shell."""
    solve(notebook)
    extra(notebook, "%timeit -n 1 -r 1 sum(range(10))\n!ls\nfiles = !ls\nlen?\n%who\n%pwd")
    extra(notebook, "%%time\ntotal = sum(range(1000))\ntotal", after="check-relu")
    extra(notebook, "%%capture held\nprint('kept')", after="check-relu")
    answer(notebook, "relu", "%%time\n" + tiny.RIGHT["relu"])
    answer(notebook, "noisy", "%config InlineBackend.figure_format = 'svg'\n" + tiny.RIGHT["noisy"])


@honest(deserves=ALL)
def widgets(notebook: NotebookNode, _: Path, __: World) -> None:
    """A cell shows sliders and a progress bar."""
    solve(notebook)
    extra(
        notebook,
        """
        import ipywidgets
        from tqdm.auto import tqdm

        ipywidgets.interact(lambda n: n * n, n=(0, 10))
        bar = ipywidgets.IntProgress(value=3, max=9)
        display(bar)
        bar.value = 9
        for _ in tqdm(range(3)):
            pass
        """,
    )


@honest(deserves=ALL)
def coroutines(notebook: NotebookNode, _: Path, __: World) -> None:
    """A cell awaits at its top level, and an answer runs in a thread pool."""
    solve(notebook)
    extra(
        notebook,
        """
        import asyncio

        async def later(value):
            await asyncio.sleep(0.01)
            return value

        half = await later(0.5)
        halves = await asyncio.gather(later(1), later(2))
        """,
        after="check-iterate",
    )
    answer(
        notebook,
        "noisy",
        """
        from concurrent.futures import ThreadPoolExecutor

        def noisy(x, *, generator):
            with ThreadPoolExecutor(1) as pool:
                noise = pool.submit(torch.randn, x.shape, generator=generator).result()
            return x + half * noise
        """,
    )


@honest(deserves=ALL)
def names_of_the_checks(notebook: NotebookNode, _: Path, __: World) -> None:
    """Cells use the checks' own variable names, x and layer and seen, for other things."""
    solve(notebook)
    extra(notebook, "x, layer, seen, expected, source = 'mine', None, 3, [], 4.0")
    answer(
        notebook,
        "relu",
        "x = 0.0\n\ndef relu(values):\n    return torch.where(values > x, values, values * x)\n",
    )


@honest(deserves=ALL)
def names_of_modules_reused(notebook: NotebookNode, _: Path, __: World) -> None:
    """Behind all checks, a cell binds math, list and torch to other things."""
    solve(notebook)
    extra(notebook, "math, list, torch, print = 1, 2, 3, 4", after="check-noisy")


@honest(deserves=ALL)
def earlier_attempts_kept(notebook: NotebookNode, _: Path, __: World) -> None:
    """Cells above an answer hold earlier attempts of the same name, that work, fail and loop."""
    solve(notebook)
    extra(notebook, "def relu(x):\n    return x\n\nrelu(torch.zeros(2))")
    extra(notebook, "def relu(x):\n    while True:\n        x = x + undefined\n\nrelu(1)")


@honest(deserves=ALL)
def written_answer_is_code(notebook: NotebookNode, _: Path, __: World) -> None:
    """The written answer was turned into a code cell by a slip of the key."""
    solve(notebook)
    place = position(notebook, tiny.WRITTEN)
    cell = nbformat.v4.new_code_cell("Because of the bend!")
    cell.id, cell.metadata = tiny.WRITTEN, notebook.cells[place].metadata
    notebook.cells[place] = cell


@honest(deserves=ALL)
def answer_turned_into_text(notebook: NotebookNode, _: Path, __: World) -> None:
    """An answer cell was turned into a text cell: what kind a cell is, the course says."""
    solve(notebook)
    place = position(notebook, "relu")
    cell = nbformat.v4.new_markdown_cell(tiny.RIGHT["relu"])
    cell.id, cell.metadata = "relu", notebook.cells[place].metadata
    notebook.cells[place] = cell
