"""Lint, format and types: what `make lint` checks."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize(
    "command", ["ruff check", "ruff format --check --output-format concise", "mypy"]
)
def test_lint(command):
    tool, *options = command.split()
    if not find_spec(tool):
        pytest.skip(f"{tool} is not installed")
    where = ["."] if tool == "ruff" else []
    done = subprocess.run(
        [sys.executable, "-m", tool, *options, *where], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
