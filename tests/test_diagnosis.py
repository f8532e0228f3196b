"""The diagnosis sees: every mistake is told from the rule and from every other one."""

import functools
import itertools

import numpy as np
import pytest
import sympy as sp

from course import plain
from gdref import RULES, dialects
from gdref._inputs import form
from gdref.diagnosis import diagnose, formulas, mistakes, pairs
from gdref.diagnosis.edits import edits
from gdref.diagnosis.mistakes import _sections, small_edits
from gdref.diagnosis.programs import program
from gdref.diagnosis.runs import as_run, diagnose_run, probes
from gdref.diagnosis.situations import agree, situations, step
from gdref.diagnosis.verdict import _plain
from gdref.rules import WHOLE
from gdref.symbolic import hyperparameter, prove_equal, symbol, trace, unroll
from gdref.symbolic import t as T

WRONG = {name: [m for m in mistakes(name) if m.kind != "default"] for name in RULES}


def steps_of(function, rule, dtype="float64"):
    return [step(function, s) for s in situations(RULES[rule], dtype)]


def equal(rule, one, other, dtype="float64"):
    """Whether two lists of steps agree in every situation."""
    return all(
        a is b is None or a is not None and all(agree(s, a, b, dtype))
        for s, a, b in zip(situations(RULES[rule], dtype), one, other, strict=True)
    )


@functools.cache
def matrix(rule, dtype):
    """All pairs of mistakes of a rule, and the rule itself, that no situation tells apart."""
    known = {"right": steps_of(RULES[rule], rule, dtype)}
    known |= {m.id: steps_of(m.function, rule, dtype) for m in WRONG[rule]}
    return {
        pair
        for pair in itertools.combinations(known, 2)
        if equal(rule, known[pair[0]], known[pair[1]], dtype)
    }


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("rule", RULES)
def test_every_mistake_is_told_from_the_rule_and_from_every_other(rule, dtype):
    assert matrix(rule, dtype) == set()


@pytest.mark.parametrize("rule", RULES)
def test_every_mistake_is_named(rule):
    for mistake in WRONG[rule]:
        verdict = diagnose(mistake.function, rule)
        assert verdict.ids == (mistake.id,), (mistake.id, str(verdict))
        assert verdict.conforms == (mistake.kind == "paper")


@pytest.mark.parametrize("rule", RULES)
def test_the_rule_conforms(rule):
    for dtype in ("float64", "float32"):
        assert diagnose(RULES[rule], rule, dtype).conforms
    assert diagnose(RULES[rule], rule).largest == 0


@pytest.mark.parametrize("rule", RULES)
def test_written_out_the_rule_is_the_rule(rule):
    """And with the right states given, each line gives what the rule gives."""
    code = program(RULES[rule])
    right = steps_of(RULES[rule], rule)
    assert equal(rule, right, steps_of(code.function, rule))
    for s, ours in zip(situations(RULES[rule]), right, strict=True):
        states = dict(zip(code.state, ours[1:], strict=True))
        assert all(agree(s, ours, step(functools.partial(code.given, _given=states), s)))


# what changes nothing: an edit that is no mistake; the engine must never name it
HARMLESS = (
    "absolute value of", "wrong sign", " comes before ", " comes too late", "starts at",
    # lars and lamb: a length and a ratio are one number, not negative, and so their own length
    *(f"in `ratio = trust_ratio(length, norm(g) + lam * length, trust)` the length of the whole "
      f"vector `{name}`" for name in ("length", "g")),
    "in `ratio = trust_ratio(length, norm(g) + lam * length, trust)` the mean over all parameters "
    "of `length`",
    "in `v = gamma * v + eta * ratio * (g + lam * theta)` the length of the whole vector `ratio`",
    "in `v = gamma * v + eta * ratio * (g + lam * theta)` the mean over all parameters of `ratio`",
    "trust_ratio(norm(theta), norm(u)) * u` the length of the whole vector `u`",
    # radam: a threshold below 4 counts as 4, and no step has a length between 3.9 and 4
    "in `rectified = rho > maximum(threshold, 4)` `threshold` alone stands for the maximum",
    # adafactor: the root of 1 / t is 1 / sqrt(t)
    "minimum(eta, 1 / sqrt(t)) * U` the root is taken of the whole fraction `1 / sqrt(t)`",
    # soap: a positive multiple of L has the same basis
    *(f"in `Q{s} = renewed(t, every, {s}, Q{s})` {words}" for s in "LR" for words in (
        f"a bias correction of `{s}`", f"a bias (with t + 1) correction of `{s}`",
        f"`{s}` is doubled", f"`{s}` is halved", f"`{s}` is divided by t",
        f"the rate multiplies `{s}` once more")),
    # adopt: the first line counts at t = 1 alone, and from then on leaves v as it was
    "in `v = where(t > 1, v, g ** 2)` `g` is divided by t",
    "in `c = clip(g / maximum(sqrt(v), eps), -bound, bound)` the old `v`, of the step before",
)  # fmt: skip
# and what changes a number but not its sign, where the step takes that alone
SAME_SIGN = (
    "sign of", "sign(m)", "divided by", "clipped to", "doubled", "halved", "once more",
    "correction of",
)  # fmt: skip
# nor does one in a guard that only a start or a rate of 0 trips, in what gives a sum of numbers the
# shape of theta, and in a weight that all parameters share
HARMLESS += ("where(t > 1", "where(W > 0", "0 * theta", "mean over all parameters of `c`")
HARMLESS += ("t counts from 0",)  # Schedule-Free's three points are one after step 1


