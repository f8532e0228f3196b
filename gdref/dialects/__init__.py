r"""How PyTorch, Keras and Optax write the rules of this book, and how to get from one to the other.

    >>> from gdref.dialects import from_library, to_library
    >>> print(to_library("amsgrad", "pytorch", eta=0.01, beta2=0.99))
    optimizer = torch.optim.Adam([theta], lr=0.01, betas=(0.9, 0.99), eps=1e-08, amsgrad=True)
    # before each step t = 1, 2, 3, ...
    optimizer.param_groups[0]["lr"] = 0.01 * (1 - 0.9**t) / sqrt(1 - 0.99**t)
    optimizer.param_groups[0]["eps"] = 1e-08 / sqrt(1 - 0.99**t)

    >>> rule, hyperparameters = from_library("pytorch", "RMSprop", lr=0.01)
    >>> rule.__name__, hyperparameters["eta"]
    ('adam', 0.01 / sqrt(1 - 0.99**t))

The conversions are data: :mod:`gdref.dialects.tables` maps the parameters of one side to
expressions in those of the other.  An expression in t becomes a function of t, which
:func:`gdref.iterate` takes as a schedule.

Paths that the libraries took under these conversions are stored beside this file:
:func:`recorded` loads them, :func:`replay` takes the same steps with the book's own rule.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gdref import catalogue
from gdref._checks import check_flag, describe, is_array, is_real, shown
from gdref._inputs import check_hyperparameters, form
from gdref.dialects._expressions import (
    NoConversion,
    PerStep,
    convert,
    evaluate,
    first,
    names,
    rewrite,
    written,
)
from gdref.dialects._recordings import (
    PROBLEMS,
    Recording,
    Rule,
    recorded,
    recorded_schedules,
    replay,
    rule_name,
    stored,
)
from gdref.dialects.tables import DIALECTS, ORIGINS, OTHERWISE, Dialect, Origin
from gdref.rules import RULES

__all__ = [
    "DIALECTS", "LIBRARIES", "ORIGINS", "PROBLEMS", "Dialect", "NoConversion", "Origin", "PerStep",
    "Recipe", "Recording", "defaults", "dialect", "difference", "from_library", "library_defaults",
    "origin", "recipe", "recorded", "recorded_schedules", "replay", "row", "to_library",
]  # fmt: skip

#: the libraries: the module of their optimizers, what a call begins with, and how a value is set
#: before a step; Optax changes one by a function of its count, within the call
LIBRARIES = {
    "pytorch": ("torch.optim", "[theta], ", 'optimizer.param_groups[0]["{}"] = {}'),
    "keras": ("keras.optimizers", "", "optimizer.{} = {}"),
    "optax": ("optax", "", ""),
}
# read when the optimizer is made, not at each step
READ_ONCE = {"initial_accumulator_value", "initial_scale"}
# what an expression may ask of theta
SHAPE = "rows", "columns"
# numbers that may be None, where that means another form of the step
OPTIONAL = {"rms_rate"}
# arguments that change how fast a step is computed, or nothing at all, but not the step
IRRELEVANT = {"foreach", "fused", "capturable", "differentiable", "name", "relative_step"}
# what to do instead
WORDS = {"maximize": "; negate the gradient: iterate(rule, lambda x: -grad(x), ...)"}


# --- checks: those of the loop, and what a library needs besides -------------------------------


def _one_number(name: str, value: Any) -> Any:
    """Return the value of a hyperparameter at step 1; raise for an array."""
    value = first(value)
    if np.ndim(value):
        raise NoConversion(
            f"{name} is {describe(value)}; a library takes one number for all parameters"
        )
    return value


def _check(rule: str, name: str, value: Any, whose: str = "") -> Any:
    """Return a hyperparameter as a float or a schedule; raise as :func:`gdref.iterate` does."""
    known = form(RULES[rule])[2]
    try:
        at_1 = _one_number(name, value) if name in known else value
        checked, _ = check_hyperparameters(RULES[rule], known, {name: at_1}, 1.0)
        if not is_real(checked[name]):
            raise TypeError(f"{name} is {shown(checked[name])}; it must be a real number")
    except (TypeError, ValueError) as wrong:
        raise type(wrong)(f"{wrong}{whose}") from None
    return value if callable(value) else float(checked[name])


def _check_argument(name: str, value: Any, default: Any) -> Any:
    """Return an argument of a library's optimizer; raise if it is not of the default's kind."""
    at_1 = first(value)
    if isinstance(default, bool):
        check_flag(name, value)
    elif isinstance(default, tuple):
        count, length = {2: "two", 3: "three"}[len(default)], len(default)
        if not (isinstance(at_1, tuple | list) and len(at_1) == length and all(map(is_real, at_1))):
            raise TypeError(
                f"{name} is {shown(value)}; it must be {count} numbers, "
                f"such as {default}, or a schedule that returns {count}"
            )
        return value if callable(value) else tuple(map(float, value))
    elif value is None and name in OPTIONAL:
        return None
    elif isinstance(default, int | float) and not is_real(_one_number(name, value)):
        raise TypeError(f"{name} is {shown(value)}; it must be a number or a schedule")
    _one_number(name, value)
    return value.item() if is_array(value) else value


def _hint(name: str, library: str, constructor: str) -> str:
    """What a name of ours or of another library is called here, as " (beta1 is betas here)"."""
    rows = catalogue.HYPERPARAMETERS.items()
    ours = {name} | {our_name for our_name, row in rows if name in row.elsewhere}
    entries = [d for d in DIALECTS if (d.library, d.constructor) == (library, constructor)]
    here = sorted({k for d in entries for k, text in d.names.items() if names(text) & ours})
    return f" ({name} is {', '.join(here)} here)" if here else ""


# --- from our rules to a library ---------------------------------------------------------------


@dataclass(frozen=True)
class Recipe:
    """Our rule in the words of a library: print it to get the lines of code.

    ``arguments`` holds numbers, and functions of t where the value changes from step to step.
    """

    dialect: Dialect
    arguments: dict
    setup: tuple
    each_step: tuple

    def __str__(self):
        lines = [*self.setup]
        if self.each_step:
            lines += ["# before each step t = 1, 2, 3, ...", *self.each_step]
        if self.dialect.path != "theta":
            lines += [f"# the library's theta is our {self.dialect.path}"]
        return "\n".join(lines)


# Optax counts from 0, in int32; 1.0 keeps jnp.sqrt from falling to float32
IN_JAX = {"t": "count + 1.0", "sqrt": "jnp.sqrt", "max": "jnp.maximum"}


def recipe(entry: Dialect, expressions: dict, values: dict, *, edit_state: bool = True) -> Recipe:
    """The lines of code that run a library's optimizer with these arguments.

    The script that records the paths executes these very lines.
    """
    module, start, line = LIBRARIES[entry.library]
    arguments = convert(expressions, values)
    changing = {name: value for name, value in arguments.items() if callable(value)}
    for name in changing.keys() & READ_ONCE:
        raise NoConversion(
            f"{entry.library} reads {name} once, before step 1: "
            f"{expressions[name]} cannot change from step to step"
        )
    # a value that is set before each step is written into the call as a reader would expect it
    plain = convert({k: entry.names.get(k, expressions[k]) for k in changing}, values)
    at_call = {k: repr(first(v)) for k, v in (arguments | plain).items()}
    name = f"{module}.{entry.constructor}"
    each_step = [line.format(k, v) for k, v in changing.items() if line]
    if not line:
        at_call |= {k: f"lambda count: {rewrite(v.text, IN_JAX)}" for k, v in changing.items()}
        name = f"optax.inject_hyperparams({name})" if changing.keys() - {"learning_rate"} else name
    code = entry.code.format(**at_call) if edit_state else ""
    listed = start + ", ".join(f"{k}={v}" for k, v in at_call.items())
    setup = [f"optimizer = {code or f'{name}({listed})'}"]
    if entry.library == "optax":
        setup += ["state = optimizer.init(theta)"]
    if edit_state:
        at_1 = {name: first(value) for name, value in values.items()}
        setup += [written(line, at_1) for line in entry.setup]
        each_step += [written(line, values) for line in entry.each_step]
    return Recipe(entry, arguments, tuple(setup), tuple(each_step))


def _library(library):
    if library not in LIBRARIES:
        raise ValueError(f"unknown library {library!r}; the libraries are {', '.join(LIBRARIES)}")
    return library


def defaults(rule: Rule) -> dict[str, float]:
    """The hyperparameters of our rule with their defaults."""
    return form(RULES[rule_name(rule)])[2]


def row(rule: Rule, library: str, values: dict) -> Dialect:
    """The entry of :data:`DIALECTS` that holds for these values of the hyperparameters."""
    rule, library = rule_name(rule), _library(library)
    for entry in DIALECTS:
        if (entry.rule, entry.library) == (rule, library) and evaluate(entry.when, values):
            return entry
    if (rule, library) in OTHERWISE:
        why = OTHERWISE[rule, library]
        raise NoConversion(f"{library} cannot take the path of this {rule}: {why}")
    raise NoConversion(f"{rule} is not in {library}")


def dialect(rule: Rule, library: str, schedule: bool = False) -> Dialect:
    """The entry of :data:`DIALECTS` for a rule and a library.

    ``schedule`` says that eta changes from step to step.
    """
    return row(rule, library, defaults(rule) | ({"eta": PerStep("1 / t")} if schedule else {}))


def _sized(
    expressions: Mapping[str, str], values: dict, shape: tuple[int, ...] | None, whose: str
) -> dict:
    """The values with the rows and columns that the expressions name."""
    if not names(*expressions.values()) & {*SHAPE}:
        return values
    if shape is None:
        raise NoConversion(
            f"{whose} has another factor for the shape of a matrix; say shape=(rows, columns), "
            "rows being the outputs of the layer"
        )
    rows, columns = (*shape, 1, 1)[:2]
    return values | {"rows": int(rows), "columns": int(columns)}


def to_library(
    rule: Rule,
    library: str,
    *,
    shape: tuple[int, ...] | None = None,
    **hyperparameters: Any,
) -> Recipe:
    """Our rule in the words of a library, so that it takes the same path.

    Parameters
    ----------
    rule
        a rule or its name
    library
        "pytorch", "keras" or "optax"
    shape
        that of theta, for a rule of matrices whose factor for the shape is another one there
    hyperparameters
        ours, the rule's defaults where none is given; a function of t is a schedule

    Returns
    -------
    Recipe
        print it for the lines of code; they call the parameters ``theta``, a tensor, a variable
        or an array, and a schedule by the name of its hyperparameter.  Keras takes values set
        before a step in a loop of your own; ``fit`` reads all but the rate once.  For a maximum
        hand the library the negative gradient, as you hand it to :func:`gdref.iterate`.

    Raises
    ------
    NoConversion
        where the library cannot take the rule's path; the message says why.
    TypeError, ValueError
        as :func:`gdref.iterate` at its call; a schedule is looked at at step 1.
    """
    name, values = rule_name(rule), defaults(rule)
    values |= {key: _check(name, key, value) for key, value in hyperparameters.items()}
    entry = row(name, library, values)
    if entry.why:
        raise NoConversion(f"{library} cannot take the path of this {name}: {entry.why}")
    return recipe(entry, entry.arguments, _sized(entry.arguments, values, shape, library))


# --- from a library to our rules ---------------------------------------------------------------


def library_defaults(library: str, constructor: str) -> dict[str, Any]:
    """The arguments of a library's optimizer with their defaults; ``None`` in a required one."""
    known = stored("defaults")["defaults"][_library(library)]
    if constructor not in known:
        raise ValueError(
            f"unknown {library} optimizer {constructor!r}; known are {', '.join(known)}"
        )
    values = known[constructor]
    return {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}


