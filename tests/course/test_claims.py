"""Every claim is measured by its lesson's cell, and the measurement gives the verdict we state."""

import ast
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import get_args

import jupytext
import pytest

from course.claims import Claim, Trial, Verdict, claims, trial
from course.syllabus import topics

ROOT = Path(__file__).parents[2]
LESSONS = sorted(path.stem for path in (ROOT / "source").glob("*.py"))
# What a measurement never needs: checks of answers, predictions and what they reveal.
IDLE = {"check", "predict", "reveal", "hints", "written"}

NUMBER = r"(?<!\w)-?\d+(?:\.\d+)?(?:e[-+]?\d+)?"


@cache
def measured(lesson: str) -> dict[str, object]:
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
    assert measured(lesson).keys() == listed


@pytest.mark.parametrize(
    "claim",
    [in_one_worker(claim, claim.lesson) for claim in claims().values()],
    ids=list(claims()),
)
def test_the_measurement_gives_the_verdict_that_is_stated(
    claim: Claim, noted: Callable[..., None]
) -> None:
    shown = measured(claim.lesson)[claim.id]
    assert isinstance(shown, Trial)
    for what, (value, holds) in shown.measured.items():
        numbers = [float(number) for number in re.findall(NUMBER, value)]
        noted(f"{claim.id}: {what}", numbers, holds=holds)
    assert shown.claim == claim
    assert shown.verdict == claim.verdict
    assert repr(shown).endswith(f"Verdict: {claim.verdict}.")
    assert f"<b>Verdict: {claim.verdict}.</b>" in shown._repr_html_()


@pytest.mark.parametrize("claim", claims().values(), ids=lambda claim: claim.id)
def test_a_claim_is_told_in_full(claim: Claim) -> None:
    assert claim.verdict in get_args(Verdict)
    assert claim.claim.endswith(".")
    assert claim.seed in topics()[claim.lesson].seeds
    assert claim.cell == f"claim-{claim.id}"


def test_claims_stand_in_the_order_of_their_lessons() -> None:
    order = list(topics())
    places = [order.index(claim.lesson) for claim in claims().values()]
    assert places == sorted(places)


def test_no_claim_is_listed_twice() -> None:
    listed = (ROOT / "course/claims.toml").read_text().count("[[claim]]")
    assert listed == len(claims()) == len({claim.claim for claim in claims().values()})


@pytest.mark.parametrize(
    ("outcomes", "verdict"),
    [
        ([True, True], "holds"),
        ([True], "holds"),
        ([True, False], "holds under conditions"),
        ([False, False, True], "holds under conditions"),
        ([False], "does not hold"),
        ([False, False], "does not hold"),
    ],
)
def test_the_verdict_follows_from_the_outcomes(outcomes: list[bool], verdict: str) -> None:
    found = trial(
        "one_linear_map", {f"case {n}": (f"{n}.0", holds) for n, holds in enumerate(outcomes)}
    )
    assert found.verdict == verdict
    for page in (repr(found), found._repr_html_()):
        assert claims()["one_linear_map"].claim in page
        assert page.count("fails") == outcomes.count(False)
        for n in range(len(outcomes)):
            assert f"case {n}" in page
            assert f"{n}.0" in page


def test_a_page_escapes_what_was_measured() -> None:
    page = trial("one_linear_map", {"x < 1": ("<b>", True)})._repr_html_()
    assert "x &lt; 1" in page
    assert "&lt;b&gt;" in page


def test_a_trial_needs_a_listed_claim_and_a_measurement() -> None:
    with pytest.raises(ValueError, match=r"claim is 'flat_earth'; expected one of one_linear_map,"):
        trial("flat_earth", {"seen": ("yes", True)})
    with pytest.raises(ValueError, match="'one_linear_map' has no measurement"):
        trial("one_linear_map", {})
