"""What users of such libraries report: each report as a kind, over rules, precisions, libraries."""

import math
import re
import subprocess
import sys
import warnings
from itertools import islice

import numpy as np
import pytest

from gdref import (
    RULES,
    adam,
    adamax,
    dialects,
    gd,
    iterate,
    iterate_state,
    minibatch,
    minimize,
    momentum,
    problems,
    schedules,
)
from gdref._inputs import form
from gdref.gradients import central_difference, check_gradient, forward_difference
from gdref.rules import WHOLE
from gdref.symbolic import trace
from tests.kinds import ARRAYS, array, every_array, every_rule, held, numbers, scheduled
from tests.papers import PAPERS

pytestmark = pytest.mark.filterwarnings(
    "ignore:(overflow|invalid value|divide by zero):RuntimeWarning"
)
SQUARES = ["adagrad", "adadelta", "rmsprop", "adam", "nadam", "amsgrad", "adamw"]
AVERAGES = [name for name in RULES if len(form(RULES[name])[0]) > 0]
TOO_LARGE = {"float16": 6e4, "bfloat16": 1e38, "float32": 1e38, "float64": 1e300}


def spike(size, at=1):
    """The gradient x of x^2/2, but ``size`` at one call."""
    calls = []

    def grad(theta):
        calls.append(1)
        return theta * 0 + size if len(calls) == at else theta

    return grad


def half_square(x):
    return float((numbers(x) ** 2).sum()) / 2


# ------------------------------------------------------------- a state that overflows


@pytest.mark.parametrize("at", [1, 4])
@pytest.mark.parametrize("name", SQUARES)
@every_array
def test_a_square_that_overflows_ends_the_run(name, kind, at):
    """It would freeze the parameter for ever: the run says the step and the state."""
    size = TOO_LARGE[kind.split("-")[1]]
    rule = RULES[name]
    theta = array(kind, [5.0, 1.0])
    result = minimize(half_square, theta, rule, grad=spike(size, at), steps=50, **held(rule, kind))
    assert not result.success and result.nit == at - 1
    state = {"adagrad": "G", "adadelta": "Eg2", "rmsprop": "Eg2"}.get(name, "v")
    assert re.search(rf"the state .*{state}.* became NaN or infinite at step {at};", result.message)
    assert np.isfinite(numbers(result.x)).all() and np.isfinite(numbers(result.path)).all()


@pytest.mark.parametrize("name", SQUARES)
def test_it_ends_a_tree_and_a_python_number_too(name):
    def grad(p, calls=[]):  # noqa: B006
        calls.append(1)
        return {"a": p["a"], "b": [1e200 if len(calls) % 4 == 3 else p["b"][0]]}

    tree = {"a": np.array([1.0, 2.0]), "b": [np.array(5.0)]}
    result = minimize(lambda p: 0.0, tree, RULES[name], grad=grad, steps=50)
    assert not result.success and result.nit == 2 and "became NaN or infinite" in result.message
    result = minimize(half_square, 5.0, RULES[name], grad=spike(1e200, 3), steps=50)
    assert not result.success and result.nit == 2 and "OverflowError" in result.message


def test_the_reported_run():
    """Gradient 1e155 once, then x: it stood at 5 for 5,000 steps and was called a success."""
    run = dict(steps=5000, eta=0.01)
    result = minimize(half_square, np.array([5.0]), adam, grad=spike(1e155), **run)
    assert (result.nit, result.success) == (0, False)
    assert result.message.startswith("the state v became NaN or infinite at step 1")
    result = minimize(half_square, np.array([5.0]), adam, grad=spike(1e150), **run)
    assert result.path[1] == pytest.approx(4.99)  # what does not overflow moves
    assert "the last step left 1 of 1 numbers as they were" in result.message


# --------------------------------------- hyperparameters that the precision cannot hold


