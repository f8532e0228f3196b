"""What gdref.dialects converts and what it refuses: nothing changes unseen, each word is plain.

Every case of the table has been run in its library, by tests/libraries.
"""

import itertools
import math
import pickle

import numpy as np
import pytest

from gdref import RULES, dialects, iterate
from gdref.dialects import LIBRARIES, NoConversion, PerStep, from_library, to_library
from gdref.dialects._expressions import call, convert, evaluate, rewrite, written
from gdref.dialects.tables import DIALECTS, ORIGINS, WITHOUT
from gdref.schedules import polynomial, warmup
from tools.record import recipes

CASES = [*recipes.to_libraries(), *recipes.from_libraries()]
BY_RULE = [(rule, name) for rule in RULES for name in dialects.defaults(rule)]


def slope(theta):
    return theta


def path(found, steps):
    rule, hyperparameters = found
    return list(itertools.islice(iterate(rule, slope, 1.0, **hyperparameters), steps + 1))


# --- the table of what was run -----------------------------------------------------------------


def test_nothing_converts_otherwise_than_when_it_was_run():
    assert recipes.table() == recipes.TABLE.read_text("utf-8"), (
        "other lines or words than those that ran: make libraries, then make dialects WRITE=1"
    )


def test_the_table_has_both_kinds_of_answers():
    rows = [line.split("\t") for line in recipes.TABLE.read_text("utf-8").splitlines()[1:]]
    marks = "".join(row[3] for row in rows)
    assert marks.count("+") > 5 * marks.count("-") > 0
    assert {len(row[3]) for row in rows} == {len(recipes.KINDS)}
    somewhere = {rule for rule in RULES for name in LIBRARIES if (rule, name) not in WITHOUT}
    assert {row[0] for row in rows} == {*somewhere, *LIBRARIES}


def test_every_row_of_the_tables_is_tried_and_a_word_says_why():
    tried = []
    for key, _, values in CASES:
        found = recipes.converted(key, values)
        if isinstance(found, str):
            assert len(found) > 30 and "0x" not in found
        elif key[0] in RULES:
            tried.append(found.dialect)
        else:
            tried.append(dialects.origin(key[0], call(key[1])[0], **values)[0])
    untried = [e for e in (*DIALECTS, *ORIGINS) if not any(e is row for row in tried)]
    assert [e for e in untried if not e.why] == []


# --- rates that change, and rates of 0 ---------------------------------------------------------


def test_a_rising_rate_outside_the_buffer():
    found = from_library("pytorch", "SGD", lr=warmup(0.1, 4, start=0.02), momentum=0.9)
    assert path(found, 4) == pytest.approx([1, 0.98, 0.9048, 0.748992, 0.502103], abs=5e-7)
    assert found[1]["gamma"](2) > 1


@pytest.mark.parametrize(
    "lr", [warmup(0.1, 4), polynomial(0.1, 4), lambda t: 0.1 * abs(t - 3), lambda t: 0.0]
)
@pytest.mark.parametrize("library, constructor, name", [
    ("pytorch", "SGD", "lr"), ("keras", "SGD", "learning_rate"), ("optax", "sgd", "learning_rate"),
])  # fmt: skip
def test_a_rate_of_0_on_the_way(library, constructor, name, lr):
    theta, b, v, expected = 1.0, 0.0, 0.0, [1.0]
    for t in range(1, 9):
        b = 0.9 * b + theta  # PyTorch and Optax
        v = 0.9 * v + lr(t) * theta  # Keras
        theta -= v if library == "keras" else lr(t) * b
        expected.append(theta)
    found = from_library(library, constructor, momentum=0.9, **{name: lr})
    assert path(found, 8) == pytest.approx(expected, abs=1e-14)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("eta", [0.0, warmup(0.001, 10), polynomial(0.001, 4)])
def test_adamw_decays_at_a_rate_of_0(library, eta):
    arguments = to_library("adamw", library, eta=eta).arguments
    rate = "lr" if library == "pytorch" else "learning_rate"
    for t in (1, 5, 6):
        at = {k: v(t) if callable(v) else v for k, v in arguments.items()}
        assert at[rate] * at["weight_decay"] == pytest.approx(1e-5, rel=1e-15)
        assert at[rate] == pytest.approx(eta(t) if callable(eta) else 0, abs=1e-30)


