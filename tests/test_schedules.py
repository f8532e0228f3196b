"""The schedules: formulas, the libraries' recorded values, composition, what they refuse."""

import math
from itertools import islice

import numpy as np
import pytest
import sympy

from gdref import adam, dialects, gd, iterate, momentum
from gdref.elementary import cos
from gdref.schedules import (
    chebyshev,
    cosine,
    exponential,
    inverse_time,
    join,
    one_cycle,
    piecewise_constant,
    polynomial,
    restart,
    step,
    warmup,
    wsd,
)
from gdref.symbolic import prove_equal, t

STEPS = np.arange(1, 42)  # count 0 to 40

# one of each, with all that it can do
EXAMPLES = {
    "exponential": exponential(0.13, 7, 0.8),
    "exponential, staircase": exponential(0.13, 7, 0.8, staircase=True),
    "piecewise constant": piecewise_constant([5, 12, 30], [0.1, 0.05, 0.02, 0.01]),
    "polynomial": polynomial(0.13, 15, 0.01, power=2),
    "polynomial, cycle": polynomial(0.13, 15, 0.01, power=2, cycle=True),
    "inverse time": inverse_time(0.13, 7, 0.8),
    "inverse time, staircase": inverse_time(0.13, 7, 0.8, power=0.5, staircase=True),
    "step": step(0.13, 7, 0.8),
    "cosine": cosine(0.13, 30, 0.013),
    "warm-up": warmup(cosine(0.13, 30, 0.013), 6, 0.02),
    "join": join(step(0.1, 3, 0.5), 8, 0.02),
    "restart": restart(cosine(0.13, 6, 0.01), 6),
    "one cycle": one_cycle(0.13, 6, 20, 0.01, 0.001),
    "warm-up, stable, decay": wsd(0.13, 6, 10, 15, 0.01),
    "Chebyshev": chebyshev(1.0, 20.0, 8),
    "Chebyshev, rising": chebyshev(1.0, 20.0, 7, "rising"),
}

everyone = pytest.mark.parametrize("schedule", EXAMPLES.values(), ids=EXAMPLES)


def values(schedule):
    return [schedule(int(n)) for n in STEPS]


# ---------------------------------------------------------------------------- by hand


@pytest.mark.parametrize(
    "schedule, expected",
    [
        (exponential(1, 2, 0.25), {1: 1, 2: 0.5, 3: 0.25, 5: 0.0625}),
        (exponential(1, 2, 0.25, staircase=True), {1: 1, 2: 1, 3: 0.25, 4: 0.25, 5: 0.0625}),
        (piecewise_constant([2, 3], [4, 2, 1]), {1: 4, 2: 4, 3: 2, 4: 1, 1000: 1}),
        (piecewise_constant([], [4]), {1: 4, 9: 4}),
        (polynomial(1, 4), {1: 1, 2: 0.75, 5: 0, 6: 0, 99: 0}),
        (polynomial(1, 4, 0.5, power=2), {1: 1, 3: 0.625, 5: 0.5, 99: 0.5}),
        (polynomial(0, 4, 1), {1: 0, 2: 0.25, 5: 1, 6: 1}),
        (polynomial(1, 4, cycle=True), {1: 1, 5: 0, 6: 0.375, 9: 0, 10: 0.25}),
        (inverse_time(1, 1, 1), {1: 1, 2: 1 / 2, 10: 1 / 10}),
        (inverse_time(1, 4, 2), {1: 1, 3: 1 / 2, 5: 1 / 3}),
        (inverse_time(1, 1, 1, power=0.5), {1: 1, 4: 1 / 2, 9: 1 / 3}),
        (inverse_time(1, 4, 2, staircase=True), {1: 1, 4: 1, 5: 1 / 3}),
        (inverse_time(1, 1, 0), {1: 1, 99: 1}),
        (step(1, 3, 0.5), {1: 1, 3: 1, 4: 0.5, 6: 0.5, 7: 0.25}),
        (cosine(1, 4), {1: 1, 2: (1 + math.sqrt(0.5)) / 2, 3: 0.5, 5: 0, 6: 0, 99: 0}),
        (cosine(1, 4, 0.5), {1: 1, 3: 0.75, 5: 0.5, 99: 0.5}),
        (warmup(1, 4), {1: 0, 2: 0.25, 4: 0.75, 5: 1, 99: 1}),
        (warmup(step(1, 3, 0.5), 2, 0.5), {1: 0.5, 2: 0.75, 3: 1, 5: 1, 6: 0.5}),
        (warmup(warmup(1, 2, 0.5), 2), {1: 0, 2: 0.25, 3: 0.5, 4: 0.75, 5: 1, 6: 1}),
        (join(3, 2, step(1, 1, 0.5)), {1: 3, 2: 3, 3: 1, 4: 0.5}),
        (restart(polynomial(1, 4), 4), {1: 1, 2: 0.75, 4: 0.25, 5: 1, 8: 0.25, 401: 1}),
        (restart(polynomial(1, 4), 3), {1: 1, 3: 0.5, 4: 1, 6: 0.5}),
        (one_cycle(1, 2, 4), {1: 0, 2: 0.5, 3: 1, 5: 0.5, 7: 0, 99: 0}),
        (one_cycle(1, 2, 4, 0.5, 0.25), {1: 0.5, 2: 0.75, 3: 1, 5: 0.625, 7: 0.25, 99: 0.25}),
        (wsd(1, 2, 3, 4), {1: 0, 2: 0.5, 3: 1, 6: 1, 7: 0.75, 9: 0.25, 10: 0, 99: 0}),
        (wsd(1, 2, 3, 4, 0.5), {5: 1, 6: 1, 8: 0.75, 10: 0.5}),
        (chebyshev(1, 3, 1), {1: 0.5, 2: 0.5, 9: 0.5}),
        (chebyshev(1, 3, 2), {1: 1 / (2 - math.sqrt(0.5)), 2: 1 / (2 + math.sqrt(0.5))}),
    ],
)
def test_by_hand(schedule, expected):
    assert {n: schedule(n) for n in expected} == pytest.approx(expected, abs=1e-15)


