"""A failing check says symptom, likely cause and next step; one that passes, its points."""

import html
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import nbformat
import pytest
import torch
import torch.nn.functional as F
from nbclient import NotebookClient
from torch import Tensor
from torch.testing import assert_close

from course.checks import (
    CheckFailed,
    agree,
    expect,
    from_scratch,
    gradient,
    refuses,
    right,
    unchanged,
)

MATRIX = torch.tensor([[1.0, 2.0], [3.0, 4.0]])


def message(check: Callable[[], object]) -> tuple[str, str, str]:
    """Symptom, cause and next step of a check that fails."""
    with pytest.raises(CheckFailed) as caught:
        check()
    symptom, cause, step = str(caught.value).split("\n")
    assert cause.startswith("Likely cause: ")
    assert step.startswith("Next step: ")
    return symptom, cause.removeprefix("Likely cause: "), step.removeprefix("Next step: ")


def shown(code: str) -> list[Any]:
    """Outputs of a cell in a notebook, after the checks were imported."""
    cell = nbformat.v4.new_code_cell(f"from course.checks import *\n{code}")
    notebook = nbformat.v4.new_notebook(cells=[cell])
    NotebookClient(notebook, allow_errors=True).execute()
    return list(notebook.cells[0].outputs)


def test_a_failure_shows_as_a_block_whose_words_are_those_of_the_text() -> None:
    long = "it is not what was expected of it, " * 5
    block, error = shown(f"expect(1 > 2, 'x < {long}.', cause='a sign.', step='look & see.')")
    text, page = block.data["text/plain"], block.data["text/html"]
    assert max(map(len, text.splitlines())) <= 79
    assert [line.split(":")[0] for line in text.splitlines() if line[0] != " "] == [
        "Not yet",
        "Likely cause",
        "Next step",
    ]
    assert html.unescape(re.sub(r"<[^>]+>", " ", page)).split() == text.split()
    assert "x &lt; it" in page
    # nbgrader gives 0 points where there is an error; of a traceback nothing is seen.
    assert error.output_type == "error"
    assert error.traceback == ["This cell ends here."]


def test_an_exercise_without_an_answer_says_so_and_counts_as_an_error() -> None:
    block, error = shown("raise NotImplementedError('replace this line')")
    assert (
        block.data["text/plain"] == "Not yet: no answer here so far.\nNext step: replace this line."
    )
    assert error.output_type == "error"
    assert error.traceback == ["This cell ends here."]


def test_another_error_shows_its_traceback() -> None:
    (error,) = shown("[][1]")
    assert "IndexError" in "".join(error.traceback)
    assert len(error.traceback) > 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"points": 1}, "relu is right here: 1 point,"),
        ({"points": 0.5, "habit": True}, "relu refuses as it should: 0.5 points,"),
    ],
)
def test_a_check_that_passes_says_so_in_a_line_with_its_points(
    arguments: dict[str, Any], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert right("relu", **arguments) is None  # type: ignore[func-returns-value]  # no partial credit
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(said)


def test_words_for_hidden_tests_give_advice_and_no_numbers() -> None:
    with pytest.raises(CheckFailed) as caught:
        agree(torch.tensor(3721.0), torch.tensor(4096.0), "f(64)", cause="the sign.", step="look.")
    words = caught.value.hidden_message
    assert words.endswith("Likely cause: the sign.\nNext step: look.")
    assert not any(digit in words for digit in "0123456789")


# agree


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (MATRIX.clone(), MATRIX),
        (MATRIX.T.clone().T, MATRIX),
        (MATRIX * (1 + 5e-6), MATRIX),
        (torch.tensor(9e-7), torch.tensor(0.0)),
        (torch.tensor([torch.nan, torch.inf]), torch.tensor([torch.nan, torch.inf])),
        (torch.empty(0, 3), torch.empty(0, 3)),
        (torch.tensor([1, 2]), torch.tensor([1, 2])),
        (0.5, 0.5),
        (1, 1.0),
        (0.5 + 4e-6, 0.5),
        (torch.tensor(0.5), 0.5),
        (torch.tensor([[0.5]]), 0.5),
    ],
)
def test_an_answer_that_agrees_passes(actual: object, expected: Tensor | float) -> None:
    agree(actual, expected, "f(x)", cause="c", step="s")


