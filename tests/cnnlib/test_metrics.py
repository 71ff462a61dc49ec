"""scikit-learn and torchvision are the oracles, on random and degenerate inputs; laws join them."""

import re
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import sklearn.metrics
import torch
import torch.nn.functional as F
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from torch import Tensor
from torch.testing import assert_close

from cnnlib import metrics

AVERAGES = ["macro", "micro", "weighted", None]
AVERAGED = ["precision", "recall", "f1_score", "specificity"]
TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-6, torch.bfloat16: 2e-2, torch.float16: 2e-3}


@st.composite
def labelled(draw: st.DrawFn) -> tuple[Tensor, Tensor, int]:
    """Predictions, targets and the number of classes; some classes may have no image at all."""
    num_classes = draw(st.integers(1, 5))
    labels = st.lists(st.integers(0, num_classes - 1), min_size=1, max_size=12)
    target = draw(labels)
    prediction = draw(
        st.lists(st.integers(0, num_classes - 1), min_size=len(target), max_size=len(target))
    )
    return torch.tensor(prediction), torch.tensor(target), num_classes


@st.composite
def scored(draw: st.DrawFn) -> tuple[Tensor, Tensor]:
    """Scores, half of the time with many ties, and targets with both classes among them."""
    values = st.sampled_from([0.0, 0.5, 1.0]) | st.floats(-3, 3, width=16)
    pairs = draw(st.lists(st.tuples(values, st.booleans()), min_size=2, max_size=20))
    assume(len({positive for _, positive in pairs}) == 2)
    scores, target = zip(*pairs, strict=True)
    return torch.tensor(scores), torch.tensor(target)


# Counts.


# scikit-learn warns of a single class even where labels names it.
@pytest.mark.filterwarnings("ignore:A single label was found")
@given(case=labelled())
def test_counts_equal_scikit_learn(device: str, case: tuple[Tensor, Tensor, int]) -> None:
    prediction, target, num_classes = case
    arguments = {"y_true": target, "y_pred": prediction}
    matrix = metrics.confusion_matrix(
        prediction.to(device), target.to(device), num_classes=num_classes
    )
    expected = sklearn.metrics.confusion_matrix(**arguments, labels=range(num_classes))
    assert matrix.tolist() == expected.tolist()
    assert metrics.accuracy(prediction.to(device), target.to(device)) == pytest.approx(
        sklearn.metrics.accuracy_score(**arguments)
    )


@pytest.mark.parametrize("average", AVERAGES)
@pytest.mark.parametrize("name", ["precision", "recall", "f1_score"])
@given(case=labelled())
def test_precision_recall_and_f1_equal_scikit_learn(
    device: str, name: str, average: str | None, case: tuple[Tensor, Tensor, int]
) -> None:
    prediction, target, num_classes = case
    theirs = getattr(sklearn.metrics, name if name == "f1_score" else f"{name}_score")
    expected = theirs(
        target, prediction, labels=range(num_classes), average=average, zero_division=0
    )
    actual = getattr(metrics, name)(
        prediction.to(device), target.to(device), num_classes=num_classes, average=average
    )
    assert actual.shape == (() if average else (num_classes,))
    assert_close(actual.cpu(), torch.as_tensor(expected, dtype=torch.float64))


@pytest.mark.parametrize("average", AVERAGES)
@given(case=labelled())
def test_specificity_is_the_recall_of_everything_else(
    device: str, average: str | None, case: tuple[Tensor, Tensor, int]
) -> None:
    prediction, target, num_classes = case
    negatives = (target[:, None] != torch.arange(num_classes)).numpy()
    called_negative = (prediction[:, None] != torch.arange(num_classes)).numpy()
    each = sklearn.metrics.recall_score(negatives, called_negative, average=None, zero_division=0)
    each = torch.as_tensor(np.atleast_1d(each)).double()
    if num_classes == 1:  # scikit-learn reads one column as two classes
        each = torch.zeros(1, dtype=torch.float64)
    support = torch.bincount(target, minlength=num_classes)
    true_negative = (negatives & called_negative).sum()
    expected = {
        None: each,
        "macro": each.mean(),
        "weighted": (each * support).sum() / len(target),
        "micro": torch.tensor(true_negative / max(negatives.sum(), 1)).double(),
    }[average]
    actual = metrics.specificity(
        prediction.to(device), target.to(device), num_classes=num_classes, average=average
    )
    assert_close(actual.cpu(), expected)


