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

import functools
import inspect
import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import resources
from types import MappingProxyType
from typing import Any

import numpy as np

from gdref.dialects.tables import DIALECTS, ORIGINS, Dialect, Origin
from gdref.loop import iterate_state
from gdref.rules import RULES

Rule = str | Callable  # a rule or its name

LIBRARIES = ("pytorch", "keras", "optax")
MODULES = {"pytorch": "torch.optim", "keras": "keras.optimizers", "optax": "optax"}


class NoConversion(ValueError):
    """No setting of the other side takes the same path; the message says why."""


# --- expressions -------------------------------------------------------------------------------


@functools.cache
def _compiled(expression):
    return compile(expression, expression, "eval")


def _names(*expressions):
    return {name for e in expressions for name in _compiled(e).co_names}


def _evaluate(expression, values, t=1):
    def at(step):
        return {name: value(step) if callable(value) else value for name, value in values.items()}

    before = {name + "_before": value for name, value in at(max(t - 1, 1)).items()}
    functions = {"__builtins__": {}, "sqrt": math.sqrt, "max": max}
    return eval(_compiled(expression), functions, {**at(t), **before, "t": t})


def _holds(condition, values):
    functions = {"__builtins__": {}, "callable": callable}
    return eval(_compiled(condition), functions, values)


def _varies(expression, values):
    used = {name.removesuffix("_before") for name in _names(expression)}
    return "t" in used or any(callable(values[name]) for name in used & values.keys())


def _written(expression, values):
    """The expression with numbers in place of names; a schedule stays, as ``eta(t)``."""

    def number(match):
        name = match[0]
        known = name.removesuffix("_before")
        if known not in values:
            return name
        if isinstance(values[known], PerStep):
            text = values[known].text
            if name != known:
                text = re.sub(r"\bt\b", "max(t - 1, 1)", text)
            return text if name == expression else f"({text})"
        if callable(values[known]):
            return f"{known}(max(t - 1, 1))" if name != known else f"{known}(t)"
        return repr(values[known])

    text = re.sub(r"(?<![\w.\"'])[A-Za-z_]\w*(?![\w\"'])(?!=[^=])", number, expression)
    pair = r"\(([^(), ]+), ([^(), ]+)\)"  # (0.9, 0.999)[0] -> 0.9
    return re.sub(pair + r"\[1\]", r"\2", re.sub(pair + r"\[0\]", r"\1", text))


@dataclass(frozen=True, repr=False)
class PerStep:
    """A hyperparameter that changes from step to step: call it with t."""

    expression: str
    values: dict = field(default_factory=dict)

    def __call__(self, t):
        return _evaluate(self.expression, self.values, t)

    @property
    def text(self):
        return _written(self.expression, self.values)

    def __repr__(self):
        return self.text


def _convert(expressions, values):
    """Numbers where the expression gives one number, functions of t where it does not."""
    values = {k: v.item() if isinstance(v, np.generic) else v for k, v in values.items()}
    return {
        name: PerStep(expression, values)
        if _varies(expression, values)
        else _evaluate(expression, values)
        for name, expression in expressions.items()
    }


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

    @property
    def path(self):
        return self.dialect.path

    def __str__(self):
        lines = [*self.setup]
        if self.each_step:
            lines += ["# before each step t = 1, 2, 3, ...", *self.each_step]
        if self.path != "theta":
            lines += [f"# the library's theta is our {self.path}"]
        return "\n".join(lines)


def constructor(library: str, name: str) -> str:
    """The constructor by its full name: ``torch.optim.Adam``."""
    return f"{MODULES[library]}.{name}"