def test_a_momentum_of_0_ends_a_buffer():
    with pytest.raises(NoConversion, match="momentum of 0"):
        from_library("pytorch", "SGD", momentum=warmup(0.9, 3))
    later = from_library("keras", "SGD", momentum=lambda t: 0.1 * (5 - t))
    with pytest.raises(NoConversion, match="momentum of 0"):
        path(later, 5)


def test_values_that_are_read_once():
    with pytest.raises(NoConversion, match="initial_accumulator_value once.*eps cannot change"):
        to_library("adagrad", "pytorch", eps=lambda t: 0.05 / t)
    with pytest.raises(NoConversion, match="read once"):
        from_library("optax", "adagrad", learning_rate=0.1, initial_accumulator_value=lambda t: t)


# --- what is refused ---------------------------------------------------------------------------


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("rule, name", BY_RULE)
def test_to_library_refuses_what_iterate_refuses(rule, name, library):
    for bad in (-0.1, math.nan, math.inf, "x", None, True, 1j, lambda t: -0.1):
        with pytest.raises((TypeError, ValueError)) as ours:
            iterate(RULES[rule], slope, 1.0, **{name: bad})
        with pytest.raises(type(ours.value)) as theirs:
            to_library(rule, library, **{name: bad})
        assert str(theirs.value) == str(ours.value).replace(" at step 1", "")
    for array in (np.array([0.1, 0.2]), [0.1, 0.2], lambda t: np.array([0.1, 0.2])):
        with pytest.raises(NoConversion, match="one number for all parameters"):
            to_library(rule, library, **{name: array})
    if name in ("gamma", "rho", "beta1", "beta2"):
        with pytest.raises(ValueError, match=rf"{name} is 1.0; it must be in \[0, 1\)"):
            to_library(rule, library, **{name: 1.0})


@pytest.mark.parametrize("number", [0.1, np.float64(0.1), np.float32(0.5), np.array(0.1), 1])
def test_numbers_of_any_type_are_printed_as_numbers(number):
    text = str(to_library("momentum", "keras", eta=number, gamma=0))
    assert f"learning_rate={float(number)}, momentum=0.0)" in text  # Keras refuses a momentum of 0
    _, hyperparameters = from_library("keras", "SGD", learning_rate=number)
    assert repr(hyperparameters["eta"]) == repr(float(number)).removesuffix(".0")


REFUSED = [
    ("pytorch", "Adam", {"betas": 0.9}, TypeError, "betas is 0.9; it must be two numbers"),
    ("pytorch", "Adam", {"betas": (0.9, 0.99, 0.999)}, TypeError, "must be two numbers"),
    ("pytorch", "Adam", {"betas": lambda t: 0.9}, TypeError, "must be two numbers"),
    ("pytorch", "Adam", {"betas": (0.9, 1.0)}, ValueError, r"beta2 is 1.0.*betas\[1\] of pytorch"),
    ("pytorch", "Adam", {"lr": -0.1}, ValueError, r"eta is -0.1.*\(eta is lr of pytorch's Adam\)"),
    ("pytorch", "Adam", {"lr": lambda t: -0.1}, ValueError, "eta is -0.1; it must be finite"),
    ("pytorch", "Adam", {"lr": "fast"}, TypeError, "lr is 'fast'; it must be a number"),
    ("pytorch", "Adam", {"lr": np.array([0.1, 0.2])}, NoConversion, "one number for all"),
    ("pytorch", "Adam", {"amsgrad": "yes"}, TypeError, "amsgrad is 'yes'; it must be True or Fal"),
    ("optax", "adam", {"learning_rate": None}, TypeError, "needs a learning_rate"),
    ("keras", "AdamW", {"weight_decay": None}, TypeError, "weight_decay is None; it must be a n"),
    ("pytorch", "SGD", {"momentum": 1.5}, ValueError, "gamma is 1.5"),
    ("pytorch", "SGD", {"nesterov": True}, NoConversion, "refuses nesterov without momentum"),
    (
        "pytorch", "SGD", {"nesterov": True, "momentum": 0.9, "dampening": 0.1},
        NoConversion, "or with dampening",
    ),
    ("keras", "SGD", {"nesterov": True, "momentum": lambda t: 0.9}, NoConversion, "look ahead"),
]  # fmt: skip