def test_steps_of_a_step_schedule_and_of_boundaries_agree():
    assert values(step(0.1, 7, 0.5)) == values(
        piecewise_constant([7, 14, 21, 28, 35], [0.1 * 0.5**i for i in range(6)])
    )


# ---------------------------------------------------------------------------- the libraries


def shifted(boundaries):
    """Keras keeps the value for one step more than its boundary says."""
    return [boundary + 1 for boundary in boundaries]


def multiplied(initial, scales):
    return [initial * math.prod(scales[:i]) for i in range(len(scales) + 1)]


def keras_cosine(initial, decay_steps, alpha, warmup_target=None, warmup_steps=0):
    if not warmup_steps:
        return cosine(initial, decay_steps, alpha * initial)
    falling = cosine(warmup_target, decay_steps, alpha * warmup_target)
    return warmup(falling, warmup_steps, initial)


# the library's arguments, in the order in which they were recorded
FROM_LIBRARY = {
    "ExponentialDecay": exponential,
    "PiecewiseConstantDecay": lambda boundaries, levels: piecewise_constant(
        shifted(boundaries), levels
    ),
    "PolynomialDecay": lambda initial, k, end, power=1.0, cycle=False: polynomial(
        initial, k, end, power=power, cycle=cycle
    ),
    "InverseTimeDecay": inverse_time,
    "CosineDecay": keras_cosine,
    "StepLR": step,
    "MultiStepLR": lambda lr, milestones, gamma: piecewise_constant(
        milestones, multiplied(lr, [gamma] * len(milestones))
    ),
    "ExponentialLR": lambda lr, gamma: exponential(lr, 1, gamma),
    "PolynomialLR": lambda lr, total, power: polynomial(lr, total, power=power),
    "CosineAnnealingLR": cosine,
    "LinearLR": lambda lr, start, end, total: warmup(lr * end, total, lr * start),
    "exponential_decay": exponential,
    "piecewise_constant_schedule": lambda initial, scales: piecewise_constant(
        [int(boundary) for boundary in scales], multiplied(initial, list(scales.values()))
    ),
    "polynomial_schedule": lambda initial, end, power, k: polynomial(initial, k, end, power=power),
    "cosine_decay_schedule": lambda initial, k, alpha: cosine(initial, k, alpha * initial),
    "linear_schedule": lambda initial, end, k: polynomial(initial, k, end),
    "warmup_cosine_decay_schedule": lambda initial, peak, steps, k, end: warmup(
        cosine(peak, k - steps, end), steps, initial
    ),
}


def of_library(row):
    given = dict(row["arguments"])
    names = {"staircase", "cycle"} | ({"power"} if row["library"] == "keras" else set())
    by_name = {name: given.pop(name) for name in names & set(given)}
    return FROM_LIBRARY[row["constructor"]](*given.values(), **by_name)


# PyTorch's cosine rises again after T_max steps
LAST = {"CosineAnnealingLR": 31}
FLOAT32 = 3e-7  # Keras computes its cosine in float32 although everything else is float64


