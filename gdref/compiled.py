r"""A rule as machine code: one loop over the parameters, made from the rule's trace.

    >>> import numpy as np
    >>> from gdref import adam
    >>> from gdref.compiled import compile
    >>> fast = compile(adam)
    >>> theta, g = np.ones(3), np.array([1.0, -2.0, 0.0])
    >>> m, v = fast.start(theta)
    >>> fast.update(1, theta, g, m, v, eta=0.1)
    >>> theta.round(6).tolist()
    [0.9, 1.1, 1.0]

NumPy takes each operation of a rule through the whole array and keeps every intermediate result
in memory.  The loop here reads each number once and writes it once.  For large arrays that is all
the time it takes, unless square roots and divisions take longer.

The trace is made with SymPy's evaluation switched off, so that it keeps the operations of the
rule in the rule's order.  numba compiles the loop; it is imported at the first call.
"""

import functools
import keyword
import math
from collections import Counter
from collections.abc import Callable, Iterable
from numbers import Real
from typing import Any

import numpy as np

from gdref.loop import form, name_of, shown

TYPES = (np.dtype(np.float64), np.dtype(np.float32))

# SymPy's name of a function, and its name in the loop
FUNCTIONS = {
    "Abs": "abs",
    "Max": "maximum",
    "Min": "minimum",
    "sign": "sign",
    "exp": "exp",
    "log": "log",
    "sin": "sin",
    "cos": "cos",
    "tanh": "tanh",
}
NAMESPACE = {
    "maximum": np.maximum,  # unlike Python's max, it passes NaN on
    "minimum": np.minimum,
    "sign": np.sign,
    **{name: getattr(math, name) for name in ("sqrt", "exp", "log", "sin", "cos", "tanh")},
    "inf": math.inf,
    "nan": math.nan,
}


def compile(rule: Callable, *, parallel: bool = False) -> "Compiled":
    """A rule of the same form as ``rule``, compiled to machine code from its trace.

    Parameters
    ----------
    rule
        an update rule that treats every parameter alike, by itself (elementwise).
    parallel
        whether the loop is shared between threads; ``numba.set_num_threads`` sets how many.

    Returns
    -------
    Compiled
        the same object for the same rule.

    Raises
    ------
    ModuleNotFoundError
        if numba or SymPy is not installed.
    TypeError
        if the rule has no elementwise trace: it branches on a value, mixes parameters (a norm, a
        product of matrices), asks for several gradients, or uses a function that the loop has not.
    """
    try:
        import numba  # noqa: F401
        import sympy  # noqa: F401
    except ModuleNotFoundError as error:
        hint = f"gdref.compile needs {error.name}: pip install 'gdref[compiled]'"
        raise ModuleNotFoundError(hint, name=error.name) from error
    return _compiled(rule, bool(parallel))


@functools.lru_cache(maxsize=256)
def _compiled(rule, parallel):
    import sympy

    from gdref.symbolic import trace

    _, _, hyperparameters = form(rule)
    for name, default in hyperparameters.items():
        if not isinstance(default, Real):
            raise _untraceable(rule, f"the default of {name} is {shown(default)}, not a number")
    try:
        with sympy.evaluate(False):
            traced = trace(rule)
        compiled = Compiled(rule, traced, parallel)
    except Exception as error:
        raise _untraceable(rule, error) from error
    _check_against_the_rule(compiled)
    return compiled


def _untraceable(rule, reason):
    return TypeError(f"{name_of(rule)} cannot be compiled: it has no elementwise trace ({reason})")


