"""A run that goes on from its saved state is the run that never stopped; what a run reports."""

import pickle
from itertools import islice

import numpy as np
import pytest

from gdref import RULES, adam, gd, iterate, iterate_state, minimize, momentum, problems, schedules
from tests.kinds import scheduled

every_rule = pytest.mark.parametrize("name", RULES)
STARTS = {
    "float": 1.3,
    "array": np.array([1.0, -2.0, 0.3]),
    "float32": np.array([1.0, -2.0], np.float32),
    "tree": {"a": np.array([1.0, -2.0]), "b": [np.array([0.5]), 2.0]},
    "tree without axes": {"a": np.array(1.0, np.float32), "b": [np.array(0.5), 2.0]},
}


def wavy(x):
    if isinstance(x, dict):
        return {"a": wavy(x["a"]), "b": [wavy(x["b"][0]), wavy(x["b"][1])]}
    return np.sin(3 * x) + x


def size(x):
    return size(x["a"]) + size(x["b"][0]) + size(x["b"][1]) if isinstance(x, dict) else np.sum(x**2)


def plan(rule):
    """A schedule of every hyperparameter that changes it from step to step."""
    changing = schedules.warmup(schedules.cosine(0.2, 12, 0.01), 4, start=0.02)
    return scheduled(rule, changing)


def same(a, b):
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and np.array_equal(a, b)


@every_rule
@pytest.mark.parametrize("start", STARTS)
def test_bit_by_bit(name, start):
    rule, settings = RULES[name], plan(RULES[name])
    whole = list(islice(iterate_state(rule, wavy, STARTS[start], **settings), 21))
    for stop in (1, 7, 19):
        saved = pickle.loads(pickle.dumps(whole[stop]))
        theta, *state = saved
        rest = iterate_state(rule, wavy, theta, t=stop + 1, state=state, **settings)
        for a, b in zip(whole[stop:], islice(rest, 21 - stop), strict=True):
            assert same(a, b)


@every_rule
@pytest.mark.parametrize("start", STARTS)
def test_minimize_goes_on(name, start):
    rule, settings = RULES[name], plan(RULES[name])
    whole = minimize(size, STARTS[start], rule, grad=wavy, steps=15, **settings)
    first = minimize(size, STARTS[start], rule, grad=wavy, steps=6, **settings)
    first = pickle.loads(pickle.dumps(first))
    assert first.t == 7
    second = minimize(
        size, first.x, rule, grad=wavy, steps=9, t=first.t, state=first.state, **settings
    )
    assert same(second.x, whole.x) and same(second.state, whole.state)
    assert second.t == whole.t == 16 and second.fun == whole.fun


def test_jax_goes_on():
    jnp = pytest.importorskip("jax.numpy")
    start = jnp.asarray(STARTS["float32"])
    whole = list(islice(iterate_state(adam, lambda x: jnp.sin(3 * x) + x, start), 11))
    theta, *state = whole[4]
    *_, end = islice(iterate_state(adam, lambda x: jnp.sin(3 * x) + x, theta, t=5, state=state), 7)
    assert all(bool((a == b).all()) for a, b in zip(end, whole[10], strict=True))


def test_from_theta_alone_it_is_another_path():
    *_, whole = islice(iterate(adam, wavy, 1.3, eta=0.1), 21)
    *_, theta = islice(iterate(adam, wavy, 1.3, eta=0.1), 11)
    *_, alone = islice(iterate(adam, wavy, theta, eta=0.1), 11)
    assert alone != whole


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"state": [1.0]}, ValueError, "adam has 2: m, v"),
        ({"state": 3}, TypeError, "sequence that adam returned"),
        ({"state": {"m": 1, "v": 1}}, TypeError, "m, v"),
        ({"state": [1.0, np.inf]}, ValueError, "the state v is inf"),
        ({"t": 0}, ValueError, "t is 0; it must be at least 1"),
        ({"t": 1.5}, TypeError, "t is 1.5; it must be a whole number"),
    ],
)
def test_a_state_that_is_none_is_refused(changes, error, words):
    with pytest.raises(error, match=words):
        iterate_state(adam, wavy, 1.0, **changes)


