"""What holds of every lesson, in a student's JupyterLab."""

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbconvert import HTMLExporter
from playwright.sync_api import Browser, FloatRect, Locator, Page, expect

from tests.browser.controls import after, corners, shown
from tests.browser.lab import answered, cell, explorers, outputs, run, save, use_theme

CONTROLS = "slider|combobox|button|checkbox|radio|radiogroup|spinbutton|textbox"
THEMES = ("JupyterLab Light", "JupyterLab Dark")


def failures(found: dict[str, list[dict[str, Any]]]) -> list[str]:
    return [k for k, cells in found.items() if any(o["output_type"] == "error" for o in cells)]


def complaints(found: dict[str, list[dict[str, Any]]]) -> list[str]:
    return [
        output["text"]
        for cells in found.values()
        for output in cells
        if output.get("name") == "stderr"
    ]


def test_run_all_of_an_untouched_lesson_fails_in_checks_alone_and_goes_on_to_the_end(
    released: Page,
) -> None:
    found = outputs(released)
    checks = [cell_id for cell_id in found if cell_id.startswith(("check-", "habit-"))]
    assert checks
    assert failures(found) == checks
    assert released.evaluate(
        """() => window.jupyterapp.shell.currentWidget.content.widgets
                 .filter(w => w.model.type === "code").every(w => w.model.executionCount)"""
    )


def test_a_solved_lesson_runs_without_an_error_or_a_warning(solved: Page) -> None:
    found = outputs(solved)
    assert failures(found) == []
    assert complaints(found) == []


def test_a_lesson_shows_at_least_two_widgets(solved: Page) -> None:
    assert len(explorers(solved)) >= 2


def test_every_control_has_an_accessible_name_of_its_own(solved: Page) -> None:
    for cell_id, explorer in explorers(solved).items():
        tree = explorer.aria_snapshot()
        found = re.findall(rf'- (?:{CONTROLS})\b(?: "(.+?)")?', tree)
        assert found, f"{cell_id} has no control:\n{tree}"
        assert all(found), f"{cell_id} has a control without a name:\n{tree}"
        assert len(set(found)) == len(found), f"{cell_id} uses a name twice:\n{tree}"


def test_every_control_reaches_its_corners_and_picture_and_alt_text_follow(solved: Page) -> None:
    for cell_id, explorer in explorers(solved).items():
        moved: dict[str, list[bool]] = {}
        for name, start, end in corners(explorer):
            assert len(end.alt) > 40, f"{cell_id}: the alt text of {name} is {end.alt!r}"
            assert "cannot be shown" not in end.alt, f"{cell_id}: {name}: {end.alt}"
            moved.setdefault(name, []).append(start.alt != end.alt and start.picture != end.picture)
        still = [name for name, effects in moved.items() if not any(effects)]
        assert moved, f"{cell_id} has no control that moves"
        assert still == [], f"{cell_id}: {still} never change picture and alt text"
    assert failures(outputs(solved)) == []


def test_a_widget_announces_where_a_burst_of_changes_has_led_to_and_not_each_step(
    solved: Page,
) -> None:
    for cell_id in explorers(solved):
        # As it comes, for there are settings in which the first slider moves nothing.
        explorer = run(solved, cell_id).locator(".widget-explorer")
        slider, status = explorer.get_by_role("slider").first, explorer.get_by_role("status")
        slider.press("End")
        answered(solved)
        slider.press("Home")
        before = after(explorer, shown(explorer))
        expect(status).to_have_text(before.alt)
        status.evaluate(
            """status => {
                window.announced = [];
                new MutationObserver(() => window.announced.push(status.textContent))
                    .observe(status, {childList: true});
            }"""
        )
        for _ in range(10):
            slider.press("ArrowRight")
        solved.wait_for_function(
            """([status, image, before]) => {
                // The end: told, and nothing new for a second.
                const told = status.textContent === image.alt && image.alt !== before;
                if (!told || window.alt !== image.alt) window.since = performance.now();
                window.alt = image.alt;
                return performance.now() - window.since > 1000;
            }""",
            arg=[
                status.element_handle(),
                explorer.locator("figure img").element_handle(),
                before.alt,
            ],
        )
        announced = solved.evaluate("window.announced")
        assert announced[-1] == shown(explorer).alt
        # One for all ten; two or three where the machine is so busy that it pauses in between.
        assert len(announced) <= 3


def test_a_prediction_is_revealed_only_after_it_was_answered(released: Page) -> None:
    predictions = [k for k in outputs(released) if k.startswith("predict-")]
    assert predictions
    for cell_id in predictions:
        question = cell(released, cell_id).get_by_role("group")
        expect(question.get_by_role("radio", checked=True)).to_have_count(0)
        expect(question.get_by_role("status")).to_contain_text("Choose one")
        expect(question).not_to_contain_text("Right")
    for cell_id in (k for k in outputs(released) if k.startswith("reveal-")):
        reveal = cell(released, cell_id).get_by_role("status")
        expect(reveal).to_have_text("Choose an answer to the question above, and it is told here.")


