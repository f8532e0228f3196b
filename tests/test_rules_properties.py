"""What holds for every rule: invariances, bounds, limits; floats, arrays and symbols alike."""

import functools
import importlib
import math
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from gdref import RULES, gd, iterate, iterate_state, momentum, nag
from gdref._inputs import form
from gdref.catalogue import HYPERPARAMETERS
from gdref.rules import adadelta, adagrad, adam, adamax, adamw, amsgrad, nadam, rmsprop
from tests.papers import PAPERS

every_rule = pytest.mark.parametrize("name", RULES)
sizes = st.floats(1e-3, 1e3)
numbers = st.builds(math.copysign, sizes, st.sampled_from([1.0, -1.0]))
gradients = st.lists(numbers, min_size=1, max_size=8)
rates = st.floats(1e-3, 2.0)
decays = st.floats(0.0, 0.98)
scales = st.floats(1e-2, 1e2)


def states(rule, gs, theta=0.0, **hyperparameters):
    """The tuples (theta, *state) of a run whose gradients are given, whatever theta."""
    return list(iterate_state(rule, [lambda _, g=g: g for g in gs], theta, **hyperparameters))


def path(rule, gs, theta=0.0, **hyperparameters):
    return np.array([row[0] for row in states(rule, gs, theta, **hyperparameters)])


def close(a, b, rtol=1e-9):
    """Equal up to rounding, relative to the largest number of the path."""
    a, b = np.asarray(a), np.asarray(b)
    assert a.shape == b.shape
    np.testing.assert_allclose(a, b, rtol=0, atol=rtol * max(abs(a).max(), abs(b).max()))


def hyperparameters_as(name, number):
    """A value without a special meaning for each hyperparameter, as that kind of number."""
    return {key: number(HYPERPARAMETERS[key].odd) for key in form(RULES[name])[2]}


def without(name, hyperparameter):
    """A hyperparameter set to 0, if the rule has it."""
    return {hyperparameter: 0.0} if hyperparameter in form(RULES[name])[2] else {}


def having(word):
    """The rules with a property that most of them have: PROPERTIES of papers.py."""
    return [name for name in PAPERS if word not in PAPERS[name].without]


def average(decay, values):
    total = 0.0
    for x in values:
        total = decay * total + (1 - decay) * x
    return total


# ---------------------------------------------------------------------------- invariances

# Multiplying the loss by c multiplies every gradient by c.  A hyperparameter that is measured in a
# power of that unit, multiplied by this power of c, keeps the path as it was.
IN_UNITS = [name for name in PAPERS if PAPERS[name].units is not None]


def in_units(name, c):
    units = PAPERS[name].units
    return {key: x * c ** units.get(key, 0) for key, x in hyperparameters_as(name, float).items()}


@pytest.mark.parametrize("name", IN_UNITS)
@given(gs=gradients, c=scales)
def test_path_does_not_change_with_the_unit_of_the_loss(name, gs, c):
    rule, scaled = RULES[name], [c * g for g in gs]
    close(path(rule, gs, 1.0, **in_units(name, 1.0)), path(rule, scaled, 1.0, **in_units(name, c)))


@pytest.mark.parametrize("name", [name for name in IN_UNITS if "eta" not in PAPERS[name].units])
@given(gs=gradients, c=scales)
def test_without_epsilon_no_scale_of_the_loss_matters(name, gs, c):
    none = without(name, "eps")
    close(path(RULES[name], gs, **none), path(RULES[name], [c * g for g in gs], **none))


@given(gs=st.lists(numbers.filter(lambda g: abs(g) >= 1), min_size=2, max_size=8), c=scales)
def test_adadelta_moves_in_the_units_of_theta(gs, c):
    """With an epsilon far below g^2: c J leaves the path; measuring theta in units c times smaller
    gives gradients c times smaller and steps c times longer (epsilon scaled with the steps)."""
    tiny = 1e-20
    original = path(adadelta, gs, eps=tiny)
    close(path(adadelta, [c * g for g in gs], eps=tiny), original)
    close(path(adadelta, [g / c for g in gs], eps=tiny * c**2), c * original)


@pytest.mark.parametrize("name", [n for n in having("eta") if "eta" in form(RULES[n])[2]])
@given(gs=gradients, c=scales)
def test_the_way_from_the_start_is_proportional_to_eta(name, gs, c):
    run = functools.partial(path, RULES[name], gs, **without(name, "lam"))
    close(run(eta=0.1 * c), c * run(eta=0.1))


