"""The loop: what it yields, what it refuses, and how minimize ends."""

import fractions
import functools
import math
from itertools import islice

import numpy as np
import pytest
import sympy

from gdref import RULES, Result, adam, adamax, gd, iterate, iterate_state, minimize, momentum
from gdref._inputs import form
from gdref.minibatch import batch_gradients

NAN, INF = math.nan, math.inf


def slope(x):
    """The gradient of x^2."""
    return 2 * x


def square(x):
    return x**2


def take(n, iterator):
    return list(islice(iterator, n))


# ---------------------------------------------------------------------------- what it yields


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("theta", [1.5, np.array([0.5, -1.0, 2.0])], ids=["float", "array"])
def test_iterate_is_the_rule_again_and_again(name, theta):
    rule = RULES[name]
    expected, state = [theta], ()
    for t in range(1, 6):
        new, *state = rule(t, expected[-1], slope, *state)
        expected.append(new)
    assert np.array_equal(take(6, iterate(rule, slope, theta)), expected)


def test_iterates_come_one_by_one():
    calls = []

    def grad(x):
        calls.append(x)
        return slope(x)

    iterates = iterate(gd, grad, 1.0, eta=0.25)
    assert len(calls) == 1  # the first step is computed at the call, to check it
    assert take(3, iterates) == [1.0, 0.5, 0.25]
    assert len(calls) == 2
    assert next(iterates) == 0.125


def test_iterate_state_gives_the_state_too():
    rows = take(3, iterate_state(momentum, lambda x: 1.0, 0.0, eta=1.0, gamma=0.5))
    assert rows == [(0.0, 0), (-1.0, 1.0), (-2.5, 1.5)]


def test_an_iterable_of_gradients_ends_the_run():
    steps = [lambda x: 1.0, lambda x: 2.0]
    assert list(iterate(gd, steps, 0.0, eta=1.0)) == [0.0, -1.0, -3.0]
    assert list(iterate(gd, iter(steps), 0.0, eta=1.0)) == [0.0, -1.0, -3.0]
    assert list(iterate(gd, [], 0.0)) == [0.0]


def test_mini_batches_are_gradients():
    data = np.array([1.0, 2.0, 3.0, 4.0])
    batches = batch_gradients(lambda x, batch: x - data[batch].mean(), 4, size=2, epochs=2, rng=1)
    path = list(iterate(gd, batches, 0.0, eta=1.0))
    assert len(path) == 5 and path[2] + path[1] == 5.0  # the two halves' means sum to 5


def test_a_schedule_is_asked_with_t_from_1():
    asked = []

    def eta(t):
        asked.append(t)
        return 1 / t

    assert take(4, iterate(gd, lambda x: 1.0, 0.0, eta=eta)) == pytest.approx(
        [0, -1, -3 / 2, -11 / 6]
    )
    assert asked == [1, 2, 3]


def test_every_hyperparameter_may_be_a_schedule():
    constants = take(5, iterate(adam, slope, 1.0, eta=0.1, beta1=0.5, beta2=0.6, eps=0.1))
    schedules = {
        "eta": lambda t: np.float64(0.1),
        "beta1": lambda t: 0.5,
        "beta2": lambda t: 0.6,
        "eps": lambda t: 0.1,
    }
    assert take(5, iterate(adam, slope, 1.0, **schedules)) == constants
    warm = take(
        3, iterate(momentum, lambda x: 1.0, 0.0, eta=1.0, gamma=lambda t: 0.0 if t < 2 else 0.5)
    )
    assert warm == [0.0, -1.0, -2.5]


def test_a_rate_for_each_coordinate():
    theta = np.array([1.0, 1.0], np.float32)
    after = take(2, iterate(gd, slope, theta, eta=np.array([0.1, 0.25])))[1]
    assert after.dtype == np.float32 and after == pytest.approx([0.8, 0.5])
    after = take(2, iterate(gd, slope, theta, eta=lambda t: np.array([0.1, 0.25])))[1]
    assert after.dtype == np.float32 and after == pytest.approx([0.8, 0.5])


@pytest.mark.parametrize(
    ("theta", "kind"),
    [
        (1, float),
        (1.0, float),
        (np.float64(1), np.float64),
        (np.int32(1), np.float64),
        (np.array(1.0), np.float64),
        ([1, 2], np.ndarray),
        ((1.0, 2.0), np.ndarray),
        ([[1, 2], [3, 4]], np.ndarray),
    ],
)
def test_what_theta_may_be(theta, kind):
    for row in take(3, iterate(gd, slope, theta)):
        assert type(row) is kind and np.shape(row) == np.shape(theta)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