def asks_a_shape_alone(sentence):
    """Muon's momentum, gradient and step have the rows and columns of theta; so has a multiple."""
    line = "sqrt(maximum(1, rows(theta) / columns(theta))) * O` "
    same = [f"`{name}` stands where `theta` belongs" for name in "MGO"]
    return sentence.endswith(tuple(line + words for words in [*same, "theta is multiplied by γ"]))


@pytest.mark.parametrize("rule", RULES)
def test_small_edits_that_change_nothing_are_those_that_cannot(rule):
    right = steps_of(RULES[rule], rule)
    known = HARMLESS + (SAME_SIGN if trace(RULES[rule]).theta.has(sp.sign) else ())
    harmless = [
        edit.sentence
        for edit in edits(RULES[rule])
        if equal(rule, right, steps_of(edit.program.function, rule))
    ]
    others = [s for s in harmless if not any(words in s for words in known)]
    assert [s for s in others if not asks_a_shape_alone(s)] == []


# paths that two mistakes share though a step from an odd state tells them apart: what a run from
# the start cannot see.  Each is proved below.
SAME_RUNS = {
    "momentum": {("momentum-01", "momentum-02"), ("momentum-04", "momentum-11")},
    "nag": {("nag-03", "nag-21")},
    "adagrad": {("adagrad-10", "adagrad-22")},
    "amsgrad": {("amsgrad-02", "amsgrad-06"), ("amsgrad-02", "amsgrad-08")},
    "adamw": {("adamw-14", "adamw-15")},
}


@functools.cache
def runs(function, rule):
    with np.errstate(all="ignore"):
        paths = []
        for _, gradients, values in probes(rule):
            steps = [gradients(t) for t in range(1, 9)]
            try:
                paths.append(np.array(as_run(function)(np.array([0.9, -1.4]), steps, values)))
            except Exception:
                paths.append(None)
    return paths


PROVED = [
    (rule, pair) for rule, shared in SAME_RUNS.items() if rule != "amsgrad" for pair in shared
]


@pytest.mark.parametrize("rule, pair", PROVED)
def test_runs_that_two_mistakes_share_are_proved_equal(rule, pair):
    """For three steps with any gradients, the state apart."""
    function = {m.id: m.function for m in WRONG[rule]}
    one, other = (unroll(function[id], 3) for id in pair)
    prove_equal([a[0] for a in one], [b[0] for b in other])


def test_the_maximum_that_is_decayed_or_not_used_is_no_maximum():
    """AMSGrad's: decayed by beta2 it is v itself, by induction from v_hat = v = 0."""
    function = {m.id: m.function for m in WRONG["amsgrad"]}
    dropped, decayed, unused = (function[f"amsgrad-{k}"] for k in ("02", "06", "08"))
    v, g = sp.symbols("v g", nonnegative=True)
    beta2 = sp.Symbol("beta2", positive=True)
    shrinks = sp.Symbol("c", nonnegative=True)  # 1 - beta2
    state = trace(decayed, v=v, v_hat=v, beta2=beta2, g=g).state
    higher = state["v"].subs(1 - beta2, shrinks) - beta2 * v
    assert sp.expand(higher - shrinks * g**2) == 0  # so v is the larger one
    assert state["v_hat"] == sp.Max(beta2 * v, state["v"])
    prove_equal(trace(unused).theta, trace(dropped).theta)


