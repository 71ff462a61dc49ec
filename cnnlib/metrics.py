r"""Metrics: what a number says about a model, and what it hides.

Seen from one class, a prediction is a true or false positive or negative:

    accuracy     share of right predictions        misleads where one class is rare
    precision    TP / (TP + FP)                    of those called positive, how many are
    recall       TP / (TP + FN)                    of the positive, how many were found
    specificity  TN / (TN + FP)                    of the negative, how many were left alone
    F1           2 TP / (2 TP + FP + FN)           the harmonic mean of precision and recall

Several classes need an average: "macro" gives every class the same weight, "weighted" its share of
the targets, "micro" sums the counts first, which for one label per image gives accuracy. None gives
one number per class. **0/0 is 0**: a class that is never predicted has precision 0, and two empty
boxes or masks have an intersection over union of 0.

A threshold turns scores into predictions; the ROC curve shows all thresholds at once, and the area
under it is the probability that a positive outscores a negative, ties counted half (Fawcett, 2006).
A calibrated model is right in 80 of 100 cases in which it says 0.8; the expected calibration error
measures how far it is from that (Guo et al., 2017). Names and conventions are scikit-learn's; where
ours differ, the function says so.
"""

import torch
from torch import Tensor

__all__ = [
    "accuracy",
    "average_ratio",
    "box_iou",
    "check_labels",
    "confusion_matrix",
    "expected_calibration_error",
    "f1_score",
    "mask_iou",
    "mean_absolute_error",
    "mean_squared_error",
    "precision",
    "recall",
    "roc_auc",
    "roc_curve",
    "specificity",
    "top_k_accuracy",
]


def check_labels(
    prediction: Tensor, target: Tensor, num_classes: int | None = None
) -> tuple[Tensor, Tensor]:
    """Predicted and true labels as int64, once they are known to make sense.

    Shape: (N,) and (N,) -> the same. Raises ValueError for other shapes, an empty batch, labels
    that are not whole numbers, and, where num_classes is given, labels outside 0..num_classes-1.

    >>> check_labels(torch.tensor([1]), torch.tensor([True]), 2)
    (tensor([1]), tensor([1]))
    """
    if prediction.dim() != 1 or prediction.shape != target.shape or len(target) == 0:
        raise ValueError(
            f"prediction has shape {tuple(prediction.shape)} and target {tuple(target.shape)}; "
            "expected (N,) and (N,) with N at least 1"
        )
    for name, labels in (("prediction", prediction), ("target", target)):
        lowest, highest = labels.min().item(), labels.max().item()
        outside = num_classes is not None and not 0 <= lowest <= highest < num_classes
        if labels.is_floating_point() or outside:
            limits = "" if num_classes is None else f" 0..{num_classes - 1}"
            raise ValueError(
                f"{name} is {labels.dtype} in {lowest}..{highest}; expected whole numbers{limits}"
            )
    return prediction.long(), target.long()


def average_ratio(
    numerator: Tensor, denominator: Tensor, support: Tensor, average: str | None
) -> Tensor:
    """Ratio of counts of each class, 0/0 being 0, averaged over the classes.

    average is "macro", "micro", "weighted" (by support) or None.
    Shape: three times (K,) -> () of float64, or (K,) for None. Raises ValueError for another
    average.

    >>> hit, predicted, support = torch.tensor([[1, 2, 0], [1, 4, 0], [1, 1, 2]])
    >>> [average_ratio(hit, predicted, support, name).item() for name in ("macro", "micro")]
    [0.5, 0.6]
    """
    if average not in ("macro", "micro", "weighted", None):
        raise ValueError(f"average is {average!r}; expected 'macro', 'micro', 'weighted' or None")
    if average == "micro":
        numerator, denominator = numerator.sum(), denominator.sum()
    # Where the denominator is 0, so is the numerator.
    ratio = numerator.double() / denominator.clamp(min=1)
    if average == "macro":
        return ratio.mean()
    if average == "weighted":
        return (ratio * support).sum() / support.sum()
    return ratio


def confusion_matrix(prediction: Tensor, target: Tensor, *, num_classes: int) -> Tensor:
    """Counts of images by their class (row) and their predicted class (column).

    Shape: (N,) and (N,) of labels 0..K-1 -> (K, K) of int64. Raises ValueError for other shapes,
    labels that are not whole numbers, and labels outside 0..K-1.

    >>> confusion_matrix(torch.tensor([0, 1, 1]), torch.tensor([0, 0, 1]), num_classes=2)
    tensor([[1, 1],
            [0, 1]])
    """
    prediction, target = check_labels(prediction, target, num_classes)
    cells = target * num_classes + prediction
    return torch.bincount(cells, minlength=num_classes**2).reshape(num_classes, num_classes)