def origin(library: str, constructor: str, **arguments: Any) -> tuple[Origin, dict[str, Any]]:
    """The entry of :data:`ORIGINS` that holds for these arguments, and all the arguments."""
    known = library_defaults(library, constructor)
    for name in arguments.keys() - known.keys():
        other = _hint(name, library, constructor)
        words = f"{constructor} has no {name}{other}; it has {', '.join(known)}"
        raise TypeError(words + WORDS.get(name, ""))
    values = known | {k: _check_argument(k, v, known[k]) for k, v in arguments.items()}
    rows = [e for e in ORIGINS if (e.library, e.constructor) == (library, constructor)]
    for entry in rows:
        if evaluate(entry.when, values):
            break
    else:
        raise NoConversion(f"{library}'s {constructor} is not a rule of this book")
    used = names(*entry.hyperparameters.values(), *(row.when for row in rows))
    for name, value in arguments.items() if not entry.why else ():
        whose = f"{library}'s {constructor}: {name}"
        if name not in used | IRRELEVANT and value != known[name]:
            word = WORDS.get(name, "")
            raise NoConversion(f"{whose}={value!r} has no counterpart in {entry.rule}{word}")
        if name in READ_ONCE and callable(value):
            raise NoConversion(f"{whose} is read once, before step 1; it must be a number")
    return entry, values