@pytest.mark.parametrize("name", having("mirror"))
@given(gs=gradients, theta=numbers)
def test_mirrored_gradients_give_the_mirrored_path(name, gs, theta):
    assert (path(RULES[name], gs, theta) == -path(RULES[name], [-g for g in gs], -theta)).all()


@pytest.mark.parametrize("name", having("shift"))
@given(gs=gradients, shift=st.floats(-10, 10))
def test_moving_the_origin_moves_the_path(name, gs, shift):
    run = functools.partial(path, RULES[name], gs, **without(name, "lam"))
    close(run(theta=shift), shift + run())


@every_rule
def test_a_later_gradient_does_not_change_earlier_steps(name):
    gs = [1.0, -2.0, 0.5, 3.0]
    assert states(RULES[name], gs)[:4] == states(RULES[name], gs[:3])


# ------------------------------------------------------------------- first steps and bounds


@every_rule
@given(g=numbers, count=st.integers(1, 6))
def test_steps_go_against_a_gradient_that_does_not_change(name, g, count):
    steps = np.diff(path(RULES[name], [g] * count))
    assert (np.sign(steps) == -math.copysign(1, g)).all()


@given(g=numbers, eta=rates, decay=decays)
def test_the_first_step(g, eta, decay):
    """From theta = 0, without epsilon: how far each rule goes, whatever the size of g."""
    s = math.copysign(1.0, g)
    first = functools.partial(path, gs=[g], eta=eta)
    close(first(gd)[1], -eta * g)
    close(first(momentum, gamma=decay)[1], -eta * g)
    close(first(nag, gamma=decay)[1], -eta * g)
    close(first(adagrad, eps=0.0)[1], -eta * s)
    close(first(rmsprop, rho=decay, eps=0.0)[1], -eta * s / math.sqrt(1 - decay))
    close(first(adam, beta1=decay, beta2=0.6, eps=0.0)[1], -eta * s)
    close(first(adamw, beta1=decay, beta2=0.6, eps=0.0)[1], -eta * s)
    close(first(adamax, beta1=decay, beta2=0.6)[1], -eta * s)
    close(first(nadam, beta1=decay, beta2=0.6, eps=0.0)[1], -eta * s * (1 + decay))
    ratio = (1 - decay) / math.sqrt(1 - 0.6)
    close(first(amsgrad, beta1=decay, beta2=0.6, eps=0.0)[1], -eta * s * ratio)


def test_the_first_step_of_rmsprop_and_amsgrad_at_the_defaults():
    """3.16 eta: the missing bias correction; both by chance the same number."""
    assert path(rmsprop, [5.0], eps=0.0)[1] == pytest.approx(-0.001 / math.sqrt(0.1))
    assert path(amsgrad, [5.0], eps=0.0)[1] == pytest.approx(-0.001 * 0.1 / math.sqrt(0.001))


@given(g=numbers, rho=decays, eps=st.floats(1e-8, 1e-2))
def test_the_first_step_of_adadelta_is_set_by_epsilon(g, rho, eps):
    step = path(adadelta, [g], rho=rho, eps=eps)[1]
    close(step, -math.sqrt(eps / ((1 - rho) * g**2 + eps)) * g)
    assert abs(step) < math.sqrt(eps / (1 - rho))


def test_adadelta_without_epsilon_never_moves():
    assert (path(adadelta, [1.0, 2.0, -3.0], theta=0.5, eps=0.0) == 0.5).all()


def largest_adam_step(t, beta1, beta2):
    """max |m_hat| / sqrt(v_hat) at step t over all gradients, by Cauchy-Schwarz."""
    weights = sum((beta1**2 / beta2) ** k for k in range(t))
    uncorrected = (1 - beta1) * math.sqrt(weights / (1 - beta2))
    return uncorrected * math.sqrt(1 - beta2**t) / (1 - beta1**t)


@given(gs=gradients, beta1=decays, beta2=st.floats(0.1, 0.999))
def test_adams_steps_are_bounded(gs, beta1, beta2):
    steps = np.diff(path(adam, gs, eta=1.0, beta1=beta1, beta2=beta2, eps=0.0))
    for t, step in enumerate(steps, 1):
        assert abs(step) <= largest_adam_step(t, beta1, beta2) * (1 + 1e-9)


