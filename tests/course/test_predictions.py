"""A prediction is asked for, kept, and answered, in this order; without a kernel it is text."""

from typing import Any

import pytest

from course.predictions import Prediction, Reveal, predict

QUESTION = "Which is <larger>?"
VIEW = "application/vnd.jupyter.widget-view+json"


def ask(answer: Any = ..., **more: Any) -> Prediction:
    return predict(QUESTION, a="1/2", b="1/4 & less", answer=answer, **more)


def ask_at_once(answer: Any = ...) -> Prediction:
    return ask(answer, right="a", why="Halves are larger.")


def shown(widget: Prediction | Reveal) -> list[str]:
    """What stands there where no widget can run."""
    bundle, _ = widget._repr_mimebundle_()
    assert bundle["text/plain"] == repr(widget)
    assert bundle[VIEW]["model_id"] == widget.model_id
    return [bundle["text/plain"], bundle["text/html"]]


def test_without_an_answer_question_and_options_stand_there_and_nothing_is_told() -> None:
    for prediction in (ask(), ask_at_once()):
        text, page = shown(prediction)
        assert text.splitlines()[:3] == [QUESTION, "  a) 1/2", "  b) 1/4 & less"]
        assert "Choose one" in text
        assert "<b>Which is &lt;larger&gt;?</b>" in page
        assert page.count("<li") == 2
        assert "1/4 &amp; less" in page
        assert not any("Right" in said or "Halves" in said for said in (text, page))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("a", "Right: a) 1/2. Halves are larger."),
        ("b", "You predicted b). Right is a) 1/2. Halves are larger."),
    ],
)
def test_an_answer_is_told_right_or_wrong_at_once(answer: str, words: str) -> None:
    prediction = ask_at_once(answer)
    assert prediction.final
    assert all(words in said for said in shown(prediction))
    # The page has the words before the click, so that it need not wait for the kernel.
    assert ask_at_once().told[answer] == words


@pytest.mark.parametrize("typed", [True, False])
def test_a_later_reveal_waits_for_the_answer_and_tells_it_without_being_run_again(
    typed: bool,
) -> None:
    prediction = ask()
    revealed = prediction.reveal("a", "Halves are larger.")
    assert all("Choose an answer to the question above" in said for said in shown(revealed))
    assert not any("Halves" in said for said in shown(revealed))
    if typed:
        prediction = ask("b")
        revealed = prediction.reveal("a", "Halves are larger.")
    else:
        prediction.answer = "b"  # what a click sends
    assert "You predicted b). What is right comes out below." in repr(prediction)
    words = "You predicted b). Right is a) 1/2. Halves are larger."
    assert all(words in said for said in shown(revealed))


def test_a_choice_may_change_until_it_was_revealed() -> None:
    prediction = ask("b")
    assert not prediction.final
    prediction.reveal("a", "Why.")
    assert prediction.final
    unanswered = ask()
    unanswered.reveal("a", "Why.")
    assert not unanswered.final


def test_the_page_learns_which_cell_to_write_to() -> None:
    prediction = ask()
    assert prediction.key == prediction.model_id
    assert prediction.get_state(["key"]) == {"key": prediction.model_id}
    assert ask().key != prediction.key


@pytest.mark.parametrize("answer", ["c", "A", "", "1/2", None, 1])
def test_an_answer_that_is_no_option_is_refused(answer: object) -> None:
    with pytest.raises(ValueError, match=r'expected one of "a", "b"') as caught:
        ask(answer)
    assert repr(answer) in str(caught.value)


@pytest.mark.parametrize("right", ["c", ""])
def test_a_right_answer_that_is_no_option_is_refused(right: str) -> None:
    with pytest.raises(ValueError, match=f"right is '{right}'; expected one of"):
        ask(right=right)
    with pytest.raises(ValueError, match=f"right is '{right}'; expected one of"):
        ask().reveal(right, "Why.")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "options are none;"),
        ({"a": "alone"}, "options are a;"),
        ({"a": "x", "c": "y"}, "options are a, c;"),
        ({"a": "x", "b": "y", "rihgt": "a"}, "options are a, b, rihgt;"),
    ],
)
def test_options_are_lettered_in_order(options: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        predict("Which?", answer=..., **options)


def test_options_keep_their_order_on_the_way_to_the_page() -> None:
    options = {letter: letter.upper() for letter in "abcde"}
    state = predict("Which?", answer=..., **options).get_state(["options"])
    assert [*state["options"]] == [*"abcde"]
