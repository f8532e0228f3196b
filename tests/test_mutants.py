"""The table of planted errors: each can be planted, and each gives another rule.

Whether the tests catch them is what ``python tests/mutants.py`` shows.
"""

from pathlib import Path

import mutants
import numpy as np
import pytest

from gdref import RULES
from gdref import rules as module
from gdref._inputs import form

SOURCE = Path(module.__file__).read_text(encoding="utf-8")
TABLE = mutants.read_table()
ODD = {
    "eta": 0.13, "gamma": 0.77, "rho": 0.71, "beta1": 0.83, "beta2": 0.93, "eps": 0.03,
    "lam": 0.07, "multiplier": 0.6,
}  # fmt: skip


def test_there_are_enough():
    without = set(RULES) ^ set(mutants.RULES)
    assert not without, f"a rule without planted errors, or the reverse: {without}"
    assert len({mutant.id for mutant in TABLE}) == len(TABLE) >= 60
    for rule in RULES:
        of_rule = [mutant for mutant in TABLE if mutant.rule == rule]
        assert len({(mutant.right, mutant.wrong) for mutant in of_rule}) == len(of_rule) >= 4


def run(rule, hyperparameters):
    """Six steps on a curved function that is steeper at first, with all states."""
    theta, state, numbers = np.array([0.9, -1.4]), (), []
    with np.errstate(all="ignore"):
        for t in range(1, 7):
            steep = 5 / t
            theta, *state = rule(
                t, theta, lambda x, c=steep: c * (np.sin(2 * x) + x), *state, **hyperparameters
            )
            numbers.append(np.broadcast_arrays(theta, *state))
    return np.array(numbers)


@pytest.mark.parametrize("mutant", TABLE, ids=lambda mutant: mutant.id)
def test_a_planted_error_is_another_rule(mutant):
    """Other numbers at odd hyperparameters, or other defaults."""
    namespace = {"__name__": "planted"}
    exec(compile(mutants.plant(SOURCE, mutant), "planted", "exec"), namespace)
    wrong, right = namespace[mutant.rule], RULES[mutant.rule]
    if mutant.error.startswith("default"):
        assert form(wrong)[2] != form(right)[2]
        return
    odd = {name: ODD[name] for name in form(right)[2]}
    a, b = run(right, odd), run(wrong, odd)
    assert np.isfinite(a).all()
    assert a.shape != b.shape or not np.allclose(a, b, rtol=1e-6, atol=1e-9)
