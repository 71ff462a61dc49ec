"""Torch's own function is found however it is reached, and one of the student's own is not."""

import pytest
import torch
from torch import nn

from course.borrowed import lent_by
from tests.grading.broad.claims import RELUS

WITHOUT = ["relu", "relu_", "ReLU", "threshold", "hardtanh"]
OWN = {
    "a function": "def relu(x):\n    return torch.where(x > 0, x, 0 * x)",
    "one of the same name as a helper": (
        "def helper(x):\n    return x > 0\ndef relu(x):\n    return x * helper(x)"
    ),
    "a class called as torch's": (
        "class ReLU(nn.Module):\n    def forward(self, x):\n        return x * (x > 0)\n"
        "relu = ReLU()"
    ),
    "an object with a threshold": (
        "class Gate:\n    threshold = 0.0\n    def __call__(self, x):\n"
        "        return x * (x > self.threshold)\nrelu = Gate()"
    ),
    "a partial function": (
        "import functools\nrelu = functools.partial(lambda low, x: x.clamp(min=low), 0)"
    ),
    "words that say what is wrong": (
        "def relu(x):\n    if x is None:\n        raise ValueError('relu of nothing')\n"
        "    return x.clamp(min=0)"
    ),
    "a function that looks itself up": "def relu(x):\n    return x if x > 0 else relu(-x)",
}


def defined(source: str) -> dict[str, object]:
    names = {"torch": torch, "nn": nn, "__name__": "__main__"}
    exec(source, names)
    return names


@pytest.mark.parametrize("way", RELUS)
def test_torchs_own_is_found(way: str) -> None:
    names = defined(RELUS[way])
    assert lent_by(names["relu"], names, WITHOUT) in WITHOUT


@pytest.mark.parametrize("way", [way for way in OWN if way != "a function that looks itself up"])
def test_the_students_own_is_not(way: str) -> None:
    names = defined(OWN[way])
    assert lent_by(names["relu"], names, WITHOUT) is None


def test_an_object_that_answers_everything_is_given_up() -> None:
    class Endless:
        def __getattribute__(self, name: str) -> object:
            return Endless()

    class Raising:
        def __getattr__(self, name: str) -> object:
            raise SystemError(name)

    assert lent_by(Endless(), {}, WITHOUT) is None
    assert lent_by(Raising(), {}, WITHOUT) is None


def test_names_that_raise_are_no_names() -> None:
    class Names(dict[str, object]):
        def __missing__(self, name: str) -> object:
            raise RuntimeError(name)

    names = defined("def relu(x):\n    return unknown(x)")
    assert lent_by(names["relu"], Names(), WITHOUT) is None
