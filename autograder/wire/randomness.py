"""States of random number generators and of torch's default dtype, as plain values."""

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from autograder.wire.tensors import WireError, dtype_of

__all__ = ["disturb", "generator_of", "preserved", "set_state", "state_of", "states"]


def states() -> list[tuple[str, Any]]:
    """Return name and state of every generator whose library is loaded."""
    found: list[tuple[str, Any]] = [("random", random.getstate())]
    np, torch = sys.modules.get("numpy"), sys.modules.get("torch")
    if np is not None:
        kind, keys, *rest = np.random.get_state()
        found.append(("numpy", (kind, keys.tobytes(), *rest)))
    if torch is not None:
        found.append(("torch", torch.get_rng_state().numpy().tobytes()))
        found.append(("torch dtype", str(torch.get_default_dtype()).removeprefix("torch.")))
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
        elif name == "torch dtype" and torch is not None:
            torch.set_default_dtype(dtype_of(torch, state))
    except (TypeError, ValueError, RuntimeError, IndexError, KeyError) as error:
        raise WireError(f"a state of random numbers is malformed: {error}") from None


def disturb(number: int) -> None:
    """Put the generators into a state that nobody chose, another one for each number."""
    np, torch = sys.modules.get("numpy"), sys.modules.get("torch")
    random.seed(number)
    if np is not None:
        np.random.seed(number)
    if torch is not None:
        torch.manual_seed(number)


def state_of(generator: Any) -> dict[str, Any] | None:
    """Return the state of a generator of numpy's; None for anything else.

    It goes from a check to a submission and never back: a state can be one that numpy never leaves.
    """
    np = sys.modules.get("numpy")
    if np is None or type(generator) is not np.random.Generator:
        return None
    return dict(generator.bit_generator.state)


def generator_of(state: dict[str, Any]) -> Any:
    """Return a generator of numpy's that is in a state."""
    import numpy as np

    bits = getattr(np.random, str(state["bit_generator"]))()
    bits.state = state
    return np.random.Generator(bits)


@contextmanager
def preserved() -> Iterator[None]:
    """Leave all generators afterwards as they were before."""
    before = states()
    try:
        yield
    finally:
        for name, state in before:
            set_state(name, state)
