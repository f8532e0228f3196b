"""The vectors of the libraries' forms are what the libraries do."""

import numpy as np
import pytest

from gdref import RULES, dialects
from gdref.conformance import vectors

torch = pytest.importorskip("torch")


HAS = [rule for rule in RULES if (rule, "pytorch") not in dialects.tables.WITHOUT]


@pytest.mark.parametrize("rule", [rule for rule in HAS if rule not in {"adamax", "nadam"}])
def test_pytorch_takes_the_steps_of_its_vectors(rule):
    content = vectors(rule, "pytorch")
    constructor = getattr(torch.optim, dialects.dialect(rule, "pytorch").constructor)
    for run in content["runs"]:
        theta = torch.nn.Parameter(torch.tensor(run["start"], dtype=torch.float64))
        optimizer = constructor([theta], **run["steps"][0]["hyperparameters"])
        before = np.array(run["start"])
        for row in run["steps"]:
            optimizer.param_groups[0].update(row["hyperparameters"])
            theta.grad = torch.tensor(row["gradient"], dtype=torch.float64)
            optimizer.step()
            right = np.array(row["theta"])
            allowed = 1e-9 * np.abs(right - before) + 1e-14 * np.abs(right)
            assert (np.abs(theta.detach().numpy() - right) <= allowed).all(), (
                run["name"],
                row["t"],
            )
            before = right