@every_array
@every_rule
def test_no_rule_turns_to_nan_by_its_precision(name, kind):
    """Gradient 0 in one coordinate: right numbers, or the value refused at the call."""
    rule = RULES[name]
    rate = {"eta": 2.0**-4} if "eta" in form(rule)[2] else {}  # above the spacing at theta
    rate |= {"trust": 2.0**-3} if name == "lars" else {}

    def grad(x):
        return x * array(kind, [1.0, 0.0])

    try:
        rows = list(islice(iterate(rule, grad, array(kind, [0.5, 0.25]), **rate), 6))
    except ValueError as error:
        dtype = kind.split("-")[1]
        assert f"; {dtype} makes it " in str(error)
        assert dtype in ("float16", "bfloat16")
        name, value = str(error).split(" is ")[0], str(error).split(" is ")[1].split(";")[0]
        assert float(value) == form(rule)[2][name]
    else:
        assert numbers(rows[-1])[0] < 0.5
        # AdaMax' paper has no epsilon: it is 0/0 there in every precision
        zero_by_zero = "flat" in PAPERS[name].without
        still = np.isnan if zero_by_zero else lambda x: x == pytest.approx(0.25, rel=1e-2)
        assert still(numbers(rows[-1])[1])


FINE = [
    ("float16", "eps", 1e-9, "makes it 0; its least positive number is about 6e-08"),
    ("float16", "beta2", 0.99999, "makes it 1; the largest number below 1 is 0.999512"),
    ("float16", "beta1", 0.9999, "makes it 1"),
    ("float16", "eta", 1e-8, "makes it 0"),
    ("float16", "eta", 1e5, "makes it inf$"),
    ("bfloat16", "beta2", 0.999, "makes it 1; the largest number below 1 is 0.996094"),
    ("float32", "eps", 1e-46, "makes it 0"),
    ("float32", "beta2", 1 - 1e-9, "makes it 1; the largest number below 1 is 0.99999994"),
    ("float32", "eta", 1e39, "makes it inf"),
]


@pytest.mark.parametrize(("dtype", "name", "value", "words"), FINE)
@pytest.mark.parametrize("how", ["number", "numpy", "schedule", "array", "tree"])
def test_what_the_precision_cannot_hold_is_refused(dtype, name, value, words, how):
    kinds = [kind for kind in ARRAYS if kind.endswith(f"-{dtype}")]
    for kind in kinds:
        refuses_what_it_cannot_hold(kind, name, value, f"{dtype} {words}", how)
    assert kinds or dtype == "bfloat16"


def refuses_what_it_cannot_hold(kind, name, value, words, how):
    theta, rest = array(kind, [0.5, 0.25]), held(adam, kind)
    given = {
        "number": value,
        "numpy": np.float64(value),
        "schedule": lambda t: value,
        "array": np.array([0.125, value]),
        "tree": value,
    }[how]
    theta = {"a": np.ones(2), "b": [theta]} if how == "tree" else theta
    with pytest.raises(ValueError, match=rf"^{name} is .*; {words}"):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            iterate(adam, lambda x: x, theta, **rest | {name: given})


def test_what_it_can_hold_is_not_refused():
    for kind in ARRAYS:
        theta = array(kind, [0.5, 0.25])
        for value in (0.0, 0, 0.5, 0.875, np.float64(0.25), np.array([0.0, 0.5])):
            settings = held(adam, kind)
            for name in settings | {"eta": 1}:
                given = settings | {name: value}
                assert len(list(islice(iterate(adam, lambda x: x, theta, **given), 2))) == 2


@pytest.mark.parametrize("value", [10**400, -(10**400), np.array([10**400], object)])
def test_a_whole_number_beyond_every_float(value):
    with pytest.raises((ValueError, TypeError), match="eta is .*it must be"):
        iterate(gd, lambda x: x, np.ones(1), eta=value)


# ---------------------------------------------------------------------- lost updates

# theta of 2^k, and a step far below half the spacing of the numbers there
# (the share of theta's length, where that is what a rate means)
SHARES = ["lars", "lamb", "adafactor"]
HIGH = {"float16": 2.0**11, "bfloat16": 2.0**8, "float32": 2.0**24, "float64": 2.0**60}


