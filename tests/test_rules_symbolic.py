"""Every rule, run on symbols, against expressions written here from the papers' definitions.

Nothing here reads an update from :mod:`gdref.rules`: the general step, the unrolled sums, the
signatures and the defaults are typed in again, as the literature prints them.
"""

import inspect
from types import SimpleNamespace

import pytest
import sympy
from sympy import Abs, Max, Rational, sqrt

from gdref import RULES, iterate_state
from gdref.symbolic import symbol, trace, unroll

# (state and its initial values, hyperparameters and their defaults), from the papers
SIGNATURES = {
    "gd": ({}, {"eta": 0.01}),
    "momentum": ({"v": 0}, {"eta": 0.01, "gamma": 0.9}),
    "nag": ({"v": 0}, {"eta": 0.01, "gamma": 0.9}),
    "adagrad": ({"G": 0}, {"eta": 0.01, "eps": 1e-8}),
    "adadelta": ({"Eg2": 0, "Edx2": 0}, {"rho": 0.95, "eps": 1e-6}),
    "rmsprop": ({"Eg2": 0}, {"eta": 0.001, "rho": 0.9, "eps": 1e-8}),
    "adam": ({"m": 0, "v": 0}, {"eta": 0.001, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}),
    "adamax": ({"m": 0, "u": 0}, {"eta": 0.002, "beta1": 0.9, "beta2": 0.999}),
    "nadam": ({"m": 0, "v": 0}, {"eta": 0.002, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}),
    "amsgrad": (
        {"m": 0, "v": 0, "v_hat": 0},
        {"eta": 0.001, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8},
    ),
    "adamw": (
        {"m": 0, "v": 0},
        {"eta": 0.001, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "lam": 1e-5, "multiplier": 1.0},
    ),
}
every_rule = pytest.mark.parametrize("name", RULES)


def zero(expression):
    return sympy.simplify(expression) == 0


# The general step.  Each function takes the symbols before step t and returns the point at which
# the gradient is taken, theta after the step, and the state after it.


def gd(s):
    """Cauchy 1847: theta_t = theta_{t-1} - eta g_t."""
    return s.theta, s.theta - s.eta * s.g, {}


def momentum(s):
    """Polyak 1964, as a velocity: theta_t - theta_{t-1} = -v_t."""
    v = s.gamma * s.v + s.eta * s.g
    return s.theta, s.theta - s.gamma * s.v - s.eta * s.g, {"v": v}


def nag(s):
    """Nesterov 1983 in Sutskever's form: the gradient is taken where the velocity leads."""
    v = s.gamma * s.v + s.eta * s.g
    return s.theta - s.gamma * s.v, s.theta - v, {"v": v}


def adagrad(s):
    """Duchi, Hazan & Singer 2011, diagonal; epsilon under the root as in Ruder 2016."""
    G = s.G + s.g**2
    return s.theta, s.theta - s.eta * s.g / sqrt(s.G + s.g**2 + s.eps), {"G": G}


def adadelta(s):
    """Zeiler 2012, algorithm 1."""
    Eg2 = s.rho * s.Eg2 + (1 - s.rho) * s.g**2
    rms_dx_before, rms_g = sqrt(s.Edx2 + s.eps), sqrt(Eg2 + s.eps)
    dx = -rms_dx_before / rms_g * s.g
    Edx2 = s.rho * s.Edx2 + (1 - s.rho) * dx**2
    return s.theta, s.theta + dx, {"Eg2": Eg2, "Edx2": Edx2}


def rmsprop(s):
    """Tieleman & Hinton 2012, lecture 6e: divide by the root of MeanSquare."""
    mean_square = s.rho * s.Eg2 + (1 - s.rho) * s.g**2
    return s.theta, s.theta - s.eta * s.g / sqrt(mean_square + s.eps), {"Eg2": mean_square}


