"""The handwritten digits that scikit-learn carries: 1,797 images of 8x8 pixels.

They are the test half of the UCI data set "Optical Recognition of Handwritten Digits"
(Alpaydin and Kaynak, 1998).
"""

import torch

from course.datasets.images import Images

__all__ = ["digits"]


def digits() -> tuple[Images, Images]:
    """Return a training and a test set, (1433, 1, 8, 8) and (364, 1, 8, 8).

    Every fifth image of each digit is in the test set, so the split is the same everywhere.

    >>> train, test = digits()
    >>> tuple(train.images.shape), len(test)
    ((1433, 1, 8, 8), 364)
    """
    # scikit-learn takes a second to import, and most lessons' first cells do without it.
    from sklearn.datasets import load_digits

    raw = load_digits()
    images = torch.tensor(raw.images, dtype=torch.float32).unsqueeze(1) / 16
    labels = torch.tensor(raw.target, dtype=torch.int64)
    rank = torch.stack([(labels == k).cumsum(0) for k in range(10)], dim=1)
    held_out = rank[torch.arange(len(labels)), labels] % 5 == 1
    classes = tuple(str(k) for k in range(10))
    train, test = (
        Images(images[chosen], labels[chosen], classes) for chosen in (~held_out, held_out)
    )
    return train, test
