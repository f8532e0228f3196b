"""Gradients without formulas: finite differences, and the check of a gradient against them."""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np


def forward_difference(fun: Callable, h: float | None = None) -> Callable:
    r"""The function theta -> gradient of ``fun`` by forward differences.

    .. math:: \frac{\partial J}{\partial\theta_i} \approx \frac{J(\theta + h e_i) - J(\theta)}{h}

    It costs d + 1 evaluations for d parameters.  The truncation error is
    :math:`h f''/2`, the round-off error about :math:`\epsilon |f| / h`; the default
    :math:`h = \sqrt{\epsilon}\max(1, |\theta_i|)`, with the machine epsilon of theta's precision,
    balances the two.
    """

    check_fun(fun, h)

    def gradient(theta):
        start = fun(theta)
        return _each_coordinate(
            theta, h, 1 / 2, lambda plus, minus, step: (fun(plus) - start) / step
        )

    return gradient


def central_difference(fun: Callable, h: float | None = None) -> Callable:
    r"""The function theta -> gradient of ``fun`` by central differences.

    .. math::

       \frac{\partial J}{\partial\theta_i} \approx \frac{J(\theta + h e_i) - J(\theta - h e_i)}{2h}

    It costs 2 d evaluations for d parameters.  The truncation error is :math:`h^2 f'''/6`, the
    round-off error about :math:`\epsilon |f| / h`; the default
    :math:`h = \epsilon^{1/3}\max(1, |\theta_i|)` balances the two.
    """

    check_fun(fun, h)

    def gradient(theta):
        return _each_coordinate(
            theta, h, 1 / 3, lambda plus, minus, step: (fun(plus) - fun(minus)) / (2 * step)
        )

    return gradient


def check_gradient(fun: Callable, grad: Callable, theta: Any, h: float | None = None) -> float:
    r"""The relative distance of ``grad`` from a central difference of ``fun`` at theta.

    .. math:: \frac{\|g - g_h\|}{\max(\|g\|, \|g_h\|, \epsilon)}

    About 1e-10 for a correct gradient of a smooth function in float64; 1e-2 or more for a wrong
    sign or a missing term.  Zero is returned where both gradients vanish.
    """
    if not callable(grad):
        raise TypeError(f"grad is {grad!r}; it must be a function of theta")
    exact = grad(theta)
    if exact is None:
        raise TypeError("grad(theta) is None; it must be a number or an array (a missing return?)")
    exact = np.asarray(exact, dtype=float)
    approximate = np.asarray(central_difference(fun, h)(theta), dtype=float)
    if exact.shape != approximate.shape:
        raise ValueError(
            f"grad(theta) has the shape {exact.shape}; "
            f"it must have that of theta, {approximate.shape}"
        )
    scale = max(np.linalg.norm(exact), np.linalg.norm(approximate), np.finfo(float).eps)
    return float(np.linalg.norm(exact - approximate) / scale)


def check_fun(fun, h):
    if not callable(fun):
        raise TypeError(f"fun is {fun!r}; it must be a function of theta")
    if h is not None and not 0 < h < np.inf:
        raise ValueError(f"h is {h!r}; it must be positive and finite, or None")


def _each_coordinate(theta, h, power, difference):
    if type(theta) is float or type(theta) is int:  # a Python number stays one
        step = h or sys.float_info.epsilon**power * max(1.0, abs(theta))
        return difference(theta + step, theta - step, step)
    array = np.asarray(theta)
    if array.dtype.kind != "f":
        array = array.astype(float)
    result = np.empty_like(array)
    for i in np.ndindex(array.shape):
        step = h or np.finfo(array.dtype).eps ** power * max(1.0, abs(array[i]))
        plus, minus = array.copy(), array.copy()
        plus[i] += step
        minus[i] -= step
        slope = difference(plus[()], minus[()], step)
        if np.ndim(slope) > 0:
            raise ValueError(
                f"fun(theta) has the shape {np.shape(slope)}; for a difference it must be a number"
            )
        result[i] = slope
    return result[()]  # a scalar if theta has no axis
