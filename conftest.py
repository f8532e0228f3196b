"""For the tests and the notebooks alike."""

from tools import one_thread as one_thread  # before anything imports NumPy


def pytest_itemcollected(item):
    """nbval takes a cell without a count for one that was not run; ours are stored without."""
    cell = getattr(item, "cell", None)
    if cell is not None and cell.get("execution_count", 0) is None:
        cell.execution_count = 0