@pytest.mark.parametrize(
    ("actual", "expected", "symptom"),
    [
        ([1.0, 2.0], MATRIX, "f(x) is a list, expected a tensor."),
        (None, MATRIX, "f(x) is a NoneType, expected a tensor."),
        (MATRIX.flatten(), MATRIX, "f(x) has shape (4,), expected shape (2, 2)."),
        (torch.tensor(1.0), MATRIX[0], "f(x) has shape (), expected shape (2,)."),
        (MATRIX.double(), MATRIX, "f(x) has dtype torch.float64, expected torch.float32."),
        (MATRIX.int(), MATRIX, "f(x) has dtype torch.int32, expected torch.float32."),
        (
            torch.tensor([[1.0, 2.0], [3.5, 5.0]]),
            MATRIX,
            "f(x) is 3.5 at [1, 0], expected 3; 2 of 4 values differ.",
        ),
        (
            torch.tensor([torch.nan, 2.0]),
            torch.tensor([1.0, 2.0]),
            "f(x) is nan at [0], expected 1; 1 of 2 values differ.",
        ),
        (torch.tensor(2.0), torch.tensor(1.0), "f(x) is 2, expected 1."),
        (torch.tensor(2e-6), torch.tensor(0.0), "f(x) is 2e-06, expected 0."),
        (MATRIX[:1, :1] * (1 + 5e-5), MATRIX[:1, :1], "f(x) is 1.00005 at [0, 0], expected 1"),
        (torch.tensor([True]), torch.tensor([False]), "f(x) is 1 at [0], expected 0"),
        (0.25, 0.5, "f(x) is 0.25, expected 0.5."),
        (float("nan"), 0.5, "f(x) is nan, expected 0.5."),
        (torch.tensor([0.25]), 0.5, "f(x) is 0.25, expected 0.5."),
        (True, 1.0, "f(x) is a bool, expected a number."),
        ("0.5", 0.5, "f(x) is a str, expected a number."),
        (torch.ones(2), 0.5, "f(x) is a Tensor, expected a number."),
    ],
)
def test_an_answer_that_differs_is_told_how(
    actual: object, expected: Tensor | float, symptom: str
) -> None:
    found = message(lambda: agree(actual, expected, "f(x)", cause="a sign.", step="look."))
    assert found[0].startswith(symptom)
    assert found[1:] == ("a sign.", "look.")


def test_the_tolerances_are_arguments() -> None:
    agree(1.05, 1.0, "f", cause="c", step="s", rtol=0.1)
    agree(torch.tensor([0.05]), torch.tensor([0.0]), "f", cause="c", step="s", atol=0.1)
    message(lambda: agree(1.0 + 1e-6, 1.0, "f", cause="c", step="s", rtol=0.0, atol=1e-9))
    message(
        lambda: agree(torch.tensor([1e-6]), torch.tensor([0.0]), "f", cause="c", step="s", atol=0.0)
    )


def test_the_sizes_of_infinite_values_are_compared_with_their_signs() -> None:
    symptom, _, _ = message(
        lambda: agree(torch.tensor([torch.inf]), torch.tensor([-torch.inf]), "f", cause="", step="")
    )
    assert symptom == "f is inf at [0], expected -inf; 1 of 1 values differ."


# expect, unchanged


def test_a_condition_that_holds_passes_and_one_that_fails_shows_its_symptom() -> None:
    expect(True, "three values.", cause="c", step="s")
    expect([1], "three values.", cause="c", step="s")
    assert message(lambda: expect([], "three.", cause="c", step="s")) == ("three.", "c", "s")


def test_a_changed_input_is_noticed() -> None:
    before = MATRIX.clone()
    unchanged(MATRIX, before, "f(x)")
    symptom, cause, step = message(lambda: unchanged(MATRIX + 1, before, "f(x)"))
    assert symptom == "f(x) changes its input."
    assert "in place" in cause
    assert "new tensor" in step


# refuses


def raising(error: Exception) -> Callable[[], object]:
    def call() -> object:
        raise error

    return call


def test_a_value_error_that_names_what_was_passed_passes() -> None:
    refuses(raising(ValueError("dim is -3, but x has 2 dimensions")), "f(x)")
    refuses(raising(ValueError("name is gelu")), "f(x)", word="gelu")