def accuracy(prediction: Tensor, target: Tensor) -> float:
    """Share of images whose predicted class is their class.

    Shape: (N,) and (N,) of labels -> a number from 0 to 1. Raises ValueError for other shapes,
    labels that are not whole numbers, and an empty batch.

    >>> accuracy(torch.tensor([0, 1, 1, 2]), torch.tensor([0, 0, 1, 2]))
    0.75
    """
    prediction, target = check_labels(prediction, target)
    return (prediction == target).double().mean().item()


def precision(
    prediction: Tensor, target: Tensor, *, num_classes: int, average: str | None
) -> Tensor:
    """Of the images predicted as a class, the share that belong to it; 0 where there are none.

    average is "macro", "micro", "weighted" or None. Shape: (N,) and (N,) of labels 0..K-1 -> () of
    float64, or (K,) for None. Raises ValueError for another average, other shapes, an empty
    batch, labels that are not whole numbers, and labels outside 0..K-1.

    >>> prediction, target = torch.tensor([0, 1, 1, 1]), torch.tensor([0, 0, 1, 1])
    >>> precision(prediction, target, num_classes=3, average=None)
    tensor([1.0000, 0.6667, 0.0000], dtype=torch.float64)
    """
    prediction, target = check_labels(prediction, target, num_classes)
    hit = torch.bincount(target[prediction == target], minlength=num_classes)
    predicted = torch.bincount(prediction, minlength=num_classes)
    support = torch.bincount(target, minlength=num_classes)
    return average_ratio(hit, predicted, support, average)


def recall(prediction: Tensor, target: Tensor, *, num_classes: int, average: str | None) -> Tensor:
    """Of the images of a class, the share predicted as it; 0 where there are none.

    Arguments, shapes and errors as for precision.

    >>> prediction, target = torch.tensor([0, 1, 1, 1]), torch.tensor([0, 0, 1, 1])
    >>> recall(prediction, target, num_classes=3, average="macro")
    tensor(0.5000, dtype=torch.float64)
    """
    prediction, target = check_labels(prediction, target, num_classes)
    hit = torch.bincount(target[prediction == target], minlength=num_classes)
    support = torch.bincount(target, minlength=num_classes)
    return average_ratio(hit, support, support, average)


def f1_score(
    prediction: Tensor, target: Tensor, *, num_classes: int, average: str | None
) -> Tensor:
    """Harmonic mean of precision and recall, 2 TP / (2 TP + FP + FN), averaged over classes.

    Arguments, shapes and errors as for precision.

    >>> prediction, target = torch.tensor([0, 1, 1, 1]), torch.tensor([0, 0, 1, 1])
    >>> f1_score(prediction, target, num_classes=3, average=None)
    tensor([0.6667, 0.8000, 0.0000], dtype=torch.float64)
    """
    prediction, target = check_labels(prediction, target, num_classes)
    hit = torch.bincount(target[prediction == target], minlength=num_classes)
    predicted = torch.bincount(prediction, minlength=num_classes)
    support = torch.bincount(target, minlength=num_classes)
    return average_ratio(2 * hit, predicted + support, support, average)


def specificity(
    prediction: Tensor, target: Tensor, *, num_classes: int, average: str | None
) -> Tensor:
    """Of the images that are not of a class, the share not predicted as it; 0 where there are none.

    Arguments, shapes and errors as for precision.

    >>> prediction, target = torch.tensor([0, 1, 1, 1]), torch.tensor([0, 0, 1, 1])
    >>> specificity(prediction, target, num_classes=2, average=None)
    tensor([1.0000, 0.5000], dtype=torch.float64)
    """
    prediction, target = check_labels(prediction, target, num_classes)
    hit = torch.bincount(target[prediction == target], minlength=num_classes)
    predicted = torch.bincount(prediction, minlength=num_classes)
    support = torch.bincount(target, minlength=num_classes)
    negative = len(target) - support
    return average_ratio(negative - (predicted - hit), negative, support, average)