class Compiled:
    """A compiled rule: call it as the rule, or :meth:`update` arrays in place.

    ``theta, *state = fast(t, theta, grad, *state, **hyperparameters)`` is pure, as the rule is:
    it returns new arrays.  It compiles for arrays of float64 and of float32; where theta is
    anything else (a float, a symbol, an array of another library) it calls the rule itself.
    :func:`gdref.iterate` and :func:`gdref.minimize` take it in place of the rule.

    The results are those of the rule to rounding.  Two things are rounded otherwise: a division
    by a number that is the same for all parameters is a multiplication by its reciprocal; and
    what depends on t and the hyperparameters alone is computed in float64, then rounded to the
    type of the array.  NaN and infinity pass through as in NumPy.

    Attributes
    ----------
    rule
        the rule.
    source
        the loop, as the Python source that numba compiles.
    """

    def __init__(self, rule: Callable, traced: Any, parallel: bool = False):
        functools.update_wrapper(self, rule)
        self.rule = rule
        self.parallel = parallel
        self._state, self._initial, self._defaults = form(rule)
        write = functools.partial(_loop, name_of(rule), traced, list(self._defaults), parallel)
        self.source = write({**traced.state, "theta": traced.theta}, reads_gradient=True)
        # Where the gradient is asked for: at theta itself, or ahead of it.
        self._ahead = traced.asked != traced.symbols["theta"]
        self._point_source = write({"theta": traced.asked}, reads_gradient=False)
        self._machine: dict[tuple[str, np.dtype], Callable] = {}

    def __call__(self, t, theta, grad, *state, **hyperparameters):
        if type(theta) is not np.ndarray or theta.dtype not in TYPES:
            return self.rule(t, theta, grad, *state, **hyperparameters)
        given = list(state) + self._initial[len(state) :]
        new = [theta.copy(), *(_filled(theta, value) for value in given)]
        g = grad(self.point(t, theta, *new[1:], **hyperparameters))
        self.update(t, new[0], np.asarray(g, order="C"), *new[1:], **hyperparameters)
        return tuple(new)

    def update(
        self, t: Real, theta: np.ndarray, g: np.ndarray, *state: np.ndarray, **hyperparameters: Real
    ) -> None:
        """Take one step in place: theta and the state are overwritten.

        Parameters
        ----------
        t
            the number of the step, from 1.
        theta, g, *state
            the parameters, their gradient and the state before the step, as arrays of one shape
            and one type, float64 or float32, contiguous (in C order); no two may overlap.
            :meth:`start` gives the state before step 1; the gradient belongs at :meth:`point`.
        **hyperparameters
            as the rule names them; numbers.

        Raises
        ------
        TypeError, ValueError
            if an array is none of that, and nothing has been changed.
        """
        arrays = self._arrays(theta, state, g)
        numbers = self._numbers(t, hyperparameters)
        self._code("update", theta.dtype)(numbers[0], *arrays, *numbers[1:])

    def start(self, theta: np.ndarray) -> tuple[np.ndarray, ...]:
        """The state before step 1, as arrays like theta."""
        return tuple(_filled(theta, value) for value in self._initial)

    def point(
        self, t: Real, theta: np.ndarray, *state: np.ndarray, **hyperparameters: Real
    ) -> np.ndarray:
        """Where the rule asks for its gradient: theta itself, or a new array for a look-ahead."""
        if not self._ahead:
            return theta
        point = theta.copy()
        arrays = self._arrays(point, state)
        numbers = self._numbers(t, hyperparameters)
        self._code("point", theta.dtype)(numbers[0], *arrays, *numbers[1:])
        return point

    def __repr__(self):
        return f"gdref.compile({name_of(self.rule)})"

    def __reduce__(self):
        return _compiled, (self.rule, self.parallel)

    def _arrays(self, theta, state, *gradient):
        """Check theta, the gradient if there is one, and the state; return them flat."""
        names = ["theta", *["g" for _ in gradient], *self._state]
        arrays = [theta, *gradient, *state]
        if len(arrays) != len(names):
            raise TypeError(
                f"{name_of(self.rule)} has {len(self._state)} state array(s) "
                f"({', '.join(self._state) or 'none'}); {len(state)} given"
            )
        for name, array in zip(names, arrays, strict=True):
            _check_array(name, array, theta)
        for k, (name, array) in enumerate(zip(names, arrays, strict=True)):
            for other in range(k):
                if np.may_share_memory(array, arrays[other]):
                    raise ValueError(f"{names[other]} and {name} overlap; each needs its own array")
        return [array.reshape(-1) for array in arrays]

    def _numbers(self, t, hyperparameters):
        """t and all hyperparameters as floats; raise for an unknown one and for an array."""
        for name, value in {"t": t, **hyperparameters}.items():
            if name != "t" and name not in self._defaults:
                raise TypeError(
                    f"{name_of(self.rule)} has no hyperparameter {name} (given as {shown(value)}); "
                    f"it has {', '.join(self._defaults) or 'none'}"
                )
            if not isinstance(value, Real):
                raise TypeError(
                    f"{name} is {shown(value)}; a compiled rule takes one number, no array"
                )
        return [float(t), *map(float, (self._defaults | hyperparameters).values())]

    def _code(self, which, dtype):
        """The machine code of a loop for one type of array, compiled when it is first needed."""
        if (which, dtype) not in self._machine:
            source = self.source if which == "update" else self._point_source
            gradients = 1 if which == "update" else 0
            self._machine[which, dtype] = _machine_code(
                source, dtype, gradients, len(self._state), len(self._defaults), self.parallel
            )
        return self._machine[which, dtype]


