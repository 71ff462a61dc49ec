"""Does the sandbox hold? It is tried from inside, with the rights that a submission has.

What is tried stands in autograder.inside.probe. Two processes take part, as two submissions would:
one leaves traces, and the other looks for them and for everything else.
"""

import socket
from collections.abc import Callable, Sequence
from pathlib import Path

from autograder.errors import SandboxError
from autograder.limits import Limits
from autograder.sandbox.bubblewrap import ADVICE
from autograder.sandbox.offer import Offer
from autograder.sandbox.scratch import scratch_folder
from autograder.sandbox.submission import Gone, Submission

__all__ = ["escapes", "require_isolation"]

SECONDS = 60.0
END = "that was all"


def escapes(
    submission: Callable[[], Submission], *, secret: str, offer: Offer, limits: Limits
) -> list[str]:
    """Return what two submissions with these limits can do and must not.

    secret is a word that stands in the environment of this process's own sandbox. Raises
    SandboxError where the attempts did not come to their end.
    """
    # Not earlier: it needs Linux, and commands that do not grade run elsewhere too.
    from autograder.inside.probe import Given

    with (
        scratch_folder() as folder,
        socket.create_server(("127.0.0.1", 0)) as server,
    ):
        canary = folder / "canary"
        canary.write_text(secret)
        given = Given(
            port=server.getsockname()[1],
            secret=secret,
            canary=str(canary),
            home=str(Path.home()),
            kept=_texts(offer.visible()),
            withheld=_texts(offer.withhold),
            hidden=tuple(offer.hide),
            limits=limits,
        )
        with submission() as neighbour, submission() as process:
            _run(neighbour, f"probe.leave_traces(probe.{given!r})")
            return _run(process, f"print(*probe.escapes(probe.{given!r}), sep='\\n')")


def require_isolation(
    submission: Callable[[], Submission], *, secret: str, offer: Offer, limits: Limits
) -> None:
    """Raise SandboxError where a submission could do what it must not."""
    try:
        found = escapes(submission, secret=secret, offer=offer, limits=limits)
    except Gone as error:
        raise SandboxError(f"the self-test of the sandbox died: {error.reason}") from None
    if found:
        raise SandboxError(
            "the sandbox does not hold, so nothing is graded. In it a submission can: "
            f"{'; '.join(found)}. {ADVICE}"
        )


def _run(process: Submission, source: str) -> list[str]:
    """Run a line that uses the probe; return the lines that it prints."""
    imports = "from autograder.inside import probe\nfrom autograder.limits import Limits"
    result = process.run(f"{imports}\n{source}\nprint({END!r})", SECONDS)
    text = "".join(output["text"] for output in result.printed if output["name"] == "stdout")
    *lines, end = [line for line in text.splitlines() if line] or [""]
    if result.ended or end != END:
        why = result.ended or result.ran.failure or text
        raise SandboxError(f"the self-test of the sandbox did not finish: {why}")
    return lines


def _texts(paths: Sequence[Path]) -> tuple[str, ...]:
    return tuple(map(str, paths))