@every_array
@every_rule
def test_a_run_that_cannot_move_says_so(name, kind):
    rule, high = RULES[name], HIGH[kind.split("-")[1]]
    rate = 2.0**-4 / high if name in SHARES else 2.0**-6
    settings = held(rule, kind) | ({"eta": rate} if "eta" in form(rule)[2] else {})
    settings |= {"lam": 0.0} if "lam" in form(rule)[2] else {}
    if name in SHARES and "-float16" in kind:
        high = 2.0**7  # the square of a length must be a number
    theta = array(kind, [high, -high])
    result = minimize(lambda x: 0.0, theta, rule, grad=lambda x: x * 0 + 1.0, steps=8, **settings)
    assert np.array_equal(numbers(result.x), numbers(theta))
    assert not result.success
    assert "the last step left 2 of 2 numbers as they were" in result.message
    assert "spacing of floating-point numbers" in result.message


@every_rule
def test_a_python_number_and_a_tree_that_cannot_move(name):
    rule = RULES[name]
    settings = {"lam": 0.0} if "lam" in form(rule)[2] else {}
    settings |= {"eta": 2.0**-64} if name in SHARES else {}
    result = minimize(lambda x: 0.0, 2.0**60, rule, grad=lambda x: 1.0, steps=8, **settings)
    assert not result.success and "left 1 of 1 numbers" in result.message
    tree = {"a": np.full(3, 2.0**60), "b": np.zeros(2)}

    def grad(p):
        return {"a": np.ones(3), "b": np.ones(2)}

    result = minimize(lambda p: 0.0, tree, rule, grad=grad, steps=8, **settings)
    stuck = 5 if name == "lamb" else 3  # its b is a step long, and then moves by a share of it
    assert result.success and f"left {stuck} of 5 numbers" in result.message


def test_the_reported_float32_run():
    theta = np.array([1e5], np.float32)
    result = minimize(half_square, theta, adam, grad=lambda x: x, steps=3000)
    assert result.x == theta and not result.success and "left 1 of 1 numbers" in result.message


@every_array
@every_rule
def test_a_run_that_moves_or_rests_is_not_blamed(name, kind):
    """At a minimum no step is lost: it is 0."""
    rule = RULES[name]
    settings = held(rule, kind) | ({"eta": 2.0**-4} if "eta" in form(rule)[2] else {})
    moved = minimize(half_square, array(kind, [1.0, 2.0]), rule, grad=lambda x: x, steps=5,
                     **settings)  # fmt: skip
    assert moved.success and moved.message == "took 5 steps"
    if "flat" not in PAPERS[name].without:  # AdaMax computes 0/0
        rests = minimize(half_square, array(kind, [0.0, 0.0]), rule, grad=lambda x: x, steps=5,
                         **settings)  # fmt: skip
        if (name, kind) == ("muon", "jax-float16"):  # its 1e-7 beside the norm is 0 there: 0/0
            assert not rests.success and "NaN" in rests.message
        else:
            assert rests.success and rests.message == "took 5 steps"


# ------------------------------------------------------------------- gradients checked


@pytest.mark.parametrize("name", problems.SURFACES)
def test_the_check_of_a_gradient_at_a_minimum(name):
    surface = problems.SURFACES[name]()
    minima = [m for m in np.atleast_2d(getattr(surface, "minima", surface.start))]
    for point in [*minima, surface.start]:
        point = np.asarray(point, float)
        assert check_gradient(surface.loss, surface.grad, point) < 1e-5
        wrong = check_gradient(surface.loss, lambda x: surface.grad(x) + 1e-2, point)
        assert wrong > 1e-6


@every_array
@pytest.mark.parametrize("difference", [forward_difference, central_difference])
def test_differences_on_every_array(kind, difference):
    theta = array(kind, [[0.5, -1.0], [2.0, 0.25]])

    def fun(x):
        return (x * x * x).sum() if hasattr(x, "sum") else _sum(x * x * x)

    slope = difference(fun)(theta)
    assert type(slope) is type(theta) and slope.dtype == theta.dtype
    tolerance = {"float16": 0.5, "bfloat16": 4.0, "float32": 3e-3, "float64": 1e-6}
    np.testing.assert_allclose(
        numbers(slope), 3 * numbers(theta) ** 2, atol=tolerance[kind.split("-")[1]]
    )


def _sum(x):
    return x.__array_namespace__().sum(x)