def recorded_name(row):
    extra = [name for name in ("staircase", "cycle", "warmup_steps") if name in row["arguments"]]
    return " ".join([row["constructor"], *extra])


@pytest.mark.parametrize("row", dialects.recorded_schedules(), ids=recorded_name)
def test_step_t_has_the_library_s_value_at_count_t_minus_1(row):
    ours = values(of_library(row))
    last = LAST.get(row["constructor"], len(ours))
    close = FLOAT32 if row["constructor"] == "CosineDecay" else 1e-12
    assert ours[:last] == pytest.approx(row["values"][:last], rel=close)
    # what update t used: Optax counts in int32 and so computes in float32 while it trains
    assert ours[: last - 1] == pytest.approx(row["used"][: last - 1], rel=FLOAT32)
    # the value at count t is another one, unless nothing changes there
    assert ours[: last - 1] != pytest.approx(row["values"][1:last], rel=1e-3)


def test_keras_boundary_is_one_step_later():
    (row,) = (r for r in dialects.recorded_schedules("keras") if "boundaries" in r["arguments"])
    assert values(piecewise_constant(**row["arguments"])) != pytest.approx(row["values"], rel=1e-3)


# PyTorch 2.13: OneCycleLR(max_lr=0.1, total_steps=20, pct_start=0.3), every second step, and
# CosineAnnealingWarmRestarts(T_0=5, eta_min=0.01) from 0.1
ONE_CYCLE = [
    0.0040000000000000036, 0.037167184270002526, 0.09083281572999748, 0.09874640062350874,
    0.089091617757105, 0.07169430017913009, 0.0500002, 0.028306099820869922,
    0.010908782242895003, 0.0012539993764912555,
]  # fmt: skip
RESTARTS = [
    0.1, 0.09140576474687263, 0.06890576474687264, 0.04109423525312737, 0.01859423525312737, 0.1,
    0.09140576474687263,
]  # fmt: skip


def test_one_cycle_and_restarts_have_pytorch_s_values():
    ours = one_cycle(0.1, 5, 14, start=0.1 / 25, end=0.1 / 25 / 10_000)
    assert [ours(n) for n in range(1, 21, 2)] == pytest.approx(ONE_CYCLE, rel=1e-12)
    ours = restart(cosine(0.1, 5, 0.01), 5)
    assert [ours(n) for n in range(1, 8)] == pytest.approx(RESTARTS, rel=1e-12)


def largest_left(eta, steps, curvatures):
    """The largest share of the error that gradient descent leaves after so many steps."""
    *_, theta = islice(
        iterate(gd, lambda x: curvatures * x, np.ones_like(curvatures), eta=eta), steps + 1
    )
    return abs(theta).max()


@pytest.mark.parametrize("order", ["falling", "rising", "fractal"])
@pytest.mark.parametrize("lowest, highest, steps", [(1, 4, 8), (0.2, 9, 8), (2, 5, 4), (1, 20, 1)])
def test_chebyshev_s_rates_reach_chebyshev_s_bound(lowest, highest, steps, order):
    eta = chebyshev(lowest, highest, steps, order)
    curvatures = np.linspace(lowest, highest, 501)
    q = (math.sqrt(highest / lowest) - 1) / (math.sqrt(highest / lowest) + 1)
    bound = 2 * q**steps / (1 + q ** (2 * steps))
    assert largest_left(eta, steps, curvatures) == pytest.approx(bound, rel=1e-9)
    rates = [eta(n) for n in range(1, steps + 1)]
    assert rates == [eta(n) for n in range(steps + 1, 2 * steps + 1)]
    if order != "fractal":
        assert rates == sorted(rates, reverse=order == "falling")


def test_the_fractal_order_stays_small_on_the_way():
    curvatures = np.linspace(1, 100, 401)
    far = {}
    for order in ("falling", "rising", "fractal"):
        eta = chebyshev(1, 100, 64, order)
        far[order] = max(largest_left(eta, n, curvatures) for n in range(65))
    assert far["fractal"] < 100 and far["falling"] > 1e6


def test_pytorch_s_cosine_goes_up_again():
    (row,) = (r for r in dialects.recorded_schedules() if r["constructor"] == "CosineAnnealingLR")
    assert row["values"][40] > 2 * row["values"][30] > cosine(0.13, 30, 0.013)(41)


# ---------------------------------------------------------------------------- what t may be


