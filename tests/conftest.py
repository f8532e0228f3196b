"""What several tests share: the built site, one browser, and one profile for hypothesis."""

import importlib.util
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import settings

# the same examples at every run, and no time limit for one (machines differ)
settings.register_profile("book", deadline=None, derandomize=True)
settings.load_profile("book")

ROOT = Path(__file__).resolve().parent.parent
BROWSERS = ["chromium", "chromium-browser", "google-chrome"]


@pytest.fixture(scope="session")
def browser():
    """The machine's own Chromium, or Playwright's; CHROMIUM in the environment names another."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as p:
        found = [os.environ.get("CHROMIUM"), *map(shutil.which, BROWSERS)]
        found += [p.chromium.executable_path] * os.path.exists(p.chromium.executable_path)
        chromium = next(filter(None, found), None)
        if chromium is None:
            pytest.skip("no Chromium found: NOT tested in a browser (playwright install chromium)")
        launched = p.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """A fresh build: an incremental one would not repeat the warnings of unchanged pages.

    Two processes of pytest share one; SITE in the environment names one that is built already.
    """
    if "SITE" in os.environ:
        return Path(os.environ["SITE"])
    temporary = tmp_path_factory.getbasetemp()
    target = (temporary.parent if "PYTEST_XDIST_WORKER" in os.environ else temporary) / "site"
    said = target / "said.txt"
    try:
        target.mkdir()
    except FileExistsError:  # the other process builds it
        while not said.exists():
            time.sleep(1)
    else:
        wrong = build(target)
        said.with_suffix(".new").write_text(wrong)
        said.with_suffix(".new").rename(said)
    assert not said.read_text(), said.read_text()
    return target / "_build" / "html"


def build(target):
    """Build the site into a folder; return what Sphinx says if it fails or warns."""
    jupyter_book = Path(sys.executable).with_name("jupyter-book")
    command = [jupyter_book, "build", ROOT, *"-W -n --keep-going --path-output".split(), target]
    built = subprocess.run(command, capture_output=True, text=True, timeout=900)
    if built.returncode == 0:
        return ""
    said = [line for line in built.stderr.splitlines() if "WARNING" in line or "ERROR" in line]
    return "\n".join(said) or (built.stdout + built.stderr)[-3000:]


@pytest.fixture(scope="session")
def server(site):
    """The site's address, from the server of ``tools/serve.py``."""
    spec = importlib.util.spec_from_file_location("serve", ROOT / "tools/serve.py")
    serve = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(serve)
    with serve.server(site) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()