@pytest.mark.parametrize("difference", [forward_difference, central_difference])
@pytest.mark.parametrize("library", ["numpy", "jax"])
def test_differences_and_their_check_on_trees(library, difference):
    tree = {
        "W": array(f"{library}-float64", [[1.0, 2.0], [3.0, 0.5]]),
        "rest": [array(f"{library}-float32", [0.5, -1.0]), 2.0],
    }

    def fun(p):
        return float((p["W"] ** 2).sum()) + float((p["rest"][0] ** 3).sum()) + p["rest"][1] ** 2

    def grad(p):
        return {"W": 2 * p["W"], "rest": [3 * p["rest"][0] ** 2, 2 * p["rest"][1]]}

    slope = difference(fun)(tree)
    for a, b in zip(
        [slope["W"], *slope["rest"]], [grad(tree)["W"], *grad(tree)["rest"]], strict=True
    ):
        np.testing.assert_allclose(numbers(a), numbers(b), atol=5e-3)
    assert type(slope["W"]) is type(tree["W"]) and type(slope["rest"][1]) is float
    assert check_gradient(fun, grad, tree) < 1e-5
    assert check_gradient(fun, lambda p: grad(p) | {"W": -2 * p["W"]}, tree) > 1e-2
    with pytest.raises((TypeError, ValueError), match="tree of the form of theta|keys"):
        check_gradient(fun, lambda p: p["W"], tree)


@every_array
def test_the_check_on_every_array(kind):
    theta = array(kind, [0.5, -1.0, 2.0])

    def fun(x):
        return _sum(x * x) if not hasattr(x, "sum") else (x * x).sum()

    coarse = kind.split("-")[1] in ("float16", "bfloat16")
    assert check_gradient(fun, lambda x: 2 * x, theta) < (0.1 if coarse else 1e-3)
    assert check_gradient(fun, lambda x: -2 * x, theta) > 0.5


# ------------------------------------------------------------------- every engine, resuming


@every_array
@every_rule
def test_the_type_stays_through_iterate_and_minimize(name, kind):
    rule, theta = RULES[name], array(kind, [[0.5, -1.5]])
    settings = held(rule, kind)
    *_, end = islice(iterate_state(rule, lambda x: x, theta, **settings), 4)
    result = minimize(half_square, theta, rule, grad=lambda x: x, steps=3, **settings)
    *_, doubles = islice(iterate_state(rule, lambda x: x, np.array([[0.5, -1.5]])), 4)
    shapes = [np.shape(value) for value in doubles]
    assert WHOLE.get(name) == "matrix" or set(shapes) == {theta.shape}
    for value, shape in zip((*end, result.x, *result.state), shapes + shapes, strict=True):
        assert type(value) is type(theta) and value.dtype == theta.dtype
        assert tuple(value.shape) == shape
    assert np.array_equal(numbers(result.x), numbers(end[0]))
    assert result.path.dtype == theta.dtype and tuple(result.path.shape) == (4, 1, 2)


@every_array
@every_rule
def test_going_on_is_never_having_stopped(name, kind):
    """Bit by bit, every hyperparameter a schedule."""
    rule = RULES[name]
    plan = schedules.warmup(schedules.cosine(0.5, 12, 0.0625), 4, start=0.125)
    settings = scheduled(rule, plan)

    def grad(x):
        return x * x * x - 0.5

    theta = array(kind, [0.5, -1.5])
    whole = list(islice(iterate_state(rule, grad, theta, **settings), 13))
    half, *state = whole[5]
    rest = islice(iterate_state(rule, grad, half, t=6, state=state, **settings), 8)
    for a, b in zip(whole[5:], rest, strict=True):
        for x, y in zip(a, b, strict=True):
            assert type(x) is type(y) and x.dtype == y.dtype
            assert np.array_equal(numbers(x), numbers(y))


# ------------------------------------------------------------------------- words


@every_array
@pytest.mark.parametrize("as_", [list, tuple])
def test_a_gradient_that_is_a_list(kind, as_):
    theta = array(kind, [1.0, 2.0])
    with pytest.raises(TypeError, match=rf"a {as_.__name__}; it must be an array in the shape"):
        iterate(gd, lambda x: as_([1.0, 2.0]), theta)
    with pytest.raises(TypeError, match=r"\['w'\].*it must be an array in the shape"):
        iterate(gd, lambda p: {"w": as_([1.0, 2.0])}, {"w": theta})


