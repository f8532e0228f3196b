"""Gradients without formulas: finite differences, and the check of a gradient against them."""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from gdref._checks import as_numbers, check_callable, is_array, precision
from gdref._inputs import as_theta, check_tree_gradient
from gdref.elementary import NUMPYS
from gdref.trees import Tree, is_tree, wrap


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

    .. math:: \frac{\| (|g - g_h| - \delta)_+ \|}{\max(\|g\|, \|g_h\|, \epsilon)}

    :math:`\delta` is the difference's own error in each coordinate, as two steps, h and 2 h, and
    the spacing of the values of ``fun`` show it: at a minimum, where g is 0, there is nothing else.
    About 1e-10 or 0 for a correct gradient of a smooth function in float64; 1e-2 or more for a
    wrong sign or a missing term.
    """
    check_callable("grad", grad)
    exact = grad(theta)
    if exact is None:
        raise TypeError("grad(theta) is None; it must be a number or an array (a missing return?)")
    check_fun(fun, h)
    sizes: list[float] = []

    def measured(at):
        value = fun(at)
        sizes.append(float(np.max(np.abs(as_numbers(value)))))
        return value

    def differences(factor):
        def slope(plus, minus, step):
            return (measured(plus) - measured(minus)) / (2 * step)

        return _each_coordinate(theta, h, 1 / 3, slope, factor)

    leaves = _leaves(theta, exact, differences(1), differences(2))
    parts = [_distance(h, max(sizes), *leaf) for leaf in leaves]
    excess, g, g_h = (np.concatenate([part[k].ravel() for part in parts]) for k in range(3))
    scale = max(np.linalg.norm(g), np.linalg.norm(g_h), np.finfo(float).eps)
    return float(np.linalg.norm(excess) / scale)


def _leaves(theta, exact, *differences):
    """The leaves of theta, each with its gradients; theta itself, if it is no tree."""
    if not is_tree(theta):
        return [(theta, exact, *differences)]
    tree = wrap(theta)
    rows = [tree, check_tree_gradient(exact, tree), *(wrap(d, tree.form) for d in differences)]
    return list(zip(*(row.leaves for row in rows), strict=True))


def _distance(h, size, theta, exact, fine, coarse):
    """How far a gradient is beyond the difference's own error, in each coordinate; and both."""
    theta, exact, fine, coarse, epsilon = *map(as_numbers, (theta, exact, fine, coarse)), eps(theta)
    if exact.shape != fine.shape:
        raise ValueError(
            f"grad(theta) has the shape {exact.shape}; it must have that of theta, {fine.shape}"
        )
    steps = h or epsilon ** (1 / 3) * np.maximum(1.0, np.abs(theta))
    error = np.abs(fine - coarse) + 4 * epsilon * size / steps
    return np.maximum(np.abs(exact - fine) - error, 0), exact, fine


def eps(theta):
    """The machine epsilon of theta's precision."""
    name = precision(getattr(theta, "dtype", "float64"))
    if name == "bfloat16":
        return 2.0**-7
    return np.finfo(name if name.startswith("float") else float).eps


def check_fun(fun, h):
    check_callable("fun", fun)
    if h is not None and not 0 < h < np.inf:
        raise ValueError(f"h is {h!r}; it must be positive and finite, or None")


def _each_coordinate(theta, h, power, difference, factor=1):
    if type(theta) is float or type(theta) is int:  # a Python number stays one
        step = factor * (h or sys.float_info.epsilon**power * max(1.0, abs(theta)))
        return difference(theta + step, theta - step, step)
    if is_tree(theta):
        return _each_leaf(wrap(theta), h, power, difference, factor)
    like = theta if is_array(theta) and not isinstance(theta, NUMPYS) else None
    array = np.asarray(theta) if like is None else as_numbers(theta)
    if array.dtype.kind != "f":
        array = array.astype(float)
    epsilon = eps(array if like is None else theta)
    result = np.empty_like(array)
    for i in np.ndindex(array.shape):
        step = factor * (h or epsilon**power * max(1.0, abs(array[i])))
        plus, minus = array.copy(), array.copy()
        plus[i] += step
        minus[i] -= step
        if like is None:
            slope = difference(plus[()], minus[()], step)
        else:  # fun takes the library's own arrays
            slope = difference(as_theta(plus, like), as_theta(minus, like), float(step))
        if np.ndim(slope) > 0:
            raise ValueError(
                f"fun(theta) has the shape {np.shape(slope)}; for a difference it must be a number"
            )
        result[i] = slope if like is None else float(slope)
    return result[()] if like is None else as_theta(result, like)


def _each_leaf(tree, h, power, difference, factor):
    """The gradient of each leaf with the other leaves held."""
    slopes = []
    for k, leaf in enumerate(tree.leaves):

        def inside(value, k=k):
            return Tree([*tree.leaves[:k], value, *tree.leaves[k + 1 :]], tree.form).unwrap()

        def along(plus, minus, step, inside=inside):
            return difference(inside(plus), inside(minus), step)

        slopes.append(_each_coordinate(leaf, h, power, along, factor))
    return Tree(slopes, tree.form).unwrap()
