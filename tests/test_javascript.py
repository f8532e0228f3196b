"""Rules and surfaces printed as JavaScript: names, errors, no formula in the shared script."""

import re
from importlib.resources import files

import numpy as np
import pytest
import sympy

from gdref import RULES, adam, nag
from gdref.book.expressions import code_name, function_of, shown_name
from gdref.book.javascript import RESERVED, rule_source, source, surface_source
from gdref.problems import SURFACES, Surface
from gdref.rules import WHOLE, by_coordinate

BY_COORDINATE = [rule for rule in RULES.values() if by_coordinate(rule)]
WORD = re.compile(r"(?<![\w.$])[A-Za-z_$][\w$]*")
LANGUAGE = {"function", "const", "return", "Math", "x", "y", "loss", "grad"}


def words(text):
    """The identifiers of a JavaScript text, without those after a dot."""
    return set(WORD.findall(text))


@pytest.mark.parametrize("rule", BY_COORDINATE, ids=lambda rule: rule.__name__)
def test_every_name_in_a_rule_is_declared(rule):
    text = rule_source(rule)
    assert text.isascii()
    assert not re.search(r"undefined|Not supported|//|\\|\^|NaN", text)
    declared = set(re.findall(r"const (\w+)", text)) | {"t", "now", "grad", "i", rule.__name__}
    for names in re.findall(r"[\[{]([\w, ]+)[\]}](?=,|\))", text):
        declared |= set(names.split(", "))
    assert words(text) <= declared | LANGUAGE


@pytest.mark.parametrize("surface", SURFACES.values(), ids=SURFACES)
def test_every_name_in_a_surface_is_declared(surface):
    text = surface_source(surface())
    assert words(text) <= LANGUAGE | set(re.findall(r"const (\w+)", text))


@pytest.mark.parametrize("name", WHOLE)
def test_a_rule_of_whole_arrays_is_not_printed(name):
    with pytest.raises(TypeError, match=f"{name} cannot be printed as JavaScript: it uses each"):
        rule_source(RULES[name])


def test_hyperparameters_and_state_keep_the_names_of_the_code():
    assert "function adam(t, now, grad, {eta, beta1, beta2, eps})" in rule_source(adam)
    assert "([theta, m, v], i)" in rule_source(adam)


def test_nag_asks_for_the_gradient_ahead():
    asked = re.search(r"grad\(now\.map\(\(\[theta, v\]\) => (.*)\)\);", rule_source(nag))[1]
    theta, v, gamma = sympy.symbols("theta v gamma")
    assert sympy.sympify(asked, {"gamma": gamma}) - (theta - gamma * v) == 0


def zeta_rule(t, theta, grad, *, eta=0.1):
    return (theta - eta * sympy.zeta(theta + 2) * grad(theta),)


def unknown_function_rule(t, theta, grad, *, eta=0.1):
    return (theta - eta * sympy.Function("f")(grad(theta)),)


def integral_rule(t, theta, grad, *, eta=0.1):
    x = sympy.Symbol("x")
    return (theta - eta * sympy.Integral(sympy.exp(-(x**2)), (x, 0, grad(theta))),)


def complex_rule(t, theta, grad, *, eta=0.1):
    return (theta - eta * sympy.I * grad(theta),)


def constant_rule(t, theta, grad, *, eta=0.1):
    return (theta - sympy.Catalan * eta * grad(theta),)


def foreign_symbol_rule(t, theta, grad, *, eta=0.1):
    return (theta - sympy.Symbol("a") * eta * grad(theta),)


@pytest.mark.parametrize(
    "rule",
    [
        zeta_rule,
        unknown_function_rule,
        integral_rule,
        complex_rule,
        constant_rule,
        foreign_symbol_rule,
    ],
)
def test_what_cannot_be_printed_is_an_error(rule):
    with pytest.raises(ValueError, match="cannot be printed|no value in the page"):
        rule_source(rule)


def test_a_surface_that_cannot_be_differentiated_is_an_error():
    def loss(theta):
        return sympy.Function("f")(theta[0])

    surface = Surface("f", loss, None, (0, 0), None, (0, 1, 0, 1))
    with pytest.raises(ValueError, match="cannot be printed"):
        surface_source(surface)


