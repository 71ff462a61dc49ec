"""A prediction is asked for, kept, and shown beside the answer, in this order."""

import pytest

from course.predictions import Prediction, predict

QUESTION = "Which is <larger>?"


def ask(answer: object, question: str = QUESTION) -> Prediction:
    return predict(question, a="1/2", b="1/4 & less", answer=answer)


def test_without_an_answer_it_says_how_to_give_one() -> None:
    shown = repr(ask(...))
    assert shown.splitlines()[:3] == [QUESTION, "  a) 1/2", "  b) 1/4 & less"]
    assert 'answer="a"' in shown
    assert "none yet" in shown


def test_without_an_answer_nothing_is_revealed() -> None:
    revealed = ask(...).reveal("a", "Halves are larger.")
    for shown in (repr(revealed), revealed._repr_html_()):
        assert "Answer the question above first" in shown
        assert "Halves" not in shown
        assert "1/2" not in shown


def test_an_answer_is_shown_beside_the_right_one() -> None:
    assert repr(ask("a").reveal("a", "Why.")) == "a) 1/2: as you predicted. Why."
    assert repr(ask("b").reveal("a", "Why.")) == "a) 1/2: you predicted b). Why."
    assert "Your prediction: b) 1/4 & less" in repr(ask("b"))


def test_a_change_of_mind_shows() -> None:
    question = "Asked here alone?"
    assert repr(ask("b", question)).endswith("Your prediction: b) 1/4 & less")
    assert repr(ask("a", question)).endswith("Your prediction: a) 1/2 (first answered: b)")
    assert repr(ask("b", question)).endswith("Your prediction: b) 1/4 & less")


@pytest.mark.parametrize("answer", ["c", "A", "", "1/2", None, 1])
def test_an_answer_that_is_no_option_is_refused(answer: object) -> None:
    with pytest.raises(ValueError, match=r'expected one of "a", "b"') as caught:
        ask(answer)
    assert repr(answer) in str(caught.value)


def test_the_page_escapes_what_it_shows_and_announces_what_changes() -> None:
    page = ask("b")._repr_html_()
    assert "<p><b>Which is &lt;larger&gt;?</b></p>" in page
    assert "1/4 &amp; less" in page
    assert page.count("<li") == 2
    assert "<p role='status'>Your prediction: b) 1/4 &amp; less" in page
    revealed = ask("b").reveal("b", "x < y")._repr_html_()
    assert revealed.startswith("<p role='status'>")
    assert "x &lt; y" in revealed
