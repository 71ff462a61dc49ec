"""Every claim is measured by its lesson's cell, and the measurement gives the verdict we state."""

import ast
import math
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import get_args

import jupytext
import pytest

from course.claims import Claim, Condition, Trial, Verdict, claims, trial
from course.syllabus import topics

ROOT = Path(__file__).parents[2]
LESSONS = sorted(path.stem for path in (ROOT / "source").glob("*.py"))
# What a measurement never needs: checks of answers, predictions and what they reveal.
IDLE = {"check", "predict", "reveal", "hints", "written"}


@cache
def shown_by(lesson: str) -> dict[str, object]:
    """Run a lesson up to its last claim, with the reference's answers; give what claims show."""
    text = (ROOT / "source" / f"{lesson}.py").read_text()
    cells = jupytext.reads(text, fmt="py:percent").cells
    needed = [c for c in cells if c.cell_type == "code" and not IDLE & c.metadata.keys()]
    last = max(index for index, cell in enumerate(needed) if "claim" in cell.metadata)
    namespace: dict[str, object] = {"__name__": "__main__"}
    shown = {}
    for cell in needed[: last + 1]:
        value = run(cell.source, namespace)
        if "claim" in cell.metadata:
            shown[cell.metadata["claim"]] = value
    return shown


def run(source: str, namespace: dict[str, object]) -> object:
    """Run a cell; give the value of its last expression, which a notebook shows."""
    tree = ast.parse(source)
    last = tree.body[-1]
    if not isinstance(last, ast.Expr):
        exec(compile(tree, "<cell>", "exec"), namespace)
        return None
    shown = ast.Expression(last.value)
    del tree.body[-1]
    exec(compile(tree, "<cell>", "exec"), namespace)
    return eval(compile(shown, "<cell>", "eval"), namespace)


def in_one_worker(value: object, lesson: str) -> object:
    """A parameter of a test that needs a lesson's measurements: they are made once."""
    return pytest.param(value, marks=pytest.mark.xdist_group(f"claims {lesson}"))


@pytest.mark.parametrize("lesson", [in_one_worker(lesson, lesson) for lesson in LESSONS])
def test_a_lesson_measures_the_claims_listed_for_it_and_no_others(lesson: str) -> None:
    listed = {claim.id for claim in claims().values() if claim.lesson == lesson}
    assert listed
    assert shown_by(lesson).keys() == listed


@pytest.mark.parametrize(
    "claim",
    [in_one_worker(claim, claim.lesson) for claim in claims().values()],
    ids=list(claims()),
)
def test_the_measurement_gives_the_verdict_that_is_stated(
    claim: Claim, noted: Callable[..., None], measured: Callable[..., None]
) -> None:
    shown = shown_by(claim.lesson)[claim.id]
    assert isinstance(shown, Trial)
    for what, condition in shown.conditions.items():
        name = f"{claim.id}: {what}"
        noted(name, list(condition.values), holds=condition.outcome == "holds")
        for value, bounds in margins(claim, condition):
            measured(f"{name}, {', '.join(bounds)}", value, **bounds)
    assert shown.claim == claim
    assert shown.verdict == claim.verdict
    assert f"Verdict here: {claim.verdict}." in repr(shown)
    assert f"<b>Verdict here: {claim.verdict}.</b>" in shown._repr_html_()
    assert claim.known in repr(shown)


def margins(claim: Claim, condition: Condition) -> Iterator[tuple[float, dict[str, float]]]:
    """Give the seed that comes nearest to each threshold, and the side where it has to stay."""
    holds = condition.outcome == "holds"
    low, high = min(condition.values, default=math.nan), max(condition.values, default=math.nan)
    if math.isfinite(claim.above) and math.isfinite(low + high):
        yield (low, {"at_least": claim.above}) if holds else (high, {"at_most": claim.above})
    if math.isfinite(claim.below) and math.isfinite(low + high):
        yield (high, {"at_most": claim.below}) if holds else (low, {"at_least": claim.below})