@pytest.mark.parametrize("name", AVERAGED)
@given(case=labelled(), seed=st.integers(0, 99))
def test_renaming_classes_and_reordering_images_changes_no_average(
    name: str, case: tuple[Tensor, Tensor, int], seed: int
) -> None:
    prediction, target, num_classes = case
    generator = torch.Generator().manual_seed(seed)
    names = torch.randperm(num_classes, generator=generator)
    order = torch.randperm(len(target), generator=generator)
    function = getattr(metrics, name)
    for average in ("macro", "micro", "weighted"):
        options = {"num_classes": num_classes, "average": average}
        assert_close(
            function(names[prediction][order], names[target][order], **options),
            function(prediction, target, **options),
        )


@given(case=labelled())
def test_f1_lies_between_precision_and_recall_and_micro_averages_are_accuracy(
    case: tuple[Tensor, Tensor, int],
) -> None:
    prediction, target, num_classes = case
    options: dict[str, Any] = {"num_classes": num_classes, "average": None}
    p, r, f1 = (
        function(prediction, target, **options)
        for function in (metrics.precision, metrics.recall, metrics.f1_score)
    )
    assert (torch.minimum(p, r) <= f1 + 1e-12).all()
    assert (f1 <= torch.maximum(p, r) + 1e-12).all()
    options["average"] = "micro"
    for function in (metrics.precision, metrics.recall, metrics.f1_score):
        assert function(prediction, target, **options).item() == pytest.approx(
            metrics.accuracy(prediction, target)
        )


@pytest.mark.parametrize("dtype", [torch.int32, torch.uint8, torch.bool], ids=str)
def test_labels_may_have_any_whole_dtype(dtype: torch.dtype) -> None:
    prediction, target = torch.tensor([0, 1, 1]), torch.tensor([0, 0, 1])
    options = {"num_classes": 2, "average": None}
    for name in AVERAGED:
        function = getattr(metrics, name)
        assert_close(
            function(prediction.to(dtype), target.to(dtype), **options),
            function(prediction, target, **options),
        )


def test_ratios_worked_out_on_paper() -> None:
    # Class 0: 3 of 4 found, 1 called so wrongly. Class 1: 0 of 1 found. Class 2: never seen or
    # called. Class 3: called once, wrongly.
    prediction = torch.tensor([0, 0, 0, 3, 0])
    target = torch.tensor([0, 0, 0, 0, 1])
    options: dict[str, Any] = {"num_classes": 4, "average": None}
    close = partial(assert_close, rtol=0, atol=1e-12)
    double = partial(torch.tensor, dtype=torch.float64)
    close(metrics.precision(prediction, target, **options), double([0.75, 0, 0, 0]))
    close(metrics.recall(prediction, target, **options), double([0.75, 0, 0, 0]))
    close(metrics.specificity(prediction, target, **options), double([0, 1, 1, 0.8]))
    options["average"] = "macro"
    close(metrics.f1_score(prediction, target, **options), double(0.75 / 4))
    options["average"] = "weighted"
    close(metrics.f1_score(prediction, target, **options), double(0.75 * 0.8))
    assert metrics.accuracy(prediction, target) == 0.6


# Ranks.


@given(data=st.data(), n=st.integers(1, 6), k=st.integers(1, 5), ties=st.booleans())
def test_top_k_accuracy_equals_scikit_learn_with_the_first_of_equals_ahead(
    draw_tensor: Callable[..., Tensor], data: Any, n: int, k: int, ties: bool
) -> None:
    num_classes = data.draw(st.integers(max(k, 3), 6))
    logits = draw_tensor(data, (n, num_classes))
    logits = logits.round() if ties else logits
    labels = st.lists(st.integers(0, num_classes - 1), min_size=n, max_size=n)
    target = torch.tensor(data.draw(labels), device=logits.device)
    actual = metrics.top_k_accuracy(logits, target, k=k)
    # scikit-learn puts the last of equals ahead: mirror the classes.
    if k < num_classes:
        expected = sklearn.metrics.top_k_accuracy_score(
            num_classes - 1 - target.cpu(),
            logits.flip(1).cpu(),
            k=k,
            labels=range(num_classes),
        )
        assert actual == pytest.approx(expected)
    else:
        assert actual == 1.0
    first = metrics.top_k_accuracy(logits, target, k=1)
    assert first == metrics.accuracy(logits.argmax(dim=1), target)