@given(t=st.integers(2, 8), beta1=st.floats(0.1, 0.95), beta2=st.floats(0.1, 0.999))
def test_adams_bound_is_reached(t, beta1, beta2):
    """By gradients that grow like (beta2/beta1)^k: a step may be longer than eta."""
    gs = [(beta1 / beta2) ** (t - k) for k in range(1, t + 1)]
    step = np.diff(path(adam, gs, eta=1.0, beta1=beta1, beta2=beta2, eps=0.0))[-1]
    assert abs(step) == pytest.approx(largest_adam_step(t, beta1, beta2), rel=1e-9)


def largest_adamax_step(t, beta1, beta2):
    """max |m_hat| / u at step t: each |g_i| is at most u beta2^-(t-i)."""
    return sum((beta1 / beta2) ** k for k in range(t)) * (1 - beta1) / (1 - beta1**t)


@given(gs=gradients, beta1=decays, beta2=st.floats(0.1, 0.999))
def test_adamaxs_steps_are_bounded(gs, beta1, beta2):
    steps = np.diff(path(adamax, gs, eta=1.0, beta1=beta1, beta2=beta2))
    for t, step in enumerate(steps, 1):
        assert abs(step) <= largest_adamax_step(t, beta1, beta2) * (1 + 1e-9)


def test_adamaxs_bound_is_reached_and_above_eta():
    """Gradients that shrink at the rate of beta2: 1.009 eta at the defaults, not eta."""
    gs = [0.999**k for k in range(200)]
    step = np.diff(path(adamax, gs, eta=1.0))[-1]
    assert abs(step) == pytest.approx(largest_adamax_step(200, 0.9, 0.999), rel=1e-9)
    assert abs(step) == pytest.approx(1.0091, abs=1e-4)


@given(g=numbers, n=st.integers(1, 30), decay=decays)
def test_under_a_constant_gradient(g, n, decay):
    gs, s = [g] * n, math.copysign(1.0, g)
    close(path(gd, gs, eta=0.1)[-1], -0.1 * g * n)
    velocity = states(momentum, gs, eta=0.1, gamma=decay)[-1][1]
    close(velocity, 0.1 * g * (1 - decay**n) / (1 - decay))
    roots = sum(1 / math.sqrt(k) for k in range(1, n + 1))
    close(path(adagrad, gs, eta=0.1, eps=0.0)[-1], -0.1 * s * roots)
    close(path(adam, gs, eta=0.1, eps=0.0, beta1=decay)[-1], -0.1 * s * n)
    close(path(adamax, gs, eta=0.1, beta1=decay)[-1], -0.1 * s * n)
    close(path(nag, gs, gamma=decay), path(momentum, gs, gamma=decay))


@given(gs=gradients)
def test_what_only_grows(gs):
    for rule, column in ((adagrad, 1), (amsgrad, 3)):
        values = [row[column] for row in states(rule, gs)]
        assert all(a <= b for a, b in zip(values, values[1:], strict=False))


@given(gs=gradients, beta1=decays, beta2=decays)
def test_the_rate_of_amsgrad_never_grows_but_that_of_adam_may(gs, beta1, beta2):
    rows = states(amsgrad, gs, beta1=beta1, beta2=beta2)[1:]
    v = [average(beta2, [g**2 for g in gs[:k]]) for k in range(1, len(gs) + 1)]
    close([row[2] for row in rows], v)
    close([row[3] for row in rows], np.maximum.accumulate(v))


# -------------------------------------------------------------------------------- limits


@given(theta=numbers, curvature=st.floats(0.1, 5.0), eta=st.floats(1e-3, 0.3))
def test_without_friction_momentum_and_nag_are_gradient_descent(theta, curvature, eta):
    def run(rule, **hyperparameters):
        iterates = iterate(rule, lambda x: curvature * x, theta, eta=eta, **hyperparameters)
        return [next(iterates) for _ in range(10)]

    assert run(momentum, gamma=0.0) == run(gd) == run(nag, gamma=0.0)


