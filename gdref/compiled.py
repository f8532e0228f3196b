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
import itertools
import keyword
import math
from collections import Counter
from collections.abc import Callable
from numbers import Real
from typing import Any

import numpy as np

from gdref._checks import name_of, shown
from gdref._inputs import form
from gdref.rules import check_by_coordinate

TYPES = (np.dtype(np.float64), np.dtype(np.float32))
WORTH_SHARING = 2**15  # below this many parameters a second thread costs more than it saves

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
        whether threads share a loop over many parameters; ``numba.set_num_threads`` sets how
        many threads.

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

    check_by_coordinate(rule, "be compiled")
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
        self._numbers = tuple(map(float, self._defaults.values()))
        loop = functools.partial(_Loop, name_of(rule), traced, list(self._defaults))
        self._step = loop(["g"], {**traced.state, "theta": traced.theta})
        ahead = traced.asked != traced.symbols["theta"]
        self._look_ahead = loop([], {"theta": traced.asked}) if ahead else None
        self.source = self._step.source(parallel)

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
        self._run(self._step, t, (theta, g, *state), hyperparameters)

    def start(self, theta: np.ndarray) -> tuple[np.ndarray, ...]:
        """The state before step 1, as arrays like theta."""
        return tuple(_filled(theta, value) for value in self._initial)

    def point(
        self, t: Real, theta: np.ndarray, *state: np.ndarray, **hyperparameters: Real
    ) -> np.ndarray:
        """Where the rule asks for its gradient: theta itself, or a new array for a look-ahead."""
        if self._look_ahead is None:
            return theta
        point = theta.copy()
        self._run(self._look_ahead, t, (point, *state), hyperparameters)
        return point

    def __repr__(self):
        return f"gdref.compile({name_of(self.rule)})"

    def __reduce__(self):
        return _compiled, (self.rule, self.parallel)

    def _run(self, loop, t, arrays, hyperparameters):
        """Check all arguments, then run a loop on the arrays, flat."""
        if len(arrays) != len(loop.arrays):
            given = len(arrays) - len(loop.arrays) + len(self._state)
            raise TypeError(
                f"{name_of(self.rule)} has {len(self._state)} state array(s) "
                f"({', '.join(self._state) or 'none'}); {given} given"
            )
        _check_arrays(loop.arrays, arrays)
        numbers = self._numbers
        if hyperparameters:
            self._check_numbers(hyperparameters)
            numbers = tuple(map(float, (self._defaults | hyperparameters).values()))
        theta = arrays[0]
        if theta.ndim != 1:
            arrays = [array.reshape(-1) for array in arrays]
        parallel = self.parallel and theta.size >= WORTH_SHARING
        loop.code(theta.dtype, parallel)(float(t), *arrays, *numbers)

    def _check_numbers(self, hyperparameters):
        for name, value in hyperparameters.items():
            if name not in self._defaults:
                raise TypeError(
                    f"{name_of(self.rule)} has no hyperparameter {name} (given as {shown(value)}); "
                    f"it has {', '.join(self._defaults) or 'none'}"
                )
            if not isinstance(value, Real):
                raise TypeError(
                    f"{name} is {shown(value)}; a compiled rule takes one number, no array"
                )


def _filled(theta, value):
    """A new contiguous array like theta, with a number in each place or a copy of an array."""
    if np.ndim(value) == 0:
        return np.full(theta.shape, value, theta.dtype)
    return np.array(value)


def _check_arrays(names, arrays):
    """Raise if arrays cannot be worked on in place; the usual ones pass in a microsecond."""
    theta = arrays[0]
    for name, array in zip(names, arrays, strict=True):
        if not (
            type(array) is np.ndarray
            and array.dtype in TYPES
            and array.dtype == theta.dtype
            and array.shape == theta.shape
            and array.flags.carray  # contiguous, aligned and not read-only
        ):
            _check_array(name, array, theta)
    # Arrays that own their memory overlap only if they are the same.
    if len({id(array) for array in arrays if array.base is None}) < len(arrays):
        named = zip(names, arrays, strict=True)
        for (name, array), (other, second) in itertools.combinations(named, 2):
            if np.may_share_memory(array, second):
                raise ValueError(f"{name} and {other} overlap; each needs its own array")


def _check_array(name, array, theta):
    if type(array) is not np.ndarray:
        raise TypeError(f"{name} is {shown(array)}; it must be a NumPy array")
    if array.dtype not in TYPES:
        raise TypeError(f"{name} is an array of {array.dtype}; it must be float64 or float32")
    if array.dtype != theta.dtype:
        raise TypeError(f"{name} is {array.dtype} and theta {theta.dtype}; they must be the same")
    if array.shape != theta.shape:
        raise ValueError(f"{name} has the shape {array.shape} and theta {theta.shape}")
    if not array.flags.c_contiguous or not array.flags.aligned:
        raise ValueError(f"{name} is not contiguous; np.ascontiguousarray({name}) is")
    if not array.flags.writeable and name != "g":
        raise ValueError(f"{name} is read-only; it is to be changed in place")