@pytest.mark.parametrize("lesson", [in_one_worker(lesson, lesson) for lesson in LESSONS])
def test_every_condition_of_a_trial_decides_with_all_its_seeds(lesson: str) -> None:
    trials = {name: t for name, t in shown_by(lesson).items() if isinstance(t, Trial)}
    undecided = [
        (name, what)
        for name, found in trials.items()
        for what, condition in found.conditions.items()
        if condition.outcome == "undecided"
    ]
    assert undecided == []
    # A trial that does not even try to break its claim finds out nothing.
    assert any(found.verdict != "holds" for found in trials.values())


@pytest.mark.parametrize("claim", claims().values(), ids=lambda claim: claim.id)
def test_a_claim_is_told_in_full(claim: Claim) -> None:
    assert claim.verdict in get_args(Verdict)
    assert claim.claim.endswith(".")
    assert claim.seed in topics()[claim.lesson].seeds
    assert claim.cell == f"claim-{claim.id}"
    assert claim.wanted
    assert claim.general in get_args(Verdict)
    assert claim.measure[0].isupper()
    assert claim.reason.endswith(".")
    # Somebody's work, with its year.
    assert re.search(r"\b(19|20)\d\d\b", claim.known) or "mathematic" in claim.known


def test_claims_stand_in_the_order_of_their_lessons() -> None:
    order = list(topics())
    places = [order.index(claim.lesson) for claim in claims().values()]
    assert places == sorted(places)


def test_no_claim_is_listed_twice() -> None:
    listed = (ROOT / "course/claims.toml").read_text().count("[[claim]]")
    assert listed == len(claims()) == len({claim.claim for claim in claims().values()})


FIVE = (0.2, 0.3, 0.4, 0.5, 0.6)


@pytest.mark.parametrize(
    ("conditions", "outcomes", "verdict"),
    [
        ([FIVE, FIVE, FIVE], ["holds"] * 3, "holds"),
        ([FIVE, FIVE, (0.0,) * 5], ["holds", "holds", "fails"], "holds under conditions"),
        ([(0.0,) * 5] * 3, ["fails"] * 3, "does not hold"),
        ([(0.05, *FIVE), (0.0,) * 5, (0.0,) * 5], ["undecided", "fails", "fails"], "does not hold"),
        ([(0.05, *FIVE), FIVE, FIVE], ["undecided", "holds", "holds"], "holds under conditions"),
        ([(math.nan,) * 5, FIVE, FIVE], ["fails", "holds", "holds"], "holds under conditions"),
        ([(0.1,) * 5, FIVE, FIVE], ["fails", "holds", "holds"], "holds under conditions"),
    ],
)
def test_the_verdict_follows_from_the_seeds_of_each_condition(
    conditions: list[tuple[float, ...]], outcomes: list[str], verdict: str
) -> None:
    found = trial("relu_vanishing", {f"case {n}": values for n, values in enumerate(conditions)})
    assert [condition.outcome for condition in found.conditions.values()] == outcomes
    assert found.verdict == verdict
    for page in (repr(found), found._repr_html_()):
        assert claims()["relu_vanishing"].claim in page
        assert "above 0.1: at a tenth" in page
        assert "Verdict here" in page
        assert all(f"case {n}" in page for n in range(len(conditions)))


def test_a_condition_tells_median_and_range() -> None:
    found = trial("relu_vanishing", {name: [4e-5, 0.25, 0.5, 4, 4321] for name in "abc"})
    assert str(found.conditions["a"]) == "0.5 (4e-05 to 4,300)"
    assert str(Condition((1.0,) * 5, "holds")) == "1"


def test_a_trial_needs_a_listed_claim_three_conditions_and_five_seeds() -> None:
    with pytest.raises(ValueError, match=r"claim is 'flat_earth'; expected one of one_linear_map,"):
        trial("flat_earth", {"seen": FIVE})
    with pytest.raises(ValueError, match="'one_linear_map' has no measurement"):
        trial("one_linear_map", {})
    with pytest.raises(ValueError, match="has 2 conditions; expected 3 or more"):
        trial("one_linear_map", {"one": FIVE, "two": FIVE})
    with pytest.raises(ValueError, match="'two' has 4 values; expected 5 or more"):
        trial("one_linear_map", {"one": FIVE, "two": FIVE[1:], "three": FIVE})
