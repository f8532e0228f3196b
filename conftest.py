"""For the tests and the notebooks alike."""

import os
from unittest.mock import patch

import pytest

from tools.settings import settings  # before anything imports NumPy: one thread

SETTING = os.environ.get("SETTING", "mixed")


def pytest_configure():
    if SETTING not in settings():
        names = ", ".join(settings())
        raise pytest.UsageError(f"SETTING is {SETTING!r}; it must be one of {names}")


def pytest_report_header():
    return f"notebooks in the setting {SETTING}: {settings()[SETTING]} (tools/settings.py)"


def pytest_itemcollected(item):
    """nbval takes a cell without a count for one that was not run; ours are stored without."""
    cell = getattr(item, "cell", None)
    if cell is not None and cell.get("execution_count", 0) is None:
        cell.execution_count = 0


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item):
    """A notebook's kernel starts here: it imitates a machine that is not this one."""
    variables = settings()[SETTING].environment() if item.path.suffix == ".ipynb" else {}
    with patch.dict(os.environ, variables):
        return (yield)
