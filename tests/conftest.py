"""What several tests share: one browser, and one profile for hypothesis."""

import os
import shutil

import pytest
from hypothesis import settings

# the same examples at every run, and no time limit for one (machines differ)
settings.register_profile("book", deadline=None, derandomize=True)
settings.load_profile("book")

BROWSERS = ["chromium", "chromium-browser", "google-chrome"]


@pytest.fixture(scope="session")
def browser():
    """The machine's own Chromium; CHROMIUM in the environment names another."""
    chromium = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if chromium is None:
        pytest.skip("no Chromium found: NOT tested in a browser (apt-get install chromium)")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as p:
        launched = p.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield launched
        launched.close()
