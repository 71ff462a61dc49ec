"""What a person does to a widget's controls, and what the widget shows then."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from playwright.sync_api import Locator, TimeoutError

from tests.browser.lab import answered

__all__ = ["Shown", "after", "corners", "shown"]

WAIT = 2000  # milliseconds after which a move is taken to have changed nothing


@dataclass(frozen=True)
class Shown:
    """Alt text of a widget's picture, and a number that differs between pictures."""

    alt: str
    picture: int


def shown(explorer: Locator) -> Shown:
    """Return what a widget shows now."""
    found = explorer.locator("figure img").evaluate(
        """async img => {
            // decode() is refused when the next picture comes meanwhile: then that one counts.
            for (let attempt = 1; ; attempt++) {
                try {
                    await img.decode();
                    break;
                } catch (error) {
                    if (attempt === 20) throw error;
                }
            }
            const canvas = new OffscreenCanvas(img.naturalWidth, img.naturalHeight);
            const context = canvas.getContext("2d");
            context.drawImage(img, 0, 0);
            const data = context.getImageData(0, 0, canvas.width, canvas.height).data;
            let hash = 2166136261;
            for (const word of new Uint32Array(data.buffer)) {
                hash = Math.imul(hash ^ word, 16777619);
            }
            return {alt: img.alt, picture: hash};
        }"""
    )
    return Shown(found["alt"], found["picture"])


def corners(explorer: Locator) -> Iterator[tuple[str, Shown, Shown]]:
    """Drive every control to its corner values, once for each option of each list or button.

    Yield the control's name and what was shown before and after each move. Controls that are
    switched off, and moves to where a control is already, are left out.
    """
    yield from _sliders(explorer)
    lists = explorer.locator("select:enabled")
    for index in range(lists.count()):
        select = lists.nth(index)
        name = _name(select)
        for option in range(select.locator("option").count()):
            if select.evaluate("select => select.selectedIndex") != option:
                before = shown(explorer)
                select.select_option(index=option)
                yield name, before, after(explorer, before)
                yield from _sliders(explorer)
    for button in explorer.locator(
        "button:enabled, input[type=checkbox]:enabled, input[type=radio]:enabled"
    ).all():
        # A button may have switched itself, or another one, off meanwhile.
        if button.is_enabled():
            before = shown(explorer)
            button.click()
            yield _name(button), before, after(explorer, before)
            yield from _sliders(explorer)


def _sliders(explorer: Locator) -> Iterator[tuple[str, Shown, Shown]]:
    for slider in explorer.get_by_role("slider").all():
        for key, limit in (("Home", "aria-valuemin"), ("End", "aria-valuemax")):
            off = slider.evaluate("handle => handle.closest('[disabled]') !== null")
            if off or slider.get_attribute("aria-valuenow") == slider.get_attribute(limit):
                continue
            before = shown(explorer)
            slider.press(key)
            yield _name(slider), before, after(explorer, before)


def after(explorer: Locator, before: Shown) -> Shown:
    """Wait for what follows a move, and return it."""
    answered(explorer.page)
    handle = explorer.locator("figure img").element_handle()
    # Some moves change nothing, such as a size that is cut to what fits.
    with contextlib.suppress(TimeoutError):
        explorer.page.wait_for_function(
            "([img, alt]) => img.alt !== alt", arg=[handle, before.alt], timeout=WAIT
        )
    return shown(explorer)


def _name(control: Locator) -> str:
    return str(
        control.evaluate(
            """c => c.getAttribute("aria-label") || c.labels?.[0]?.textContent
                    || c.textContent || c.title"""
        )
    ).strip()