def clips(t, theta, grad, *, eta=0.1):
    return (theta - eta * np.clip(grad(theta), -1, 1),)


def takes_the_sign(t, theta, grad, *, eta=0.1):
    return (theta - eta * np.sign(grad(theta)),)


def branches_on_t(t, theta, grad, *, eta=0.1):
    if t > 10:
        eta = eta / 2
    return (theta - eta * grad(theta),)


def branches_on_g(t, theta, grad, *, eta=0.1):
    g = grad(theta)
    return (theta - (eta if g > 0 else 2 * eta) * g,)


def takes_the_root(t, theta, grad, v=0.0, *, eta=0.1):
    v = v + grad(theta) ** 2
    return theta - eta * grad(theta) / math.sqrt(v), v


def takes_numpys_maximum(t, theta, grad, v=0.0, *, eta=0.1):
    v = np.maximum(v, grad(theta))
    return theta - eta * v, v


def asks_numpy_where(t, theta, grad, *, eta=0.1):
    g = grad(theta)
    return (theta - eta * np.where(g > 0, g, 2 * g),)


def takes_the_norm(t, theta, grad, *, eta=0.1):
    g = grad(theta)
    return (theta - eta * g / np.linalg.norm(g),)


def takes_jaxs_sign(t, theta, grad, *, eta=0.1):
    import jax.numpy as jnp

    return (theta - eta * jnp.sign(grad(theta)),)


@pytest.mark.parametrize(
    "rule",
    [clips, takes_the_sign, branches_on_t, branches_on_g, takes_the_root, takes_numpys_maximum,
     asks_numpy_where, takes_the_norm, takes_jaxs_sign],
)  # fmt: skip
def test_a_rule_that_cannot_be_traced_says_what_to_use(rule):
    with pytest.raises(TypeError, match=rf"(?s){rule.__name__} cannot run on symbols.*elementary"):
        trace(rule)


OTHERS = [
    ("adam", "lr", "lr is eta here"),
    ("adam", "learning_rate", "learning_rate is eta here"),
    ("adam", "betas", "betas is beta1 and beta2 here"),
    ("adam", "b1", "b1 is beta1 here"),
    ("adam", "beta_2", "beta_2 is beta2 here"),
    ("adam", "epsilon", "epsilon is eps here"),
    ("adam", "weight_decay", "weight decay is adamw's lam"),
    ("adamw", "weight_decay", "weight_decay is lam here"),
    ("adamw", "wd", "wd is lam here"),
    ("adam", "amsgrad", "the rule is amsgrad"),
    ("gd", "momentum", "the rule with momentum is momentum"),
    ("momentum", "momentum", "momentum is gamma here"),
    ("momentum", "nesterov", "Nesterov's rule is nag"),
    ("momentum", "dampening", "eta \\* \\(1 - d\\)"),
    ("rmsprop", "alpha", "alpha is .*rho here"),
    ("rmsprop", "decay", "decay is rho here"),
    ("gd", "maximize", "negate the gradient"),
]


@pytest.mark.parametrize(("rule", "name", "words"), OTHERS)
def test_other_libraries_names(rule, name, words):
    for call in (
        lambda: iterate(RULES[rule], lambda x: x, 1.0, **{name: 0.1}),
        lambda: minimize(half_square, 1.0, RULES[rule], grad=lambda x: x, steps=1, **{name: 0.1}),
        lambda: iterate(RULES[rule], lambda p: p, {"w": np.ones(2)}, **{name: 0.1}),
    ):
        with pytest.raises(TypeError, match=rf"{rule} has no hyperparameter {name}.*{words}"):
            call()


@pytest.mark.parametrize("name", ["Adam", "sgd", "ADAM", "", None, 3])
def test_a_rule_that_is_none(name):
    with pytest.raises(KeyError, match="there is no rule .*; the rules are gd, momentum"):
        RULES[name]


