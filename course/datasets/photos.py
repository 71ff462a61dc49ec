"""The two sample photographs that scikit-learn carries, both 427 pixels high and 640 wide."""

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["photo"]

NAMES = ("china", "flower")


def photo(name: str, *, height: int = 427) -> Tensor:
    """Return a photograph as (3, height, width), float32 in [0, 1], its proportions kept.

    Raises ValueError for an unknown name or a height outside 1..427.

    >>> tuple(photo("flower", height=120).shape)
    (3, 120, 180)
    """
    if name not in NAMES:
        raise ValueError(f"name is {name!r}; expected 'china' or 'flower'")
    if not 1 <= height <= 427:
        raise ValueError(f"height is {height}; expected 1 to 427 pixels")
    # scikit-learn takes a second to import.
    from sklearn.datasets import load_sample_image

    image = torch.tensor(load_sample_image(f"{name}.jpg")).permute(2, 0, 1).float() / 255
    if height == 427:
        return image
    size = (height, round(height * 640 / 427))
    return F.interpolate(image[None], size=size, mode="bilinear", antialias=True)[0].clamp(0, 1)
