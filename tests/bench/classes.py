"""Whole classes under stock nbgrader and under ours: seconds of the clock and of the processor.

Three assignments that compute rather than import (arrays, plots, statistics), in a course that
knows nothing of this one but ``autograder.harden(c)``; and the lesson on activations. Every row
grades the same submissions in one run, with ``nbgrader autograde`` in both arms, and ours with
``autograder grade`` besides, which takes all cores. BENCH_SIZES=1,3,30 leaves out the class of 300,
for which stock nbgrader needs the better part of an hour for each assignment.
"""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from rich.table import Table

from autograder.commands.staging import fill
from autograder.config import Course
from autograder.lessons.build import to_notebook
from tests.bench.grading import ROOT, STOCK, TOPIC, Cost, adopt_orphans, run
from tests.bench.grading import lay_out as lay_out_lesson
from tests.bench.grading import submissions as of_the_lesson

SIZES = tuple(int(size) for size in os.environ.get("BENCH_SIZES", "1,3,30,300").split(","))
PLAIN = 'c = get_config()\nc.CourseDirectory.course_id = "bench"\n'
HARDENED = PLAIN + "import autograder\nautograder.harden(c)\n"

ARRAYS = '''
# %% setup
import numpy as np

rng = np.random.default_rng(0)
pictures = rng.normal(size=(40, 160, 160))

# %% exercise="smooth"
def smooth(x: np.ndarray, width: int) -> np.ndarray:
    """Return the means of every window of so many neighbours along the last axis."""
    ### BEGIN SOLUTION
    return np.lib.stride_tricks.sliding_window_view(x, width, axis=-1).mean(axis=-1)
    ### END SOLUTION

# %% check="smooth" points=2
assert np.allclose(smooth(np.arange(6.0), 3), [1, 2, 3, 4])
### BEGIN HIDDEN TESTS
assert smooth(pictures, 5).shape == (40, 160, 156)
assert np.allclose(smooth(pictures, 2), (pictures[..., 1:] + pictures[..., :-1]) / 2)
### END HIDDEN TESTS

# %%
values = [np.linalg.svd(picture, compute_uv=False) for picture in pictures]
print(np.mean([value[0] for value in values]))

# %% exercise="rank"
def rank(matrix: np.ndarray, share: float) -> int:
    """Return how many singular values hold so large a share of the sum of their squares."""
    ### BEGIN SOLUTION
    squares = np.linalg.svd(matrix, compute_uv=False) ** 2
    return int(np.searchsorted(np.cumsum(squares) / squares.sum(), share)) + 1
    ### END SOLUTION

# %% check="rank" points=3
assert rank(np.diag([3.0, 1.0]), 0.85) == 1
### BEGIN HIDDEN TESTS
assert rank(np.diag([3.0, 1.0]), 0.95) == 2
assert [rank(picture, 0.9) for picture in pictures[:5]] == [
    int(np.searchsorted(np.cumsum(s**2) / (s**2).sum(), 0.9)) + 1
    for s in (np.linalg.svd(picture, compute_uv=False) for picture in pictures[:5])
]
### END HIDDEN TESTS
'''

PLOTS = '''
# %% setup
import matplotlib.pyplot as plt
import numpy as np

walks = np.random.default_rng(1).normal(size=(60, 2000)).cumsum(axis=1)

# %% exercise="bins"
def bins(values: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the middles of so many bins of equal width, and how many values lie in each."""
    ### BEGIN SOLUTION
    counts, edges = np.histogram(values, count)
    return (edges[1:] + edges[:-1]) / 2, counts
    ### END SOLUTION

# %% check="bins" points=2
middles, counts = bins(np.array([0.0, 1.0, 1.0, 4.0]), 2)
assert np.allclose(middles, [1.0, 3.0])
### BEGIN HIDDEN TESTS
assert list(counts) == [3, 1]
assert bins(walks, 25)[1].sum() == walks.size
### END HIDDEN TESTS

# %%
figure, axes = plt.subplots(3, 4, figsize=(12, 8))
for axis, part in zip(axes.flat, np.split(walks, 12)):
    axis.plot(part.T, linewidth=0.5)
plt.show()

# %%
for lag in (1, 10, 100):
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4))
    steps = walks[:, lag:] - walks[:, :-lag]
    left.bar(*bins(steps, 80), width=0.1)
    right.imshow(np.corrcoef(steps), cmap="viridis")
    plt.show()

# %% exercise="spread"
def spread(walks: np.ndarray, lag: int) -> float:
    """Return the standard deviation of what a walk goes in so many steps."""
    ### BEGIN SOLUTION
    return float((walks[:, lag:] - walks[:, :-lag]).std())
    ### END SOLUTION

# %% check="spread" points=3
assert np.isclose(spread(np.array([[0.0, 1.0, 3.0]]), 1), 0.5)
### BEGIN HIDDEN TESTS
assert 0.95 < spread(walks, 1) < 1.05
assert 2.8 < spread(walks, 9) < 3.2
### END HIDDEN TESTS
'''