@everyone
def test_an_array_of_steps_has_the_values_of_its_steps(schedule):
    together = schedule(STEPS)
    assert together.dtype == float
    assert together == pytest.approx(values(schedule), rel=1e-14)
    assert schedule(STEPS.reshape(1, -1)).shape == (1, 41)
    assert np.array_equal(STEPS, np.arange(1, 42))


@everyone
def test_a_number_stays_a_python_number(schedule):
    for n in (1, 2.0, 8, 40):
        assert type(schedule(n)) is float


@everyone
def test_symbols(schedule):
    expression = schedule(t)
    for n in (1, 2, 5, 6, 7, 8, 9, 13, 15, 16, 17, 31, 32, 41):
        assert float(expression.subs(t, n)) == pytest.approx(schedule(n), rel=1e-12)


def test_formulas_for_general_parameters():
    s, e, k, r, p = sympy.symbols("s e k r p", positive=True)
    n = t - 1
    prove_equal(exponential(s, k, r)(t), s * r ** (n / k))
    prove_equal(inverse_time(s, k, r, power=p)(t), s / (1 + r * n / k) ** p)
    inside = {t: 3, k: 8}  # n = 2 of 8 steps
    expected = e + (s - e) * sympy.Rational(3, 4) ** p
    prove_equal(polynomial(s, k, e, power=p)(t).subs(inside), expected)
    prove_equal(cosine(s, k, e)(t).subs(inside), e + (s - e) / 2 * (1 + 1 / sympy.sqrt(2)))
    after = {t: 10, k: 8}
    prove_equal([polynomial(s, k, e)(t).subs(after), cosine(s, k, e)(t).subs(after)], [e, e])


# ---------------------------------------------------------------------------- with the loop


def test_iterate_uses_the_value_of_its_step():
    eta = exponential(0.5, 1, 0.5)
    path = list(islice(iterate(gd, lambda x: 1.0, 0.0, eta=eta), 4))
    assert np.allclose(-np.diff(path), [0.5, 0.25, 0.125])


def test_any_hyperparameter_may_have_one():
    gamma = polynomial(0.5, 3, 0.9)
    path = list(islice(iterate(momentum, lambda x: 1.0, 0.0, eta=1.0, gamma=gamma), 4))
    first, second, third = -np.diff(path)
    assert [first, second, third] == pytest.approx(
        [1.0, gamma(2) * 1.0 + 1, gamma(3) * (gamma(2) + 1) + 1]
    )
    beta = iterate(adam, lambda x: x, 1.0, beta1=warmup(0.9, 10, 0.5), eta=cosine(0.1, 50))
    assert abs(list(islice(beta, 51))[-1]) < 1


def test_float32_stays_float32():
    theta = np.ones(3, dtype=np.float32)
    for schedule in EXAMPLES.values():
        *_, last = islice(iterate(gd, lambda x: x, theta, eta=schedule), 20)
        assert last.dtype == np.float32


# ---------------------------------------------------------------------------- bad input