def _filled(theta, value):
    """A new contiguous array like theta, with a number in each place or a copy of an array."""
    if np.ndim(value) == 0:
        return np.full(theta.shape, value, theta.dtype)
    return np.array(value)


def _check_array(name, array, theta):
    if type(array) is not np.ndarray:
        raise TypeError(f"{name} is {shown(array)}; it must be a NumPy array")
    if array.dtype not in TYPES:
        raise TypeError(f"{name} is an array of {array.dtype}; it must be float64 or float32")
    if array.dtype != theta.dtype:
        raise TypeError(f"{name} is {array.dtype} and theta {theta.dtype}; they must be the same")
    if array.shape != theta.shape:
        raise ValueError(f"{name} has the shape {array.shape} and theta {theta.shape}")
    flags = array.flags
    if not flags.c_contiguous or not flags.aligned:
        raise ValueError(f"{name} is not contiguous; np.ascontiguousarray({name}) is")
    if not flags.writeable and name != "g":
        raise ValueError(f"{name} is read-only; it is to be changed in place")


def _machine_code(source, dtype, gradients, states, numbers, parallel):
    import numba

    namespace = {**NAMESPACE, "prange": numba.prange}
    before = set(namespace)
    exec(source, namespace)
    (name,) = set(namespace) - before - {"__builtins__"}
    real = numba.from_dtype(dtype)
    signature = numba.void(
        numba.float64,
        real[::1],
        *[numba.types.Array(real, 1, "C", readonly=True)] * gradients,
        *[real[::1]] * states,
        *[numba.float64] * numbers,
    )
    # error_model: 1 / 0 is infinite and 0 / 0 NaN, as in an array, and no exception.
    # There is no fastmath: it would let the compiler assume that NaN does not occur.
    options = {"error_model": "numpy", "nogil": True, "parallel": parallel}
    return numba.njit(signature, **options)(namespace[name])


def _check_against_the_rule(compiled):
    """Raise TypeError if the loop takes other steps than the rule.

    A trace shows neither that a norm was a norm, since there was one symbol, nor that a flag took
    the other branch: six parameters in two rows and other hyperparameters do.
    """
    rule, defaults = compiled.rule, compiled._defaults
    rng = np.random.default_rng(0)
    settings = [defaults, dict.fromkeys(defaults, 0.5)]
    settings += [defaults | {name: 0.0} for name in defaults]
    for setting in settings:
        for t in (1, 2, 7, 1000):
            a, b, theta, *state = rng.uniform(0.1, 2, (3 + len(compiled._state), 2, 3))

            def grad(point, a=a, b=b):
                return a * point - b

            try:
                with np.errstate(all="ignore"):
                    expected = rule(t, theta, grad, *state, **setting)
            except ArithmeticError:  # 1 / eta with the rate 0
                continue
            except Exception as error:
                raise _untraceable(rule, error) from error
            found = compiled(t, theta, grad, *state, **setting)
            for name, x, y in zip(["theta", *compiled._state], expected, found, strict=True):
                if np.shape(x) != y.shape or not np.allclose(x, y, rtol=1e-9, equal_nan=True):
                    raise _untraceable(rule, f"its {name} at step {t} is not that of its trace")