@every_array
def test_a_complex_start(kind):
    if kind.startswith("jax") or kind == "numpy-float64":
        theta = array(kind, [1.0, 2.0]) * 1j
        for start in (theta, {"w": theta}):
            with pytest.raises(TypeError, match="complex number is two of them"):
                iterate(gd, lambda x: x, start)
    with pytest.raises(TypeError, match="real numbers"):
        iterate(gd, lambda x: x * 1j if "strict" not in kind else 1j, array(kind, [1.0]))


@pytest.mark.parametrize("theta", [1j, 1 + 0j, [1.0, 2j], (1j,), np.complex64(1), {"w": 1j}])
def test_a_complex_number(theta):
    with pytest.raises(TypeError, match="it must be a.* a complex number is two of them"):
        iterate(gd, lambda x: x, theta)


def test_a_maximum_is_the_minimum_of_the_negative():
    result = minimize(lambda x: -(4 - x**2), 1.0, gd, grad=lambda x: 2 * x, steps=60, eta=0.2)
    assert abs(result.x) < 1e-6 and result.fun == pytest.approx(-4)
    assert "negate" in minimize.__doc__
    with pytest.raises(dialects.NoConversion, match="negate the gradient"):
        dialects.from_library("pytorch", "Adam", maximize=True)
    for call in (
        lambda: dialects.from_library("optax", "adam", learning_rate=0.1, maximize=True),
        lambda: dialects.from_library("keras", "Adam", maximize=True),
        lambda: dialects.to_library("adam", "keras", maximize=True),
    ):
        with pytest.raises(TypeError, match="has no .*maximize.*negate the gradient"):
            call()


def test_a_smaller_last_batch():
    """The mean of the batches' gradients is not the gradient; weighed by their sizes it is."""
    x = np.array([1.0, 2.0, 3.0, 4.0, 10.0])
    parts = list(minibatch.batches(5, 2, 1, rng=0))
    gradients = [-x[batch].mean() for batch in parts]
    assert [len(batch) for batch in parts] == [2, 2, 1]
    assert np.mean(gradients) != pytest.approx(-x.mean())
    weighed = [g * len(batch) / 2 for g, batch in zip(gradients, parts, strict=True)]
    assert sum(weighed) * 2 / 5 == pytest.approx(-x.mean())
    assert "last batch" in minibatch.__doc__


def test_after_a_silence_adamax_rests_on_the_least_numbers():
    """One gradient of 1, then none: rounding holds m at 5 least numbers, u at 499, theta still."""
    least, theta, state = 5e-324, 0.0, (0.0, 0.0)
    for t in range(1, 740_001):
        theta, *state = adamax(t, theta, lambda x, g=float(t == 1): g, *state)
    assert state == [5 * least, 499 * least]
    assert adamax(740_001, theta, lambda x: 0.0, *state) == (theta, *state)


def test_a_short_memory_underflows_to_a_division_by_zero():
    theta, state = 0.0, (0.0, 0.0)
    for t in range(1, 1076):
        theta, *state = adamax(t, theta, lambda x, g=float(t == 1): g, *state, beta2=0.5)
    assert state[1] == 5e-324
    with pytest.raises(ZeroDivisionError):
        adamax(1076, theta, lambda x: 0.0, *state, beta2=0.5)


# ------------------------------------------------ conversions; more in test_conversions.py, and
# every printed line is run in its library by tests/libraries/test_recipes.py


def test_a_warm_up_of_pytorchs_momentum():
    plan = schedules.warmup(0.1, 4, start=0.02)
    rule, found = dialects.from_library("pytorch", "SGD", lr=plan, momentum=0.9)
    path = list(islice(iterate(rule, lambda x: x, 1.0, **found), 5))
    assert path == pytest.approx([1, 0.98, 0.9048, 0.748992, 0.502103], abs=5e-7)


@pytest.mark.parametrize("library", dialects.LIBRARIES)
def test_a_decay_while_the_rate_is_0(library):
    """The printed values shrink theta by lam at step 1, whose rate is 0: rate times decay."""
    plan = schedules.warmup(0.001, 10)
    arguments = dialects.to_library("adamw", library, eta=plan).arguments
    rate, decay = (
        arguments["lr" if library == "pytorch" else "learning_rate"],
        arguments["weight_decay"],
    )
    for t in (1, 2, 11):
        assert rate(t) * decay(t) == pytest.approx(1e-5) and rate(t) == pytest.approx(plan(t))