STATISTICS = '''
# %% setup
import numpy as np
from scipy import optimize, stats

sample = stats.gamma(2.5, scale=1.7).rvs(4000, random_state=3)

# %% exercise="log_likelihood"
def log_likelihood(shape: float, scale: float, x: np.ndarray) -> float:
    """Return the logarithm of the likelihood of x under a gamma distribution."""
    ### BEGIN SOLUTION
    return float(stats.gamma(shape, scale=scale).logpdf(x).sum())
    ### END SOLUTION

# %% check="log_likelihood" points=2
assert np.isclose(log_likelihood(1.0, 1.0, np.array([1.0, 2.0])), -3.0)
### BEGIN HIDDEN TESTS
assert np.isclose(
    log_likelihood(2.5, 1.7, sample), stats.gamma.logpdf(sample, 2.5, scale=1.7).sum()
)
### END HIDDEN TESTS

# %%
resampled = np.random.default_rng(0).choice(sample, (150, 400))
fits = [stats.gamma.fit(one, floc=0) for one in resampled]
print(np.percentile([shape for shape, _, _ in fits], [5, 95]))

# %% exercise="fit"
def fit(x: np.ndarray) -> tuple[float, float]:
    """Return the shape and the scale under which x is likeliest."""
    ### BEGIN SOLUTION
    found = optimize.minimize(
        lambda p: -log_likelihood(*np.exp(p), x), np.zeros(2), method="Nelder-Mead"
    )
    shape, scale = np.exp(found.x)
    return float(shape), float(scale)
    ### END SOLUTION

# %% check="fit" points=3
assert np.allclose(fit(sample), [2.5, 1.7], rtol=0.1)
### BEGIN HIDDEN TESTS
shape, _, scale = stats.gamma.fit(sample[:500], floc=0)
assert np.allclose(fit(sample[:500]), [shape, scale], rtol=1e-3)
### END HIDDEN TESTS
'''
ASSIGNMENTS = {"arrays": ARRAYS, "plots": PLOTS, "statistics": STATISTICS}


def tables() -> Iterator[Table]:
    """Measure and yield one table."""
    adopt_orphans()
    table = Table("assignment", title="a class: seconds of the clock, seconds of the processor")
    columns = ("students", "stock", "ours", "ratios", "autograder grade", "ratio")
    for heading in columns:
        table.add_column(heading, justify="right")
    for name in (*ASSIGNMENTS, TOPIC):
        for size in SIZES:
            stock = _grade(name, size, hardened=False)
            ours = _grade(name, size, hardened=True)
            spread = _grade(name, size, hardened=True, command="autograder")
            table.add_row(
                *(name, str(size), str(stock), str(ours)),
                f"{stock.clock / ours.clock:.1f} {stock.processor / ours.processor:.1f}",
                *(str(spread), f"{stock.clock / spread.clock:.1f}"),
            )
    yield table


def _grade(name: str, size: int, *, hardened: bool, command: str = "nbgrader") -> Cost:
    """Return what grading a class of an assignment costs, starting up included."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        if name == TOPIC:
            lay_out_lesson(root, "" if hardened else STOCK)
            books = of_the_lesson(Course(ROOT), size)
        else:
            _lay_out(root, name, hardened=hardened)
        run(root, "nbgrader", "generate_assignment", name, "--force")
        if name != TOPIC:
            books = _submissions(root, name, size)
        for number, book in enumerate(books):
            path = root / f"submitted/student{number}/{name}/{name}.ipynb"
            path.parent.mkdir(parents=True)
            nbformat.write(book, path)
        cost = run(root, command, "autograde" if command == "nbgrader" else "grade", name)
        graded = len(list(root.glob(f"autograded/*/{name}/{name}.ipynb")))
        if graded != size and (hardened or name != TOPIC):
            raise RuntimeError(f"{command} graded {graded} of {size} submissions of {name}")
        return cost


def _lay_out(root: Path, name: str, *, hardened: bool) -> None:
    path = root / f"source/{name}/{name}.ipynb"
    path.parent.mkdir(parents=True)
    (root / "nbgrader_config.py").write_text(HARDENED if hardened else PLAIN)
    nbformat.write(to_notebook(ASSIGNMENTS[name]), path)


def _submissions(root: Path, name: str, count: int) -> list[NotebookNode]:
    """Return so many submissions: every third leaves the first exercise unsolved."""
    source = nbformat.read(root / f"source/{name}/{name}.ipynb", as_version=4)
    release = nbformat.read(root / f"release/{name}/{name}.ipynb", as_version=4)
    right = {
        cell.metadata.nbgrader.grade_id: cell.source
        for cell in source.cells
        if cell.metadata.get("nbgrader", {}).get("solution")
    }
    first = next(iter(right))
    half = {exercise: code for exercise, code in right.items() if exercise != first}
    return [fill(release, half if number % 3 == 2 else right) for number in range(count)]