@given(theta=numbers, curvature=st.floats(0.1, 5.0), gamma=decays)
def test_the_libraries_form_of_nag_runs_at_the_look_ahead_point(theta, curvature, gamma):
    """phi -= eta (g + gamma b), b = gamma b + g, with phi = theta - gamma v."""
    eta, b, phi = 0.05, 0.0, theta
    rows = iterate_state(nag, lambda x: curvature * x, theta, eta=eta, gamma=gamma)
    next(rows)
    for _ in range(10):
        g = curvature * phi
        b = gamma * b + g
        phi = phi - eta * (g + gamma * b)
        theta_t, v = next(rows)
        close(theta_t - gamma * v, phi)


@given(gs=gradients)
def test_without_memory_the_adaptive_rules_step_by_the_sign(gs):
    signs = -np.cumsum(np.sign([0.0, *gs]))
    close(path(rmsprop, gs, eta=1.0, rho=0.0, eps=0.0), signs)
    for rule in (adam, adamw, nadam):
        hyperparameters = {"lam": 0.0} if rule is adamw else {}
        steps = path(rule, gs, eta=1.0, beta1=0.0, beta2=0.0, eps=0.0, **hyperparameters)
        close(steps, signs)
    close(path(adamax, gs, eta=1.0, beta1=0.0, beta2=0.0), signs)
    largest = np.maximum.accumulate(np.abs(gs))
    expected = -np.cumsum([0.0, *(gs / largest)])
    close(path(amsgrad, gs, eta=1.0, beta1=0.0, beta2=0.0, eps=0.0), expected)


@given(gs=gradients, beta2=decays, eps=st.floats(0, 1))
def test_adam_without_beta1_is_rmsprop_with_a_corrected_average(gs, beta2, eps):
    theta, thetas = 0.0, [0.0]
    for k, g in enumerate(gs, 1):
        mean_square = average(beta2, [x**2 for x in gs[:k]]) / (1 - beta2**k)
        theta -= 0.1 * g / (math.sqrt(mean_square) + eps)
        thetas.append(theta)
    hyperparameters = {"eta": 0.1, "beta1": 0.0, "beta2": beta2, "eps": eps}
    close(path(adam, gs, **hyperparameters), thetas)
    close(path(nadam, gs, **hyperparameters), thetas)


@given(gs=gradients)
def test_adam_with_a_long_memory_and_a_falling_rate_is_adagrad(gs):
    """beta1 = 0, beta2 -> 1, eta / sqrt(t)."""
    falling = path(adam, gs, eta=lambda t: 0.1 / math.sqrt(t), beta1=0.0, beta2=1 - 1e-7, eps=0.0)
    close(falling, path(adagrad, gs, eta=0.1, eps=0.0), rtol=1e-5)


@given(gs=gradients, beta1=decays, beta2=decays)
def test_amsgrad_under_growing_gradients_is_adam_without_corrections(gs, beta1, beta2):
    gs = sorted(gs, key=abs)
    expected = [0.0]
    for k in range(1, len(gs) + 1):
        m, v = average(beta1, gs[:k]), average(beta2, [g**2 for g in gs[:k]])
        expected.append(expected[-1] - 0.1 * m / (math.sqrt(v) + 0.01))
    close(path(amsgrad, gs, eta=0.1, beta1=beta1, beta2=beta2, eps=0.01), expected)


@given(gs=gradients, beta2=st.floats(0.5, 0.95))
def test_adamax_is_the_limit_of_p_norms(gs, beta2):
    """u is between the p-norm and its multiple by n^(1/p)."""
    p = 400
    u = states(adamax, gs, beta2=beta2)[-1][2]
    logs = [p * (math.log(abs(g)) + k * math.log(beta2)) for k, g in enumerate(reversed(gs))]
    norm = math.exp(np.logaddexp.reduce(logs) / p)
    assert u * (1 - 1e-9) <= norm <= u * len(gs) ** (1 / p) * (1 + 1e-9)


@given(gs=gradients, theta=numbers)
def test_adamw_is_adam_with_a_decay_that_no_average_sees(gs, theta):
    assert states(adamw, gs, theta, lam=0.0) == states(adam, gs, theta)
    assert (path(adamw, gs, theta, multiplier=0.0) == theta).all()
    rows = states(adamw, gs, theta, lam=0.1, multiplier=0.5)
    assert [row[1:] for row in rows] == [row[1:] for row in states(adam, gs, theta)]
    adams_steps = np.diff(path(adam, gs, theta, eta=0.0005))
    before = np.array([row[0] for row in rows[:-1]])
    close([row[0] for row in rows[1:]], before + adams_steps - 0.05 * before)