@given(case=scored(), dtype=st.sampled_from([torch.float32, torch.float16]))
def test_roc_curve_equals_scikit_learn(
    device: str, case: tuple[Tensor, Tensor], dtype: torch.dtype
) -> None:
    score, target = case
    actual = metrics.roc_curve(score.to(device, dtype), target.to(device))
    expected = sklearn.metrics.roc_curve(target, score, drop_intermediate=False)
    for ours, theirs in zip(actual, expected, strict=True):
        assert_close(ours.cpu().double(), torch.as_tensor(theirs).double())
    assert actual[2].dtype == dtype


@given(case=scored())
def test_roc_auc_equals_scikit_learn_and_the_area_under_our_curve(
    device: str, case: tuple[Tensor, Tensor]
) -> None:
    score, target = (value.to(device) for value in case)
    area = metrics.roc_auc(score, target)
    assert area == pytest.approx(sklearn.metrics.roc_auc_score(target.cpu(), score.cpu()))
    false_positive, true_positive, _ = metrics.roc_curve(score, target)
    assert area == pytest.approx(torch.trapezoid(true_positive, false_positive).item())
    # Only the order of scores counts, and naming the other class positive mirrors it.
    assert metrics.roc_auc(score.double().exp(), target.long()) == pytest.approx(area)
    assert metrics.roc_auc(-score, target) == pytest.approx(1 - area)


def test_equal_scores_say_nothing() -> None:
    score, target = torch.full((5,), 0.5), torch.tensor([0, 1, 1, 0, 1])
    false_positive, true_positive, thresholds = metrics.roc_curve(score, target)
    assert false_positive.tolist() == true_positive.tolist() == [0.0, 1.0]
    assert thresholds.tolist() == [float("inf"), 0.5]
    assert metrics.roc_auc(score, target) == 0.5


# Distances.


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@given(data=st.data(), shape=st.lists(st.integers(1, 4), max_size=3))
def test_errors_equal_torch_and_scikit_learn(
    draw_tensor: Callable[..., Tensor],
    derivatives: Callable[..., list[Tensor]],
    dtype: torch.dtype,
    data: Any,
    shape: list[int],
) -> None:
    prediction, target = draw_tensor(data, shape, dtype), draw_tensor(data, shape, dtype)
    for ours, theirs, by_number in [
        (metrics.mean_absolute_error, F.l1_loss, sklearn.metrics.mean_absolute_error),
        (metrics.mean_squared_error, F.mse_loss, sklearn.metrics.mean_squared_error),
    ]:
        assert_close(
            derivatives(ours, prediction, target, order=1),
            derivatives(theirs, prediction, target, order=1),
            rtol=TOLERANCE[dtype],
            atol=TOLERANCE[dtype],
        )
        if dtype == torch.float64:
            flat = target.flatten().cpu(), prediction.flatten().cpu()
            assert ours(prediction, target).item() == pytest.approx(by_number(*flat))


# Overlaps.


@given(data=st.data(), n=st.integers(0, 3), m=st.integers(0, 3))
def test_box_iou_equals_torchvision_in_value_and_gradient(
    draw_tensor: Callable[..., Tensor],
    derivatives: Callable[..., list[Tensor]],
    torchvision: ModuleType,
    data: Any,
    n: int,
    m: int,
) -> None:
    def boxes(count: int) -> Tensor:
        corner = draw_tensor(data, (count, 2))
        return torch.cat([corner, corner + draw_tensor(data, (count, 2)).abs() + 0.1], dim=1)

    a, b = boxes(n), boxes(m)
    assert_close(
        derivatives(metrics.box_iou, a, b, order=1),
        derivatives(torchvision.ops.box_iou, a, b, order=1),
    )


def test_boxes_that_touch_or_have_no_area_share_nothing() -> None:
    a = torch.tensor([[0.0, 0.0, 2.0, 4.0], [1.0, 1.0, 1.0, 1.0]])
    b = torch.tensor([[2.0, 0.0, 3.0, 4.0], [1.0, 1.0, 1.0, 1.0], [0.0, 1.0, 2.0, 5.0]])
    expected = torch.tensor([[0.0, 0.0, 0.6], [0.0, 0.0, 0.0]])
    assert_close(metrics.box_iou(a, b), expected)
    assert_close(metrics.box_iou(a.long(), b.long()), expected)