@pytest.mark.parametrize("name", ["new", "var", "now", "gradient", "Math"])
def test_a_name_that_means_something_else_in_the_page_is_an_error(name):
    assert name in RESERVED
    scope = {}
    exec(f"def step(t, theta, grad, {name}=0): return theta - {name} * grad(theta), {name}", scope)
    with pytest.raises(ValueError, match="no identifier"):
        rule_source(scope["step"])


def test_a_name_with_letters_that_javascript_may_not_know_is_an_error():
    def step(t, theta, grad, *, η=0.1):
        return (theta - η * grad(theta),)

    with pytest.raises(ValueError, match="no identifier"):
        rule_source(step)


def test_a_state_may_have_the_name_of_a_subexpression():
    def step(t, theta, grad, x0=0, *, eta=0.1):
        x0 = x0 + sympy.sqrt(grad(theta))
        return theta - eta * x0, x0

    text = rule_source(step)
    assert len(re.findall(r"\bconst x0\b", text)) == 0
    assert "const x1 = " in text


def test_a_max_and_a_piecewise_are_printed():
    x = sympy.Symbol("x", real=True)
    assert source(sympy.Max(x, 2), {x: "x"}) == "Math.max(2, x)"
    assert "?" in source(sympy.Piecewise((x, x > 0), (0, True)), {x: "x"})


def test_a_sum_is_a_loop():
    x, k, n = sympy.symbols("x k n", integer=True)
    names = {x: "x", n: "n"}
    assert source(sympy.Sum(x**k, (k, 0, n)), names) == "total(0, n, k0 => Math.pow(x, k0))"
    double = source(sympy.Sum(x + k**n, (n, 0, k), (k, 1, 3)), {x: "k0"})
    assert double.startswith("total(1, 3, k1 => total(0, k1, k2 => ")
    assert "Math.pow(k1, k2)" in double and "k0" in double
    with pytest.raises(ValueError, match="no value in the page"):
        source(sympy.Sum(x**k, (k, 0, n)), {x: "x"})


@pytest.mark.parametrize("script", ["core.js", "laboratory.js", "landing.js"])
def test_the_shared_scripts_hold_no_rule_and_no_surface(script):
    script = files("gdref.book.movable").joinpath(script).read_text(encoding="utf-8")
    code = re.sub(r"//.*", "", script)
    named = set(RULES) | set(SURFACES) | {"beta1", "beta2", "gamma", "rho", "eta", "eps", "lam"}
    assert not named & words(code)
    assert not re.search(r"Math\.(pow|sqrt|exp)|\*\* *2", code)
    assert "http" not in code and "import" not in words(code)


@pytest.mark.parametrize(
    ("name", "code", "shown"),
    [
        (r"\beta_1", "beta1", "β₁"),
        (r"\eta", "eta", "η"),
        ("lambda", "lam", "λ"),
        (r"\lambda", "lam", "λ"),
        (r"\omega_{12}", "omega12", "ω₁₂"),
        ("kappa", "kappa", "κ"),
        ("a", "a", "a"),
        (r"\alpha_t", "multiplier", "α"),
    ],
)
def test_the_names_of_symbols(name, code, shown):
    symbol = sympy.Symbol(name)
    assert (code_name(symbol), shown_name(symbol)) == (code, shown)


def test_expressions_as_functions():
    x, y = sympy.symbols("x y", real=True)
    values = np.array([-1.0, 0.0, 4.0])
    np.testing.assert_array_equal(function_of(sympy.Max(x, 2, y), [x, y])(values, 3), [3, 3, 4])
    np.testing.assert_array_equal(function_of(sympy.Min(x, 2), [x])(values), [-1, 0, 2])
    np.testing.assert_array_equal(function_of(sympy.sqrt(x), [x])(values), [np.nan, 0, 2])
    np.testing.assert_array_equal(function_of(3, [x])(values), [3, 3, 3])
    np.testing.assert_array_equal(function_of(1 / x, [x])(values), [-1, np.inf, 0.25])
    with pytest.raises(ValueError, match="gives y a value"):
        function_of(x + y, [x])
