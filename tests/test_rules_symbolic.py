"""Every rule, run on symbols, against the papers' definitions: those of papers.py, and sums.

Nothing here reads an update from :mod:`gdref.rules`: the unrolled sums are typed in again too.
"""

import inspect
from types import SimpleNamespace

import numpy as np
import pytest
import sympy
from sympy import Abs, Max, Rational, sqrt

from gdref import RULES, iterate_state
from gdref.catalogue import HYPERPARAMETERS
from gdref.rules import WHOLE
from gdref.symbolic import symbol, trace, unroll
from tests.papers import PAPERS, moments

every_rule = pytest.mark.parametrize("name", RULES)
of_numbers = pytest.mark.parametrize("name", [name for name in RULES if name not in WHOLE])
of_matrices = pytest.mark.parametrize("name", WHOLE)


def zero(expression):
    return sympy.simplify(expression) == 0


def test_every_rule_has_its_row():
    assert not RULES.keys() ^ PAPERS.keys(), "rules without a row in papers.py"


@every_rule
def test_signature_and_defaults(name):
    state, hyperparameters = PAPERS[name].state, PAPERS[name].hyperparameters
    parameters = inspect.signature(RULES[name]).parameters.values()
    positional = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    keyword = [p for p in parameters if p.kind is p.KEYWORD_ONLY]
    assert [p.name for p in positional] == ["t", "theta", "grad", *state]
    assert [p.default for p in positional[3:]] == list(state.values())
    assert [p.name for p in keyword] == list(hyperparameters)
    assert [p.default for p in keyword] == list(hyperparameters.values())


@of_numbers
def test_general_step_is_the_papers(name):
    step = trace(RULES[name])
    asked, theta, state = PAPERS[name].step(SimpleNamespace(**step.symbols))
    assert zero(step.asked - asked)
    assert zero(step.theta - theta)
    assert list(step.state) == list(state)
    for key, value in state.items():
        assert zero(step.state[key] - value), key


@pytest.mark.parametrize("t", [1, 2, 7])
def test_adam_with_the_corrections_in_the_rate(t):
    """The form at the end of the paper's section 2: epsilon carries the root of 1 - beta2^t."""
    step = trace(RULES["adam"], t=t)
    s = SimpleNamespace(**step.symbols)
    m, v = moments(s)
    root = sqrt(1 - s.beta2**t)
    theta = s.theta - s.eta * root / (1 - s.beta1**t) * m / (sqrt(v) + s.eps * root)
    numbers = {s.theta: 2, s.g: -3, s.m: Rational(1, 3), s.v: 5} | NUMBERS
    assert abs(sympy.N((step.theta - theta).subs(numbers), 50, maxn=200)) < sympy.Float("1e-40")


SHAPES = [(3, 2), (2, 3), (2, 2), (4, 1), (1, 1)]


def off_the_papers_path(name, gradient):
    """How far the rule and the paper come apart in six steps, each relative to the largest entry.

    The gradients are random, of several sizes; a rule gets what ``gradient`` makes of them.
    """
    row, rng, apart = PAPERS[name], np.random.default_rng(5), 0.0
    values = {key: HYPERPARAMETERS[key].odd for key in row.hyperparameters}
    for shape in SHAPES:
        ours = theirs = (rng.normal(size=shape), *row.state.values())
        for t in range(1, 7):
            g = rng.normal(size=shape) * 10.0 ** rng.integers(-2, 3)
            before = dict(zip(["theta", *row.state], theirs, strict=True))
            asked, theta, state = row.step(SimpleNamespace(t=t, g=g, **before, **values))
            assert np.array_equal(asked, before["theta"])
            ours = RULES[name](t, ours[0], lambda x, g=g: gradient(g), *ours[1:], **values)
            theirs = (theta, *state.values())
            for a, b in zip(ours, theirs, strict=True):
                apart = max(apart, np.max(np.abs(a - b)) / np.max(np.abs(b)))
    return apart


@of_matrices
def test_matrices_take_the_papers_path(name):
    assert off_the_papers_path(name, lambda g: g) < 1e-11


@of_matrices
def test_a_wrong_matrix_is_noticed(name):
    assert off_the_papers_path(name, np.tanh) > 1e-3


@of_matrices
def test_a_symbolic_matrix_takes_the_step_of_numbers(name):
    """Of exact numbers of 40 digits, as SymPy has them."""
    rule, rng = RULES[name], np.random.default_rng(8)
    values = {key: HYPERPARAMETERS[key].odd for key in PAPERS[name].hyperparameters}
    ours, exact = (rng.normal(size=(2, 3)),), ()
    for t in (1, 2):
        ours = rule(t, ours[0], lambda x: np.cos(3 * x), *ours[1:], **values)
        start = exact or (sympy.Matrix(np.random.default_rng(8).normal(size=(2, 3))).evalf(40),)
        exact = rule(t, start[0], lambda x: (3 * x).applyfunc(sympy.cos), *start[1:], **values)
        for a, b in zip(ours, exact, strict=True):
            assert isinstance(b, sympy.MatrixBase)
            exactly = np.array(b.tolist(), float)
            np.testing.assert_allclose(a, exactly, rtol=1e-11, atol=1e-20)  # a true 0 is rounded