@pytest.mark.parametrize("make", [schedules.polynomial, schedules.cosine, schedules.warmup])
def test_schedules_of_a_traced_count(make):
    jax = pytest.importorskip("jax")
    plan = make(0.1, 4)
    for count in range(7):
        given = jax.numpy.asarray(count + 1.0)
        assert float(jax.jit(plan)(given)) == pytest.approx(plan(count + 1))
        assert float(plan(given)) == pytest.approx(plan(count + 1))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: dialects.to_library("adam", "pytorch", eta=np.array([0.1, 0.2])), "one number"),
        (lambda: dialects.to_library("adam", "pytorch", eta=-0.1), "eta is -0.1; it must be"),
        (lambda: dialects.to_library("adam", "pytorch", beta2=1.0), r"it must be in \[0, 1\)"),
        (lambda: dialects.from_library("pytorch", "Adam", betas=0.9), "must be two numbers"),
        (lambda: dialects.to_library("adagrad", "pytorch", eps=lambda t: 0.05 / t), "once"),
    ],
)
def test_conversions_are_refused_in_words(call, words):
    with pytest.raises((TypeError, ValueError, dialects.NoConversion), match=words):
        call()


@pytest.mark.parametrize(
    ("code", "flags"), [("gdref.adam", "-OO"), ("gdref.schedules, gdref.problems", "-B")]
)
def test_an_import_is_enough(code, flags):
    """Without docstrings, and for the modules that come when they are asked for."""
    done = subprocess.run([sys.executable, flags, "-c", f"import gdref; {code}"], check=False)
    assert done.returncode == 0


# --------------------------------------------------------- a rule of one's own, mixed precision


def own(t, theta, grad, v=np.float64(0.0), *, eta=np.float64(0.125), decay=np.float64(0.5)):  # noqa: B008
    v = decay * v + eta * grad(theta)
    return theta - v, v


@every_array
@pytest.mark.parametrize("given", [{}, {"eta": np.float64(0.25)}, {"eta": np.array(0.25)}])
def test_scalars_of_numpy_do_not_widen(kind, given):
    theta = array(kind, [1.0, 2.0])
    for row in list(islice(iterate_state(own, lambda x: x, theta, **given), 4))[1:]:
        assert all(type(v) is type(theta) and v.dtype == theta.dtype for v in row)


def test_scalars_of_numpy_leave_a_float_a_float():
    for row in list(islice(iterate_state(own, lambda x: x, 1.0), 4))[1:]:
        assert all(type(v) is float for v in row)


@every_rule
def test_each_leaf_of_a_tree_keeps_its_precision(name):
    kinds = [kind for kind in ARRAYS if "16" not in kind and "strict" not in kind]
    tree = {kind: array(kind, [0.5, -1.0]) for kind in kinds}
    rows = list(islice(iterate_state(RULES[name], lambda p: p, tree), 5))
    for kind in kinds:
        alone = list(islice(iterate_state(RULES[name], lambda x: x, tree[kind]), 5))
        for row, single in zip(rows[1:], alone[1:], strict=True):
            for a, b in zip(row, single, strict=True):
                assert a[kind].dtype == b.dtype and np.array_equal(numbers(a[kind]), numbers(b))


def test_momentum_of_a_mixed_tree_goes_on():
    tree = {"a": np.ones(2, np.float32), "b": 2.0}
    first = minimize(lambda p: 0.0, tree, momentum, grad=lambda p: p, steps=3)
    second = minimize(
        lambda p: 0.0, first.x, momentum, grad=lambda p: p, steps=2, t=first.t, state=first.state
    )
    whole = minimize(lambda p: 0.0, tree, momentum, grad=lambda p: p, steps=5)
    assert second.x["b"] == whole.x["b"] and np.array_equal(second.x["a"], whole.x["a"])
    assert second.x["a"].dtype == np.float32 and type(second.x["b"]) is float
