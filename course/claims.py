"""Claims on trial: what textbooks assert, put to a measurement.

``course/claims.toml`` lists each claim once, with the verdict that its measurement gives. A lesson
measures it in a cell and calls ``trial``, which derives the verdict from what was measured; a test
runs every measurement and compares.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path
from typing import Literal

__all__ = ["Claim", "Trial", "Verdict", "claims", "trial"]

Verdict = Literal["holds", "holds under conditions", "does not hold"]


@dataclass(frozen=True)
class Claim:
    """A statement of the course's source documents, in our words.

    lesson is the topic that measures it, seed the question it comes from, cell the id of the
    notebook cell that measures it.
    """

    id: str
    lesson: str
    seed: str
    claim: str
    verdict: Verdict
    cell: str


@dataclass(frozen=True)
class Trial:
    """A claim with what was measured: condition -> (measured value, whether the claim holds)."""

    claim: Claim
    measured: Mapping[str, tuple[str, bool]]

    @property
    def verdict(self) -> Verdict:
        """What the measurements say together."""
        outcomes = [holds for _, holds in self.measured.values()]
        if all(outcomes):
            return "holds"
        return "holds under conditions" if any(outcomes) else "does not hold"

    def __repr__(self) -> str:
        lines = [f"  {what}: {value} ({_word(ok)})" for what, (value, ok) in self.measured.items()]
        return "\n".join([f"Claim: {self.claim.claim}", *lines, f"Verdict: {self.verdict}."])

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td style='text-align: left'>{escape(what)}</td><td>{escape(value)}</td>"
            f"<td>{_word(ok)}</td></tr>"
            for what, (value, ok) in self.measured.items()
        )
        return (
            f"<p><b>Claim on trial.</b> {escape(self.claim.claim)}</p>"
            "<table><thead><tr><th style='text-align: left'>condition</th><th>measured</th>"
            f"<th>the claim</th></tr></thead><tbody>{rows}</tbody></table>"
            f"<p role='status'><b>Verdict: {self.verdict}.</b></p>"
        )


@cache
def claims() -> dict[str, Claim]:
    """Return all claims by id, in the order of the lessons."""
    table = tomllib.loads(Path(__file__).with_name("claims.toml").read_text())
    return {entry["id"]: Claim(**entry) for entry in table["claim"]}


def trial(claim_id: str, measured: Mapping[str, tuple[str, bool]]) -> Trial:
    """Put a claim on trial: give, for each condition, what was measured and whether it holds.

    Raises ValueError for a claim that is not listed, or without a measurement.
    """
    if claim_id not in claims():
        raise ValueError(f"claim is {claim_id!r}; expected one of {', '.join(claims())}")
    if not measured:
        raise ValueError(f"claim {claim_id!r} has no measurement; expected one or more conditions")
    return Trial(
        claims()[claim_id], {what: (value, bool(ok)) for what, (value, ok) in measured.items()}
    )


def _word(holds: bool) -> str:
    return "holds" if holds else "fails"
