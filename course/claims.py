"""Claims on trial: what textbooks assert, put to a measurement that tries to break it.

``course/claims.toml`` lists each claim once: in our words, what is measured, from which threshold
on it holds and why there, the verdict that the measurement gives here, and what is known in
general. A lesson measures under conditions that were chosen to break the claim, with several seeds
each, and calls ``trial``, which derives the verdict; a test runs every measurement and compares.
"""

import math
import statistics
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path
from typing import Literal

__all__ = ["SEEDS", "Claim", "Condition", "Trial", "Verdict", "claims", "trial"]

Verdict = Literal["holds", "holds under conditions", "does not hold"]
Outcome = Literal["holds", "fails", "undecided"]
# A trial has no fewer of either.
CONDITIONS, SEEDS = 3, range(5)


@dataclass(frozen=True)
class Claim:
    """A statement of the course's source documents, in our words.

    lesson is the topic that measures it, seed the question it comes from, cell the id of the
    notebook cell that measures it, verdict what is found there. measure says what is measured; the
    claim holds where that lies above and below the thresholds, which reason gives reasons for.
    general is the verdict that goes beyond this course, and known says by whose work.
    """

    id: str
    lesson: str
    seed: str
    claim: str
    verdict: Verdict
    cell: str
    measure: str
    reason: str
    general: Verdict
    known: str
    above: float = -math.inf
    below: float = math.inf

    @property
    def wanted(self) -> str:
        """The thresholds in words."""
        words = [("above", self.above), ("below", self.below)]
        return " and ".join(f"{word} {at:g}" for word, at in words if math.isfinite(at))


@dataclass(frozen=True)
class Condition:
    """What was measured under one condition, one value for each seed, and what it says."""

    values: tuple[float, ...]
    outcome: Outcome

    def __str__(self) -> str:
        low, middle, high = (_short(pick(self.values)) for pick in (min, statistics.median, max))
        return middle if low == high else f"{middle} ({low} to {high})"


@dataclass(frozen=True)
class Trial:
    """A claim with what was measured under each condition."""

    claim: Claim
    conditions: Mapping[str, Condition]

    @property
    def verdict(self) -> Verdict:
        """What the measurements say together."""
        outcomes = [condition.outcome for condition in self.conditions.values()]
        if set(outcomes) == {"holds"}:
            return "holds"
        return "holds under conditions" if "holds" in outcomes else "does not hold"

    def __repr__(self) -> str:
        rows = [f"  {what}: {c} ({c.outcome})" for what, c in self.conditions.items()]
        head = [f"Claim: {self.claim.claim}", f"Measured: {self._measured()}"]
        return "\n".join([*head, *rows, *self._verdicts()])

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td style='text-align: left'>{escape(what)}</td><td>{escape(str(c))}</td>"
            f"<td>{c.outcome}</td></tr>"
            for what, c in self.conditions.items()
        )
        here, *general = self._verdicts()
        return (
            f"<p><b>Claim on trial.</b> {escape(self.claim.claim)}<br>"
            f"Measured: {escape(self._measured())}</p>"
            "<table><thead><tr><th style='text-align: left'>condition</th>"
            "<th>median (lowest to highest)</th><th>the claim</th></tr></thead>"
            f"<tbody>{rows}</tbody></table>"
            f"<p role='status'><b>{escape(here)}</b>"
            + "".join(f"<br>{escape(line)}" for line in general)
            + "</p>"
        )

    def _measured(self) -> str:
        seeds = len(next(iter(self.conditions.values())).values)
        claim = self.claim
        return (
            f"{claim.measure}, with {seeds} seeds. The claim holds {claim.wanted}: {claim.reason}"
        )

    def _verdicts(self) -> list[str]:
        general = f"In general: {self.claim.general}. {self.claim.known}"
        return [f"Verdict here: {self.verdict}.", general]


@cache
def claims() -> dict[str, Claim]:
    """Return all claims by id, in the order of the lessons."""
    table = tomllib.loads(Path(__file__).with_name("claims.toml").read_text())
    return {entry["id"]: Claim(**entry) for entry in table["claim"]}


def trial(claim_id: str, measured: Mapping[str, Sequence[float]]) -> Trial:
    """Put a claim on trial: give, for each condition, what was measured with each seed.

    A condition decides where all its seeds lie on one side of the thresholds. Raises ValueError for
    a claim that is not listed, and for fewer than three conditions or five seeds.
    """
    if claim_id not in claims():
        raise ValueError(f"claim is {claim_id!r}; expected one of {', '.join(claims())}")
    claim = claims()[claim_id]
    if not measured:
        raise ValueError(f"claim {claim_id!r} has no measurement; expected one or more conditions")
    if len(measured) < CONDITIONS:
        raise ValueError(f"claim {claim_id!r} has {len(measured)} conditions; expected 3 or more")
    for what, values in measured.items():
        if len(values) < len(SEEDS):
            raise ValueError(f"{what!r} has {len(values)} values; expected 5 or more, one a seed")
    return Trial(claim, {what: _condition(claim, values) for what, values in measured.items()})


def _condition(claim: Claim, values: Sequence[float]) -> Condition:
    numbers = tuple(float(value) for value in values)
    inside = [claim.above < number < claim.below for number in numbers]
    outcome: Outcome = "holds" if all(inside) else "undecided" if any(inside) else "fails"
    return Condition(numbers, outcome)


def _short(number: float) -> str:
    """Two digits, and no exponent where a number is easier to read without.

    >>> [_short(x) for x in (0.123, 1.0, 4321.0, 0.00001234, float("nan"))]
    ['0.12', '1', '4,300', '1.2e-05', 'nan']
    """
    if math.isfinite(number) and 100 <= abs(number) < 1e6:
        return f"{float(f'{number:.2g}'):,.0f}"
    return f"{number:.2g}"