def top_k_accuracy(logits: Tensor, target: Tensor, *, k: int) -> float:
    """Share of images whose class is among the k largest logits.

    Of equal logits the first counts as larger (in scikit-learn the last), as in argmax, so that
    k = 1 is the accuracy.
    Shape: logits (N, K), target (N,) of labels 0..K-1 -> a number from 0 to 1.
    Raises ValueError for other shapes, an empty batch, k outside 1..K, and labels outside 0..K-1.

    >>> logits = torch.tensor([[0.0, 5.0, 3.0], [9.0, 5.0, 3.0]])
    >>> [top_k_accuracy(logits, torch.tensor([2, 2]), k=k) for k in (1, 2, 3)]
    [0.0, 0.5, 1.0]
    """
    if logits.dim() != 2 or not 1 <= k <= logits.shape[1]:
        raise ValueError(
            f"logits has shape {tuple(logits.shape)} and k is {k}; expected (N, K) and 1..K"
        )
    ranked = logits.argsort(dim=1, descending=True, stable=True)
    _, target = check_labels(ranked[:, 0], target, logits.shape[1])
    return (ranked[:, :k] == target[:, None]).any(dim=1).double().mean().item()


def mean_absolute_error(prediction: Tensor, target: Tensor) -> Tensor:
    """Mean of |prediction - target|, in the units of the target; differentiable.

    Shape: any, both equal -> (). Raises ValueError where the shapes differ or are empty.

    >>> mean_absolute_error(torch.tensor([1.0, 5.0]), torch.tensor([2.0, 2.0]))
    tensor(2.)
    """
    if prediction.shape != target.shape or target.numel() == 0:
        raise ValueError(
            f"prediction has shape {tuple(prediction.shape)} and target {tuple(target.shape)}; "
            "expected the same, with at least one number"
        )
    return (prediction - target).abs().mean()


def mean_squared_error(prediction: Tensor, target: Tensor) -> Tensor:
    """Mean of (prediction - target)^2, in squared units of the target; differentiable.

    Shape: any, both equal -> (). Raises ValueError where the shapes differ or are empty.

    >>> mean_squared_error(torch.tensor([1.0, 5.0]), torch.tensor([2.0, 2.0]))
    tensor(5.)
    """
    if prediction.shape != target.shape or target.numel() == 0:
        raise ValueError(
            f"prediction has shape {tuple(prediction.shape)} and target {tuple(target.shape)}; "
            "expected the same, with at least one number"
        )
    return ((prediction - target) ** 2).mean()


