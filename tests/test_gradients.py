"""Finite differences: their values, their errors, and a check that finds planted mistakes."""

import math

import numpy as np
import pytest

from gdref.gradients import central_difference, check_gradient, forward_difference

BOTH = [forward_difference, central_difference]
both = pytest.mark.parametrize("difference", BOTH, ids=lambda d: d.__name__)


def cubes(x):
    return (x**3).sum()


def test_the_formulas():
    """(f(x+h) - f(x))/h = 2x + h and (f(x+h) - f(x-h))/2h = 2x, exactly, for x^2."""
    assert forward_difference(lambda x: x**2, h=0.25)(3.0) == 6.25
    assert central_difference(lambda x: x**2, h=0.25)(3.0) == 6.0
    assert central_difference(lambda x: x**3, h=0.5)(1.0) == 3.25  # 3x^2 + h^2


@both
@pytest.mark.parametrize(
    ("fun", "derivative"),
    [
        (math.sin, math.cos),
        (math.exp, math.exp),
        (lambda x: 1 / x, lambda x: -1 / x**2),
        (lambda x: 7.0, lambda x: 0.0),
    ],
)
@pytest.mark.parametrize("x", [-2.3, 0.4, 5.0])
def test_smooth_functions(difference, fun, derivative, x):
    tolerance = 1e-7 if difference is forward_difference else 1e-9
    slope = difference(fun)(x)
    assert type(slope) is float
    assert slope == pytest.approx(derivative(x), rel=tolerance, abs=tolerance)


def test_the_truncation_errors():
    """h f''/2 and h^2 f'''/6, at an h where rounding does not matter."""
    h, x = 1e-3, 0.7
    forward = forward_difference(math.exp, h)(x) - math.exp(x)
    central = central_difference(math.exp, h)(x) - math.exp(x)
    assert forward == pytest.approx(h / 2 * math.exp(x), rel=1e-3)
    assert central == pytest.approx(h**2 / 6 * math.exp(x), rel=1e-3)


def test_the_default_increment_is_near_the_best():
    for difference, width in ((forward_difference, 1e-8), (central_difference, 1e-5)):
        error = {
            h: abs(difference(math.exp, h)(0.7) - math.exp(0.7))
            for h in (None, width * 1e-4, width * 1e4)
        }
        assert error[None] < 0.1 * min(error[width * 1e-4], error[width * 1e4])


def test_the_number_of_evaluations():
    calls = []

    def fun(x):
        calls.append(x)
        return cubes(x)

    forward_difference(fun)(np.ones(5))
    assert len(calls) == 6
    calls.clear()
    central_difference(fun)(np.ones(5))
    assert len(calls) == 10


@both
@pytest.mark.parametrize("shape", [(), (1,), (4,), (2, 3)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble])
def test_shape_and_precision_are_theta_s(difference, shape, dtype):
    theta = np.linspace(0.5, 2, math.prod(shape)).reshape(shape).astype(dtype)
    before = theta.copy()
    g = difference(cubes)(theta)
    assert g.shape == shape and g.dtype == dtype
    np.testing.assert_allclose(g, 3 * theta**2, rtol=2e-3 if dtype == np.float32 else 1e-6)
    assert np.array_equal(theta, before)


@both
def test_integers_are_taken_as_floats(difference):
    assert difference(lambda x: x**2)(3) == pytest.approx(6)
    assert difference(cubes)(np.array([1, 2])) == pytest.approx([3, 12], rel=1e-6)


@both
def test_a_large_theta_gets_a_larger_increment(difference):
    assert difference(lambda x: x**2)(1e9) == pytest.approx(2e9, rel=1e-6)
    assert difference(cubes)(np.array([1e9, 1.0]))[0] == pytest.approx(3e18, rel=1e-6)


PLANTED = {
    "sign": lambda g: -g,
    "factor": lambda g: 2 * g,
    "one coordinate": lambda g: g * np.array([1.0, 1.0, 0.99]),
    "a missing term": lambda g: g - np.array([0.1, 0.0, 0.0]),
    "zero": lambda g: 0 * g,
    "exchanged": lambda g: g[::-1],
}


def test_the_check_passes_a_right_gradient():
    theta = np.array([0.5, -1.0, 2.0])
    assert check_gradient(cubes, lambda x: 3 * x**2, theta) < 1e-9
    assert check_gradient(math.sin, math.cos, 0.4) < 1e-9
    assert check_gradient(lambda x: 0.0, lambda x: 0 * x, theta) == 0


@pytest.mark.parametrize("error", PLANTED)
def test_the_check_finds_a_wrong_gradient(error):
    theta = np.array([0.5, -1.0, 2.0])
    assert check_gradient(cubes, lambda x: PLANTED[error](3 * x**2), theta) > 1e-3


def test_the_distance():
    """||g - g_h|| / max of the norms: 1/2 for a gradient twice too long, 2 for a wrong sign."""
    assert check_gradient(math.sin, lambda x: 2 * math.cos(x), 0.4) == pytest.approx(0.5)
    assert check_gradient(math.sin, lambda x: -math.cos(x), 0.4) == pytest.approx(2)


def test_a_nan_does_not_pass_the_check():
    assert not check_gradient(cubes, lambda x: x * math.nan, np.ones(2)) < 1e-3


@pytest.mark.parametrize(
    ("call", "exception", "message"),
    [
        (lambda: forward_difference(3.0), TypeError, "fun is 3.0; it must be a function"),
        (lambda: central_difference(None), TypeError, "fun is None; it must be a function"),
        (lambda: forward_difference(cubes, h=0), ValueError, "h is 0; it must be positive"),
        (
            lambda: central_difference(cubes, h=-1e-3),
            ValueError,
            "h is -0.001; it must be positive",
        ),
        (
            lambda: forward_difference(cubes, h=math.nan),
            ValueError,
            "h is nan; it must be positive",
        ),
        (
            lambda: central_difference(cubes, h=math.inf),
            ValueError,
            "h is inf; it must be positive",
        ),
        (
            lambda: forward_difference(lambda x: x**2)(np.ones(2)),
            ValueError,
            r"fun\(theta\) has the shape \(2,\)",
        ),
        (
            lambda: check_gradient(cubes, lambda x: np.ones(3), np.ones(2)),
            ValueError,
            r"the shape \(3,\).*that of theta, \(2,\)",
        ),
        (lambda: check_gradient(cubes, lambda x: 1.0, np.ones(2)), ValueError, r"the shape \(\)"),
        (lambda: check_gradient(cubes, lambda x: None, np.ones(2)), TypeError, "None.*return"),
        (lambda: check_gradient(cubes, np.ones(2), np.ones(2)), TypeError, "grad is array"),
    ],
)
def test_bad_input(call, exception, message):
    with pytest.raises(exception, match=message):
        call()