def recipe(dialect, expressions, values, *, edit_state=True):
    """The lines of code that run a library's optimizer with these arguments.

    The script that records the paths executes these very lines.
    """
    arguments = _convert(expressions, values)
    changing = {name: value for name, value in arguments.items() if callable(value)}
    # a value that is set before each step is written into the call as a reader would expect it
    plain = {
        **arguments,
        **_convert({k: dialect.names[k] for k in changing if k in dialect.names}, values),
    }
    first = {k: repr(v(1) if callable(v) else v) for k, v in plain.items()}
    each_step = []
    if dialect.library == "optax":
        # Optax counts from 0, in int32; 1.0 keeps jnp.sqrt from falling to float32
        def lambda_(value):
            text = re.sub(r"\bt\b", "(count + 1.0)", value.text).replace("sqrt(", "jnp.sqrt(")
            return "lambda count: " + text.replace("((count + 1.0))", "(count + 1.0)")

        first |= {name: lambda_(value) for name, value in changing.items()}
    elif dialect.library == "pytorch":
        each_step += [
            f'optimizer.param_groups[0]["{name}"] = {value.text}'
            for name, value in changing.items()
        ]
    else:
        each_step += [f"optimizer.{name} = {value.text}" for name, value in changing.items()]

    name = constructor(dialect.library, dialect.constructor)
    listed = ", ".join(f"{k}={v}" for k, v in first.items())
    if dialect.code and edit_state:
        call = dialect.code.format(**first)
    elif dialect.library == "pytorch":
        call = f"{name}([theta], {listed})"
    elif changing.keys() - {"learning_rate"} and dialect.library == "optax":
        call = f"optax.inject_hyperparams({name})({listed})"
    else:
        call = f"{name}({listed})"
    setup = [f"optimizer = {call}"]
    if dialect.library == "optax":
        setup += ["state = optimizer.init(theta)"]
    if edit_state:
        setup += [_written(line, values) for line in dialect.setup]
        each_step += [_written(line, values) for line in dialect.each_step]
    return Recipe(dialect, arguments, tuple(setup), tuple(each_step))


def _name(rule):
    name = getattr(rule, "__name__", rule)
    if name not in RULES:
        raise ValueError(f"unknown rule {name!r}; the rules are {', '.join(RULES)}")
    return name


def _library(library):
    if library not in LIBRARIES:
        raise ValueError(f"unknown library {library!r}; the libraries are {', '.join(LIBRARIES)}")
    return library


def defaults(rule: Rule) -> dict[str, float]:
    """The hyperparameters of our rule with their defaults."""
    parameters = inspect.signature(RULES[_name(rule)]).parameters.values()
    return {p.name: p.default for p in parameters if p.kind == p.KEYWORD_ONLY}


def dialect(rule: Rule, library: str, schedule: bool = False) -> Dialect:
    """The entry of :data:`DIALECTS` for a rule and a library.

    ``schedule`` says that eta changes from step to step.
    """
    rule, library = _name(rule), _library(library)
    other = "constant" if schedule else "schedule"
    for entry in DIALECTS:
        if (entry.rule, entry.library) == (rule, library) and entry.eta != other:
            return entry
    raise NoConversion(f"{rule} is not in {library}")


def to_library(rule: Rule, library: str, **hyperparameters: Any) -> Recipe:
    """Our rule in the words of a library, so that it takes the same path.

    Parameters
    ----------
    rule
        a rule or its name
    library
        "pytorch", "keras" or "optax"
    hyperparameters
        ours, the rule's defaults where none is given; a function of t is a schedule

    Returns
    -------
    Recipe
        print it for the lines of code; they call the parameters ``theta``, a tensor, a variable
        or an array.
    """
    values = defaults(rule)
    unknown = hyperparameters.keys() - values.keys()
    if unknown:
        raise TypeError(
            f"{_name(rule)} has no {', '.join(sorted(unknown))}; it has {', '.join(values)}"
        )
    values |= hyperparameters
    entry = dialect(rule, library, schedule=callable(values.get("eta")))
    if callable(values.get("gamma")) and entry.rule == "nag":
        raise NoConversion(
            "the libraries look ahead with the momentum of this step, our rule with the next one's"
        )
    if callable(values.get("gamma")) and entry.code:
        raise NoConversion(f"{library}'s chain takes one momentum for all steps")
    return recipe(entry, entry.arguments, values)


# --- from a library to our rules ---------------------------------------------------------------


# arguments that change how fast a step is computed, or nothing at all, but not the step
IRRELEVANT = {"foreach", "fused", "capturable", "differentiable", "name"}


