"""A threshold on what a test trains goes through ``measured``, so that all machines are asked."""

import ast
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests import measured as values
from tests.bench import settings

# Functions and methods that change weights step by step.
TRAINERS = {"fit", "linear_probe", "step", "train_backbone", "train_epoch"}
ORDER = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)


def trained_values_are_measured(root: Path) -> list[str]:
    """Look for an assertion of < or > with a number in it, in a test that trains."""
    return [
        f"{path.relative_to(root)}:{line}: {name} asserts a threshold; give it to measured"
        for folder in settings.FOLDERS
        for path in sorted((root / folder).rglob("test_*.py"))
        for name, line in thresholds(ast.parse(path.read_text()))
    ]


def thresholds(module: ast.Module) -> Iterator[tuple[str, int]]:
    """Name each function of a module that trains, itself or by another one, and asserts a bound."""
    functions = [node for node in module.body if isinstance(node, ast.FunctionDef)]
    trainers = set(TRAINERS)
    while new := {f.name for f in functions if calls(f) & trainers} - trainers:
        trainers |= new
    for function in functions:
        if function.name in trainers:
            for node in ast.walk(function):
                if isinstance(node, ast.Assert) and bound(node.test):
                    yield function.name, node.lineno


def calls(function: ast.FunctionDef) -> set[str]:
    """Names of what a function calls, a method by its own name."""
    called = [node.func for node in ast.walk(function) if isinstance(node, ast.Call)]
    return {c.attr if isinstance(c, ast.Attribute) else getattr(c, "id", "") for c in called}


def bound(test: ast.expr) -> bool:
    """Whether an expression compares by order with a number that is not whole."""
    return any(
        isinstance(node, ast.Compare)
        and any(isinstance(operator, ORDER) for operator in node.ops)
        and any(isinstance(n, ast.Constant) and isinstance(n.value, float) for n in ast.walk(node))
        for node in ast.walk(test)
    )


SOUND = """
def learn(model):
    for _ in range(9):
        optimizer.step()
    return accuracy(model)

def test_it_learns(measured):
    measured("accuracy", learn(make()), at_least=0.9)

def test_it_has_few_parameters():
    assert count(make()) < 0.5e6
"""


def test_the_repository_keeps_the_law(repository: Path) -> None:
    assert trained_values_are_measured(repository) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('measured("accuracy", learn(make()), at_least=0.9)', "assert learn(make()) > 0.9"),
        ("return accuracy(model)", "assert 0.1 > loss(model)"),
        ("assert count(make()) <", "assert accuracy(fit(make())) >="),
    ],
)
def test_a_planted_threshold_breaks_the_law(
    old: str, new: str, plant: Callable[[Mapping[str, str]], Path]
) -> None:
    assert trained_values_are_measured(plant({"tests/cnnlib/test_a.py": SOUND})) == []
    assert old in SOUND
    (found,) = trained_values_are_measured(
        plant({"tests/cnnlib/test_a.py": SOUND.replace(old, new)})
    )
    assert "tests/cnnlib/test_a.py" in found


@pytest.mark.parametrize(
    ("value", "bounds", "said"),
    [
        (0.5, {"at_least": 0.6}, "accuracy is 0.5; expected at_least 0.6"),
        (0.5, {"at_most": 0.4}, "accuracy is 0.5; expected at_most 0.4"),
        (0.5, {"at_least": 0.1, "at_most": 0.4}, "expected at_least 0.1 and at_most 0.4"),
        (float("nan"), {"at_least": 0.1}, "accuracy is nan"),
    ],
)
def test_a_value_beyond_its_threshold_fails(
    value: float, bounds: dict[str, float], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(values.FILE, raising=False)
    with pytest.raises(AssertionError, match=said):
        values.measured("accuracy", value, **bounds)
    with pytest.raises(ValueError, match="'accuracy' has no threshold"):
        values.measured("accuracy", value)


def test_a_value_is_written_and_not_judged_where_a_file_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(values.FILE, str(tmp_path / "values"))
    values.measured("accuracy", 0.5, at_least=0.6)
    values.measured("loss", 0.5, at_most=0.6)
    values.noted("claim", [1.0, 2.0], holds=True)
    accuracy, loss, claim = values.read(tmp_path / "values")
    assert (accuracy.numbers, accuracy.at_least, accuracy.holds) == ([0.5], 0.6, False)
    assert (loss.numbers, loss.at_most, loss.holds) == ([0.5], 0.6, True)
    assert (claim.numbers, claim.holds) == ([1.0, 2.0], True)
    assert "test_a_value_is_written_and_not_judged" in claim.test


def test_the_tests_that_measure_run_under_a_setting_and_no_others(repository: Path) -> None:
    setting = settings.SETTINGS["no wide registers, two threads"]
    file = "tests/cnnlib/test_vgg.py"
    found = settings.measure(setting, [f"{repository / file}", "-k", "keeps_its_size or any_size"])
    assert [(v.name, v.at_least, v.at_most) for v in found] == [("root mean square", 0.1, 10.0)]


@pytest.mark.parametrize(
    ("numbers", "safe"),
    [
        ([0.95, 0.96, 0.97], "yes"),  # 0.02 apart, 0.05 above
        ([0.93, 0.95, 0.96], "NO"),  # 0.03 apart, 0.03 above
        ([0.95, 0.95], "NO"),  # a setting is missing
        ([0.89, 0.89, 0.89], "NO"),
    ],
)
def test_a_threshold_is_safe_at_twice_the_range(
    numbers: list[float], safe: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "SETTINGS", {name: {} for name in "abc"})
    made = [
        values.Value(test="t", name="n", numbers=[number], at_least=0.9, holds=True)
        for number in numbers
    ]
    table = settings.thresholds([made])
    assert list(table.columns[-1].cells) == [safe]


def test_the_settings_differ_in_all_that_stands_for_a_machine() -> None:
    assert len(settings.SETTINGS) >= 5
    for name, given in {
        "ATEN_CPU_CAPABILITY": {"default", "avx2", "avx512", None},
        "ONEDNN_MAX_CPU_ISA": {"SSE41", "AVX2", "AVX512_CORE", None},
        values.THREADS: {"2", None},
    }.items():
        assert {setting.get(name) for setting in settings.SETTINGS.values()} == given


@pytest.mark.parametrize(("setting", "threads"), [({}, 1), ({values.THREADS: "2"}, 2)])
def test_a_setting_s_threads_stay_whatever_a_lesson_asks_for(
    setting: dict[str, str], threads: int, repository: Path
) -> None:
    script = (
        "import torch; from tests.measured import settle_threads; settle_threads();"
        "torch.set_num_threads(1); print(torch.get_num_threads())"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "OMP_NUM_THREADS": "1", **setting},
        cwd=repository,
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) == threads
