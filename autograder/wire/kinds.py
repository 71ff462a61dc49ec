"""Questions about a value before it gets a form."""

import sys
from typing import Any

__all__ = ["can_change", "path_of"]


def can_change(value: Any) -> bool:
    """Tell whether a value has an identity that a check may ask for."""
    if type(value) in (list, dict, set):
        return True
    np, torch = sys.modules.get("numpy"), sys.modules.get("torch")
    return bool(
        (np is not None and isinstance(value, np.ndarray))
        or (torch is not None and isinstance(value, torch.Tensor))
    )


def path_of(module: Any) -> str:
    """Return where the class of a module can be imported from, or "" where it cannot."""
    made = type(module)
    home = sys.modules.get(made.__module__)
    importable = made.__module__ != "__main__" and getattr(home, made.__name__, None) is made
    return f"{made.__module__}:{made.__name__}" if importable else ""