@of_numbers
def test_a_wrong_step_is_noticed(name):
    """The comparison above can fail: the same rule with another gradient is not equal."""
    step = trace(RULES[name])
    wrong = SimpleNamespace(**{**step.symbols, "g": -2 * step.symbols["g"]})
    _, theta, state = PAPERS[name].step(wrong)
    differences = [step.theta - theta, *(step.state[key] - state[key] for key in state)]
    assert not all(zero(difference) for difference in differences)


@every_rule
def test_the_gradient_is_asked_for_once_a_step(name):
    points = []

    def grad(theta):
        points.append(theta)
        return symbol("g", len(points))

    RULES[name](
        3, symbol("theta"), grad, **{key: symbol(key) for key in PAPERS[name].hyperparameters}
    )
    assert len(points) == 1


# The unrolled recursions: after n steps from the initial state, sums over all gradients so far.

N = 4
g = [None, *(symbol("g", k) for k in range(1, N + 1))]  # g[1] is g_1
eta, eps, gamma, rho, beta1, beta2, lam, multiplier = (
    symbol(name, positive=True)
    for name in ("eta", "eps", "gamma", "rho", "beta1", "beta2", "lam", "multiplier")
)
upto = pytest.mark.parametrize("n", range(1, N + 1))
# Two assignments of exact numbers; in one the first gradient is the largest, in the other the last.
POINTS = [
    {g[1]: 5, g[2]: -1, g[3]: 2, g[4]: Rational(-1, 3)},
    {g[1]: Rational(-1, 2), g[2]: 1, g[3]: -3, g[4]: 7},
]
NUMBERS = {
    symbol("theta", 0): Rational(11, 5),
    eta: Rational(1, 7),
    eps: Rational(1, 50),
    gamma: Rational(4, 5),
    rho: Rational(3, 4),
    beta1: Rational(2, 3),
    beta2: Rational(6, 7),
    lam: Rational(1, 9),
    multiplier: Rational(3, 2),
}


def equal(left, right):
    """Equal as expressions, or equal to 40 digits at both points (roots of long sums)."""
    difference = sympy.sympify(left - right)
    if difference == 0 or sympy.expand(difference) == 0:
        return True
    return all(
        abs(sympy.N(difference.subs(NUMBERS | point), 50, maxn=200)) < sympy.Float("1e-40")
        for point in POINTS
    )


def average(decay, values):
    """(1 - decay) times the sum of decay^(n-k) x_k."""
    n = len(values)
    return (1 - decay) * sum(decay ** (n - k) * x for k, x in enumerate(values, 1))


def squares(values):
    return [x**2 for x in values]


def run(name, n):
    """theta_0 and the rows (theta_k, state...) for k = 1 ... n."""
    start, *rows = unroll(RULES[name], n)
    assert start[0] == symbol("theta", 0)
    return start[0], rows


@upto
def test_gd_unrolled(n):
    theta0, rows = run("gd", n)
    assert equal(rows[-1][0], theta0 - eta * sum(g[1 : n + 1]))


@upto
@pytest.mark.parametrize("name", ["momentum", "nag"])
def test_momentum_and_nag_unrolled(name, n):
    """v_n = sum of gamma^(n-k) eta g_k; each gradient's total weight is a geometric sum."""
    theta0, rows = run(name, n)
    theta, v = rows[-1]
    assert equal(v, sum(gamma ** (n - k) * eta * g[k] for k in range(1, n + 1)))
    weights = [(1 - gamma ** (n - k + 1)) / (1 - gamma) for k in range(1, n + 1)]
    total = sum(w * eta * g[k] for k, w in enumerate(weights, 1))
    assert zero(theta - (theta0 - total))


def test_nag_on_a_quadratic_is_a_two_term_recursion():
    """theta_{t+1} = (1 - eta lambda)((1 + gamma) theta_t - gamma theta_{t-1})."""
    curvature, theta = symbol("c"), symbol("theta", 0)
    steps = iterate_state(RULES["nag"], lambda x: curvature * x, theta, eta=eta, gamma=gamma)
    path = [next(steps)[0] for _ in range(5)]
    factor = 1 - eta * curvature
    assert zero(path[1] - factor * path[0])
    for before, now, after in zip(path, path[1:], path[2:], strict=False):
        assert zero(after - factor * ((1 + gamma) * now - gamma * before))


def test_momentum_on_a_quadratic_is_a_two_term_recursion():
    """theta_{t+1} = (1 + gamma - eta lambda) theta_t - gamma theta_{t-1}."""
    curvature, theta = symbol("c"), symbol("theta", 0)
    steps = iterate_state(RULES["momentum"], lambda x: curvature * x, theta, eta=eta, gamma=gamma)
    path = [next(steps)[0] for _ in range(5)]
    for before, now, after in zip(path, path[1:], path[2:], strict=False):
        assert zero(after - (1 + gamma - eta * curvature) * now + gamma * before)