def test_a_folded_cell_does_not_give_the_answer_away_in_the_line_that_stays_visible(
    released: Page,
) -> None:
    telling = [k for k in outputs(released) if k.startswith(("predict-", "reveal-"))]
    assert telling
    for cell_id in telling:
        folded = cell(released, cell_id).locator(".jp-InputPlaceholder")
        expect(folded).to_be_visible()
        expect(folded).to_contain_text(re.compile(r"^\s*#"))


def test_every_exercise_has_three_hints_which_unfold_on_a_click(released: Page) -> None:
    hints = released.evaluate(
        """() => window.jupyterapp.shell.currentWidget.content.widgets
                 .map(w => [w.model.sharedModel.getId(), w.node])
                 .filter(([id, _]) => id.startsWith("hints-"))
                 .map(([id, node]) => [id, node.querySelectorAll("details")])
                 .map(([id, details]) => [id, [...details].map(d => d.open)])"""
    )
    assert hints
    assert [unfolded for _, unfolded in hints] == len(hints) * [[False, False, False]]
    for hint in cell(released, hints[0][0]).locator("details").all():
        text = hint.locator(":scope > :not(summary)").first
        expect(text).to_be_hidden()
        hint.locator("summary").click()
        expect(text).to_be_visible()
        hint.locator("summary").click()


@pytest.mark.parametrize("theme", THEMES)
def test_all_text_stands_out_from_its_ground(solved: Page, theme: str) -> None:
    use_theme(solved, theme)
    faint = solved.evaluate(
        """() => {
            const channel = c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
            const rgba = text => text.match(/[\\d.]+/g).map(Number);
            const luminance = ([r, g, b]) => 0.2126 * channel(r / 255)
                + 0.7152 * channel(g / 255) + 0.0722 * channel(b / 255);
            const ground = node => {
                for (; node; node = node.parentElement) {
                    const color = rgba(getComputedStyle(node).backgroundColor);
                    if (color.length === 3 || color[3] > 0.5) return color;
                }
                return [255, 255, 255];
            };
            const own = node => [...node.childNodes]
                .some(n => n.nodeType === Node.TEXT_NODE && n.textContent.trim());
            const nodes = document.querySelectorAll(
                ".jp-RenderedHTMLCommon :not(code *), .widget-label, .widget-readout, select, " +
                "legend, label, [role=status]");
            const faint = [];
            for (const node of nodes) {
                if (!own(node)) continue;
                const [a, b] = [luminance(rgba(getComputedStyle(node).color)),
                                luminance(ground(node))].sort((x, y) => y - x);
                const ratio = (a + 0.05) / (b + 0.05);
                if (ratio < 4.5) faint.push([node.outerHTML.slice(0, 200), ratio]);
            }
            return faint;
        }"""
    )
    assert faint == []


def test_a_picture_looks_the_same_in_either_theme(solved: Page) -> None:
    looks: list[list[bytes]] = []
    for theme in THEMES:
        use_theme(solved, theme)
        looks.append([inside(explorer) for explorer in explorers(solved).values()])
    assert looks[0] == looks[1]


def inside(explorer: Locator) -> bytes:
    """Take a widget's picture, but its outermost pixels, which mix with what lies around."""
    explorer.scroll_into_view_if_needed()
    box = explorer.locator("figure img").bounding_box()
    assert box is not None
    inner = FloatRect(
        x=round(box["x"]) + 4,
        y=round(box["y"]) + 4,
        width=round(box["width"]) - 8,
        height=round(box["height"]) - 8,
    )
    return explorer.page.screenshot(clip=inner)


def test_an_exported_page_shows_the_pictures_and_their_alt_texts(
    solved: Page, browser: Browser, folder: Path, tmp_path: Path, topic: str
) -> None:
    widgets = explorers(solved)
    save(solved)
    notebook = nbformat.read(folder / f"{topic}-solved.ipynb", as_version=4)
    html, _ = HTMLExporter().from_notebook_node(notebook)
    exported = tmp_path / "exported.html"
    exported.write_text(html)
    page = browser.new_page()
    page.route(re.compile("^https?:"), lambda route: route.abort())
    page.goto(exported.as_uri(), wait_until="domcontentloaded")
    described = page.locator("img").evaluate_all("all => all.map(image => image.alt)")
    assert all(described)
    assert not [alt for alt in described if "No description" in alt]
    for cell_id in widgets:
        # What the widget showed when its cell was run.
        (bundle,) = (o["data"] for o in outputs(solved)[cell_id] if "data" in o)
        picture = page.get_by_role("img", name=bundle["text/plain"], exact=True).first
        expect(picture).to_be_visible()
        assert picture.evaluate("image => image.naturalWidth") >= 300
    page.close()