BAD = [
    (lambda: exponential(-0.1, 7, 0.8), ValueError, r"initial is -0\.1; .*not negative"),
    (lambda: exponential(math.inf, 7, 0.8), ValueError, "initial is inf; .*finite"),
    (lambda: exponential(math.nan, 7, 0.8), ValueError, "initial is nan; .*finite"),
    (lambda: exponential("0.1", 7, 0.8), TypeError, "initial is '0.1'; .*real number"),
    (lambda: exponential(True, 7, 0.8), TypeError, "initial is True; .*real number"),
    (lambda: exponential([0.1], 7, 0.8), TypeError, r"initial is \[0.1\]; .*real number"),
    (lambda: exponential(0.1, 0, 0.8), ValueError, "decay_steps is 0; .*positive"),
    (lambda: exponential(0.1, 7, 0), ValueError, "decay_rate is 0; .*positive"),
    (lambda: exponential(0.1, 7, 0.8, staircase=1), TypeError, "staircase is 1; .*True or False"),
    (lambda: piecewise_constant([5, 5], [1, 2, 3]), ValueError, r"are \[5, 5\]; .*increase"),
    (lambda: piecewise_constant([5, 4], [1, 2, 3]), ValueError, r"are \[5, 4\]; .*increase"),
    (lambda: piecewise_constant([0], [1, 2]), ValueError, "boundary is 0; .*at least 1"),
    (lambda: piecewise_constant([2.5], [1, 2]), TypeError, "boundary is 2.5; .*whole number"),
    (lambda: piecewise_constant(5, [1, 2]), TypeError, "boundaries is 5; .*list of numbers"),
    (lambda: piecewise_constant([5], [1]), ValueError, "values are .*; there must be 2"),
    (lambda: piecewise_constant([5], [1, 2, 3]), ValueError, "values are .*; there must be 2"),
    (lambda: piecewise_constant([5], [1, -2]), ValueError, "value is -2; .*not negative"),
    (lambda: piecewise_constant([5], 0.1), TypeError, "values is 0.1; .*list of numbers"),
    (lambda: polynomial(0.1, 0), ValueError, "decay_steps is 0; .*positive"),
    (lambda: polynomial(0.1, 7, -0.1), ValueError, "end is -0.1; .*not negative"),
    (lambda: polynomial(0.1, 7, power=0), ValueError, "power is 0; .*positive"),
    (lambda: polynomial(0.1, 7, cycle="no"), TypeError, "cycle is 'no'; .*True or False"),
    (lambda: inverse_time(0.1, -1, 1), ValueError, "decay_steps is -1; .*positive"),
    (lambda: inverse_time(0.1, 1, -1), ValueError, "decay_rate is -1; .*not negative"),
    (lambda: inverse_time(0.1, 1, 1, power=-1), ValueError, "power is -1; .*positive"),
    (lambda: step(0.1, 0, 0.5), ValueError, "every is 0; .*positive"),
    (lambda: step(0.1, 7, -0.5), ValueError, "factor is -0.5; .*positive"),
    (lambda: cosine(0.1, 0), ValueError, "decay_steps is 0; .*positive"),
    (lambda: cosine(0.1, 7, math.inf), ValueError, "end is inf; .*finite"),
    (lambda: warmup(0.1, 0), ValueError, "steps is 0; .*at least 1"),
    (lambda: warmup(0.1, 2.5), TypeError, "steps is 2.5; .*whole number"),
    (lambda: warmup(0.1, 5, -1), ValueError, "start is -1; .*not negative"),
    (lambda: warmup("cosine", 5), TypeError, "schedule is 'cosine'; .*real number"),
    (lambda: warmup(lambda t: -1, 5), ValueError, r"schedule\(1\) is -1; .*not negative"),
    (lambda: join(0.1, True, 0.2), TypeError, "steps is True; .*whole number"),
    (lambda: join(-0.1, 5, 0.2), ValueError, "first is -0.1; .*not negative"),
    (lambda: join(0.1, 5, None), TypeError, "then is None; .*real number"),
    (lambda: restart(0.1, 5), TypeError, "schedule is 0.1; .*a schedule"),
    (lambda: restart(cosine(0.1, 5), 0), ValueError, "steps is 0; .*at least 1"),
    (lambda: one_cycle(0.1, 0, 5), ValueError, "rise is 0; .*at least 1"),
    (lambda: one_cycle(0.1, 5, 0), ValueError, "decay_steps is 0; .*positive"),
    (lambda: one_cycle(-0.1, 5, 5), ValueError, "end is -0.1; .*not negative"),
    (lambda: wsd(0.1, 5, 0, 5), ValueError, "stable is 0; .*at least 1"),
    (lambda: wsd(0.1, 0, 5, 5), ValueError, "steps is 0; .*at least 1"),
    (lambda: chebyshev(2, 1, 4), ValueError, "highest is 1; .*above lowest"),
    (lambda: chebyshev(0, 1, 4), ValueError, "lowest is 0; .*positive"),
    (lambda: chebyshev(1, 2, 6), ValueError, "steps are 6; .*power of 2"),
    (lambda: chebyshev(1, 2, 4, "up"), ValueError, "order is 'up'; .*falling, rising, fractal"),
]


@pytest.mark.parametrize("make, error, message", BAD, ids=[case[2] for case in BAD])
def test_bad_input_raises_at_the_call(make, error, message):
    with pytest.raises(error, match=message):
        make()


@everyone
@pytest.mark.parametrize("bad", [0, -3, 0.5, math.nan, np.array([1, 0]), np.int64(0)])
def test_the_first_step_is_1(schedule, bad):
    with pytest.raises(ValueError, match="it must be at least 1"):
        schedule(bad)


@everyone
@pytest.mark.parametrize("bad", ["1", None, True])
def test_a_step_is_a_number(schedule, bad):
    with pytest.raises(TypeError, match="the number of a step"):
        schedule(bad)


def test_cosine_of_what_there_is():
    assert cos(0) == 1.0 and cos(math.pi) == -1.0
    assert cos(t) == sympy.cos(t)
    assert list(cos(np.array([t, sympy.pi]))) == [sympy.cos(t), -1]
    assert np.array_equal(cos(np.array([0.0, np.pi])), [1.0, -1.0])
