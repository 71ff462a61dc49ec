"""Still figures lie in one place, course.figures, as functions that return a Picture."""

import ast
import importlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import torch
from torch import nn

from cnnlib.cnn_vs_dense import shape_trail, top_patches
from course.blocks import PaddedBlock, stack
from course.datasets import digits
from course.datasets import figures as drawn_figures
from course.figures import Picture
from course.race import convolutional

ROOT = Path(__file__).parents[3]
NETWORK = nn.Sequential(nn.Conv2d(1, 4, 3))
# Where the means of drawing come from.
DRAWING = ("course.figures", "course.figures.picture")
# Arguments of the figures that take some.
DENSE = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.Tanh(), nn.Linear(8, 10))
ARGUMENTS: dict[str, Callable[[], tuple[tuple[object, ...], dict[str, object]]]] = {
    "activations.arrivals": lambda: (({"2 layers": DENSE}, digits()[0]), {}),
    "convolution.places": lambda: ((torch.zeros(9, 1, 8, 8),), {}),
    "pooling.flips": lambda: ((lambda x: x.flatten(1), digits()[1].take(2)), {}),
    "pooling.kept_curves": lambda: (({"strides": torch.tensor([[1.0, 0.5]])},), {}),
    "convolution.two_losses": lambda: (({"torch": [2.3, 1.0], "yours": [2.3, 1.0]},), {}),
    "cnn_vs_dense.architecture": lambda: ((shape_trail, DENSE, (1, 8, 8)), {}),
    "cnn_vs_dense.filters": lambda: ((NETWORK, NETWORK.state_dict()), {}),
    "cnn_vs_dense.mistakes": lambda: ((DENSE, digits()[1]), {}),
    "cnn_vs_dense.patches": lambda: (
        (
            top_patches,
            convolutional(),
            drawn_figures(40, generator=torch.Generator().manual_seed(0)),
        ),
        {},
    ),
    "cnn_vs_dense.samples": lambda: ((digits()[0],), {}),
    "resnet.draw_block": lambda: ((PaddedBlock, 4, 4), {}),
    "resnet.draw_network": lambda: (
        (stack(8, block=PaddedBlock, seed=0), (1, 8, 8)),
        {"title": "eight layers"},
    ),
    "resnet.variances": lambda: ((PaddedBlock,), {}),
}


def topics() -> list[str]:
    return sorted(path.stem for path in (ROOT / "source").glob("*.py"))


def figures() -> Iterator[str]:
    """Public functions of the lessons' figure modules that say they return a Picture."""
    for topic in topics():
        module = importlib.import_module(f"course.figures.{topic}")
        for name in module.__all__:
            returns = inspect.get_annotations(getattr(module, name)).get("return")
            if returns is Picture:
                yield f"{topic}.{name}"


def still_figures_have_one_place(root: Path) -> list[str]:
    """Only course.figures and a widget's stand-in make a Picture, and no lesson draws one."""
    makers = {"course/widgets/explorer.py"}
    violations = []
    for folder in ("course", "source"):
        for path in sorted((root / folder).rglob("*.py")):
            name = path.relative_to(root).as_posix()
            if name.startswith("course/figures/") or name in makers:
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                where = f"{name}:{getattr(node, 'lineno', 0)}"
                if isinstance(node, ast.Call) and ast.unparse(node.func) in ("Picture", "show"):
                    violations.append(f"{where} makes a picture")
                drawing = isinstance(node, ast.ImportFrom) and node.module in DRAWING
                if folder == "source" and drawing:
                    violations.append(f"{where} draws; expected course.figures.<topic>")
    return violations


def test_every_lesson_has_figures_of_its_own() -> None:
    assert {name.partition(".")[0] for name in figures()} == set(topics())


def test_still_figures_have_one_place() -> None:
    assert still_figures_have_one_place(ROOT) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("course/widgets/vgg.py", "from course.figures import show\nshow([], 'a')\n"),
        ("course/claims.py", "from course.figures import Picture\nPicture(b'', 'a')\n"),
        ("source/vgg.py", "# %%\nfrom course.figures import panels\n"),
    ],
)
def test_a_figure_elsewhere_is_found(path: str, text: str, tmp_path: Path) -> None:
    sound: Mapping[str, str] = {
        "course/figures/vgg.py": "from course.figures.picture import show\nshow([], 'a')\n",
        "course/widgets/explorer.py": "Picture(b'', 'a')\n",
        "source/vgg.py": "# %%\nfrom course.figures.vgg import bend\n",
    }
    for name, content in {**sound, path: text}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    (found,) = still_figures_have_one_place(tmp_path)
    assert found.startswith(path)


@pytest.mark.parametrize("figure", list(figures()))
def test_a_figure_is_the_same_each_time_and_says_in_words_what_it_shows(figure: str) -> None:
    topic, _, name = figure.partition(".")
    draw = getattr(importlib.import_module(f"course.figures.{topic}"), name)
    args, options = ARGUMENTS.get(figure, lambda: ((), {}))()
    picture = draw(*args, **options)
    assert picture.png == draw(*args, **options).png
    assert len(picture.png) > 2000
    assert len(picture.alt.split()) > 10
