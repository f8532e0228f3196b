"""Any rule as an Optax gradient transformation.

optimizer = gdref.optax.transformation(gdref.adam, eta=0.001)
state = optimizer.init(params)
updates, state = optimizer.update(grads, state, params)
params = optax.apply_updates(params, updates)
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from gdref._asking import Asked, attempt
from gdref._checks import name_of, shown
from gdref._inputs import check_gradient, check_hyperparameters, check_value, exact, form
from gdref.rules import WHOLE, Rule


class State(NamedTuple):
    """How many steps were taken, and each state variable of the rule as a tree like params."""

    count: Any
    variables: tuple


def transformation(rule: Rule, **hyperparameters: Any) -> optax.GradientTransformationExtraArgs:
    """A rule of gdref as an ``optax.GradientTransformation``, for trees, eager or under ``jit``.

    Parameters
    ----------
    rule
        any rule of the gdref form.
    **hyperparameters
        as the rule names them; a function of t is a schedule, and under ``jit`` t is traced.

    Returns
    -------
    optax.GradientTransformationExtraArgs
        ``update(grads, state, params)`` needs the parameters.  A rule that asks for its gradient
        at another point, as :func:`gdref.nag` does, needs ``grad_fn=`` too, a function of the
        parameters that returns the gradients.

    Raises
    ------
    TypeError, ValueError
        as :func:`gdref.iterate`, at the call; by ``init`` for a hyperparameter that the precision
        of the parameters does not hold, and for parameters that are not real.

    Notes
    -----
    An update is the difference of the parameters, in their precision.  Under ``jit`` the values of
    a schedule are not known, so they are not checked.
    """
    names, initial, known = form(rule)
    constants, schedules = check_hyperparameters(rule, known, hyperparameters, 0.0)

    def init(params):
        for leaf in map(jnp.asarray, jax.tree.leaves(params)):
            if not jnp.issubdtype(leaf.dtype, jnp.floating):
                raise TypeError(f"a parameter is {shown(leaf)}; it must be an array of floats")
            check_hyperparameters(rule, known, constants, leaf)
        variables = tuple(
            jax.tree.map(
                lambda leaf, k=k: jnp.full(shapes(leaf)[k], initial[k], leaf.dtype), params
            )
            for k in range(len(initial))
        )
        return State(jnp.zeros((), jnp.int32), variables)

    def shapes(leaf):
        """Those of the state for a parameter: its own, or what a step of a matrix rule has."""
        if WHOLE.get(name_of(rule)) != "matrix":
            return [leaf.shape] * len(initial)
        after = jax.eval_shape(lambda leaf: rule(1, leaf, jnp.zeros_like), leaf)
        return [value.shape for value in after[1:]]

    def update(grads, state, params=None, *, grad_fn: Callable | None = None, **unused):
        if params is None:
            raise ValueError(f"{name_of(rule)} needs the parameters: update(grads, state, params)")
        count = state.count + 1
        t = count * 1.0  # JAX divides a whole number, or its root, in float32
        settings = constants | {
            name: check_value(name, plan(t), 0.0, f" at step {count}", exact(plan))
            for name, plan in schedules.items()
        }
        tree: Any
        leaves, tree = jax.tree.flatten(params)
        here = _gradients(tree, leaves, grads)
        variables = _by_leaf(leaves, map(tree.flatten_up_to, state.variables))
        elsewhere: list[list] = []  # gradients at the points for which the rule asks
        while True:
            rows = zip(leaves, variables, _by_leaf(leaves, elsewhere), here, strict=True)
            steps = [
                attempt(rule, t, leaf, variable, settings, found, g)
                for leaf, variable, found, g in rows
            ]
            if not any(isinstance(step, Asked) for step in steps):
                break
            if grad_fn is None:
                raise ValueError(
                    f"{name_of(rule)} asks for its gradient at another point: "
                    "update(grads, state, params, grad_fn=a function of the parameters)"
                )
            points = [
                step.point if isinstance(step, Asked) else leaf
                for step, leaf in zip(steps, leaves, strict=True)
            ]
            elsewhere.append(_gradients(tree, leaves, grad_fn(tree.unflatten(points))))
        columns = [
            [jnp.asarray(step[k], leaf.dtype) for step, leaf in zip(steps, leaves, strict=True)]
            for k in range(1 + len(names))
        ]
        moved = [theta - leaf for theta, leaf in zip(columns[0], leaves, strict=True)]
        return tree.unflatten(moved), State(count, tuple(map(tree.unflatten, columns[1:])))

    return optax.GradientTransformationExtraArgs(init, update)


def _gradients(tree, leaves, values):
    """The leaves of a tree of gradients, each in the shape and the precision of its parameter."""
    return [
        check_gradient(g, leaf, leaf.shape)
        for g, leaf in zip(tree.flatten_up_to(values), leaves, strict=True)
    ]


def _by_leaf(leaves, columns):
    """For each leaf what the columns, lists of a value a leaf, have for it."""
    return list(zip(*columns, strict=True)) or [()] * len(leaves)
