"""The lesson on activations: what mouse and keyboard do to its widgets and answers."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.controls import shown
from tests.browser.lab import answered, cell, explorers, run, use_theme

pytestmark = pytest.mark.parametrize("topic", ["activations"], indirect=True, scope="package")


@pytest.fixture
def curves(solved: Page) -> Locator:
    """The curve widget of all five functions, as it is when its cell was just run."""
    (cell_id, *_) = [
        k for k, e in explorers(solved).items() if e.get_by_role("option").count() == 5
    ]
    solved.keyboard.press("Escape")
    run(solved, cell_id)
    explorer = explorers(solved)[cell_id]
    expect(explorer.get_by_role("img")).to_have_attribute(
        "alt", re.compile(r"^sigmoid .* x = 1\.0")
    )
    return explorer


def test_an_arrow_key_moves_the_probe_by_a_step_and_picture_and_text_follow(
    curves: Locator,
) -> None:
    before = shown(curves)
    curves.get_by_role("slider", name="Input x").press("ArrowRight")
    expect(
        curves.get_by_role("img", name=re.compile(r"At x = 1\.1 the value is 0\.750"))
    ).to_be_visible()
    assert shown(curves).picture != before.picture


def test_the_mouse_drags_the_probe_to_the_left_end(curves: Locator) -> None:
    before = shown(curves)
    handle = curves.get_by_role("slider", name="Input x")
    handle.hover()
    curves.page.mouse.down()
    box = handle.bounding_box()
    assert box is not None
    for step in range(1, 11):
        curves.page.mouse.move(box["x"] - 30 * step, box["y"] + box["height"] / 2)
    curves.page.mouse.up()
    expect(
        curves.get_by_role(
            "img", name=re.compile(r"At x = -6\.0 the value is 0\.002 and the slope 0\.002")
        )
    ).to_be_visible()
    assert shown(curves).picture != before.picture


def test_the_list_changes_the_function(curves: Locator) -> None:
    curves.get_by_role("combobox", name="Function").select_option("elu")
    answered(curves.page)  # until then alpha is switched off
    curves.get_by_role("slider", name="Input x").press("Home")
    curves.get_by_role("slider", name="alpha").press("End")
    expect(
        curves.get_by_role("img", name=re.compile(r"^elu .* At x = -6\.0 the value is -1\.995"))
    ).to_be_visible()


def test_an_option_that_a_function_does_not_take_is_switched_off(curves: Locator) -> None:
    alpha = curves.get_by_role("slider", name="alpha")
    alpha.press("End")
    expect(alpha).to_have_attribute("aria-valuetext", "1")
    curves.get_by_role("combobox", name="Function").select_option("elu")
    answered(curves.page)
    alpha.press("End")
    expect(alpha).to_have_attribute("aria-valuetext", "2")


@pytest.fixture
def editable(released: Page) -> Iterator[Page]:
    """The untouched notebook; what a test types into it is taken back at its end."""
    before = "window.before"
    cells = "window.jupyterapp.shell.currentWidget.content.widgets"
    released.evaluate(f"() => {{ {before} = {cells}.map(w => w.model.sharedModel.getSource()); }}")
    yield released
    for cell_id in released.evaluate(
        f"""() => {cells}.filter((w, i) => {{
            const changed = w.model.sharedModel.getSource() !== {before}[i];
            if (changed) w.model.sharedModel.setSource({before}[i]);
            return changed;
        }}).map(w => w.model.sharedModel.getId())"""
    ):
        run(released, cell_id)
    run(released, "check-relu")


def test_an_answer_that_is_written_passes_its_check(editable: Page) -> None:
    check = cell(editable, "check-relu").locator(".jp-OutputArea-output")
    expect(check.first).to_contain_text("Not yet: no answer here so far.")
    expect(check.last).to_have_text("This cell ends here.")
    stub = cell(editable, "relu").locator(".cm-line", has_text="raise NotImplementedError")
    stub.click()
    editable.keyboard.press("End")
    editable.keyboard.press("Shift+Home")
    editable.keyboard.type("return torch.where(x > 0, x, 0 * x)")
    editable.keyboard.press("Control+Enter")
    run(editable, "check-relu")
    expect(check).to_have_count(1)
    expect(check).to_contain_text("relu is right here: 1 point")


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_a_check_is_folded_to_a_line_and_its_failure_is_legible_in_both_themes(
    editable: Page, theme: str
) -> None:
    use_theme(editable, theme)
    check = cell(editable, "check-relu")
    expect(check.locator(".jp-InputPlaceholder")).to_contain_text("# Check of relu, 1 point.")
    expect(check.locator(".jp-InputArea-editor")).to_have_count(0)
    block = check.locator(".jp-RenderedHTMLCommon div").first
    expect(block).to_contain_text("Not yet:")
    text, ground = (
        block.evaluate(
            "(node, which) => getComputedStyle(which ? node : document.querySelector("
            "'.jp-Notebook')).getPropertyValue(which ? 'color' : 'background-color')",
            which,
        )
        for which in (True, False)
    )
    assert contrast(text, ground) >= 4.5
    use_theme(editable, "JupyterLab Light")


def contrast(*colours: str) -> float:
    """Return the ratio of the luminances of two colours written as rgb(r, g, b)."""
    luminances = []
    for colour in colours:
        channels = [int(n) / 255 for n in re.findall(r"\d+", colour)[:3]]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        weights = (0.2126, 0.7152, 0.0722)
        luminances.append(sum(w * c for w, c in zip(weights, linear, strict=True)))
    low, high = sorted(luminances)
    return (high + 0.05) / (low + 0.05)