def test_adamw_at_a_flat_place_only_decays():
    assert path(adamw, [0.0, 0.0], theta=2.0, lam=0.1) == pytest.approx([2.0, 1.8, 1.62])


@pytest.mark.parametrize("name", having("flat"))
def test_at_a_flat_place_nothing_moves(name):
    assert (path(RULES[name], [0.0] * 3, theta=1.5, **without(name, "lam")) == 1.5).all()


def test_adamax_divides_by_zero_before_the_first_gradient():
    with pytest.raises(ZeroDivisionError):
        adamax(1, 1.0, lambda x: 0.0)
    with np.errstate(invalid="ignore"):
        theta, *_ = adamax(1, np.array([1.0, 1.0]), lambda x: np.array([0.0, 2.0]))
    assert math.isnan(theta[0]) and theta[1] == pytest.approx(1 - 0.002)


# ------------------------------------------------------- floats, arrays, symbols: one body


def wavy(theta):
    return np.sin(3 * theta) + theta


def wavy_float(theta):
    return math.sin(3 * theta) + theta


@pytest.mark.parametrize("name", having("coordinates"))
def test_a_thousand_starts_are_a_thousand_runs(name):
    starts = np.random.default_rng(0).normal(size=1000)
    together = iterate(RULES[name], wavy, starts)
    together = np.array([next(together) for _ in range(8)])
    for column, start in zip(together.T, starts, strict=True):
        alone = iterate(RULES[name], wavy_float, float(start))
        np.testing.assert_allclose(column, [next(alone) for _ in range(8)], rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("name", having("coordinates"))
@pytest.mark.parametrize("shape", [(1,), (12,), (3, 4), (2, 1, 6)])
def test_the_shape_of_theta_does_not_matter(name, shape):
    size = math.prod(shape)
    theta = np.linspace(-2, 2.1, 12)[:size]
    flat = iterate_state(RULES[name], wavy, theta)
    shaped = iterate_state(RULES[name], wavy, theta.reshape(shape))
    for _ in range(5):
        for a, b in zip(next(flat), next(shaped), strict=True):
            assert np.shape(b) in (shape, ())  # a state is a number before the first step
            assert np.array_equal(np.ravel(a), np.ravel(b))


@pytest.mark.parametrize("name", having("coordinates"))
def test_coordinates_do_not_mix(name):
    """Changing one coordinate leaves the path of the others as it was, to the last bit."""
    starts = np.array([0.5, -1.0, 2.0]), np.array([0.5, 7.0, 2.0])
    runs = [iterate(RULES[name], wavy, start) for start in starts]
    for _ in range(5):
        a, b = map(next, runs)
        assert np.array_equal(a[[0, 2]], b[[0, 2]]) and a[1] != b[1]


def after_two_steps(name, theta):
    rows = iterate_state(RULES[name], wavy, theta)
    next(rows), next(rows)
    theta, *state = next(rows)
    return theta, state


@every_rule
def test_no_argument_is_changed(name):
    theta, state = after_two_steps(name, np.array([0.5, -1.0, 2.0]))
    g = wavy(theta)
    given_arrays = [theta, *state, g]
    copies = [array.copy() for array in given_arrays]
    eta = np.array([0.1, 0.2, 0.3])
    hyperparameters = {"eta": eta} if "eta" in form(RULES[name])[2] else {}
    new_theta, *new_state = RULES[name](3, theta, lambda _: g, *state, **hyperparameters)
    for array, copy in zip(given_arrays, copies, strict=True):
        assert np.array_equal(array, copy)
        for new in (new_theta, *new_state):
            assert not np.shares_memory(new, array)
    assert np.array_equal(eta, [0.1, 0.2, 0.3])


@every_rule
def test_the_same_arguments_give_the_same_result(name):
    theta, state = after_two_steps(name, np.array([0.5, -1.0, 2.0]))
    once, again = (RULES[name](3, theta, wavy, *state) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(once, again, strict=True))


DTYPES = [np.float16, np.float32, np.float64, np.longdouble]


@every_rule
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("number", [float, np.float32, np.float64], ids=lambda x: x.__name__)
def test_precision_is_kept(name, dtype, number):
    """float32 in, float32 out; also where t and the hyperparameters are NumPy's own scalars."""
    theta, state = np.array([[0.5, -1.0, 2.0]], dtype), []
    for t in range(1, 4):
        theta, *state = RULES[name](
            np.int64(t), theta, lambda x: 2 * x, *state, **hyperparameters_as(name, number)
        )
        assert [array.dtype for array in (theta, *state)] == [dtype] * (1 + len(state))
        assert np.isfinite(theta).all()


@every_rule
def test_float32_agrees_with_float64(name):
    low = iterate(RULES[name], wavy, np.array([0.5, -1.0, 2.0], np.float32))
    high = iterate(RULES[name], wavy, np.array([0.5, -1.0, 2.0]))
    for _ in range(20):
        a, b = next(low), next(high)
        np.testing.assert_allclose(a, b, rtol=1e-4)


def without_numpy(monkeypatch, *modules):
    """Let modules see a NumPy that has its types only: any call fails."""
    types = SimpleNamespace(ndarray=np.ndarray, generic=np.generic)
    for module in modules:
        monkeypatch.setattr(importlib.import_module(module), "np", types)


@every_rule
@pytest.mark.parametrize("number", [float, np.float64], ids=["float", "numpy"])
def test_a_float_stays_a_float_and_calls_no_numpy(name, number, monkeypatch):
    hyperparameters = hyperparameters_as(name, number)
    without_numpy(monkeypatch, "gdref.rules", "gdref.elementary")
    theta, state = 1.5, ()
    for t in range(1, 5):
        theta, *state = RULES[name](t, theta, wavy_float, *state, **hyperparameters)
        assert [type(x) for x in (theta, *state)] == [float] * (1 + len(state))


@every_rule
def test_a_step_of_the_loop_on_a_float_calls_no_numpy(name, monkeypatch):
    steps = iterate_state(RULES[name], wavy_float, 1.5)
    next(steps), next(steps)
    without_numpy(monkeypatch, "gdref.rules", "gdref.elementary", "gdref.loop")
    for _ in range(3):
        assert all(type(x) is float for x in next(steps))


@pytest.mark.parametrize("name", having("symbols"))
def test_a_symbol_stays_a_symbol(name):
    theta = sympy.Symbol("theta", real=True)
    for row in list(iterate_state(RULES[name], [lambda x: 2 * x] * 3, theta))[1:]:
        assert all(isinstance(x, sympy.Expr) for x in row)
        assert row[0].free_symbols == {theta}


@pytest.mark.parametrize("name", having("coordinates"))
def test_an_array_of_symbols_is_a_vector(name):
    a, b = sympy.symbols("a b", positive=True)
    *_, (theta, *state) = iterate_state(RULES[name], [lambda x: 2 * x] * 2, np.array([a, b]))
    *_, (alone, *_) = iterate_state(RULES[name], [lambda x: 2 * x] * 2, b)
    assert theta.shape == (2,) and theta[1] == alone


@pytest.mark.parametrize("name", having("symbols"))
def test_exact_numbers_agree_with_floats(name):
    """The same body on exact rationals, evaluated to 30 digits."""
    exact_rows = iterate_state(
        RULES[name],
        lambda x: 2 * x,
        sympy.Rational(3, 2),
        **hyperparameters_as(name, lambda x: sympy.Rational(str(x))),
    )
    float_rows = iterate_state(RULES[name], lambda x: 2 * x, 1.5, **hyperparameters_as(name, float))
    next(exact_rows), next(float_rows)
    for _ in range(3):
        exact, number = next(exact_rows), next(float_rows)
        digits = [float(sympy.N(x, 30)) for x in exact]
        np.testing.assert_allclose(number, digits, rtol=1e-13)


IMPORTS = """
import sys
import numpy as np
import gdref
for rule in gdref.RULES.values():
    for theta in (1.5, np.array([1.0, 2.0], np.float32)):
        iterates = gdref.iterate(rule, lambda x: 2 * x, theta)
        next(iterates), next(iterates), next(iterates)
gdref.minimize(lambda x: x**2, 1.0, gdref.adam, steps=3)
heavy = {"sympy", "matplotlib", "scipy", "sklearn"}
print(*sorted({name.split(".")[0] for name in sys.modules} & heavy))
"""


def test_importing_and_running_gdref_imports_neither_sympy_nor_matplotlib():
    done = subprocess.run([sys.executable, "-c", IMPORTS], capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")