@upto
def test_adagrad_unrolled(n):
    theta0, rows = run("adagrad", n)
    theta, G = rows[-1]
    assert equal(G, sum(squares(g[1 : n + 1])))
    steps = [g[k] / sqrt(sum(squares(g[1 : k + 1])) + eps) for k in range(1, n + 1)]
    assert equal(theta, theta0 - eta * sum(steps))


@upto
def test_rmsprop_unrolled(n):
    theta0, rows = run("rmsprop", n)
    theta, Eg2 = rows[-1]
    assert equal(Eg2, average(rho, squares(g[1 : n + 1])))
    steps = [g[k] / sqrt(average(rho, squares(g[1 : k + 1])) + eps) for k in range(1, n + 1)]
    assert equal(theta, theta0 - eta * sum(steps))


@upto
def test_adadelta_unrolled(n):
    theta0, rows = run("adadelta", n)
    theta, Eg2, Edx2 = rows[-1]
    dx = []
    for k in range(1, n + 1):
        numerator = sqrt(average(rho, squares(dx)) + eps)
        dx.append(-numerator * g[k] / sqrt(average(rho, squares(g[1 : k + 1])) + eps))
    assert equal(Eg2, average(rho, squares(g[1 : n + 1])))
    assert equal(Edx2, average(rho, squares(dx)))
    assert equal(theta, theta0 + sum(dx))


def corrected(decay, values):
    """A weighted mean: the weights decay^(n-k), divided by their sum."""
    n = len(values)
    weights = [decay ** (n - k) for k in range(1, n + 1)]
    return sum(w * x for w, x in zip(weights, values, strict=True)) / sum(weights)


@upto
def test_adam_unrolled(n):
    """The corrected moments are weighted means: their weights sum to 1 at every step."""
    theta0, rows = run("adam", n)
    theta, m, v = rows[-1]
    assert equal(m, average(beta1, g[1 : n + 1]))
    assert equal(v, average(beta2, squares(g[1 : n + 1])))
    steps = [
        corrected(beta1, g[1 : k + 1]) / (sqrt(corrected(beta2, squares(g[1 : k + 1]))) + eps)
        for k in range(1, n + 1)
    ]
    assert equal(theta, theta0 - eta * sum(steps))


@upto
def test_adamax_unrolled(n):
    """u_n = max over i of beta2^(n-i) |g_i|."""
    theta0, rows = run("adamax", n)
    theta, m, u = rows[-1]

    def norm(k):
        return Max(*(beta2 ** (k - i) * Abs(g[i]) for i in range(1, k + 1)))

    assert equal(m, average(beta1, g[1 : n + 1]))
    assert equal(u, norm(n))
    steps = [corrected(beta1, g[1 : k + 1]) / norm(k) for k in range(1, n + 1)]
    assert equal(theta, theta0 - eta * sum(steps))


@upto
def test_nadam_unrolled(n):
    theta0, rows = run("nadam", n)
    theta, m, v = rows[-1]
    assert equal(m, average(beta1, g[1 : n + 1]))
    assert equal(v, average(beta2, squares(g[1 : n + 1])))
    steps = []
    for k in range(1, n + 1):
        ahead = beta1 * corrected(beta1, g[1 : k + 1]) + g[k] * (1 - beta1) / (1 - beta1**k)
        steps.append(ahead / (sqrt(corrected(beta2, squares(g[1 : k + 1]))) + eps))
    assert equal(theta, theta0 - eta * sum(steps))


@upto
def test_amsgrad_unrolled(n):
    """v_hat_n = max over k of v_k; there is no bias correction."""
    theta0, rows = run("amsgrad", n)
    theta, m, v, v_hat = rows[-1]

    def largest(k):
        return Max(*(average(beta2, squares(g[1 : i + 1])) for i in range(1, k + 1)))

    assert equal(m, average(beta1, g[1 : n + 1]))
    assert equal(v, average(beta2, squares(g[1 : n + 1])))
    assert equal(v_hat, largest(n))
    steps = [average(beta1, g[1 : k + 1]) / (sqrt(largest(k)) + eps) for k in range(1, n + 1)]
    assert equal(theta, theta0 - eta * sum(steps))


@upto
def test_adamw_unrolled(n):
    """theta_n = d^n theta_0 - sum of d^(n-k) s eta (Adam's step k), with d = 1 - s lambda."""
    theta0, rows = run("adamw", n)
    theta, m, v = rows[-1]
    assert equal(m, average(beta1, g[1 : n + 1]))
    assert equal(v, average(beta2, squares(g[1 : n + 1])))
    shrink = 1 - multiplier * lam
    expected = shrink**n * theta0
    for k in range(1, n + 1):
        step = corrected(beta1, g[1 : k + 1]) / (
            sqrt(corrected(beta2, squares(g[1 : k + 1]))) + eps
        )
        expected -= shrink ** (n - k) * multiplier * eta * step
    assert equal(theta, expected)


def test_equal_can_fail():
    assert not equal(g[1] / sqrt(g[1] ** 2 + eps), g[1] / (sqrt(g[1] ** 2) + eps))
    assert not equal(Max(g[1], g[2]), Max(g[1], beta2 * g[2]))