@pytest.mark.parametrize("rule", RULES)
def test_every_mistake_is_named_by_its_path_alone(rule):
    shared = SAME_RUNS.get(rule, set())
    for mistake in WRONG[rule]:
        verdict = diagnose_run(as_run(mistake.function), rule)
        names = {a for a, b in shared if b == mistake.id} | {mistake.id}
        assert set(verdict.ids) <= names and verdict.ids, (mistake.id, str(verdict))


LIBRARIES = [entry for entry in dialects.DIALECTS if entry.when == "True" and not entry.why]


@pytest.mark.parametrize("entry", LIBRARIES, ids=lambda e: f"{e.rule}-{e.library}")
def test_a_dialect_is_named_or_is_the_rule(entry):
    """Where the table can say the library's step under the same values in our rule."""
    function = functools.partial(_plain, entry)
    if all(x is None for x in steps_of(function, entry.rule)):
        pytest.skip("not a step of our rule")
    verdict = diagnose(function, entry.rule)
    assert verdict.conforms or entry.constructor in verdict.dialect


def test_pairs_are_named_or_their_parts_are():
    """Two mistakes at once: named as a pair, line by line, or as one mistake that equals them."""
    draw = np.random.default_rng(1)
    nameless, seen = [], 0
    for rule in ("momentum", "rmsprop", "adam", "adamw"):
        both = pairs(rule)
        for k in draw.choice(len(both), size=8, replace=False):
            verdict = diagnose(both[k].function, rule)
            seen += not verdict.conforms  # two mistakes may undo each other
            if not (verdict.conforms or verdict.found):
                nameless.append(both[k].id)
    assert nameless == [] and seen > 25


def test_a_wrong_rule_without_a_name_gets_none():
    """What the engine cannot know is said in numbers, not by a wrong name."""

    def strange(t, theta, grad, v=0, *, eta=0.01, gamma=0.9):
        v = gamma * v + eta * np.tanh(grad(theta)) * np.log(2 + t)
        return theta - v, v

    verdict = diagnose(strange, "momentum")
    assert not verdict.conforms and not verdict.found
    assert verdict.wrong == ("v", "theta") and verdict.step == 1
    assert "the step is between" in str(verdict)


def test_hyperparameters_that_do_nothing_are_said():
    def fixed(t, theta, grad, v=0, *, eta=0.01, gamma=0.9):
        v = 0.9 * v + eta * grad(theta)
        return theta - v, v

    verdict = diagnose(fixed, "momentum")
    assert verdict.unused == {"gamma": 0.9}
    assert "gamma has no effect: the number 0.9" in str(verdict)


def test_an_infinite_step_agrees_with_an_infinite_one_alone():
    s = situations(RULES["adam"])[0]
    infinite, finite = np.full(4, np.inf), np.ones(4)
    assert agree(s, [infinite], [finite]) == agree(s, [finite], [infinite]) == [False]
    assert agree(s, [infinite], [infinite]) == [True]


def test_a_step_in_whole_numbers_is_seen():
    def cut(t, theta, grad, Eg2=0, *, eta=0.001, rho=0.9, eps=1e-8):
        g = grad(theta)
        Eg2 = rho * Eg2 + (1 - rho) * g**2
        return theta - eta * g // np.sqrt(Eg2 + eps), Eg2

    assert "every step is a whole number" in str(diagnose(cut, "rmsprop"))


# ---- the difference as a formula


