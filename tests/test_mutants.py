"""The table of planted errors: each gives another rule, and its last run saw it caught.

``python tests/mutants.py --rule NAME --notebooks`` runs a rule's errors again.
"""

import importlib.util
import inspect

import mutants
import numpy as np
import pytest

from gdref import RULES
from gdref._inputs import form
from gdref.catalogue import HYPERPARAMETERS
from gdref.diagnosis.situations import start_of

TABLE = mutants.read_table()
REPORT = mutants.read_report()


def test_there_are_enough():
    without = set(RULES) ^ set(mutants.RULES)
    assert not without, f"a rule without planted errors, or the reverse: {without}"
    assert len({mutant.id for mutant in TABLE}) == len(TABLE) >= 60
    for rule in RULES:
        of_rule = [mutant for mutant in TABLE if mutant.rule == rule]
        assert len({(mutant.right, mutant.wrong) for mutant in of_rule}) == len(of_rule) >= 4


def planted(mutant):
    """The wrong rule, in a module of its own."""
    planter = mutants.Planter(mutant.id)
    module = importlib.util.module_from_spec(planter.find_spec(planter.name))
    planter.exec_module(module)
    return module.RULES[mutant.rule]


def run(rule, start):
    """Forty steps with all states.  Gradients change their sign and size at random, bend, and are 0
    now and then; every hyperparameter changes at each step."""
    random = np.random.default_rng(0)
    theta, state, steps = start, (), []
    for t in range(1, 41):
        size = 10 ** random.uniform(-1, 0) * (random.random(start.shape) < 0.9 if t > 1 else 1.0)
        slope, level = random.normal(size=(2, *start.shape)) * size
        values = {
            name: HYPERPARAMETERS[name].odd * random.uniform(0.5, 1) for name in form(rule)[2]
        }
        with np.errstate(all="ignore"):
            theta, *state = rule(
                t, theta, lambda x, a=slope, b=level: a * np.sin(x) + b, *state, **values
            )
        # a number stands for an array of one value; a state may have another shape than theta
        steps += [x if np.size(x) > 1 else np.broadcast_to(x, start.shape) for x in (theta, *state)]
    return steps


@pytest.mark.parametrize("mutant", TABLE, ids=lambda mutant: mutant.id)
def test_a_planted_error_is_another_rule(mutant):
    """Other numbers at odd hyperparameters; for a wrong default, another default alone."""
    wrong, right = planted(mutant), RULES[mutant.rule]
    a, b = (run(rule, start_of(mutant.rule)) for rule in (right, wrong))
    assert all(np.isfinite(x).all() for x in a)
    same = len(a) == len(b) and all(
        x.shape == y.shape and np.allclose(x, y, rtol=1e-6, atol=1e-9)
        for x, y in zip(a, b, strict=True)
    )
    assert same == mutant.error.startswith("default") == (form(wrong)[2] != form(right)[2])


@pytest.mark.parametrize("mutant", TABLE, ids=lambda mutant: mutant.id)
def test_the_last_run_saw_it_caught(mutant):
    """By the tests and by the rule's chapter alone."""
    row = REPORT.get(mutant.id, {"row": "missing"})
    assert row["row"] == mutant.row, f"run it again: python tests/mutants.py --id {mutant.id}"
    assert row["error"] == mutant.error
    assert mutants.caught(row) and row["chapter"].startswith("cell"), row


def test_the_report_is_what_its_rows_say():
    assert list(REPORT) == [mutant.id for mutant in TABLE]
    assert mutants.REPORT.read_text(encoding="utf-8") == mutants.report(REPORT)


def test_who_asks_for_the_source_reads_the_right_one():
    """A chapter that shows the rule must not be said to catch the error by it."""
    mutant = next(m for m in TABLE if m.rule == "adam" and "\n" in m.right + m.wrong)
    assert inspect.getsource(planted(mutant)) == inspect.getsource(RULES["adam"])