@pytest.mark.parametrize("name", RULES)
def test_the_loop_keeps_the_precision_of_theta(name, dtype):
    """Whatever the gradient's and the hyperparameters' own precision."""
    theta = np.array([0.5, -1.0], dtype)
    hyperparameters = {} if name == "adadelta" else {"eta": np.float64(0.1)}
    for eps in {"eps", "eps1"} & set(form(RULES[name])[2]):
        hyperparameters[eps] = 1e-3  # float16 does not hold the defaults
    if "beta2" in form(RULES[name])[2]:
        hyperparameters["beta2"] = 0.99
    for grad in (slope, lambda x: np.array([1.0, 2.0]), lambda x: np.array([1, 2])):
        for row in take(4, iterate_state(RULES[name], grad, theta, **hyperparameters))[1:]:
            assert all(x.dtype == dtype for x in row)


def test_a_float_stays_a_float_under_numpys_gradients():
    for grad in (np.sin, lambda x: np.float32(1), lambda x: np.array(1.0), lambda x: 1):
        assert all(type(x) is float for x in take(4, iterate(adam, grad, 1.5)))


def test_integer_gradients_do_not_overflow():
    g = np.array([300], np.int16)  # its square is not an int16
    after = take(2, iterate_state(RULES["adagrad"], lambda x: g, [0.0]))[1]
    assert after[1] == [90000.0]


def test_the_start_is_copied():
    theta = np.array([1.0, 2.0])
    iterates = iterate(gd, slope, theta)
    theta[:] = 7
    assert np.array_equal(next(iterates), [1.0, 2.0])


def test_symbols_pass_all_checks():
    a, b, eta = sympy.symbols("a b eta")
    assert take(2, iterate(gd, slope, a, eta=eta))[1] == a - 2 * a * eta
    assert take(2, iterate(gd, lambda x: 1, a))[1] == a - 0.01
    assert take(2, iterate(momentum, slope, 1.0, gamma=b, eta=eta))[1] == 1.0 - 2.0 * eta
    vector = take(2, iterate(gd, slope, np.array([a, 1]), eta=eta))[1]
    assert list(vector) == [a - 2 * a * eta, 1 - 2 * eta]
    matrix = sympy.Matrix([a, b])
    assert take(2, iterate(gd, slope, matrix, eta=eta))[1] == matrix - 2 * eta * matrix


def test_a_rule_of_ones_own():
    def heavy(t, theta, grad, /, v=0.0, *, alpha=0.5):
        v = v / 2 + alpha * grad(theta)
        return theta - v, v

    assert take(3, iterate(heavy, lambda x: 1.0, 0.0, alpha=1.0)) == [0.0, -1.0, -2.5]
    fast = functools.partial(gd, eta=0.25)
    assert take(2, iterate(fast, slope, 1.0)) == [1.0, 0.5]
    assert take(2, iterate(lambda t, theta, grad: (theta - grad(theta) / 4,), slope, 1.0))[1] == 0.5


# --------------------------------------------------------------------------- what it refuses


def forgets_the_comma(t, theta, grad, *, eta=0.1):
    return theta - eta * grad(theta)


def returns_a_list(t, theta, grad, *, eta=0.1):
    return [theta - eta * grad(theta)]


def forgets_the_state(t, theta, grad, v=0, *, eta=0.1):
    return (theta - eta * grad(theta),)


def returns_too_much(t, theta, grad, *, eta=0.1):
    return theta - eta * grad(theta), eta


def returns_nothing(t, theta, grad, *, eta=0.1):
    theta = theta - eta * grad(theta)


def loses_an_axis(t, theta, grad, *, eta=0.1):
    return ((theta - eta * grad(theta)).sum(),)


def returns_words(t, theta, grad, *, eta=0.1):
    return ("theta",)


def returns_complex(t, theta, grad, *, eta=0.1):
    return (theta + 1j * grad(theta),)


def changes_theta(t, theta, grad, *, eta=0.1):
    theta -= eta * grad(theta)
    return (theta,)


def changes_its_argument(x):
    x *= 2
    return x


class Frame:
    """A table that NumPy can read, as data frames are."""

    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        return np.array(self.values, dtype)

    def __repr__(self):
        return f"Frame({self.values})"


FLOAT, PAIR = 1.0, np.array([1.0, 2.0])