# The source of the loop.  SUM, PRODUCT and ATOM say how strongly an expression binds.

SUM, PRODUCT, ATOM = 1, 2, 3


def _loop(rule_name, traced, hyperparameters, parallel, outputs, reads_gradient):
    """The source of a function that computes ``outputs`` in place, one parameter at a time."""
    state = list(traced.state)
    arrays = ["theta", *(["g"] if reads_gradient else []), *state]
    arguments = ["t", *arrays, *hyperparameters]
    taken = {*arguments, *keyword.kwlist, *NAMESPACE, *FUNCTIONS.values(), "range", "prange"}

    def fresh(name):
        while name in taken:
            name += "_"
        taken.add(name)
        return name

    i, real = fresh("i"), fresh("real")
    function = fresh(rule_name if rule_name.isidentifier() else "rule")
    names = {traced.symbols[name]: name for name in arguments}
    numbers = {traced.symbols[name] for name in ["t", *hyperparameters]}
    locals_ = {}
    for name, value in outputs.items():
        locals_.setdefault(value, fresh(f"{name}_{i}"))
    references = _references(outputs.values(), numbers)
    used: set[str] = set()  # the hyperparameters that the loop reads
    constants: dict[Any, str] = {}  # what else all parameters share, computed before the loop
    computed: dict[Any, str] = {}
    lines: list[str] = []

    def shared(e):
        """The text of an expression before the loop."""
        if e.is_Symbol:
            return names.get(e)
        if e.is_Integer and not e.is_negative:
            return str(e)
        if e.is_Float and not e.is_negative or e.is_NumberSymbol:
            return repr(float(e))
        return None

    def known(e):
        """The name of an expression in the loop, with the lines that compute it written before."""
        if e.is_Symbol and e not in names:
            raise ValueError(f"the symbol {e} has no value")
        if e in numbers:
            used.add(names[e])
            return names[e]
        if e.is_Symbol:
            return f"{names[e]}[{i}]"
        if e.free_symbols <= numbers and not e.is_Boolean:
            if e not in constants:
                constants[e] = fresh(f"c{len(constants) + 1}")
            return constants[e]
        if e not in computed and (e in locals_ or references[e] > 1):
            text, _ = _written(e, known)
            computed[e] = locals_.get(e) or fresh(f"x{len(lines) + 1}")
            lines.append(f"{computed[e]} = {text}")
        return computed.get(e)

    results = [known(value) for value in outputs.values()]
    before = [f"{name} = {real}({_written(e, shared)[0]})" for e, name in constants.items()]
    rounded = [name for name in ["t", *hyperparameters] if name in used]
    if rounded:
        before.append(f"{', '.join(rounded)} = {', '.join(f'{real}({name})' for name in rounded)}")
    written = ", ".join(f"{name}[{i}]" for name in outputs)
    return "\n".join(
        [
            f"def {function}({', '.join(arguments)}):",
            f"    {real} = theta.dtype.type  # float64 or float32",
            *("    " + line for line in before),
            f"    for {i} in {'prange' if parallel else 'range'}(theta.size):",
            *("        " + line for line in lines),
            f"        {written} = {', '.join(results)}",
        ]
    )


