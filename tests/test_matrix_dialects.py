"""Rules of matrices against the recorded paths of packages for PyTorch."""

import numpy as np
import pytest

from gdref import RULES
from gdref.dialects._recordings import stored

ROWS = stored("matrices")["paths"]


def apart(row):
    """The largest difference between the package's path and ours."""
    rule, theta, *state = RULES[row["rule"]], np.array(row["path"][0])
    largest = 0.0
    for t, (g, theirs) in enumerate(zip(row["gradients"], row["path"][1:], strict=True), 1):
        theta, *state = rule(t, theta, lambda x, g=g: np.array(g), *state, **row["hyperparameters"])
        largest = max(largest, np.abs(theta - np.array(theirs)).max())
    return largest


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['class']}-{row['shape']}")
def test_a_package_takes_our_path_or_another(row):
    if row["same"]:
        assert apart(row) < 1e-12
    else:
        assert apart(row) > 0.01


def test_the_versions_are_named():
    assert set(stored("matrices")["versions"]) == {"torch", *(row["package"] for row in ROWS)}
