"""sqrt, maximum and sign mean the same on floats, arrays and symbols."""

import math

import numpy as np
import pytest
import sympy

from gdref.elementary import maximum, sign, sqrt

NAN, INF = math.nan, math.inf
x, y = sympy.symbols("x y", real=True)


def same(a, b):
    return a == b or (a != a and b != b)


@pytest.mark.parametrize(
    ("function", "arguments", "value"),
    [
        (sqrt, (0.0,), 0.0),
        (sqrt, (2.25,), 1.5),
        (sqrt, (4,), 2.0),
        (sqrt, (INF,), INF),
        (sqrt, (-1.0,), NAN),
        (sqrt, (-INF,), NAN),
        (sqrt, (NAN,), NAN),
        (maximum, (1.0, 2.0), 2.0),
        (maximum, (2.0, 1.0), 2.0),
        (maximum, (-3.0, -2.0), -2.0),
        (maximum, (0, 1.5), 1.5),
        (maximum, (0, -1.5), 0),
        (maximum, (INF, 1.0), INF),
        (maximum, (NAN, 1.0), NAN),
        (maximum, (1.0, NAN), NAN),
        (maximum, (NAN, NAN), NAN),
        (sign, (3.5,), 1.0),
        (sign, (-3.5,), -1.0),
        (sign, (0.0,), 0.0),
        (sign, (7,), 1.0),
        (sign, (-INF,), -1.0),
        (sign, (NAN,), NAN),
    ],
)
def test_a_float_and_an_array_have_the_same_value(function, arguments, value):
    on_float = function(*arguments)
    assert same(on_float, value)
    assert type(on_float) in (float, int)
    with np.errstate(invalid="ignore"):
        on_array = function(*(np.array([float(a)]) for a in arguments))
    assert on_array.shape == (1,) and same(on_array[0], value)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_arrays_keep_dtype_and_shape(dtype):
    a = np.array([[0.25, 4.0, 0.0]], dtype)
    for result in (sqrt(a), maximum(a, a / 2), maximum(a, 0.5), maximum(0, a), sign(a)):
        assert result.dtype == dtype and result.shape == a.shape
    assert np.array_equal(sqrt(a), np.array([[0.5, 2.0, 0.0]], dtype))
    assert np.array_equal(maximum(a, 0.5), np.array([[0.5, 4.0, 0.5]], dtype))
    assert np.array_equal(sign(a), np.array([[1.0, 1.0, 0.0]], dtype))


def test_numpy_scalars_stay_numpy_scalars():
    assert type(sqrt(np.float32(4))) is np.float32
    assert type(sqrt(np.float64(4))) is np.float64
    assert type(maximum(np.float32(1), np.float32(2))) is np.float32
    assert type(sign(np.float64(-2))) is np.float64


def test_symbols():
    assert sqrt(x) == sympy.sqrt(x)
    assert sqrt(x**2) == sympy.Abs(x)
    assert maximum(x, y) == sympy.Max(x, y)
    assert maximum(0, x) == sympy.Max(0, x)
    assert maximum(x, 1.5).subs(x, 2) == 2
    assert sign(x) == sympy.sign(x)
    assert sqrt(sympy.Rational(9, 4)) == sympy.Rational(3, 2)


def test_arrays_of_symbols():
    a = np.array([x, sympy.Integer(4)])
    assert list(sqrt(a)) == [sympy.sqrt(x), 2]
    assert list(maximum(a, 1)) == [sympy.Max(x, 1), 4]
    assert list(maximum(0, a)) == [sympy.Max(x, 0), 4]
    assert list(maximum(a, np.array([y, y]))) == [sympy.Max(x, y), sympy.Max(4, y)]
    assert list(sign(a)) == [sympy.sign(x), 1]
    assert sqrt(np.array([[x]])).shape == (1, 1)


def test_arguments_are_not_changed():
    a = np.array([4.0, 9.0])
    sqrt(a), maximum(a, 5.0), sign(a)
    assert np.array_equal(a, [4.0, 9.0])
