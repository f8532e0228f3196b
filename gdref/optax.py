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

from gdref._checks import name_of
from gdref._inputs import check_hyperparameters, form
from gdref.rules import Rule


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
        parameters; then ``grads`` is not used.

    Raises
    ------
    TypeError, ValueError
        as :func:`gdref.iterate`, at the call.
    """
    names, initial, known = form(rule)
    constants, schedules = check_hyperparameters(rule, known, hyperparameters, 0.0)

    def init(params):
        variables = tuple(
            jax.tree.map(lambda leaf, value=value: jnp.full_like(leaf, value), params)
            for value in initial
        )
        return State(jnp.zeros((), jnp.int32), variables)

    def update(grads, state, params=None, *, grad_fn: Callable | None = None, **unused):
        if params is None:
            raise ValueError(f"{name_of(rule)} needs the parameters: update(grads, state, params)")
        t = state.count + 1
        # as a float: JAX divides a whole number in float32
        settings = constants | {name: schedule(t * 1.0) for name, schedule in schedules.items()}
        leaves, form_of = jax.tree.flatten(params)
        rows = list(zip(*map(jax.tree.leaves, state.variables), strict=True))
        rows = rows or [()] * len(leaves)
        points = [
            _asked(rule, t, leaf, row, settings) for leaf, row in zip(leaves, rows, strict=True)
        ]
        if any(point is not None for point in points):
            if grad_fn is None:
                raise ValueError(
                    f"{name_of(rule)} asks for its gradient at another point: "
                    "update(grads, state, params, grad_fn=a function of the parameters)"
                )
            at = [
                leaf if point is None else point for leaf, point in zip(leaves, points, strict=True)
            ]
            grads = grad_fn(jax.tree.unflatten(form_of, at))
        steps = [
            rule(t, leaf, lambda _, g=g: g, *row, **settings)
            for leaf, g, row in zip(leaves, jax.tree.leaves(grads), rows, strict=True)
        ]
        pairs = list(zip(steps, leaves, strict=True))
        moved = [(new[0] - leaf).astype(leaf.dtype) for new, leaf in pairs]
        variables = tuple(
            jax.tree.unflatten(form_of, [new[k].astype(leaf.dtype) for new, leaf in pairs])
            for k in range(1, 1 + len(names))
        )
        return jax.tree.unflatten(form_of, moved), State(t, variables)

    return optax.GradientTransformationExtraArgs(init, update)


class _Asked(Exception):
    """Carries the point at which a rule asked for its gradient."""

    def __init__(self, point):
        self.point = point


def _asked(rule, t, theta, state, settings):
    """The point at which the rule asks for its gradient; None if it is where theta is."""

    def grad(point):
        raise _Asked(point)

    try:
        rule(t, theta, grad, *state, **settings)
    except _Asked as asked:
        return None if asked.point is theta else asked.point
    return None
