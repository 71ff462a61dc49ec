"""Questions of a lesson, answered by mouse, by keyboard alone and by typing, and what is kept."""

import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbconvert import HTMLExporter
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import COURSE
from tests.browser.lab import (
    PANEL,
    answered,
    cell,
    close_notebook,
    open_notebook,
    outputs,
    run,
    run_all,
    save,
)

NAME = "questions.ipynb"
# Told at once, and told after a measurement.
AT_ONCE, LATER, REVEAL = "predict-how_many_layers", "predict-revival", "reveal-revival"
SLEEP = "sleep"


@pytest.fixture(scope="module")
def path(folder: Path) -> Path:
    """The questions of a lesson, cut out of the student's notebook."""
    notebook = nbformat.read(COURSE.release_path("activations"), as_version=4)
    notebook.cells = [c for c in notebook.cells if c.id in ("setup", AT_ONCE, LATER, REVEAL)]
    sleep = nbformat.v4.new_code_cell("import time\n\ntime.sleep(SECONDS)", id=SLEEP)
    notebook.cells.append(sleep)
    notebook.cells[0].source += "\nSECONDS = 0"
    nbformat.write(notebook, folder / NAME)
    return folder / NAME


@pytest.fixture(scope="module")
def opened(path: Path, address: str, browser: Browser) -> Iterator[Page]:
    page = open_notebook(browser, address, path.name)
    yield page
    close_notebook(page)


@pytest.fixture
def page(opened: Page, given: dict[str, str]) -> Page:
    """The questions as a student gets them, after Run All."""
    opened.evaluate(
        f"""given => {PANEL}.content.widgets.map(w => w.model.sharedModel)
                .forEach(m => m.setSource(given[m.getId()]))""",
        given,
    )
    run_all(opened)
    return opened


@pytest.fixture(scope="module")
def given(path: Path) -> dict[str, str]:
    """The source of each cell, as a student gets it."""
    return {c.id: c.source for c in nbformat.read(path, as_version=4).cells}


def sources(page: Page) -> dict[str, str]:
    found: dict[str, str] = page.evaluate(
        f"""() => Object.fromEntries({PANEL}.content.widgets.map(w => w.model.sharedModel)
                .map(m => [m.getId(), m.getSource()]))"""
    )
    return found


def choose(page: Page, cell_id: str, option: str) -> Locator:
    """Click on an option of a question; return what stands below the options."""
    found = cell(page, cell_id)
    found.get_by_role("radio", name=re.compile(rf"^{option}\)")).check()
    return found.get_by_role("status")


def test_run_all_chooses_nothing_and_changes_no_cell(page: Page, given: dict[str, str]) -> None:
    assert sources(page) == given
    for cell_id in (AT_ONCE, LATER):
        question = cell(page, cell_id)
        expect(question.get_by_role("group")).to_have_count(1)
        expect(question.get_by_role("radio", checked=True)).to_have_count(0)
        expect(question.get_by_role("status")).to_contain_text("Choose one")
        # What is right stands in the cell, which is folded.
        expect(question.locator(".jp-InputArea-editor")).to_have_count(0)


def test_a_click_tells_at_once_while_the_kernel_is_busy_and_is_written_into_the_cell(
    page: Page,
) -> None:
    before = sources(page)
    page.evaluate(f"() => {PANEL}.content.widgets[0].model.sharedModel.setSource('SECONDS = 600')")
    run(page, "setup")
    cell(page, SLEEP)
    page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-cell'); }")
    status = choose(page, AT_ONCE, "b")
    expect(status).to_have_text(re.compile(r"You predicted b\)\. Right is c\) one\. Two layers"))
    after = sources(page)
    assert after[AT_ONCE] == before[AT_ONCE].replace("answer=...", 'answer="b"')
    assert after[LATER] == before[LATER]
    page.evaluate(f"() => {PANEL}.context.sessionContext.session.kernel.interrupt()")
    answered(page)


def test_the_keyboard_alone_looks_around_with_arrows_and_chooses_with_the_space_bar(
    page: Page,
) -> None:
    before = sources(page)
    cell(page, AT_ONCE)
    question = cell(page, AT_ONCE).get_by_role("group", name=re.compile("^A net has 20 dense"))
    first, second, third = question.get_by_role("radio").all()
    # From the folded input, which a click gives the focus, the tab key leads to the question.
    page.keyboard.press("Escape")
    for _ in range(6):
        if first.evaluate("button => button === document.activeElement"):
            break
        page.keyboard.press("Tab")
    expect(first).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(second).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(third).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(first).to_be_focused()
    page.keyboard.press("ArrowDown")
    # Letters are commands of JupyterLab elsewhere: a new cell, and gone is this one.
    for key in "abdd":
        page.keyboard.press(key)
    expect(question.get_by_role("radio", checked=True)).to_have_count(0)
    assert sources(page) == before
    page.keyboard.press("Space")
    expect(second).to_be_checked()
    expect(second).to_be_focused()
    expect(question.get_by_role("status")).to_contain_text("Right is c) one.")
    assert 'answer="b"' in sources(page)[AT_ONCE]
    # What was told cannot be unlearnt, so the choice stands.
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(third).to_be_focused()
    expect(second).to_be_checked()
    assert 'answer="b"' in sources(page)[AT_ONCE]