@pytest.mark.parametrize("rule", WHOLE)
def test_of_a_whole_array_numbers_stand_for_the_formula(rule):
    """One symbol would not show what is done to a whole array: numbers alone say the difference."""
    first = WRONG[rule][0]
    assert first.error == "uphill" and formulas.difference(first.function, rule) == {}
    assert diagnose(first.function, rule).ids == (first.id,)

    def longer(t, theta, grad, *state, **hyperparameters):
        new, *state = RULES[rule](t, theta, grad, *state, **hyperparameters)
        return theta + 1.37 * (new - theta), *state

    verdict = diagnose(longer, rule)
    assert not verdict.conforms and verdict.wrong == ("theta",) and verdict.difference == {}
    assert verdict.ratio == {"theta": (pytest.approx(1.37, rel=1e-6),)}
    assert "1.37 times the right one" in str(verdict) and "as a formula" not in str(verdict)


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule not in WHOLE])
def test_the_difference_as_a_formula_is_what_a_step_has_more(rule):
    """Random numbers in the formula give the random step's difference, quantity by quantity."""
    draw, seen, g, t = np.random.default_rng(3), 0, 1.3, 3
    for mistake in WRONG[rule]:
        formula = formulas.difference(mistake.function, rule)
        if set(formula) != {"theta"}:
            continue  # then the states are right, and the step's own difference is the formula's
        values = {name: float(draw.uniform(0.3, 0.8)) for name in form(RULES[rule])[2]}
        state = draw.uniform(0.5, 2.0, size=len(form(RULES[rule])[0]))
        theta = draw.uniform(0.5, 2.0)
        with np.errstate(all="ignore"):
            ours = RULES[rule](t, theta, lambda x: g, *state, **values)
            theirs = mistake.function(t, theta, lambda x: g, *state, **values)
        numbers = {symbol("theta", "t-1"): theta, symbol("g", "t"): g, T: t}
        numbers |= {hyperparameter(name): value for name, value in values.items()}
        for k, name in enumerate(form(RULES[rule])[0]):
            numbers |= {symbol(name, "t-1"): state[k], symbol(name, "t"): float(ours[k + 1])}
        number = complex(formula["theta"].subs(numbers))
        if abs(number.imag) > 1e-12 or not np.isfinite(theirs[0]):
            continue  # the root of a negative number
        assert number.real == pytest.approx(theirs[0] - ours[0], rel=1e-6, abs=1e-12), mistake.id
        seen += 1
    assert seen >= 2


def test_a_formula_names_the_line_and_does_not_spread():
    def mine(t, theta, grad, m=0, v=0, *, eta=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
        g = grad(theta)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2 + 0.3 * g
        return theta - eta * m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + eps), m, v

    verdict = diagnose(mine, "adam")
    assert verdict.found == () and verdict.difference == {"v": 0.3 * symbol("g", "t")}
    assert "as a formula: v has 0.3*g more than it should" in str(verdict)
    assert not hasattr(sp.Expr, "sqrt"), "what NumPy needed is taken back"


def test_a_point_that_is_another_is_said_as_a_formula():
    found = formulas.difference(RULES["nag"], "momentum")
    assert list(found) == ["asked"]
    assert formulas.difference(RULES["adam"], "adam") == {}
    assert formulas.difference(lambda t, theta, grad: (np.maximum(theta, 1),), "gd") == {}


def test_the_effect_of_a_mistake_is_that_of_its_formula():
    """Adam without the correction of v: sqrt(1 - beta2^t) divides each step."""
    dropped = {m.id: m for m in WRONG["adam"]}["adam-07"]
    first, late = (1 / np.sqrt(1 - 0.999**t) for t in (1, 100))
    words = formulas.effect(dropped.function, "adam")
    assert f"{first:.3g} times too long" in words and f"{late:.3g} times too long" in words
    assert formulas.effect(dropped.function, "adam") in str(diagnose(dropped.function, "adam"))
    assert formulas.effect(RULES["adam"], "adam") == ""


# ---- the section of the book


@pytest.mark.parametrize("rule", RULES)
def test_a_mistake_leads_to_a_section_that_the_book_has(rule):
    book = plain.sections()
    assert {m.section for m in mistakes(rule)} <= set(book)
    assert len({m.section for m in mistakes(rule)}) > 1, "not all of them to the rule itself"


def test_every_row_of_the_sections_is_met():
    met = {(m.rule, m.section) for rule in RULES for m in (*mistakes(rule), *small_edits(rule))}
    unmet = {(rule, section) for rule, _, section in _sections()} - met
    assert unmet == set()


# ---- single precision in a part


def test_a_number_in_single_precision_is_said_and_hides_no_mistake():
    """PyTorch's NAdam keeps a product so: its steps are right to eight digits."""

    def rounded(rule):
        def step(t, theta, grad, *state, **hyperparameters):
            new, *state = rule(t, theta, grad, *state, **hyperparameters)
            return theta + (new - theta) * (1 + 3e-8 * (-1) ** t), *state

        return as_run(step)

    assert "single precision" in str(diagnose_run(rounded(RULES["adam"]), "adam"))
    for mistake in WRONG["adam"]:
        verdict = diagnose_run(rounded(mistake.function), "adam")
        assert verdict.ids == (mistake.id,) and "single precision" in str(verdict), mistake.id