@given(data=st.data(), n=st.integers(1, 3), m=st.integers(1, 3))
def test_mask_iou_equals_the_jaccard_score_of_scikit_learn(
    draw_tensor: Callable[..., Tensor], data: Any, n: int, m: int
) -> None:
    h, w = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 3))
    cut = data.draw(st.sampled_from([-0.5, 1.0, 9.0]))  # 9: masks without a pixel
    a, b = draw_tensor(data, (n, h, w)) > cut, draw_tensor(data, (m, h, w)) > cut
    expected = [
        [
            sklearn.metrics.jaccard_score(x.flatten().cpu(), y.flatten().cpu(), zero_division=0)
            for y in b
        ]
        for x in a
    ]
    assert_close(metrics.mask_iou(a, b).cpu(), torch.tensor(expected, dtype=torch.float64))


def test_masks_of_boxes_overlap_as_the_boxes_do() -> None:
    generator = torch.Generator().manual_seed(0)
    low = torch.randint(0, 6, (2, 4, 2), generator=generator)
    boxes = torch.cat([low, low + torch.randint(1, 5, (2, 4, 2), generator=generator)], dim=2)
    pixel = torch.arange(10)
    x, y = pixel[None, None, None, :], pixel[None, None, :, None]
    x1, y1, x2, y2 = boxes[..., None, None].unbind(2)
    masks = (x >= x1) & (x < x2) & (y >= y1) & (y < y2)
    assert_close(metrics.mask_iou(*masks).float(), metrics.box_iou(*boxes.float()))


# Calibration.


@given(
    confidences=st.lists(
        st.tuples(st.floats(0.5, 1) | st.sampled_from([0.5, 0.6, 0.8, 1.0]), st.booleans()),
        min_size=1,
        max_size=20,
    ),
    bins=st.integers(1, 12),
)
def test_calibration_error_equals_scikit_learn(
    device: str, confidences: list[tuple[float, bool]], bins: int
) -> None:
    confidence, right = (torch.tensor(v) for v in zip(*confidences, strict=True))
    confidence = confidence.double()
    probability = torch.stack([confidence, 1 - confidence], dim=1).to(device)
    target = (~right).long().to(device)
    # At exactly one half the two classes tie, and the first is predicted, which is class 0.
    accuracy, mean_confidence = calibration_curve(right, confidence, n_bins=bins)
    edges = np.linspace(0, 1, bins + 1)[1:-1]
    counts = np.bincount(np.searchsorted(edges, confidence.numpy()), minlength=bins)
    expected = np.abs(accuracy - mean_confidence) @ counts[counts > 0] / len(confidence)
    actual = metrics.expected_calibration_error(probability, target, bins=bins)
    assert actual == pytest.approx(expected, abs=1e-12)


def test_calibration_worked_out_on_paper() -> None:
    # Bins of a quarter. 0.5 lies in (0.25, 0.5] and is wrong; 0.6 and 0.75 in (0.5, 0.75], one
    # right: |1.35 - 1|; 1 in (0.75, 1] and right.
    first = torch.tensor([0.5, 0.6, 0.75, 1.0])
    probability = torch.stack([first, 1 - first], dim=1)
    target = torch.tensor([1, 1, 0, 0])
    error = metrics.expected_calibration_error(probability, target, bins=4)
    assert error == pytest.approx((0.5 + 0.35 + 0) / 4)


def test_a_forecast_that_is_right_as_often_as_it_says_is_calibrated() -> None:
    probability = torch.tensor([[0.75, 0.25]]).expand(8, 2)
    target = torch.tensor([0, 0, 0, 1, 0, 0, 0, 1])
    assert metrics.expected_calibration_error(probability, target, bins=10) == 0.0
    assert metrics.expected_calibration_error(probability[:1], target[:1], bins=10) == 0.25


TWO = torch.tensor([0, 1])
HALVES = torch.full((2, 2), 0.5)