def moments(s):
    """The two biased averages of Kingma & Ba 2015, algorithm 1."""
    return s.beta1 * s.m + (1 - s.beta1) * s.g, s.beta2 * s.v + (1 - s.beta2) * s.g**2


def adam(s):
    """Kingma & Ba 2015, algorithm 1."""
    m, v = moments(s)
    m_hat, v_hat = m / (1 - s.beta1**s.t), v / (1 - s.beta2**s.t)
    return s.theta, s.theta - s.eta * m_hat / (sqrt(v_hat) + s.eps), {"m": m, "v": v}


def adamax(s):
    """Kingma & Ba 2015, algorithm 2."""
    m = s.beta1 * s.m + (1 - s.beta1) * s.g
    u = Max(s.beta2 * s.u, Abs(s.g))
    return s.theta, s.theta - s.eta / (1 - s.beta1**s.t) * m / u, {"m": m, "u": u}


def nadam(s):
    """Dozat 2016, simplified: look-ahead and bias correction in terms of the old average."""
    m, v = moments(s)
    ahead = (s.beta1**2 * s.m + (1 - s.beta1**2) * s.g) / (1 - s.beta1**s.t)
    theta = s.theta - s.eta * ahead / (sqrt(v / (1 - s.beta2**s.t)) + s.eps)
    return s.theta, theta, {"m": m, "v": v}


def amsgrad(s):
    """Reddi, Kale & Kumar 2018, algorithm 2, without projection; epsilon as in Adam."""
    m, v = moments(s)
    v_hat = Max(s.v_hat, v)
    theta = s.theta - s.eta * m / (sqrt(v_hat) + s.eps)
    return s.theta, theta, {"m": m, "v": v, "v_hat": v_hat}


def adamw(s):
    """Loshchilov & Hutter 2019, algorithm 2, line 12."""
    m, v = moments(s)
    m_hat, v_hat = m / (1 - s.beta1**s.t), v / (1 - s.beta2**s.t)
    step = s.multiplier * (s.eta * m_hat / (sqrt(v_hat) + s.eps) + s.lam * s.theta)
    return s.theta, s.theta - step, {"m": m, "v": v}


PAPER = {
    step.__name__: step
    for step in (gd, momentum, nag, adagrad, adadelta, rmsprop, adam, adamax, nadam, amsgrad, adamw)
}


@pytest.mark.parametrize("table", ["SIGNATURES", "PAPER"])
def test_every_rule_has_its_row(table):
    assert not RULES.keys() ^ globals()[table].keys(), f"rules without a row in {table}"


@every_rule
def test_signature_and_defaults(name):
    state, hyperparameters = SIGNATURES[name]
    parameters = inspect.signature(RULES[name]).parameters.values()
    positional = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    keyword = [p for p in parameters if p.kind is p.KEYWORD_ONLY]
    assert [p.name for p in positional] == ["t", "theta", "grad", *state]
    assert [p.default for p in positional[3:]] == list(state.values())
    assert [p.name for p in keyword] == list(hyperparameters)
    assert [p.default for p in keyword] == list(hyperparameters.values())


@every_rule
def test_general_step_is_the_papers(name):
    step = trace(RULES[name])
    asked, theta, state = PAPER[name](SimpleNamespace(**step.symbols))
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


@every_rule
def test_a_wrong_step_is_noticed(name):
    """The comparison above can fail: the same rule with another gradient is not equal."""
    step = trace(RULES[name])
    wrong = SimpleNamespace(**{**step.symbols, "g": 2 * step.symbols["g"]})
    _, theta, state = PAPER[name](wrong)
    differences = [step.theta - theta, *(step.state[key] - state[key] for key in state)]
    assert not all(zero(difference) for difference in differences)


@every_rule
def test_the_gradient_is_asked_for_once_a_step(name):
    points = []

    def grad(theta):
        points.append(theta)
        return symbol("g", len(points))

    _, hyperparameters = SIGNATURES[name]
    RULES[name](3, symbol("theta"), grad, **{key: symbol(key) for key in hyperparameters})
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
