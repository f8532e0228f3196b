"""The comparison of the rules: what is stored, that it goes on, and rules of whole arrays."""

import json

import numpy as np
import pytest

from gdref import RULES
from gdref.experiments import comparison


@pytest.fixture(scope="module")
def compared():
    return comparison.all_problems()


@pytest.fixture
def short(monkeypatch, tmp_path):
    """An experiment of a second, in a folder of its own."""
    monkeypatch.setattr(comparison, "RESULTS", tmp_path / "comparison.json")
    monkeypatch.setattr(comparison, "TRIALS", 2)
    monkeypatch.setattr(comparison, "SEEDS", [0, 1])
    everything = comparison.all_problems()
    chosen = {name: everything[name] for name in ("softmax", "logistic")}
    monkeypatch.setattr(comparison, "all_problems", lambda: chosen)
    ranges = {name: comparison.RANGES[name] for name in ("gd", "muon")}
    monkeypatch.setattr(comparison, "RANGES", ranges)


def test_an_interrupted_comparison_goes_on_and_a_new_rule_costs_its_own_runs(short, monkeypatch):
    run, calls = comparison.Problem.run, []

    def counted(self, rule, setting, seed):
        calls.append(rule)
        if rule == "muon" and calls.count("muon") == 3:
            raise KeyboardInterrupt
        return run(self, rule, setting, seed)

    monkeypatch.setattr(comparison.Problem, "run", counted)
    with pytest.raises(KeyboardInterrupt):
        comparison.main()
    assert len(comparison.load()) == 2  # gradient descent on softmax regression
    comparison.main()
    lines = comparison.RESULTS.read_text().splitlines()
    assert len(comparison.load()) == 6  # Muon has no vectors
    calls.clear()
    monkeypatch.setitem(comparison.RANGES, "nag", comparison.MOMENTUM)
    comparison.main()
    assert calls == ["nag"] * 8
    after = comparison.RESULTS.read_text().splitlines()
    assert {line.strip(",") for line in lines} < {line.strip(",") for line in after}


def test_what_is_stored_is_what_is_wanted_in_its_order(compared):
    stored = json.loads(comparison.RESULTS.read_text())
    wanted = list(comparison.trials(compared))
    assert [comparison.key(row) for row in stored] == [comparison.key(row) for row in wanted]
    seeds = len(comparison.SEEDS)
    assert all(len(row[kind]) == seeds for row in stored for kind in ("train", "test"))


def test_the_settings_of_a_rule_do_not_hang_on_later_rules(monkeypatch):
    before = comparison.settings("adamw")
    monkeypatch.setitem(RULES, "one more", RULES["gd"])
    assert comparison.settings("adamw") == before


@pytest.mark.parametrize("rule", ["momentum", "adam", "lion"])
def test_array_by_array_is_the_same_run_for_a_rule_by_coordinate(compared, rule, monkeypatch):
    setting = comparison.settings(rule)[3]
    at_once = compared["network"].end(rule, setting, 0)
    monkeypatch.setitem(comparison.WHOLE, rule, "array")
    assert np.array_equal(compared["network"].end(rule, setting, 0), at_once)


def test_each_array_is_a_layer_and_the_bias_is_left_out(compared):
    """One step of Muon on the network, by hand: W1 and W2 orthogonalised, the biases by AdamW."""
    problem = compared["network"]
    theta = problem.train(0).theta0
    grad = problem.train(0).grad(theta)
    setting = comparison.settings("muon")[0]
    own = {name: value for name, value in setting.items() if name != "rest"}
    moved = comparison.by_array("muon", [lambda _: grad], theta, comparison.NETWORK, setting)
    first, bias = slice(0, 65 * 16), slice(65 * 16, 65 * 16 + 16)
    matrix, slope = (x[first].reshape(65, 16).T for x in (theta, grad))
    by_hand, _ = RULES["muon"](1, matrix, lambda _: slope, **own)
    assert np.array_equal(moved[first], by_hand.T.ravel())
    adamw, *_ = RULES["adamw"](1, theta[bias], lambda _: grad[bias], eta=setting["rest"])
    assert np.array_equal(moved[bias], adamw)


def test_schedule_free_is_judged_at_the_mean(compared, monkeypatch):
    setting = comparison.settings("schedule_free_sgd")[0]
    at_mean = compared["logistic"].end("schedule_free_sgd", setting, 0)
    monkeypatch.setitem(comparison.JUDGED_AT, "schedule_free_sgd", 0)
    asked = compared["logistic"].end("schedule_free_sgd", setting, 0)
    monkeypatch.setitem(comparison.JUDGED_AT, "schedule_free_sgd", 1)
    steps = compared["logistic"].end("schedule_free_sgd", setting, 0)
    beta = setting["beta"]
    assert np.allclose(asked, (1 - beta) * steps + beta * at_mean)
    assert not np.allclose(asked, at_mean)