def from_library(
    library: str, constructor: str, *, shape: tuple[int, ...] | None = None, **arguments: Any
) -> tuple[Callable, dict[str, Any]]:
    """What a library's optimizer is in this book: our rule and its hyperparameters.

    Parameters
    ----------
    library
        "pytorch", "keras" or "optax"
    constructor
        the optimizer's name there, such as "NAdam"
    shape
        that of theta, for a rule of matrices whose factor for the shape is another one here
    arguments
        theirs, the library's defaults where none is given; a function of t (which
        counts from 1) is a schedule

    Notes
    -----
    Returns the rule and a dict for ``iterate(rule, grad, theta, **hyperparameters)``.  The dict
    may hold functions of t.  Under Nesterov's rule the library's parameters are our look-ahead
    point theta - gamma v.  Raises :class:`NoConversion` where no rule of the book takes that path,
    TypeError and ValueError as :func:`gdref.iterate`.
    """
    entry, values = origin(library, constructor, **arguments)
    if entry.why:
        raise NoConversion(f"{library}'s {constructor} is not our {entry.rule}: {entry.why}")
    used = names(*entry.hyperparameters.values())
    if "learning_rate" in used and values["learning_rate"] is None:
        raise TypeError(f"{library}'s {constructor} needs a learning_rate")
    values = _sized(entry.hyperparameters, values, shape, f"{library}'s {constructor}")
    hyperparameters = convert(entry.hyperparameters, values)
    for name, value in hyperparameters.items():
        whose = f" ({name} is {entry.hyperparameters[name]} of {library}'s {constructor})"
        _check(entry.rule, name, value, whose)
    return RULES[entry.rule], hyperparameters


def difference(recording: Recording) -> float:
    """The largest absolute difference between a recorded path and our rule's.

    For a recording of kind "exact" or "plain" our rule has the recording's hyperparameters; for
    "other" those that :func:`from_library` gives, or the nearest ones where it has none.
    """
    rule, hyperparameters = recording.rule, recording.hyperparameters
    if recording.kind == "other":
        entry, values = origin(recording.library, recording.constructor, **recording.arguments)
        shape = PROBLEMS[recording.problem][0].shape
        values = _sized(entry.hyperparameters, values, shape, recording.library)
        rule, hyperparameters = entry.rule, convert(entry.hyperparameters, values)
    ours = replay(rule, hyperparameters, recording.problem, len(recording.path) - 1)
    return float(np.max(np.abs(ours - recording.path)))