@pytest.mark.parametrize("library, constructor, arguments, error, message", REFUSED)
def test_from_library_refuses(library, constructor, arguments, error, message):
    with pytest.raises(error, match=message):
        from_library(library, constructor, **arguments)


HINTS = [
    (lambda: to_library("adam", "pytorch", lr=0.1), "lr is eta here"),
    (lambda: to_library("adam", "optax", betas=(0.9, 0.99)), "betas is beta1 and beta2 here"),
    (lambda: to_library("rmsprop", "optax", decay=0.9), "decay is rho here"),
    (lambda: from_library("keras", "Adam", lr=0.1), "lr is learning_rate here"),
    (lambda: from_library("pytorch", "Adam", beta1=0.9), "beta1 is betas here"),
    (lambda: from_library("keras", "Adam", betas=(0.9, 0.99)), "betas is beta_1, beta_2 here"),
    (lambda: from_library("optax", "rmsprop", alpha=0.9), "alpha is decay, learning_rate here"),
]


@pytest.mark.parametrize("wrong, hint", HINTS)
def test_names_of_other_libraries(wrong, hint):
    with pytest.raises(TypeError, match=hint):
        wrong()


@pytest.mark.parametrize("constructor", ["SGD", "Adagrad", "RMSprop", "Adam", "AdamW"])
def test_a_maximum(constructor):
    with pytest.raises(NoConversion, match="negate the gradient"):
        from_library("pytorch", constructor, maximize=True)


def test_amsgrad_without_decay_is_ours():
    for library, rate in (("pytorch", "lr"), ("keras", "learning_rate")):
        rule, hyperparameters = from_library(library, "AdamW", amsgrad=True, weight_decay=0.0)
        same = from_library(library, "Adam", amsgrad=True, **{rate: 0.001})
        assert rule is RULES["amsgrad"] and same == (rule, hyperparameters)


# --- expressions -------------------------------------------------------------------------------


def test_names_are_replaced_and_nothing_else():
    assert rewrite("eta / beta", {"eta": "0.1 + 0.2", "beta": "x ** 2"}) == "(0.1 + 0.2) / x**2"
    assert written('state["eps"] *= f(eps=eps)', {"eps": 0.1}) == 'state["eps"] *= f(eps=0.1)'
    assert written("beta1 * eta_before", {"eta": PerStep("1 / t"), "beta1": 0.5}) == (
        "0.5 * (1 / max(t - 1, 1))"
    )
    assert written("max(eta, 1e-30) * betas[1]", {"eta": 0.1, "betas": (0.9, 0.8)}) == "0.1 * 0.8"


@pytest.mark.parametrize("text", ["().__class__", "[x for x in y]", "f'{x}'", "lambda: 0"])
def test_expressions_only_compute(text):
    with pytest.raises(ValueError, match="in the expression"):
        evaluate(text, {})


def test_what_is_printed_is_what_is_computed():
    values = {"eta": lambda t: 0.1 / t, "beta": 0.9, "pair": (0.5, 0.7)}
    found = convert({"x": "eta_before * (1 - beta**t) + pair[1]", "y": "-beta**2"}, values)
    assert repr(found["x"]) == "eta(max(t - 1, 1)) * (1 - 0.9**t) + 0.7"
    for t in (1, 2, 7):
        assert found["x"](t) == eval(repr(found["x"]), {**values, "t": t})
    assert found["y"] == -(0.9**2) and found["x"].exact is not False


def test_conversions_pickle():
    found = from_library("pytorch", "RMSprop", lr=0.1)
    assert pickle.loads(pickle.dumps(found)) == found