@pytest.mark.parametrize(
    ("call", "symptom", "cause"),
    [
        (
            raising(ValueError("bad dim")),
            "f(x) raises ValueError('bad dim'), which holds no number.",
            "does not tell its reader what was passed",
        ),
        (
            raising(IndexError("-3")),
            "f(x) raises IndexError, expected ValueError.",
            "is used before it is looked at",
        ),
        (raising(AssertionError("-3")), "f(x) raises AssertionError, expected", "before it"),
        (lambda: 7.0, "f(x) returns 7, expected ValueError.", "taken as it is"),
        (lambda: torch.tensor(7.0), "f(x) returns 7, expected ValueError.", "taken as it is"),
        (lambda: MATRIX, "f(x) returns a tensor of shape (2, 2), expected", "taken as it is"),
        (lambda: None, "f(x) returns, expected ValueError.", "taken as it is"),
    ],
)
def test_a_senseless_argument_has_to_be_refused(
    call: Callable[[], object], symptom: str, cause: str
) -> None:
    found = message(lambda: refuses(call, "f(x)"))
    assert found[0].startswith(symptom)
    assert cause in found[1]
    assert "ValueError(" in found[2]
    with pytest.raises(CheckFailed) as caught:
        refuses(call, "f(-3)")
    assert "-3" not in caught.value.hidden_message


def test_an_exercise_that_is_not_written_yet_says_so_itself() -> None:
    with pytest.raises(NotImplementedError, match="replace this line"):
        refuses(raising(NotImplementedError("replace this line")), "f(x)")


# from_scratch


def test_a_function_that_does_the_work_itself_passes() -> None:
    from_scratch(lambda x: torch.where(x > 0, x, 0 * x), "relu", without=["relu", "clamp"])


def borrowed(x: Tensor) -> Tensor:
    return F.relu(x)


def hidden_inside(x: Tensor) -> Tensor:
    def inner(y: Tensor) -> list[Tensor]:
        return [(lambda v: v.relu())(value) for value in y]

    return torch.stack(inner(x))


def imported(x: Tensor) -> Tensor:
    from torch.nn.functional import relu

    return relu(x)


@pytest.mark.parametrize("function", [borrowed, hidden_inside, imported])
def test_torchs_own_function_is_found_by_its_name(function: Callable[[Tensor], Tensor]) -> None:
    symptom, cause, step = message(lambda: from_scratch(function, "relu", without=["tanh", "relu"]))
    assert symptom == "relu uses 'relu'."
    assert "torch's own function" in cause
    assert "build it" in step


@pytest.mark.parametrize("function", [torch.clamp, SimpleNamespace(), len])
def test_what_shows_no_code_is_left_to_other_checks(function: object) -> None:
    from_scratch(function, "relu", without=["relu"])


# gradient


def test_the_gradient_is_that_of_an_uneven_sum() -> None:
    x = torch.tensor([[1.0, -2.0, 3.0], [0.5, 0.0, -1.0]], dtype=torch.float64)
    weights = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], dtype=torch.float64)
    assert_close(gradient(torch.square, x), 2 * x * weights, rtol=0, atol=0)
    assert gradient(lambda t: torch.softmax(t, dim=1), x).abs().min() > 1e-3


def test_the_input_of_a_gradient_stays_as_it_was() -> None:
    x = MATRIX.clone()
    gradient(torch.square, x)
    assert not x.requires_grad
    assert x.grad is None
    assert_close(x, MATRIX, rtol=0, atol=0)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.detach(),
        lambda x: torch.tensor(x.tolist()),
        lambda _: torch.ones(2),
        lambda x: x.sum().item(),
        lambda _: None,
    ],
)
def test_a_gradient_that_got_lost_is_told(function: Callable[[Tensor], Tensor]) -> None:
    symptom, cause, step = message(lambda: gradient(function, MATRIX))
    assert symptom == "no gradient flows back from the output to the input."
    assert "detached" in cause
    assert "torch operations" in step


def test_no_message_of_the_module_is_left_without_a_full_stop() -> None:
    found = [
        message(lambda: refuses(raising(KeyError("x")), "f")),
        message(lambda: refuses(lambda: 1.0, "f")),
        message(lambda: unchanged(MATRIX, MATRIX + 1, "f")),
        message(lambda: from_scratch(borrowed, "f", without=["relu"])),
        message(lambda: gradient(lambda x: x.detach(), MATRIX)),
    ]
    for symptom, cause, _ in found:
        assert re.search(r"[.)]$", symptom)
        assert cause.endswith(".")