def _references(expressions: Iterable, numbers: set) -> Counter:
    """How often each expression is read; what is read twice gets a name in the loop."""
    count: Counter = Counter()

    def visit(e):
        if e.free_symbols <= numbers or not e.args:
            return
        count[e] += not _is_reciprocal(e)  # a / b and c / b stay divisions
        if count[e] > 1:
            return
        for part in _parts(e):
            visit(part)

    for e in expressions:
        visit(e)
    return count


def _parts(e):
    """The expressions that are written where ``e`` is written."""
    if _is_negative(e):
        return [_negated(e)]
    if e.is_Pow and e.exp == 2:
        return [e.base, e.base]
    if e.is_Add:
        return [_negated(term) if _is_negative(term) else term for term in e.args]
    return e.args


def _is_negative(e):
    return e.is_Mul and e.args[0] == -1


def _negated(e):
    rest = e.args[1:]
    return rest[0] if len(rest) == 1 else e.func(*rest, evaluate=False)


def _is_reciprocal(e):
    return e.is_Pow and e.exp == -1


def _write(e, known, strength):
    """The text of an expression, in brackets if it binds less than ``strength``."""
    text, own = _written(e, known, named=True)
    return text if own >= strength else f"({text})"


def _written(e, known, named=False):
    """The text of an expression as Python and how strongly it binds.

    ``known`` gives the name of what has one.  Sums and products are written in the order of
    their arguments, which is that of the rule's operations.
    """
    if named or not e.args:
        name = known(e)
        if name is not None:
            return name, ATOM
    kind = e.func.__name__
    if e.is_Add:
        first, *rest = e.args
        text = _write(first, known, SUM)
        for term in rest:
            if _is_negative(term):
                text += f" - {_write(_negated(term), known, PRODUCT)}"
            else:
                text += f" + {_write(term, known, PRODUCT)}"
        return text, SUM
    if _is_negative(e):
        return f"-{_write(_negated(e), known, PRODUCT)}", PRODUCT
    if e.is_Mul or _is_reciprocal(e):
        return _product(e.args if e.is_Mul else [e], known), PRODUCT
    if e.is_Pow:
        return _power(e, known)
    if e.is_Number and e.is_negative:
        return f"-{_write(-e, known, PRODUCT)}", PRODUCT
    if e.is_Rational:
        return f"{e.p} / {e.q}", PRODUCT
    if kind in FUNCTIONS:
        first, *rest = (_write(part, known, SUM) for part in e.args)
        if not rest:
            return f"{FUNCTIONS[kind]}({first})", ATOM
        return functools.reduce(lambda a, b: f"{FUNCTIONS[kind]}({a}, {b})", rest, first), ATOM
    if kind == "Piecewise" and e.args[-1].cond == True:  # noqa: E712  SymPy's true
        text = _write(e.args[-1].expr, known, ATOM)
        for value, condition in reversed(e.args[:-1]):
            text = f"({_write(value, known, ATOM)} if {_write(condition, known, ATOM)} else {text})"
        return text, ATOM
    if e.is_Relational:
        left, right = (_write(side, known, SUM) for side in e.args)
        return f"{left} {e.rel_op} {right}", 0
    raise ValueError(f"{kind} is no function of one parameter that the loop has")


def _product(factors, known):
    text = ""
    for factor in factors:
        if _is_reciprocal(factor) and known(factor) is None:
            text = f"{text or known(-factor.exp)} / {_write(factor.base, known, ATOM)}"
        elif text:
            text += f" * {_write(factor, known, ATOM)}"
        else:
            text = _write(factor, known, PRODUCT)
    return text


def _power(e, known):
    base, exponent = e.args
    if exponent.is_Rational and exponent.p == 1 and exponent.q == 2:
        return f"sqrt({_write(base, known, SUM)})", ATOM
    text = _write(base, known, ATOM)
    if exponent == 2:
        return f"{text} * {text}", PRODUCT
    return f"{text}**{_write(exponent, known, ATOM)}", PRODUCT