def library_defaults(library: str, constructor: str) -> dict[str, Any]:
    """The arguments of a library's optimizer with their defaults; ``None`` in a required one."""
    known = _stored("defaults")["defaults"][_library(library)]
    if constructor not in known:
        raise ValueError(
            f"unknown {library} optimizer {constructor!r}; known are {', '.join(known)}"
        )
    values = known[constructor]
    return {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}


def origin(library: str, constructor: str, **arguments: Any) -> tuple[Origin, dict[str, Any]]:
    """The entry of :data:`ORIGINS` that holds for these arguments, and all the arguments."""
    known = library_defaults(library, constructor)
    unknown = arguments.keys() - known.keys()
    if unknown:
        raise TypeError(
            f"{constructor} has no {', '.join(sorted(unknown))}; it has {', '.join(known)}"
        )
    values = known | arguments
    for entry in ORIGINS:
        if (entry.library, entry.constructor) != (library, constructor):
            continue
        if not _holds(entry.when, values):
            continue
        used = _names(*entry.hyperparameters.values()) | _names(
            *(e.when for e in ORIGINS if (e.library, e.constructor) == (library, constructor))
        )
        for name, value in arguments.items() if not entry.why else ():
            if name not in used | IRRELEVANT and value != known[name]:
                raise NoConversion(
                    f"{library}'s {constructor}: {name}={value!r} has no counterpart in "
                    f"{entry.rule}"
                )
        return entry, values
    raise NoConversion(f"{library}'s {constructor} is not a rule of this book")


def from_library(
    library: str, constructor: str, **arguments: Any
) -> tuple[Callable, dict[str, Any]]:
    """What a library's optimizer is in this book: our rule and its hyperparameters.

    Parameters
    ----------
    library
        "pytorch", "keras" or "optax"
    constructor
        the optimizer's name there, such as "NAdam"
    arguments
        theirs, the library's defaults where none is given; a function of t (which
        counts from 1) is a schedule

    Notes
    -----
    Returns the rule and a dict for ``iterate(rule, grad, theta, **hyperparameters)``.  The dict
    may hold functions of t.  Under Nesterov's rule the library's parameters are our look-ahead
    point theta - gamma v.  Raises :class:`NoConversion` where no rule of the book takes that path.
    """
    entry, values = origin(library, constructor, **arguments)
    if entry.why:
        raise NoConversion(f"{library}'s {constructor} is not our {entry.rule}: {entry.why}")
    used = _names(*entry.hyperparameters.values())
    if "learning_rate" in used and values["learning_rate"] is None:
        raise TypeError(f"{library}'s {constructor} needs a learning_rate")
    return RULES[entry.rule], _convert(entry.hyperparameters, values)


# --- what was recorded -------------------------------------------------------------------------

TARGET = np.array([0.3, -1.7, 2.9, -0.4])


def _curved(t, theta):
    """Rosenbrock's valley, with 10 in place of 100."""
    x, y = theta
    return np.array([-40 * x * (y - x * x) - 2 * (1 - x), 20 * (y - x * x)])


def _noise(t, size):
    """Fractions in [-1/2, 1/2) that look irregular and come out the same on every machine."""
    i = np.arange(size)
    return (t * t * 7919 + (i + 1) * 104729 * t) % 1009 / 1009 - 0.5


def _noisy(t, theta):
    """A quadratic with curvatures 0.1, 4 and 150, and noise in proportion to their roots."""
    curvature = np.array([0.1, 4.0, 150.0])
    return curvature * (theta - TARGET[:3]) + np.sqrt(curvature) * _noise(t, 3)


def _sparse(t, theta):
    """Four coordinates with a gradient every step, every 3rd, every 7th, and never."""
    seen = np.array([True, t % 3 == 0, t % 7 == 0, False])
    return np.where(seen, theta - TARGET, 0.0)


def _sparse_later(t, theta):
    """The sparse problem, with all coordinates seen at step 1."""
    return theta - TARGET if t == 1 else _sparse(t, theta)