# --------------------------------------------------------------------------- what a run reports


def test_losses_and_evaluations():
    result = minimize(size, 2.0, gd, grad=lambda x: 2 * x, steps=5, eta=0.25)
    assert result.losses.tolist() == [4 / 4**k for k in range(6)]
    assert result.nfev == 6 and result.losses[-1] == result.fun
    short = minimize(size, 2.0, gd, grad=lambda x: 2 * x, steps=5, eta=0.25, keep_path=False)
    assert short.losses is None and short.nfev == 2 and short.fun == result.fun
    differences = minimize(size, np.ones(3), gd, steps=5)
    assert differences.nfev == 6 + 5 * 4  # d + 1 for each gradient


def test_a_callback_ends_the_run_if_it_returns_true():
    seen = []

    def near(x):
        seen.append(x)
        return abs(x) < 0.2

    result = minimize(size, 1.0, gd, grad=lambda x: 2 * x, steps=50, eta=0.25, callback=near)
    assert seen == [0.5, 0.25, 0.125] and result.nit == 3 and result.success
    assert result.message == "the callback ended the run after 3 steps"
    run = minimize(size, 1.0, gd, grad=lambda x: 2 * x, steps=4, callback=lambda x: 1)
    assert run.nit == 4  # only True ends it
    with pytest.raises(TypeError, match="callback is 3"):
        minimize(size, 1.0, gd, steps=4, callback=3)


def test_progress_is_shown_on_stderr(capsys):
    minimize(size, 1.0, gd, grad=lambda x: 2 * x, steps=4, progress=True)
    said = capsys.readouterr()
    assert said.out == "" and "step 4 of 4" in said.err and said.err.endswith("\n")
    minimize(size, 1.0, gd, grad=lambda x: 2 * x, steps=4)
    assert capsys.readouterr().err == ""


# --------------------------------------------------------------------------- pickling

SCHEDULES = [
    schedules.exponential(0.1, 3, 0.5, staircase=True),
    schedules.piecewise_constant([2, 5], [0.1, 0.05, 0.01]),
    schedules.polynomial(0.1, 4, 0.01, power=2),
    schedules.inverse_time(0.1, 2, 0.3),
    schedules.step(0.1, 3, 0.5),
    schedules.warmup(schedules.cosine(0.1, 4), 3, start=0.01),
    schedules.join(schedules.step(0.1, 1, 0.5), 2, 0.01),
]


@pytest.mark.parametrize("plan", SCHEDULES, ids=repr)
def test_schedules_pickle(plan):
    again = pickle.loads(pickle.dumps(plan))
    assert [again(t) for t in range(1, 12)] == [plan(t) for t in range(1, 12)]
    assert repr(again) == repr(plan)


@pytest.mark.parametrize("name", problems.SURFACES)
def test_surfaces_pickle(name):
    surface = problems.SURFACES[name]()
    again = pickle.loads(pickle.dumps(surface))
    point = np.array([0.3, -0.7])
    assert again.loss(point) == surface.loss(point) and again.start == surface.start
    assert np.array_equal(again.grad(point), surface.grad(point))


def test_models_and_results_pickle():
    X, y = np.arange(12.0).reshape(4, 3), np.array([0, 1, 1, 0])
    for make in (problems.least_squares, problems.logistic, problems.softmax, problems.network):
        model = make(X, y)
        again = pickle.loads(pickle.dumps(model))
        assert again.loss(model.theta0) == model.loss(model.theta0)
    loss, grad = pickle.loads(pickle.dumps(problems.quadratic([1.0, 5.0])))
    assert loss(np.array([1.0, 1.0])) == 3.0 and grad(np.ones(2)).tolist() == [1.0, 5.0]
    result = minimize(loss, np.ones(2), momentum, grad=grad, steps=5)
    assert same(pickle.loads(pickle.dumps(result)).path, result.path)
