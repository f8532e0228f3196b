"""The difference between a function and its rule as a formula; what a mistake does to a step."""

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

import numpy as np

from gdref._inputs import form
from gdref.rules import RULES, WHOLE

WORDS = {"theta": "the new theta", "asked": "the point at which the gradient is taken"}
LONGEST = 40  # operations; a longer formula tells less than the numbers


def difference(function: Callable, rule: str) -> dict[str, Any]:
    r"""What a general step of a function has more than that of the rule, as SymPy expressions.

    Each quantity is compared with the new states before it given, so that what is wrong in one does
    not spread to the next.  The symbols are the book's, :math:`\beta_1`, :math:`m_{t-1}` before
    the step and :math:`m_t` after it.  Empty if nothing differs, if the function cannot run on
    symbols, or without SymPy.

    Examples
    --------
    >>> from gdref import momentum
    >>> def mine(t, theta, grad, v=0, *, eta=0.01, gamma=0.9):
    ...     v = gamma * v + (1 - gamma) * eta * grad(theta)
    ...     return theta - v, v
    >>> difference(mine, "momentum")
    {'v': -\eta*\gamma*g_{t}}
    """
    try:
        from gdref.symbolic import trace
    except ImportError:
        return {}
    right = cast(Any, RULES[rule])
    if rule in WHOLE:  # one symbol would not show what is done to a matrix
        return {}
    try:
        with _roots_of_numpy():
            theirs = trace(functools.update_wrapper(lambda *a, **k: function(*a, **k), right))
        return _apart(theirs, trace(right))
    except Exception:  # it is a stranger's code: it may compare, call other libraries, anything
        return {}


@contextlib.contextmanager
def _roots_of_numpy() -> Iterator[None]:
    """Let ``np.sqrt`` take an expression: NumPy calls a method of that name."""
    import sympy

    cast(Any, sympy.Expr).sqrt = sympy.sqrt
    try:
        yield
    finally:
        del cast(Any, sympy.Expr).sqrt


def _apart(theirs, ours) -> dict[str, Any]:
    import sympy

    from gdref.symbolic import symbol

    found: dict[str, Any] = {}
    if theirs.asked != ours.asked:
        found["asked"] = sympy.simplify(theirs.asked - ours.asked)
    given: list[tuple[Any, Any, Any]] = []
    for name in (*ours.state, "theta"):
        pair = [
            sympy.sympify(x.item() if isinstance(x, np.ndarray) else x)
            for x in ((t.theta if name == "theta" else t.state[name]) for t in (theirs, ours))
        ]
        here, there = pair
        for one, other, new in given:
            here, there = here.subs(one, new), there.subs(other, new)
        more = here - there
        more = more if more.count_ops() > 3 * LONGEST else sympy.simplify(more)
        if more != 0:
            found[name] = sympy.factor_terms(more)
        if not any(x.is_Atom for x in pair):
            given.append((*pair, symbol(name, "t")))
    return found


def in_words(difference: Mapping[str, Any]) -> str:
    """The difference in the names of the code; empty if it is too long to help."""
    said = []
    for name, more in difference.items():
        if more.count_ops() <= LONGEST:
            quantity = WORDS.get(name, name)
            said.append(f"{quantity} has {_in_code(more)} more than it should")
    return "; ".join(said)


def _in_code(expression) -> str:
    """The expression with the names of the code; ``m`` is the new one, ``old_m`` the one before."""
    import sympy

    from gdref import catalogue

    known = {catalogue.latex(name): name for name in (*_names(), "theta", "g", "t")}
    names = {}
    for symbol in expression.free_symbols:
        latex, _, index = symbol.name.partition("_{t")
        old = "old_" if index == "-1}" and latex != catalogue.latex("theta") else ""
        names[symbol] = sympy.Symbol(old + known.get(latex, latex))
    return str(expression.subs(names, simultaneous=True))


@functools.cache
def _names() -> tuple[str, ...]:
    states = {name for rule in RULES.values() for name in form(rule)[0]}
    return (*states, *{name for rule in RULES.values() for name in form(rule)[2]})


# ---- what a mistake does


@functools.cache
def effect(function: Any, rule: str) -> str:
    """How long the first and the hundredth step are, at the defaults with a constant gradient.

    Empty if they are right, or if it depends on where theta is.
    """
    ratios = []
    for start in (5.0, -3.0):
        with np.errstate(all="ignore"):
            ratios.append((_steps(function, start) / _steps(RULES[rule], start))[[0, 99]])
    if not np.allclose(ratios[0], ratios[1], rtol=5e-3):  # NaN is close to nothing
        return ""
    first, late = map(float, ratios[0])
    if max(abs(first - 1), abs(late - 1)) < 5e-3:
        return ""
    if abs(first - late) <= 5e-3 * abs(first):
        said = f"each step is {_times(first)}"
    else:
        said = f"the first step is {_times(first)}, the hundredth {_times(late)}"
    return f"at the defaults, with a constant gradient, {said}"


def _times(ratio: float) -> str:
    size = abs(ratio)
    if size < 1e-6:
        return "as good as 0"
    if abs(size - 1) < 5e-3:
        return "right" if ratio > 0 else "of the right length in the wrong direction"
    factor = max(size, 1 / size)
    number = f"{factor:,.0f}" if factor >= 99.5 else f"{factor:.3g}"
    words = f"{number if factor < 1e6 else 'more than a million'} times too "
    words += "long" if size > 1 else "short"
    return words + (" and goes the wrong way" if ratio < 0 else "")


def _steps(function: Any, start: float) -> np.ndarray:
    theta, state, path = np.array(start), (), [start]
    for t in range(1, 101):
        try:
            theta, *state = function(t, theta, np.ones_like, *state)
        except Exception:
            return np.full(100, np.nan)
        path.append(float(theta))
    return np.diff(path)