#: The problems of the recordings: the start and the gradient as a function of t and theta.
PROBLEMS = MappingProxyType(
    {
        "curved": (np.array([-0.8, 1.3]), _curved),
        "noisy": (np.array([2.0, -1.0, 3.2]), _noisy),
        "sparse": (np.array([1.3, -0.2, 2.1, 0.9]), _sparse),
        "sparse, all seen at step 1": (np.array([1.3, -0.2, 2.1, 0.9]), _sparse_later),
    }
)


@dataclass(frozen=True)
class Recording:
    """A path that a library took.

    kind             "exact" (under the conversion of :data:`DIALECTS`), "plain" (our values under
                     the library's names, the rest at its defaults), or "other" (the library's own)
    hyperparameters  ours; empty for "other"
    arguments        the library's; a text is an expression in t
    code             the lines that made the optimizer, then those run before each step
    path             theta_0, theta_1, ... in rows
    """

    rule: str
    library: str
    version: str
    constructor: str
    kind: str
    problem: str
    hyperparameters: dict
    arguments: dict
    code: tuple
    path: np.ndarray

    @property
    def schedule(self):
        return callable(self.hyperparameters.get("eta"))

    @property
    def title(self):
        return f"{self.rule} by {self.library} {self.version}, {self.kind}, {self.problem}"


def _file(name):
    return resources.files("gdref.dialects").joinpath("paths", name + ".json")


def _is_stored(name):
    return _file(name).is_file()


@functools.cache
def _stored(name):
    return json.loads(_file(name).read_text("utf-8"))


def _from_json(values):
    def value(v):
        if isinstance(v, str):
            return PerStep(v)
        return tuple(v) if isinstance(v, list) else v

    return {name: value(v) for name, v in values.items()}


def recorded(
    rule: Rule | None = None,
    library: str | None = None,
    kind: str | None = None,
    problem: str | None = None,
) -> list[Recording]:
    """The recorded paths, all or those of a rule, a library, a kind, a problem."""
    found = []
    for name in RULES if rule is None else [_name(rule)]:
        if not _is_stored(name):
            continue  # a rule that no library has
        data = _stored(name)
        for row in data["paths"]:
            recording = Recording(
                rule=name,
                library=row["library"],
                version=data["versions"][row["library"]],
                constructor=row["constructor"],
                kind=row["kind"],
                problem=row["problem"],
                hyperparameters=_from_json(row["hyperparameters"]),
                arguments=_from_json(row["arguments"]),
                code=tuple(row["code"]),
                path=np.array(row["path"]),
            )
            wanted = (
                (library, recording.library),
                (kind, recording.kind),
                (problem, recording.problem),
            )
            if all(want is None or want == has for want, has in wanted):
                found.append(recording)
    return found


def recorded_schedules(library: str | None = None) -> list[dict[str, Any]]:
    """Learning rates that the libraries' schedules gave: one dict for each schedule."""
    rows = _stored("schedules")["schedules"]
    return [row for row in rows if library is None or row["library"] == library]


def replay(
    rule: Rule, hyperparameters: dict[str, Any], problem: str, steps: int = 60
) -> np.ndarray:
    """The path of our rule on a recorded problem, as the library's parameters see it.

    That is theta, and for Nesterov's rule the look-ahead point theta - gamma v.
    """
    start, gradient = PROBLEMS[problem]
    gradients = (functools.partial(gradient, t) for t in range(1, steps + 1))
    name = _name(rule)
    path = iterate_state(RULES[name], gradients, start, **hyperparameters)
    if name == "nag":
        gamma = hyperparameters["gamma"]
        return np.array([theta - gamma * v for theta, v in path])
    return np.array([theta for theta, *_ in path])


def difference(recording: Recording) -> float:
    """The largest absolute difference between a recorded path and our rule's.

    For a recording of kind "exact" or "plain" our rule has the recording's hyperparameters; for
    "other" those that :func:`from_library` gives, or the nearest ones where it has none.
    """
    rule, hyperparameters = recording.rule, recording.hyperparameters
    if recording.kind == "other":
        entry, values = origin(recording.library, recording.constructor, **recording.arguments)
        rule, hyperparameters = entry.rule, _convert(entry.hyperparameters, values)
    ours = replay(rule, hyperparameters, recording.problem, len(recording.path) - 1)
    return float(np.max(np.abs(ours - recording.path)))