def _check_against_the_rule(compiled):
    """Raise TypeError if the loop takes other steps than the rule.

    A trace shows neither that a norm was a norm, since there was one symbol, nor that a flag took
    the other branch; six parameters in two rows and other hyperparameters do.  A NaN shows a
    comparison that SymPy turned around.
    """
    rule, defaults = compiled.rule, compiled._defaults
    rng = np.random.default_rng(0)
    settings = [defaults, dict.fromkeys(defaults, 0.5)]
    settings += [defaults | {name: 0.0} for name in defaults]
    for setting in settings:
        for t in (1, 2, 7, 1000):
            a, b, theta, *state = rng.uniform(0.1, 2, (3 + len(compiled._state), 2, 3))
            b[1, 1] = np.nan

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


class _Loop:
    """A loop over the parameters: its source, and its machine code for each type of array."""

    def __init__(self, rule_name, traced, hyperparameters, gradient, outputs):
        self.arrays = ["theta", *gradient, *traced.state]
        self.numbers = ["t", *hyperparameters]
        self.lines = _lines(rule_name, traced, self.arrays, self.numbers, outputs)
        self.machine: dict[tuple[np.dtype, bool], Callable] = {}

    def source(self, parallel):
        text = "\n".join(self.lines)
        return text.replace(" in range(", " in prange(") if parallel else text

    def code(self, dtype, parallel=False):
        """The machine code for one type of array, compiled when it is first needed."""
        if (dtype, parallel) not in self.machine:
            self.machine[dtype, parallel] = self.compile(dtype, parallel)
        return self.machine[dtype, parallel]

    def compile(self, dtype, parallel):
        import numba

        namespace = {**NAMESPACE, "prange": numba.prange}
        before = {*namespace, "__builtins__"}
        exec(self.source(parallel), namespace)
        (function,) = (namespace[name] for name in set(namespace) - before)
        real = numba.from_dtype(dtype)
        types = {name: real[::1] for name in self.arrays}
        if "g" in types:
            types["g"] = numba.types.Array(real, 1, "C", readonly=True)
        numbers = [numba.float64] * len(self.numbers)
        signature = numba.void(numbers[0], *types.values(), *numbers[1:])
        # error_model: 1 / 0 is infinite and 0 / 0 NaN, as in an array, and no exception.
        # There is no fastmath: it would let the compiler assume that NaN does not occur.
        options = {"error_model": "numpy", "nogil": True, "parallel": parallel}
        return numba.njit(signature, **options)(function)


# The source of the loop.  SUM, PRODUCT and ATOM say how strongly an expression binds.

SUM, PRODUCT, ATOM = 1, 2, 3


def _lines(rule_name, traced, arrays, numbers, outputs):
    """The lines of a function that computes ``outputs`` in place, one parameter at a time."""
    arguments = ["t", *arrays, *numbers[1:]]
    taken = {*arguments, *keyword.kwlist, *NAMESPACE, *FUNCTIONS.values(), "range", "prange"}

    def fresh(name):
        while name in taken:
            name += "_"
        taken.add(name)
        return name

    i, real = fresh("i"), fresh("real")
    function = fresh(rule_name if rule_name.isidentifier() else "rule")
    names = {traced.symbols[name]: name for name in arguments}
    alike = {traced.symbols[name] for name in numbers}  # the same for all parameters
    new = {value: fresh(f"{name}_{i}") for name, value in outputs.items()}
    reads = _reads(outputs.values(), alike)
    used: set[str] = set()  # the numbers that the loop reads
    constants: dict[Any, str] = {}  # what is computed of numbers, before the loop
    computed: dict[Any, str] = {}  # what is computed in the loop
    counter = itertools.count(1)
    lines: list[str] = []

    def shared(e):
        """The text of a symbol or a number before the loop."""
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
        if e in alike:
            used.add(names[e])
            return names[e]
        if e.is_Symbol:
            return f"{names[e]}[{i}]"
        if e.free_symbols <= alike and not e.is_Boolean:
            if e not in constants:
                constants[e] = fresh(f"c{len(constants) + 1}")
            return constants[e]
        if e not in computed and (e in new or reads[e] > 1):
            text, _ = _written(e, known)
            computed[e] = new.get(e) or fresh(f"x{next(counter)}")
            lines.append(f"{computed[e]} = {text}")
        return computed.get(e)

    results = [known(value) for value in outputs.values()]
    before = [f"{name} = {real}({_written(e, shared)[0]})" for e, name in constants.items()]
    rounded = [name for name in numbers if name in used]
    if rounded:
        before.append(f"{', '.join(rounded)} = {', '.join(f'{real}({name})' for name in rounded)}")
    written = ", ".join(f"{name}[{i}]" for name in outputs)
    return [
        f"def {function}({', '.join(arguments)}):",
        f"    {real} = theta.dtype.type  # float64 or float32",
        *("    " + line for line in before),
        f"    for {i} in range(theta.size):",
        *("        " + line for line in lines),
        f"        {written} = {', '.join(results)}",
    ]


def _reads(expressions, alike):
    """How often each expression is read; what is read twice gets a name in the loop."""
    count: Counter[Any] = Counter()

    def visit(e):
        if e.free_symbols <= alike or not e.args:
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
    if kind in ("ITE", "And", "Or", "Not"):  # SymPy makes these where conditions are nested
        parts = [_write(part, known, ATOM) for part in e.args]
        if kind == "ITE":
            return f"({parts[1]} if {parts[0]} else {parts[2]})", ATOM
        return f"not {parts[0]}" if kind == "Not" else f" {kind.lower()} ".join(parts), 0
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
