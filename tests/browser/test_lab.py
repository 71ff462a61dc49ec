"""What the tests say where they cannot run."""

import shutil

import pytest

from tests.browser.lab import chromium


def test_a_missing_chromium_is_an_error_that_says_how_to_mend_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with (
        pytest.raises(RuntimeError, match="install it with: sudo apt-get install chromium"),
        chromium(),
    ):
        pass