def box_iou(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union of every box of a with every box of b; 0 where both have no area.

    A box is (x1, y1, x2, y2) with x1 <= x2 and y1 <= y2, in pixels.
    Shape: a (N, 4), b (M, 4) -> (N, M). Raises ValueError for other shapes and corners in the
    wrong order. Source: torchvision's box_iou, where 0/0 is nan.

    >>> box_iou(torch.tensor([[0.0, 0.0, 2.0, 2.0]]), torch.tensor([[1.0, 0.0, 3.0, 2.0]]))
    tensor([[0.3333]])
    """
    for name, boxes in (("a", a), ("b", b)):
        if boxes.dim() != 2 or boxes.shape[1] != 4 or (boxes[:, :2] > boxes[:, 2:]).any():
            raise ValueError(
                f"{name} is {boxes.tolist()}; expected rows (x1, y1, x2, y2), x1 <= x2, y1 <= y2"
            )
    area_a, area_b = (boxes[:, 2:].sub(boxes[:, :2]).prod(dim=1) for boxes in (a, b))
    low = torch.maximum(a[:, None, :2], b[:, :2])
    high = torch.minimum(a[:, None, 2:], b[:, 2:])
    overlap = (high - low).clamp(min=0).prod(dim=2)
    union = area_a[:, None] + area_b - overlap
    return overlap / torch.where(union > 0, union, torch.ones_like(union))


def mask_iou(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union of every mask of a with every mask of b; 0 where both are empty.

    Shape: a (N, H, W), b (M, H, W) of booleans -> (N, M) of float64. Raises ValueError for other
    shapes and dtypes.

    >>> a, b = torch.tensor([[[True, True, False]]]), torch.tensor([[[False, True, True]]])
    >>> mask_iou(a, b)
    tensor([[0.3333]], dtype=torch.float64)
    """
    fits = a.dim() == b.dim() == 3 and a.shape[1:] == b.shape[1:]
    if not fits or {a.dtype, b.dtype} != {torch.bool}:
        raise ValueError(
            f"a has shape {tuple(a.shape)} of {a.dtype} and b {tuple(b.shape)} of {b.dtype}; "
            "expected (N, H, W) and (M, H, W) of torch.bool"
        )
    a, b = a.flatten(1).double(), b.flatten(1).double()
    overlap = a @ b.T
    union = a.sum(dim=1)[:, None] + b.sum(dim=1) - overlap
    return overlap / union.clamp(min=1)


def roc_curve(score: Tensor, target: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """False and true positive rate at every threshold, from strict to lenient.

    An image counts as positive where its score is at or above the threshold. Equal scores share
    one point, and no point is dropped; the first threshold is infinite, so that the curve starts
    at (0, 0).
    Shape: score (N,), target (N,) of 0 and 1 -> false positive rate, true positive rate (float64)
    and thresholds, each (T + 1,) for T different scores. Raises ValueError for other shapes,
    other labels, a class without images, and a score that is not a number. Source: Fawcett (2006).

    >>> curve = roc_curve(torch.tensor([0.9, 0.5, 0.5, 0.1]), torch.tensor([1, 1, 0, 0]))
    >>> [values.tolist() for values in curve[:2]]
    [[0.0, 0.0, 0.5, 1.0], [0.0, 0.5, 1.0, 1.0]]
    """
    if score.dim() != 1 or score.shape != target.shape or score.isnan().any():
        raise ValueError(
            f"score has shape {tuple(score.shape)} and target {tuple(target.shape)}; "
            "expected (N,) and (N,), and no score nan"
        )
    if target.unique().tolist() != [0, 1]:
        raise ValueError(f"target holds {target.unique().tolist()}; expected 0 and 1, both of them")
    thresholds, group = score.unique(return_inverse=True)  # ascending
    rates = []
    for label in (0, 1):
        counts = torch.bincount(group[target == label], minlength=len(thresholds))
        passed = counts.flip(0).cumsum(0).double()
        rates.append(torch.cat([passed.new_zeros(1), passed / passed[-1]]))
    return rates[0], rates[1], torch.cat([score.new_tensor([torch.inf]), thresholds.flip(0)])


def roc_auc(score: Tensor, target: Tensor) -> float:
    """Area under the ROC curve: how often a positive outscores a negative, ties counted half.

    Shape: score (N,), target (N,) of 0 and 1 -> a number from 0 to 1. Raises ValueError for other
    shapes, other labels, a class without images, and a score that is not a number.
    Source: Hanley and McNeil (1982).

    >>> roc_auc(torch.tensor([0.9, 0.5, 0.5, 0.1]), torch.tensor([1, 1, 0, 0]))
    0.875
    """
    if score.dim() != 1 or score.shape != target.shape or score.isnan().any():
        raise ValueError(
            f"score has shape {tuple(score.shape)} and target {tuple(target.shape)}; "
            "expected (N,) and (N,), and no score nan"
        )
    if target.unique().tolist() != [0, 1]:
        raise ValueError(f"target holds {target.unique().tolist()}; expected 0 and 1, both of them")
    negative, positive = score[target == 0].double().sort().values, score[target == 1].double()
    below = torch.searchsorted(negative, positive)
    below_or_equal = torch.searchsorted(negative, positive, right=True)
    return (below + below_or_equal).double().mean().item() / (2 * len(negative))


def expected_calibration_error(probability: Tensor, target: Tensor, *, bins: int) -> float:
    """Mean distance between confidence and accuracy, bin by bin, weighted by images.

    The confidence of an image is its largest probability. The bins have width 1 / bins; each holds
    its upper edge and not its lower one, but the first holds 0 too.
    Shape: probability (N, K), target (N,) of labels 0..K-1 -> a number from 0 to 1.
    Raises ValueError where bins is below 1, a probability is outside [0, 1] (are these logits?),
    and for other shapes or labels. Source: Guo et al. (2017).

    >>> probability = torch.tensor([[0.75, 0.25], [0.75, 0.25], [0.0, 1.0], [0.0, 1.0]])
    >>> expected_calibration_error(probability, torch.tensor([0, 1, 1, 1]), bins=5)
    0.125
    """
    if bins < 1:
        raise ValueError(f"bins is {bins}; expected 1 or more")
    inside = ((probability >= 0) & (probability <= 1)).all()
    if probability.dim() != 2 or probability.numel() == 0 or not inside:
        raise ValueError(
            f"probability has shape {tuple(probability.shape)}; expected (N, K) with entries from "
            "0 to 1: pass logits through softmax first"
        )
    confidence, prediction = probability.double().max(dim=1)
    prediction, target = check_labels(prediction, target, probability.shape[1])
    edges = torch.linspace(0, 1, bins + 1, dtype=torch.float64, device=probability.device)
    which = torch.bucketize(confidence, edges[1:-1])
    gaps = torch.zeros(bins, dtype=torch.float64, device=probability.device)
    # |sum of confidence - number right| of a bin is its gap times its number of images.
    gaps = gaps.index_add(0, which, confidence - (prediction == target).double())
    return gaps.abs().sum().item() / len(target)
