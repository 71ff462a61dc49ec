"""States of the global random number generators, as plain values."""

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from autograder.wire.values import WireError

__all__ = ["preserved", "set_state", "states"]


def states() -> list[tuple[str, Any]]:
    """Return name and state of every generator whose library is loaded."""
    found: list[tuple[str, Any]] = [("random", random.getstate())]
    np, torch = sys.modules.get("numpy"), sys.modules.get("torch")
    if np is not None:
        kind, keys, *rest = np.random.get_state()
        found.append(("numpy", (kind, keys.tobytes(), *rest)))
    if torch is not None:
        found.append(("torch", torch.get_rng_state().numpy().tobytes()))
    return found


def set_state(name: str, state: Any) -> None:
    """Put a generator into a state. Raises WireError where that is none."""
    np, torch = sys.modules.get("numpy"), sys.modules.get("torch")
    try:
        if name == "random":
            random.setstate(state)
        elif name == "numpy" and np is not None:
            kind, keys, *rest = state
            np.random.set_state((kind, np.frombuffer(keys, np.uint32), *rest))
        elif name == "torch" and torch is not None:
            torch.set_rng_state(torch.frombuffer(bytearray(state), dtype=torch.uint8))
    except (TypeError, ValueError, RuntimeError, IndexError, KeyError) as error:
        raise WireError(f"a state of random numbers is malformed: {error}") from None


@contextmanager
def preserved() -> Iterator[None]:
    """Leave all generators afterwards as they were before."""
    before = states()
    try:
        yield
    finally:
        for name, state in before:
            set_state(name, state)
