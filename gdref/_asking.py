"""Where a rule asks for its gradient, for engines that cannot hand it a function of theta.

A rule calls ``grad`` with a point.  Where the gradient at that point is not known yet, the step is
broken off there, and taken again from its beginning when it is: a rule is pure, so nothing is lost.
"""

from collections.abc import Callable, Sequence
from typing import Any


class Asked(Exception):
    """Carries the point at which a rule asked for a gradient that is not known."""

    def __init__(self, point: Any):
        self.point = point


def attempt(
    rule: Callable,
    t: Any,
    theta: Any,
    state: Sequence,
    settings: dict[str, Any],
    gradients: Sequence = (),
    here: Any = None,
) -> Any:
    """What the rule returns; or :class:`Asked`, if it asks for one more gradient than is known.

    ``here`` is the gradient at theta itself; ``gradients`` are those at the other points, in the
    order in which the rule asks for them.
    """
    known = list(gradients)

    def grad(point):
        if point is theta and here is not None:
            return here
        if known:
            return known.pop(0)
        raise Asked(point)

    try:
        return rule(t, theta, grad, *state, **settings)
    except Asked as asked:
        return asked
