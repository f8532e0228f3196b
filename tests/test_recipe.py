"""The experiment on the language model: its schedules, its groups, and that it goes on."""

import json
from itertools import islice

import numpy as np
import pytest

from gdref import RULES, adamw, iterate, rule, schedules
from gdref.experiments import recipe


@pytest.fixture
def short(monkeypatch, tmp_path):
    """An experiment of seconds, in a folder of its own."""
    monkeypatch.setattr(recipe, "RESULTS", tmp_path / "recipe.json")
    monkeypatch.setattr(recipe, "STEPS", 4)
    monkeypatch.setattr(recipe, "POINTS", 2)
    monkeypatch.setattr(recipe, "AGAIN", [])
    monkeypatch.setattr(recipe, "RATES", [0.01, 0.02])
    monkeypatch.setattr(recipe, "TRIALS", 1)
    monkeypatch.setattr(recipe, "LEFT_OUT", {"all": {}, "no decay": {"lam": 0.0}})
    monkeypatch.setattr(recipe, "JUDGE", [7])
    monkeypatch.setitem(recipe.SIZE, "width", 4)
    monkeypatch.setattr(recipe, "RANGES", {k: recipe.RANGES[k] for k in ("adamw", "momentum")})


def test_an_interrupted_experiment_goes_on(short, monkeypatch):
    run, calls = recipe.run, []

    def interrupted(setting, seed):
        calls.append(seed)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return run(setting, seed)

    monkeypatch.setattr(recipe, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        recipe.main()
    assert len(recipe.load()) == 2
    recipe.main()
    first = recipe.RESULTS.read_text()
    total = len(calls)
    recipe.main()  # nothing is left to do
    assert len(calls) == total == len(recipe.load()) + 1
    assert recipe.RESULTS.read_text() == first


def test_everything_that_the_chapter_needs_is_stored():
    found = recipe.load()
    assert [name for name in recipe.searches() if not recipe.is_stored(name, found)] == []
    assert not recipe.is_stored("no such rule", found)
    (name, settings), *_ = recipe.searches().items()
    del found[recipe.key(settings[2], recipe.JUDGE[0])]
    assert not recipe.is_stored(name, found)


def test_the_best_rate_of_each_variant_lies_inside():
    found = recipe.load()
    for name in recipe.LEFT_OUT:
        place = recipe.best(found, recipe.searches()[name], recipe.SELECT)
        assert 0 < place < len(recipe.RATES) - 1, name


def test_the_trials_lie_in_their_ranges():
    for name in recipe.RANGES:
        trials = recipe.drawn(name)
        assert trials == recipe.drawn(name) and len(trials) == recipe.TRIALS
        for key, (low, high) in recipe.RANGES[name].items():
            values = [trial[key.removeprefix("1 - ")] for trial in trials]
            values = [1 - v if key.startswith("1 - ") else v for v in values]
            assert all(0.99 * low <= v <= 1.01 * high for v in values), key
            assert max(values) > 3 * min(values), key


@pytest.mark.parametrize("fall", ["none", "cosine", "wsd"])
@pytest.mark.parametrize("warm", [0, 0.1])
def test_the_shape_of_a_schedule(fall, warm):
    shape = recipe.shape_of(recipe.RECIPE | {"fall": fall, "warm": warm}, 100)
    values = np.array([shape(t) for t in range(1, 101)])
    assert values.max() == 1 and values.min() >= 0
    assert (values[0] == 1) == (warm == 0)
    assert (values[-1] < 0.06) == (fall != "none")
    top = np.flatnonzero(values == 1)
    assert top[0] == 100 * warm
    assert len(top) == {"none": 100 - 100 * warm, "cosine": 1, "wsd": 81 - 100 * warm}[fall]


def test_clipping_shortens_what_is_long():
    g = {"a": np.array([3.0, 0.0]), "b": np.array([[4.0]])}
    short = recipe.clipped(g, 1.0)
    assert short["a"].tolist() == pytest.approx([0.6, 0]) and short["b"].item() == pytest.approx(
        0.8
    )
    for kept in (recipe.clipped(g, 5.1), recipe.clipped(g, np.inf)):
        assert all(np.array_equal(kept[k], g[k]) for k in g)
    zero = {"a": np.zeros(2)}
    assert not recipe.clipped(zero, 1.0)["a"].any()


def groups_of(change):
    model, _ = recipe.problem(0)
    return model.theta0, list(recipe.groups(model.theta0, recipe.RECIPE | change, 10))


def test_only_matrices_are_decayed():
    theta, groups = groups_of({})
    for _, names, settings, penalty in groups:
        assert penalty == 0
        for name in names:
            assert (settings["lam"] > 0) == (theta[name].ndim == 2)
    assert sorted(name for group in groups for name in group[1]) == sorted(theta)
    _, groups = groups_of({"decayed": "all"})
    assert not groups[1][1]
    _, groups = groups_of({"rule": "momentum", "gamma": 0.9})
    assert groups[0][3] == recipe.RECIPE["lam"] and groups[1][3] == 0


def test_muon_has_the_matrices_of_the_blocks(monkeypatch):
    monkeypatch.setitem(RULES, "muon", lambda t, theta, grad, *, eta, gamma, lam: (theta,))
    theta, groups = groups_of({"rule": "muon", "gamma": 0.9, "rest": 0.01})
    hidden = {name for rule_, names, *_ in groups for name in names if rule_ == "muon"}
    assert hidden == {name for name in theta if name[0].isdigit() and theta[name].ndim == 2}
    assert len(hidden) == 6
    assert sorted(name for group in groups for name in group[1]) == sorted(theta)
    rates = {settings["eta"] for rule_, _, settings, _ in groups if rule_ == "adamw"}
    assert rates == {0.01}


def test_the_loop_is_the_rule_on_the_tree():
    """Without clipping, and all decayed, it is iterate with AdamW and its schedule."""
    model, _ = recipe.problem(0, dtype=np.float64)
    setting = recipe.RECIPE | {"clip": np.inf, "decayed": "all"}
    rng = np.random.default_rng(5)
    batches = [rng.integers(model.n, size=recipe.BATCH) for _ in range(10)]
    shape = schedules.warmup(schedules.cosine(1.0, 9), 1, 1.0)
    path = iterate(
        adamw,
        (lambda theta, b=b: model.grad(theta, b) for b in batches),
        model.theta0,
        eta=setting["eta"], beta2=0.95, lam=setting["eta"] * setting["lam"], multiplier=shape,
    )  # fmt: skip
    for ours, theirs in zip(recipe.train(model, setting, 10, seed=5), path, strict=True):
        for name in ours:
            assert np.allclose(ours[name], theirs[name], rtol=0, atol=1e-12), name


def test_the_parameters_stay_in_single_precision():
    model, _ = recipe.problem(0)
    theta = next(islice(recipe.train(model, recipe.RECIPE, 10, 0), 2, None))
    assert {value.dtype for value in theta.values()} == {np.dtype(np.float32)}


def test_a_run_that_diverges_has_no_end(monkeypatch):
    @rule
    def leap(t, theta, grad, *, eta):
        return (theta * (1 - eta * 1e30),)

    try:
        found = recipe.run(recipe.RECIPE | {"rule": "leap", "steps": 32}, 0)
    finally:
        del RULES["leap"]
    assert found == {"end": None, "curve": None}
    json.dumps(found)