@pytest.mark.parametrize(
    ("call", "names"),
    [
        *(
            (partial(function, *arguments), names)
            for function in (
                partial(metrics.confusion_matrix, num_classes=2),
                *(partial(getattr(metrics, n), num_classes=2, average=None) for n in AVERAGED),
            )
            for arguments, names in [
                ((TWO, TWO[:1]), ["(2,)", "(1,)", "(N,)"]),
                ((TWO[None], TWO[None]), ["(1, 2)", "(N,)"]),
                ((TWO[:0], TWO[:0]), ["(0,)", "at least 1"]),
                ((TWO.float(), TWO), ["prediction is torch.float32", "0..1"]),
                ((TWO, TWO + 1), ["target", "1..2", "0..1"]),
                ((TWO - 1, TWO), ["prediction", "-1..0", "0..1"]),
            ]
        ),
        (lambda: metrics.accuracy(TWO, HALVES), ["(2,)", "(2, 2)"]),
        (lambda: metrics.accuracy(TWO, TWO.float()), ["target is torch.float32", "whole"]),
        (lambda: metrics.accuracy(TWO[:0], TWO[:0]), ["(0,)", "at least 1"]),
        *(
            (
                partial(getattr(metrics, n), TWO, TWO, num_classes=2, average="mean"),
                ["'mean'", "'macro'"],
            )
            for n in AVERAGED
        ),
        (lambda: metrics.top_k_accuracy(HALVES, TWO, k=3), ["(2, 2)", "k is 3", "1..K"]),
        (lambda: metrics.top_k_accuracy(HALVES, TWO, k=0), ["k is 0", "1..K"]),
        (lambda: metrics.top_k_accuracy(HALVES[0], TWO, k=1), ["(2,)", "(N, K)"]),
        (lambda: metrics.top_k_accuracy(HALVES, TWO + 1, k=1), ["target", "1..2", "0..1"]),
        (lambda: metrics.mean_absolute_error(TWO, HALVES), ["(2,)", "(2, 2)", "the same"]),
        (lambda: metrics.mean_absolute_error(TWO[:0], TWO[:0]), ["(0,)", "at least one"]),
        (lambda: metrics.mean_squared_error(TWO[:1], TWO), ["(1,)", "(2,)", "the same"]),
        (lambda: metrics.mean_squared_error(TWO[:0], TWO[:0]), ["(0,)", "at least one"]),
        (lambda: metrics.box_iou(torch.ones(4), torch.ones(1, 4)), ["a is", "x1 <= x2"]),
        (lambda: metrics.box_iou(torch.ones(1, 4), torch.ones(1, 3)), ["b is", "x1 <= x2"]),
        (
            lambda: metrics.box_iou(torch.tensor([[0.0, 3.0, 1.0, 2.0]]), torch.ones(1, 4)),
            ["3.0", "y1 <= y2"],
        ),
        (
            lambda: metrics.mask_iou(torch.ones(1, 2, 2), torch.ones(1, 2, 2).bool()),
            ["float32", "torch.bool"],
        ),
        (
            lambda: metrics.mask_iou(torch.ones(1, 2, 2).bool(), torch.ones(1, 2, 2)),
            ["float32", "torch.bool"],
        ),
        (
            lambda: metrics.mask_iou(torch.ones(1, 2, 2).bool(), torch.ones(1, 2, 3).bool()),
            ["(1, 2, 3)", "(M, H, W)"],
        ),
        *(
            (partial(function, *arguments), names)
            for function in (metrics.roc_curve, metrics.roc_auc)
            for arguments, names in [
                ((torch.tensor([0.5, torch.nan]), TWO), ["nan"]),
                ((torch.rand(3), TWO), ["(3,)", "(2,)"]),
                ((torch.rand(2, 2), torch.eye(2)), ["(2, 2)", "(N,)"]),
                ((torch.rand(2), TWO + 1), ["[1, 2]", "0 and 1"]),
                ((torch.rand(2), TWO * 0), ["[0]", "both"]),
            ]
        ),
        (
            lambda: metrics.expected_calibration_error(HALVES, TWO, bins=0),
            ["bins is 0", "1 or more"],
        ),
        (lambda: metrics.expected_calibration_error(HALVES[:, :0], TWO, bins=5), ["(2, 0)"]),
        (lambda: metrics.expected_calibration_error(HALVES * 4, TWO, bins=5), ["softmax"]),
        (lambda: metrics.expected_calibration_error(-HALVES, TWO, bins=5), ["softmax"]),
        (lambda: metrics.expected_calibration_error(HALVES[0], TWO, bins=5), ["(2,)", "(N, K)"]),
        (
            lambda: metrics.expected_calibration_error(HALVES, TWO + 1, bins=5),
            ["target", "1..2", "0..1"],
        ),
    ],
)
def test_a_bad_argument_is_named_with_what_was_expected(
    call: Callable[[], object], names: list[str]
) -> None:
    with pytest.raises(ValueError, match=".*".join(map(re.escape, names))):
        call()