def test_enter_chooses_like_the_space_bar(page: Page) -> None:
    question = cell(page, AT_ONCE)
    question.get_by_role("radio").last.focus()
    page.keyboard.press("Enter")
    expect(question.get_by_role("status")).to_contain_text("Right: c) one.")
    assert 'answer="c"' in sources(page)[AT_ONCE]


def test_a_later_reveal_tells_as_soon_as_there_is_a_choice_which_stands_from_then_on(
    page: Page,
) -> None:
    below = cell(page, REVEAL).get_by_role("status")
    expect(below).to_have_text("Choose an answer to the question above, and it is told here.")
    status = choose(page, LATER, "d")
    expect(status).to_have_text("You predicted d). What is right comes out below.")
    expect(below).to_contain_text("You predicted d). Right is b) only leaky ReLU")
    answered(page)
    question = cell(page, LATER)
    question.get_by_text("a) none of the three").click(force=True)  # it says that it is disabled
    expect(question.get_by_role("radio", checked=True)).to_have_value("d")
    assert 'answer="d"' in sources(page)[LATER]


def test_before_it_is_revealed_a_choice_may_change(page: Page) -> None:
    run(page, LATER)  # a fresh question, which no reveal knows of
    choose(page, LATER, "a")
    status = choose(page, LATER, "b")
    expect(status).to_have_text("You predicted b). What is right comes out below.")
    assert 'answer="b"' in sources(page)[LATER]
    run(page, REVEAL)
    expect(cell(page, REVEAL).get_by_role("status")).to_contain_text("Right: b) only leaky ReLU")


def test_a_choice_is_saved_with_the_notebook_and_there_again_when_it_is_opened(
    page: Page, path: Path, address: str, browser: Browser
) -> None:
    choose(page, AT_ONCE, "a")
    choose(page, LATER, "c")
    save(page)
    texts = {c.id: c.source for c in nbformat.read(path, as_version=4).cells}
    assert 'answer="a"' in texts[AT_ONCE]
    assert 'answer="c"' in texts[LATER]
    again = open_notebook(browser, address, path.name)
    run_all(again)
    for cell_id, words in ((AT_ONCE, "Right is c) one."), (LATER, "You predicted c).")):
        status = cell(again, cell_id).get_by_role("status")
        expect(status).to_contain_text(words)
    expect(cell(again, REVEAL).get_by_role("status")).to_contain_text("Right is b)")
    again.context.close()


def test_after_a_restart_of_the_kernel_choices_stand_and_can_still_be_made(page: Page) -> None:
    choose(page, AT_ONCE, "b")
    page.evaluate(f"() => {PANEL}.context.sessionContext.session.kernel.restart()")
    answered(page)
    question = cell(page, AT_ONCE)
    expect(question.get_by_role("radio", checked=True)).to_have_value("b")
    expect(choose(page, LATER, "a")).to_contain_text("You predicted a).")
    assert 'answer="a"' in sources(page)[LATER]
    run_all(page)
    expect(cell(page, AT_ONCE).get_by_role("radio", checked=True)).to_have_value("b")
    expect(cell(page, LATER).get_by_role("radio", checked=True)).to_have_value("a")


def test_an_answer_typed_in_place_of_the_dots_is_told_too(page: Page) -> None:
    question = cell(page, AT_ONCE)
    question.locator(".jp-InputPlaceholder").click()
    question.locator(".cm-line", has_text="answer=...").click()
    for key in ("End", "ArrowLeft", "Backspace", "Backspace", "Backspace"):
        page.keyboard.press(key)
    page.keyboard.type('"c"')
    page.keyboard.press("Control+Enter")
    answered(page)
    expect(question.get_by_role("status")).to_contain_text("Right: c) one.")


def test_a_cell_that_has_no_place_for_the_answer_says_how_to_keep_it(page: Page) -> None:
    page.evaluate(
        f"""() => {{
            const model = {PANEL}.content.widgets[1].model.sharedModel;
            model.setSource(model.getSource().replace("answer=...,", "answer=(...),"));
        }}"""
    )
    status = choose(page, AT_ONCE, "b")
    expect(status).to_contain_text('To keep it, write answer="b" into this cell.')


def test_where_no_kernel_runs_question_and_options_stand_as_text(
    page: Page, path: Path, browser: Browser, tmp_path: Path
) -> None:
    choose(page, LATER, "d")
    answered(page)
    run_all(page)
    save(page)
    html, _ = HTMLExporter().from_notebook_node(nbformat.read(path, as_version=4))
    (tmp_path / "exported.html").write_text(html)
    exported = browser.new_page()
    exported.route(re.compile("^https?:"), lambda route: route.abort())
    exported.goto((tmp_path / "exported.html").as_uri(), wait_until="domcontentloaded")
    shown = exported.locator(".jp-OutputArea-output").all_inner_texts()
    exported.close()
    for words in (
        r"A net has 20 dense layers.*a\) all 20 are needed.*b\) two.*c\) one.*Choose one",
        r"All 64 hidden units.*d\) all three.*You predicted d\)",
        r"You predicted d\)\. Right is b\) only leaky ReLU",
    ):
        assert [text for text in shown if re.search(words, text, re.DOTALL)], words
    assert not outputs(page)[AT_ONCE][0]["data"]["text/html"].count("Right")