# (name, call, exception, fragments of the message: the name, the value, what is allowed)
BAD = [
    # theta
    ("theta nan", lambda: iterate(gd, slope, NAN), ValueError, ["theta", "nan", "finite"]),
    ("theta inf", lambda: iterate(gd, slope, -INF), ValueError, ["theta", "-inf", "finite"]),
    ("theta nan inside", lambda: iterate(gd, slope, [1.0, NAN]), ValueError,
     ["theta", "nan", "finite"]),
    ("theta float16 inf", lambda: iterate(gd, slope, np.array([INF], np.float16)), ValueError,
     ["theta", "inf", "finite"]),
    ("theta None", lambda: iterate(gd, slope, None), TypeError, ["theta", "None", "real number"]),
    ("theta text", lambda: iterate(gd, slope, "1.0"), TypeError, ["theta", "'1.0'", "real number"]),
    ("theta texts", lambda: iterate(gd, slope, ["1", "2"]), TypeError,
     ["theta", "['1', '2']", "real number"]),
    ("theta bytes", lambda: iterate(gd, slope, b"1"), TypeError, ["theta", "b'1'", "real number"]),
    ("theta bool", lambda: iterate(gd, slope, True), TypeError, ["theta", "True", "real number"]),
    ("theta bools", lambda: iterate(gd, slope, np.array([True])), TypeError,
     ["theta", "True", "real number"]),
    ("theta complex", lambda: iterate(gd, slope, 1 + 2j), TypeError,
     ["theta", "(1+2j)", "real number"]),
    ("theta complex array", lambda: iterate(gd, slope, np.array([1j])), TypeError,
     ["theta", "1.j", "real number"]),
    ("theta ragged", lambda: iterate(gd, slope, [[1.0, 2.0], [3.0]]), TypeError,
     ["theta", "[[1.0, 2.0], [3.0]]", "array of real numbers"]),
    ("theta with a symbol and None", lambda: iterate(gd, slope, [sympy.Symbol("a"), None]),
     TypeError, ["theta", "[a, None]", "real number"]),
    ("theta with None", lambda: iterate(gd, slope, [1.0, None]), TypeError,
     ["theta", "[1.0, None]", "real number"]),
    ("theta empty", lambda: iterate(gd, slope, []), ValueError, ["theta", "[]", "at least one"]),
    ("theta empty array", lambda: iterate(gd, slope, np.zeros((0, 3))), ValueError,
     ["theta", "(0, 3)", "at least one"]),
    ("theta dict of words", lambda: iterate(gd, slope, {"a": "1"}), TypeError,
     ["theta", "'1'", "real number"]),
    ("theta dict without leaves", lambda: iterate(gd, slope, {}), ValueError,
     ["theta", "{}", "at least one"]),
    ("theta set", lambda: iterate(gd, slope, {1.0}), TypeError, ["theta", "{1.0}", "real number"]),
    ("theta function", lambda: iterate(gd, 1.0, slope), TypeError,
     ["theta", "function slope", "real number"]),
    ("theta fraction", lambda: iterate(gd, slope, fractions.Fraction(1, 2)), TypeError,
     ["theta", "Fraction(1, 2)", "real number"]),
    ("theta date", lambda: iterate(gd, slope, np.datetime64("2020-01-01")), TypeError,
     ["theta", "2020", "real number"]),
    ("theta huge", lambda: iterate(gd, slope, 10**400), ValueError, ["theta", "1000", "float"]),
    ("theta table", lambda: iterate(gd, slope, Frame([["a"]])), TypeError,
     ["theta", "Frame([['a']])", "real number"]),
    ("theta long", lambda: iterate(gd, slope, [NAN] * 10_000), ValueError,
     ["theta", "[nan, nan,", "...", "finite"]),
    # the rule
    ("rule text", lambda: iterate("adam", slope, FLOAT), TypeError,
     ["rule", "'adam'", "function such as gdref.adam"]),
    ("rule None", lambda: iterate(None, slope, FLOAT), TypeError, ["rule", "None", "function"]),
    ("rule is the gradient", lambda: iterate(slope, gd, FLOAT), TypeError,
     ["rule", "slope(x)", "(t, theta, grad, state=initial"]),
    ("rule is a lambda of one", lambda: iterate(lambda x: x, slope, FLOAT), TypeError,
     ["rule", "<lambda>(x)", "(t, theta, grad"]),
    ("rule with a bare state", lambda: iterate(lambda t, theta, g, v: 0, slope, FLOAT), TypeError,
     ["rule", "(t, theta, g, v)", "state=initial"]),
    ("rule without signature", lambda: iterate(max, slope, FLOAT), TypeError,
     ["rule", "max", "(t, theta, grad"]),
    ("rule with args only", lambda: iterate(lambda *args: args, slope, FLOAT), TypeError,
     ["rule", "(*args)", "(t, theta, grad"]),
    ("rule forgets the comma", lambda: iterate(forgets_the_comma, slope, PAIR), TypeError,
     ["forgets_the_comma", "array of shape (2,)", "tuple of 1", "return (theta,)"]),
    ("rule forgets the comma, float", lambda: iterate(forgets_the_comma, slope, FLOAT), TypeError,
     ["forgets_the_comma", "0.8", "tuple of 1", "return (theta,)"]),
    ("rule returns a list", lambda: iterate(returns_a_list, slope, FLOAT), TypeError,
     ["returns_a_list", "[0.8]", "tuple of 1"]),
    ("rule forgets the state", lambda: iterate(forgets_the_state, slope, FLOAT), TypeError,
     ["forgets_the_state", "tuple of 1", "tuple of 2", "1 state value"]),
    ("rule returns too much", lambda: iterate(returns_too_much, slope, FLOAT), TypeError,
     ["returns_too_much", "tuple of 2", "tuple of 1"]),
    ("rule returns nothing", lambda: iterate(returns_nothing, slope, FLOAT), TypeError,
     ["returns_nothing", "None", "tuple of 1"]),
    ("rule loses an axis", lambda: iterate(loses_an_axis, slope, PAIR), ValueError,
     ["loses_an_axis", "shape ()", "shape (2,)"]),
    ("rule returns words", lambda: iterate(returns_words, slope, FLOAT), TypeError,
     ["returns_words", "'theta'", "real numbers"]),
    ("rule returns words for an array", lambda: iterate(returns_words, slope, PAIR), TypeError,
     ["returns_words", "'theta'", "real numbers"]),
    ("rule returns complex", lambda: iterate(returns_complex, slope, FLOAT), TypeError,
     ["returns_complex", "2j", "real numbers"]),
    ("rule changes theta in place", lambda: iterate(changes_theta, slope, PAIR), ValueError,
     ["theta was array([1., 2.])", "array([0.8, 1.6])", "changes_theta", "in place"]),
    # the gradient
    ("grad None", lambda: iterate(gd, None, FLOAT), TypeError, ["grad", "None", "function"]),
    ("grad number", lambda: iterate(gd, 2.0, FLOAT), TypeError, ["grad", "2.0", "function"]),
    ("grad is its value", lambda: iterate(gd, PAIR, PAIR), TypeError,
     ["grad", "1.0", "functions of theta"]),
    ("grad text", lambda: iterate(gd, "2x", FLOAT), TypeError, ["grad", "'2'", "functions"]),
    ("grad iterable of numbers", lambda: iterate(gd, [1.0, 2.0], FLOAT), TypeError,
     ["grad yields 1.0", "functions of theta"]),
    ("grad returns None", lambda: iterate(gd, lambda x: None, PAIR), TypeError,
     ["grad(theta) is None", "(2,)"]),
    ("grad returns None, float", lambda: iterate(gd, lambda x: None, FLOAT), TypeError,
     ["grad(theta) is None", "real numbers"]),
    ("grad returns a list", lambda: iterate(gd, lambda x: [1.0, 2.0], PAIR), TypeError,
     ["grad(theta) is [1.0, 2.0]", "(2,)"]),
    ("grad returns a tuple", lambda: iterate(gd, lambda x: (1.0, 2.0), PAIR), TypeError,
     ["grad(theta) is (1.0, 2.0)", "(2,)"]),
    ("grad returns a list, float", lambda: iterate(gd, lambda x: [1.0], FLOAT), TypeError,
     ["grad(theta) is [1.0]", "()"]),
    ("grad returns text", lambda: iterate(gd, lambda x: "2", FLOAT), TypeError,
     ["grad(theta) is '2'", "real numbers"]),
    ("grad returns a bool", lambda: iterate(gd, lambda x: x > 0, FLOAT), TypeError,
     ["grad(theta) is True", "real numbers"]),
    ("grad returns bools", lambda: iterate(gd, lambda x: x > 0, PAIR), TypeError,
     ["grad(theta)", "True", "real numbers"]),
    ("grad returns complex", lambda: iterate(gd, lambda x: 1j * x, FLOAT), TypeError,
     ["grad(theta) is 1j", "real numbers"]),
    ("grad returns complex array", lambda: iterate(gd, lambda x: 1j * x, PAIR), TypeError,
     ["grad(theta)", "1.j", "real numbers"]),
    ("grad returns a number for an array", lambda: iterate(gd, lambda x: 1.0, PAIR), ValueError,
     ["grad(theta) is 1.0", "shape of theta, (2,)"]),
    ("grad would broadcast up", lambda: iterate(gd, lambda x: np.ones((2, 2)), PAIR), ValueError,
     ["grad(theta)", "shape (2, 2)", "shape of theta, (2,)"]),
    ("grad would broadcast", lambda: iterate(gd, lambda x: np.ones(1), PAIR), ValueError,
     ["grad(theta)", "shape (1,)", "shape of theta, (2,)"]),
    ("grad is a column", lambda: iterate(gd, lambda x: x[:, None], PAIR), ValueError,
     ["grad(theta)", "shape (2, 1)", "shape of theta, (2,)"]),
    ("grad too long", lambda: iterate(gd, lambda x: np.ones(3), PAIR), ValueError,
     ["grad(theta)", "shape (3,)", "shape of theta, (2,)"]),
    ("grad array for a float", lambda: iterate(gd, lambda x: np.ones(1), FLOAT), ValueError,
     ["grad(theta)", "shape (1,)", "shape of theta, ()"]),
    ("grad empty", lambda: iterate(gd, lambda x: np.ones(0), FLOAT), ValueError,
     ["grad(theta)", "shape (0,)", "shape of theta, ()"]),
    ("grad ragged", lambda: iterate(gd, lambda x: [[1.0], [1.0, 2.0]], PAIR), TypeError,
     ["grad(theta)", "[[1.0], [1.0, 2.0]]", "(2,)"]),
    ("grad changes theta in place", lambda: iterate(gd, changes_its_argument, PAIR), ValueError,
     ["theta", "array([2., 4.])", "grad", "in place"]),
    ("a batch's gradient of another shape", lambda: iterate(gd, [lambda x: np.ones(3)], PAIR),
     ValueError, ["grad(theta)", "shape (3,)", "(2,)"]),
    # hyperparameters
    ("unknown", lambda: iterate(adam, slope, FLOAT, learning_rate=0.1), TypeError,
     ["adam", "learning_rate", "0.1", "eta, beta1, beta2, eps"]),
    ("known to another rule", lambda: iterate(gd, slope, FLOAT, gamma=0.9), TypeError,
     ["gd", "gamma", "0.9", "it has eta"]),
    ("state as hyperparameter", lambda: iterate(momentum, slope, FLOAT, v=1.0), TypeError,
     ["momentum", "v", "1.0", "eta, gamma"]),
    ("none to give", lambda: iterate(lambda t, theta, grad: (theta,), slope, 1.0, eta=1), TypeError,
     ["eta", "1", "none"]),
    ("eta negative", lambda: iterate(gd, slope, FLOAT, eta=-0.1), ValueError,
     ["eta", "-0.1", "not negative"]),
    ("eta nan", lambda: iterate(gd, slope, FLOAT, eta=NAN), ValueError, ["eta", "nan", "finite"]),
    ("eta inf", lambda: iterate(gd, slope, FLOAT, eta=INF), ValueError, ["eta", "inf", "finite"]),
    ("eta text", lambda: iterate(gd, slope, FLOAT, eta="0.1"), TypeError,
     ["eta", "'0.1'", "real number"]),
    ("eta None", lambda: iterate(gd, slope, FLOAT, eta=None), TypeError,
     ["eta", "None", "real number"]),
    ("eta bool", lambda: iterate(gd, slope, FLOAT, eta=True), TypeError,
     ["eta", "True", "real number"]),
    ("eta NumPy bool", lambda: iterate(gd, slope, FLOAT, eta=np.True_), TypeError,
     ["eta", "True", "real number"]),
    ("eta complex", lambda: iterate(gd, slope, FLOAT, eta=0.1j), TypeError,
     ["eta", "0.1j", "real number"]),
    ("eta complex array", lambda: iterate(gd, slope, PAIR, eta=np.array([1j, 1])), TypeError,
     ["eta", "1.j", "real number"]),
    ("eta list", lambda: iterate(gd, slope, PAIR, eta=[0.1, 0.2]), TypeError,
     ["eta", "[0.1, 0.2]", "an array"]),
    ("eta empty", lambda: iterate(gd, slope, PAIR, eta=np.array([])), ValueError,
     ["eta", "shape (0,)", "shape of theta, (2,)"]),
    ("eta of another shape", lambda: iterate(gd, slope, PAIR, eta=np.ones(3)), ValueError,
     ["eta", "shape (3,)", "shape of theta, (2,)"]),
    ("eta would widen theta", lambda: iterate(gd, slope, PAIR, eta=np.ones((4, 2))), ValueError,
     ["eta", "shape (4, 2)", "shape of theta, (2,)"]),
    ("eta array for a float", lambda: iterate(gd, slope, FLOAT, eta=np.ones(1)), ValueError,
     ["eta", "shape (1,)", "shape of theta, ()"]),
    ("eta negative inside", lambda: iterate(gd, slope, PAIR, eta=np.array([0.1, -0.1])),
     ValueError, ["eta", "-0.1", "not negative"]),
    ("eta nan inside", lambda: iterate(gd, slope, PAIR, eta=np.array([0.1, NAN])), ValueError,
     ["eta", "nan", "finite"]),
    ("eps negative", lambda: iterate(adam, slope, FLOAT, eps=-1e-8), ValueError,
     ["eps", "-1e-08", "not negative"]),
    ("eps nan", lambda: iterate(adam, slope, FLOAT, eps=np.float32("nan")), ValueError,
     ["eps", "nan", "finite"]),
    ("gamma 1", lambda: iterate(momentum, slope, FLOAT, gamma=1), ValueError,
     ["gamma", "is 1;", "[0, 1)"]),
    ("gamma above 1", lambda: iterate(momentum, slope, FLOAT, gamma=1.1), ValueError,
     ["gamma", "1.1", "[0, 1)"]),
    ("beta2 1", lambda: iterate(adam, slope, FLOAT, beta2=1.0), ValueError,
     ["beta2", "1.0", "[0, 1)"]),
    ("beta2 NumPy 1", lambda: iterate(adam, slope, FLOAT, beta2=np.float64(1)), ValueError,
     ["beta2", "1.0", "[0, 1)"]),
    ("beta1 negative", lambda: iterate(adam, slope, FLOAT, beta1=-0.1), ValueError,
     ["beta1", "-0.1", "[0, 1)"]),
    ("beta1 nan", lambda: iterate(adam, slope, FLOAT, beta1=NAN), ValueError,
     ["beta1", "nan", "[0, 1)"]),
    ("rho negative", lambda: iterate(RULES["rmsprop"], slope, FLOAT, rho=-0.1), ValueError,
     ["rho", "-0.1", "[0, 1)"]),
    ("lam negative", lambda: iterate(RULES["adamw"], slope, FLOAT, lam=-0.01), ValueError,
     ["lam", "-0.01", "not negative"]),
    ("multiplier inf", lambda: iterate(RULES["adamw"], slope, FLOAT, multiplier=INF), ValueError,
     ["multiplier", "inf", "finite"]),
    ("own hyperparameter nan",
     lambda: iterate(lambda t, theta, grad, *, a=1: (theta,), slope, FLOAT, a=NAN), ValueError,
     ["a is nan", "finite"]),
    # a schedule's first value
    ("schedule None", lambda: iterate(gd, slope, FLOAT, eta=lambda t: None), TypeError,
     ["eta", "None at step 1", "real number"]),
    ("schedule negative", lambda: iterate(gd, slope, FLOAT, eta=lambda t: -1.0), ValueError,
     ["eta", "-1.0 at step 1", "not negative"]),
    ("schedule of decay", lambda: iterate(momentum, slope, FLOAT, gamma=lambda t: t), ValueError,
     ["gamma", "1 at step 1", "[0, 1)"]),
    # minimize
    ("fun None", lambda: minimize(None, FLOAT, gd, grad=slope, steps=1), TypeError,
     ["fun", "None", "function"]),
    ("fun number", lambda: minimize(4.0, FLOAT, gd, steps=1), TypeError,
     ["fun", "4.0", "function"]),
    ("fun returns None", lambda: minimize(lambda x: None, 1.0, gd, grad=slope, steps=1), TypeError,
     ["fun(x0) is None", "real number"]),
    ("fun returns text", lambda: minimize(lambda x: "1", 1.0, gd, grad=slope, steps=1), TypeError,
     ["fun(x0) is '1'", "real number"]),
    ("fun of many starts without grad", lambda: minimize(square, PAIR, gd, steps=1), ValueError,
     ["fun(theta)", "(2,)", "number"]),
    ("steps missing", lambda: minimize(square, FLOAT, gd, grad=slope), TypeError,
     ["steps", "missing", "iterable"]),
    ("steps missing without grad", lambda: minimize(square, FLOAT, gd), TypeError,
     ["steps", "missing", "iterable"]),
    ("steps negative", lambda: minimize(square, FLOAT, gd, grad=slope, steps=-1), ValueError,
     ["steps", "-1", "at least 0"]),
    ("steps float", lambda: minimize(square, FLOAT, gd, grad=slope, steps=10.0), TypeError,
     ["steps", "10.0", "whole number"]),
    ("steps bool", lambda: minimize(square, FLOAT, gd, grad=slope, steps=True), TypeError,
     ["steps", "True", "whole number"]),
    ("steps text", lambda: minimize(square, FLOAT, gd, grad=slope, steps="3"), TypeError,
     ["steps", "'3'", "whole number"]),
    ("x0 nan", lambda: minimize(square, NAN, gd, grad=slope, steps=1), ValueError,
     ["theta", "nan", "finite"]),
    ("x0 text", lambda: minimize(square, "1", gd, grad=slope, steps=1), TypeError,
     ["theta", "'1'", "real number"]),
    ("rule and start exchanged", lambda: minimize(square, gd, FLOAT, grad=slope, steps=1),
     TypeError, ["theta", "function gd", "real number"]),
    ("minimize, unknown", lambda: minimize(square, FLOAT, gd, grad=slope, steps=1, lr=0.1),
     TypeError, ["gd", "lr", "0.1", "it has eta"]),
    ("minimize, eta", lambda: minimize(square, FLOAT, gd, grad=slope, steps=0, eta=-1.0),
     ValueError, ["eta", "-1.0", "not negative"]),
    ("minimize, gradient", lambda: minimize(square, FLOAT, gd, grad=lambda x: None, steps=0),
     TypeError, ["grad(theta) is None"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("call", "exception", "fragments"), [row[1:] for row in BAD], ids=[row[0] for row in BAD]
)
def test_bad_input_is_refused_at_the_call(call, exception, fragments):
    with pytest.raises(exception) as caught:
        call()  # nothing is taken from the iterator
    message = str(caught.value)
    assert all(fragment in message for fragment in fragments), message
    assert len(message) < 400 and "\n" not in message
    assert type(caught.value) is exception
    assert caught.traceback[-1].path.parent.name == "gdref"  # not from inside NumPy


@pytest.mark.parametrize(
    ("eta", "exception", "message"),
    [
        (lambda t: -1.0 if t == 3 else 0.1, ValueError, "eta is -1.0 at step 3; it must be finite"),
        (lambda t: NAN if t == 3 else 0.1, ValueError, "eta is nan at step 3; it must be finite"),
        (lambda t: None if t == 3 else 0.1, TypeError, "eta is None at step 3; it must be a real"),
        (lambda t: "1" if t == 3 else 0.1, TypeError, "eta is '1' at step 3; it must be a real"),
        (lambda t: [0.1] if t == 3 else 0.1, TypeError, r"eta is \[0.1\] at step 3; it must be"),
    ],
)
def test_a_schedule_is_checked_at_every_step(eta, exception, message):
    iterates = iterate(gd, slope, 1.0, eta=eta)
    take(3, iterates)
    with pytest.raises(exception, match=message):
        next(iterates)


def test_a_later_gradient_is_checked_too():
    iterates = iterate(gd, [slope, lambda x: np.ones(3)], PAIR)
    take(2, iterates)
    with pytest.raises(ValueError, match=r"grad\(theta\) is an array of shape \(3,\)"):
        next(iterates)
    iterates = iterate(gd, [slope, None], PAIR)
    take(2, iterates)
    with pytest.raises(TypeError, match="grad yields None"):
        next(iterates)


def test_the_edges_are_allowed():
    assert take(3, iterate(gd, slope, 1.0, eta=0)) == [1.0] * 3
    assert take(3, iterate(momentum, slope, 1.0, gamma=0.0)) == take(3, iterate(gd, slope, 1.0))
    signs = take(3, iterate(adam, slope, 1.0, eta=0.25, beta1=0, beta2=0, eps=0))
    assert signs == [1.0, 0.75, 0.5]
    v = -np.diff(take(3, iterate(momentum, slope, 1.0, gamma=1 - 1e-16)))
    assert v[1] > v[0] > 0
    assert take(3, iterate(RULES["adamw"], slope, 1.0, lam=0, multiplier=0)) == [1.0] * 3
    assert 0 < take(3, iterate(gd, slope, 1e-300))[2] < 1e-300
    frame = take(3, iterate(gd, lambda x: np.asarray(Frame([2.0, 2.0])), Frame([1.0, 2.0])))
    np.testing.assert_allclose(frame[2], [0.96, 1.96])


# --------------------------------------------------------------------------- how minimize ends


def test_minimize_returns_the_run():
    result = minimize(square, 1.0, gd, grad=slope, steps=3, eta=0.25)
    assert (result.x, result.fun, result.nit) == (0.125, 0.125**2, 3)
    assert result.success and result.message == "took 3 steps"
    assert result.path.tolist() == [1.0, 0.5, 0.25, 0.125]
    assert isinstance(result, Result)


def test_the_path_of_an_array_has_the_steps_first():
    result = minimize(lambda x: (x**2).sum(), [[1.0, 2.0]], gd, grad=slope, steps=4)
    assert result.path.shape == (5, 1, 2)
    assert np.array_equal(result.path[-1], result.x)
    assert np.array_equal(result.path[0], [[1.0, 2.0]])


def test_many_starts_at_once():
    result = minimize(square, PAIR, gd, grad=slope, steps=2, eta=0.25)
    assert result.fun.tolist() == [0.0625, 0.25] and result.path.shape == (3, 2)


def test_minimize_without_a_gradient_uses_finite_differences():
    evaluations = []

    def fun(x):
        evaluations.append(x)
        return (x**2).sum()

    result = minimize(fun, PAIR, gd, steps=10, eta=0.1)
    exact = minimize(fun, PAIR, gd, grad=slope, steps=10, eta=0.1)
    assert result.x == pytest.approx(exact.x, abs=1e-6) and not np.array_equal(result.x, exact.x)
    alone = minimize(square, 1.0, gd, steps=10, eta=0.1)
    assert type(alone.x) is float and alone.x == pytest.approx(0.8**10, abs=1e-6)


def test_steps_none_runs_as_long_as_the_gradients():
    result = minimize(square, 1.0, gd, grad=[slope] * 5, eta=0.25)
    assert (result.nit, result.x, result.success) == (5, 1 / 32, True)
    result = minimize(square, 1.0, gd, grad=(slope for _ in range(9)), steps=5, eta=0.25)
    assert (result.nit, result.success, result.message) == (5, True, "took 5 steps")
    result = minimize(square, 1.0, gd, grad=[slope] * 5, steps=7, eta=0.25)
    assert (result.nit, result.success) == (5, False)
    assert result.message == "grad ended after 5 of 7 steps"


def test_no_steps():
    result = minimize(square, 3.0, gd, grad=slope, steps=0)
    assert (result.x, result.fun, result.nit, result.success) == (3.0, 9.0, 0, True)
    assert result.path.tolist() == [3.0]
    assert minimize(square, 3.0, gd, grad=[]).nit == 0
    assert minimize(square, 3.0, gd, grad=slope, steps=np.int64(2)).nit == 2


def test_the_path_need_not_be_kept():
    result = minimize(square, 1.0, gd, grad=slope, steps=3, eta=0.25, keep_path=False)
    assert result.path is None and result.x == 0.125


def test_a_symbolic_run():
    x, eta = sympy.symbols("x eta")
    result = minimize(square, x, gd, grad=slope, steps=2, eta=eta)
    assert sympy.expand(result.x - x * (1 - 2 * eta) ** 2) == 0
    assert result.path.shape == (3,)
    result = minimize(square, np.array([x, 1]), gd, grad=slope, steps=2, eta=eta)
    assert result.path.shape == (3, 2) and result.path[1, 1] == 1 - 2 * eta


def explodes(at, value):
    """A gradient that is 1 until the step ``at`` and then the value, or raises it."""
    count = [0]

    def grad(theta):
        count[0] += 1
        if count[0] < at:
            return theta * 0 + 1.0
        if isinstance(value, type) or isinstance(value, BaseException):
            raise value
        return theta * 0 + value

    return grad


@pytest.mark.parametrize(
    "theta", [0.0, np.zeros(2), np.float64(0)], ids=["float", "array", "numpy"]
)
@pytest.mark.parametrize("at", [1, 2, 4])
@pytest.mark.parametrize(
    ("value", "words"),
    [
        (NAN, "theta became NaN or infinite"),
        (INF, "theta became NaN or infinite"),
        (OverflowError("math range error"), "stopped by OverflowError math range error"),
        (ZeroDivisionError("division by zero"), "stopped by ZeroDivisionError division by zero"),
        (FloatingPointError("underflow"), "stopped by FloatingPointError underflow"),
        (KeyboardInterrupt, "stopped by KeyboardInterrupt"),
    ],
    ids=["nan", "inf", "overflow", "division", "floating point", "interrupt"],
)
def test_nothing_computed_is_lost(theta, at, value, words):
    result = minimize(np.sum, theta, gd, grad=explodes(at, value), steps=10, eta=1.0)
    assert not result.success and result.nit == at - 1
    assert result.message == f"{words} at step {at}; x is the iterate before"
    assert np.array_equal(result.x, theta - (at - 1))
    expected = [theta - k for k in range(at)]
    assert np.array_equal(result.path, expected)
    assert result.fun == np.sum(theta - (at - 1))


def test_a_real_divergence_of_a_float_and_of_an_array():
    """eta = 1.5 on x^4: a float overflows with an exception, an array becomes infinite."""
    runs = []
    for theta in (2.0, np.array([2.0])):
        with np.errstate(over="ignore", invalid="ignore"):
            runs.append(
                minimize(
                    lambda x: np.sum(x**4), theta, gd, grad=lambda x: 4 * x**3, steps=50, eta=1.5
                )
            )
    for result in runs:
        assert not result.success and np.isfinite(result.path).all()
        assert f"at step {result.nit + 1}" in result.message
        assert len(result.path) == result.nit + 1
    assert runs[0].nit == runs[1].nit
    assert "OverflowError" in runs[0].message and "infinite" in runs[1].message


def test_numpys_own_floating_point_errors_are_counted_right():
    with np.errstate(all="raise"):
        result = minimize(
            lambda x: 0.0, np.array([2.0]), gd, grad=lambda x: 4 * x**3, steps=50, eta=1.5
        )
    assert "FloatingPointError" in result.message
    assert len(result.path) == result.nit + 1


def test_one_diverging_start_ends_the_run():
    grad = {0: 1.0, 1: INF}
    result = minimize(square, np.zeros(2), gd, grad=lambda x: np.array([grad[0], grad[1]]), steps=3)
    assert result.nit == 0 and "step 1" in result.message


def test_adamax_on_a_flat_float_says_where_it_divided():
    result = minimize(square, 0.0, adamax, grad=slope, steps=3)
    assert result.message.startswith("stopped by ZeroDivisionError") and result.nit == 0


@pytest.mark.parametrize(("error", "value"), [(OverflowError, INF), (ZeroDivisionError, NAN)])
def test_an_objective_that_cannot_be_evaluated_keeps_the_run(error, value):
    def fun(x):
        if x < 0.6:
            raise error
        return x**2

    result = minimize(fun, 1.0, gd, grad=slope, steps=3, eta=0.25)
    assert result.nit == 3 and (result.fun == value or math.isnan(value) and math.isnan(result.fun))


def test_other_errors_of_the_gradient_come_through():
    with pytest.raises(RuntimeError, match="no data"):
        minimize(square, 1.0, gd, grad=explodes(3, RuntimeError("no data")), steps=5)
