"""The trace, the unrolled recursion and the proof helper."""

import numpy as np
import pytest
import sympy

from gdref import RULES, catalogue, gd, iterate_state, momentum, nag
from gdref.symbolic import hyperparameter, prove_equal, symbol, t, trace, unroll

every_rule = pytest.mark.parametrize("name", RULES)
x, y = sympy.symbols("x y")


def test_symbols_are_named_as_in_the_book():
    assert symbol("theta", "t-1").name == r"\theta_{t-1}"
    assert symbol("g", 3).name == "g_{3}"
    assert symbol("Eg2", "t").name == r"E[g^2]_{t}"
    assert symbol("m").name == "m"
    assert symbol("m").is_real and symbol("m").is_positive is None
    assert hyperparameter("beta1").name == r"\beta_1" and hyperparameter("beta1").is_positive
    assert t.is_integer and t.is_positive


@every_rule
def test_no_two_names_of_a_rule_share_a_symbol(name):
    symbols = trace(RULES[name]).symbols
    assert len(set(symbols.values())) == len(symbols)


@every_rule
def test_every_name_of_a_rule_has_the_books_notation(name):
    for code_name in trace(RULES[name]).symbols:
        assert len(code_name) == 1 or catalogue.latex(code_name) != code_name


def test_a_trace():
    step = trace(nag)
    theta, v, g = symbol("theta", "t-1"), symbol("v", "t-1"), symbol("g", "t")
    eta, gamma = hyperparameter("eta"), hyperparameter("gamma")
    assert step.asked == theta - gamma * v
    assert step.state == {"v": gamma * v + eta * g}
    assert sympy.expand(step.theta - (theta - gamma * v - eta * g)) == 0
    assert step.symbols == {
        "t": t, "theta": theta, "g": g, "v": v, "eta": eta, "gamma": gamma
    }  # fmt: skip


def test_a_trace_with_values():
    step = trace(momentum, gamma=0, v=2, g=x)
    assert step.state["v"] == hyperparameter("eta") * x
    assert step.symbols["gamma"] == 0
    first = trace(RULES["adam"], t=1, m=0, v=0, eps=0, g=-2, eta=3, theta=5).theta
    assert sympy.simplify(first) == 8  # eta against the sign of g, whatever the decays


def test_a_trace_with_a_gradient():
    step = trace(nag, grad=lambda theta: x * theta, v=y)
    theta, gamma, eta = symbol("theta", "t-1"), hyperparameter("gamma"), hyperparameter("eta")
    assert sympy.expand(step.state["v"] - (gamma * y + eta * x * (theta - gamma * y))) == 0


@every_rule
def test_a_trace_evaluated_is_a_step(name):
    """Lambdified at numbers, the trace gives what the rule gives on floats."""
    step = trace(RULES[name])
    values = dict(
        t=3, theta=1.5, g=-0.7, v=0.2, m=0.1, u=0.3, G=0.4, Eg2=0.5, Edx2=0.01, v_hat=0.35,
        eta=0.1, gamma=0.8, rho=0.7, beta1=0.6, beta2=0.9, eps=0.01, lam=0.05, multiplier=0.5,
    )  # fmt: skip
    inputs = {key: values.get(key, 0.45) for key in step.symbols}
    evaluate = sympy.lambdify(list(step.symbols.values()), [step.theta, *step.state.values()])
    hyperparameters = {k: v for k, v in inputs.items() if k not in {"t", "theta", "g", *step.state}}
    number = RULES[name](
        3, 1.5, lambda theta: -0.7, *(inputs[key] for key in step.state), **hyperparameters
    )
    assert evaluate(*inputs.values()) == pytest.approx(list(number), rel=1e-14)


@every_rule
def test_an_unrolled_rule_evaluated_is_a_run(name):
    gs = [0.5, -1.5, 0.25]
    rows = unroll(RULES[name], 3, **dict.fromkeys(hyperparameters(name), sympy.Rational(1, 2)))
    values = {symbol("theta", 0): 2.0} | {symbol("g", k): g for k, g in enumerate(gs, 1)}
    numbers = iterate_state(
        RULES[name],
        [lambda _, g=g: g for g in gs],
        2.0,
        **dict.fromkeys(hyperparameters(name), 0.5),
    )
    assert len(rows) == 4
    for row, expected in zip(rows, numbers, strict=True):
        evaluated = [float(sympy.sympify(e).subs(values)) for e in row]
        np.testing.assert_allclose(evaluated, expected, rtol=1e-13)


def hyperparameters(name):
    from gdref._inputs import form

    return form(RULES[name])[2]


def test_unroll_starts_at_theta_0():
    assert unroll(gd, 0) == [(symbol("theta", 0),)]
    assert unroll(momentum, 1)[0] == (symbol("theta", 0), 0)


@every_rule
def test_the_latex_has_a_line_for_each_value(name):
    step = trace(RULES[name])
    latex = step._repr_latex_()
    assert latex.startswith("$$") and latex.endswith("$$")
    assert latex.count("&=") == 1 + len(step.state)
    assert r"\theta_{t} &=" in latex


# ----------------------------------------------------------------------------------- proofs


def test_equal_things_are_proved():
    for left, right in [
        (x, x),
        ((x + 1) ** 2, x**2 + 2 * x + 1),
        (sympy.sin(x) ** 2, 1 - sympy.cos(x) ** 2),
        (0, 0),
        ([x, 2 * x], (x, x + x)),
        (sympy.Matrix([[x, y]]), sympy.Matrix([[x, y]])),
    ]:
        assert prove_equal(left, right) == 0


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (x, -x),
        (x, x + sympy.Rational(1, 10**12)),
        (x, 1.0000001 * x),
        (sympy.sqrt(x**2), x),  # only for x >= 0
        ([x, y], [x, x]),
        ([x], [x, x]),
        ([], []),
        (sympy.Matrix([[x, y]]), sympy.Matrix([x, y])),
        (sympy.nan, sympy.nan),
        (sympy.oo, sympy.oo),
        (x, sympy.zoo),
    ],
)
def test_unequal_things_are_not(left, right):
    with pytest.raises(AssertionError, match="not equal"):
        prove_equal(left, right)


# -------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: trace(gd, gamma=1), r"gd has no \['gamma'\]; it has \['eta', 'g', 't', 'theta'\]"),
        (lambda: trace("adam"), "rule is 'adam'; it must be a function"),
        (lambda: trace(lambda t, theta, grad: theta - grad(theta)), r"return \(theta,\)"),
        (lambda: trace(lambda t, theta, grad: (theta, 1, 2) + (grad(theta),)), "a tuple of 4"),
        (lambda: trace(lambda t, theta, grad: (theta,)), "did not call grad"),
        (lambda: unroll(gd, 2, gamma=1), "gd has no hyperparameter gamma"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(TypeError, match=message):
        call()
