"""Rules and surfaces printed as JavaScript: names, errors, no formula in the shared script."""

import re
from importlib.resources import files

import pytest
import sympy

from gdref import RULES, adam, nag
from gdref.book.javascript import RESERVED, rule_source, source, surface_source
from gdref.problems import SURFACES, Surface

WORD = re.compile(r"(?<![\w.$])[A-Za-z_$][\w$]*")
LANGUAGE = {"function", "const", "return", "Math", "x", "y", "loss", "grad"}


def words(text):
    """The identifiers of a JavaScript text, without those after a dot."""
    return set(WORD.findall(text))


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
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


def test_the_shared_script_holds_no_rule_and_no_surface():
    script = files("gdref.book").joinpath("movable/core.js").read_text(encoding="utf-8")
    named = set(RULES) | set(SURFACES) | {"beta1", "beta2", "gamma", "rho", "eta", "eps", "lam"}
    assert not named & words(script)
    assert not re.search(r"Math\.(pow|sqrt|exp)|\*\* *2", script)
    assert "http" not in script and "import" not in words(script)
