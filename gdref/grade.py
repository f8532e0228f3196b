r"""Say of a student's rule whether it is right, and if not, what is wrong, in a student's words.

    >>> from gdref.grade import grade
    >>> def my_gd(t, theta, grad, *, eta=0.01):
    ...     theta = theta + eta * grad(theta)
    ...     return (theta,)
    >>> print(grade(my_gd, "gd"))
    uphill (step 1: the step differs); the step is -1 times the right one [line 2]

The order of the checks: the source, the form of the function, one step on arrays that cannot be
changed, what comes back, how often and where the gradient is asked for, whether two runs agree;
last :mod:`gdref.diagnosis`, which compares every quantity of every step with the rule.

:func:`grade` runs the function in this process and ends it after some seconds.
:func:`grade_file` runs a file in a process of its own, with limits of time and memory.  Neither is
a sandbox: code that means harm can do harm.
"""

import ast
import contextlib
import ctypes
import functools
import inspect
import io
import json
import re
import subprocess
import sys
import textwrap
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gdref import catalogue
from gdref._inputs import form
from gdref.diagnosis import Verdict, diagnose
from gdref.diagnosis.situations import PROBES, odd_values, start_of
from gdref.dialects import rule_name
from gdref.rules import RULES

__all__ = ["Report", "grade", "grade_file"]

FORBIDDEN = {"gdref", "torch", "optax", "keras", "tensorflow", "jax", "scipy", "sklearn"}
_curved = PROBES["a curved loss"]
# rules whose rate has no default that a source fixes; nor has weight decay
FREE_RATE = {"gd", "momentum", "nag", "adagrad", "rmsprop", "adamw"}


@dataclass(frozen=True)
class Report:
    """What :func:`grade` found.

    Attributes
    ----------
    ok
        whether the rule is right.
    message
        what is wrong, or that it is right.
    line
        the line of the submission that the message speaks of; 0 if it speaks of none.
    section
        the label of the book's section that explains it.
    stage
        what was checked last: "source", "form", "step", "purity" or "rule".
    """

    ok: bool
    message: str
    line: int = 0
    section: str = ""
    stage: str = "rule"

    def __str__(self) -> str:
        return self.message


# what an exception's text tells
HINTS = {
    "for ^": "In Python a power is `**`; `^` is exclusive or",
    "is not defined": "Is it spelled as in the arguments, already computed, imported?",
    "positional argument": "The rule is called as rule(t, theta, grad, *state, **hyperparameters)",
    "unexpected keyword": "The rule is called with its hyperparameters by name",
    "'function'": "grad is a function: the gradient is grad(theta)",
    "only integer scalar arrays": "np.max takes one array; np.maximum takes two",
    "NoneType": "Something that should be a number is None",
    "not callable": "Is a `*` missing before a bracket? Only grad is a function",
    "could not be broadcast": "Every quantity has the shape of theta",
    "truth value of an array": "An array is compared as a whole; use np.where or np.maximum",
    "only length-1 arrays": "math.sqrt takes one number; np.sqrt takes an array",
    "only 0-dimensional arrays": "math.sqrt takes one number; np.sqrt takes an array",
    "division by zero": "In step 1 the exponent t is 1: 1 - beta**t is not 0",
    "local variable": "A line uses a name before it is computed",
}


# what students and other libraries call a hyperparameter, where the name is free
LONE = {"lr", "learning_rate", "epsilon", "betas", "weight_decay", "momentum"}
PAIRS = {"betas"}
# arguments of libraries that are off by default
SWITCHES = {"weight_decay", "dampening", "nesterov", "amsgrad", "maximize", "lr_decay", "foreach",
            "decay", "centered"}  # fmt: skip
SYNONYMS = {
    "eta": ("lr", "learning_rate", "alpha", "step_size", "stepsize", "rate", "gamma", "a"),
    "gamma": ("momentum", "mu", "beta", "rho", "friction", "decay", "alpha"),
    "rho": ("decay", "gamma", "beta", "alpha", "decay_rate", "beta2", "momentum"),
    "beta1": ("b1", "beta_1", "mu", "rho1", "betas"),
    "beta2": ("b2", "beta_2", "nu", "rho2", "rho", "betas"),
    "eps": ("epsilon", "e", "delta", "fuzz"),
    "lam": ("weight_decay", "wd", "lambda_", "lmbda", "lamb", "decay", "l2"),
    "multiplier": ("schedule_multiplier", "schedule", "alpha_t", "scale"),
}


class Wrong(Exception):
    """Something that is wrong, and the line."""

    def __init__(self, message: str, line: int = 0, stage: str = "form"):
        super().__init__(message)
        self.line, self.stage = line, stage


def grade(
    submission: Any, rule: str | Callable, source: str = "", *, seconds: float = 10.0
) -> Report:
    """Say whether a function is the rule, and what is wrong if it is not.

    Parameters
    ----------
    submission
        the student's function, in the form of the rules; what is in another form goes through one
        of the adapters of :mod:`gdref.adapters` first.
    rule
        the rule that it should be, or its name.
    source
        the text of the submission, for the check of what it imports and the numbers of lines; if
        empty it is looked up.
    seconds
        how long it may take.
    """
    name = rule_name(rule)
    source = source or _source_of(submission)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            _check_source(source)
            student = _Student(submission, name, source, seconds)
            student.check_form()
            student.check_step()
            student.check_purity()
            verdict = diagnose(student.function, name, fixed=frozenset(student.missing()))
            notes = student.defaults() if verdict.conforms else []
            if verdict.conforms and not notes and not verdict.dialect:
                student.check_shapes()
            return _report(verdict, student, notes)
    except Wrong as wrong:
        return Report(False, str(wrong), wrong.line, stage=wrong.stage)
    except OutOfTime:
        return Report(
            False,
            f"it takes more than {seconds:g} s: does a loop never end? A rule takes one step and "
            "returns; it has no loop over the steps",
            stage="step",
        )


def _report(verdict: Verdict, student: "_Student", notes: list[str]) -> Report:
    section = verdict.sections[0] if verdict.sections else ""
    if verdict.conforms:
        if notes:
            return Report(False, "; ".join(notes), stage="form")
        return Report(True, "; ".join([str(verdict), *student.remarks]))
    line = student.line_of(verdict.wrong[0]) if verdict.wrong else 0
    words = str(verdict) + (f" [line {line}]" if line else "")
    return Report(False, "; ".join([words, *student.extra, *notes]), line, section)


def _source_of(submission: Any) -> str:
    with contextlib.suppress(OSError, TypeError):
        return textwrap.dedent(inspect.getsource(submission))
    return ""


# ---- the source


def _check_source(source: str) -> None:
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        line = error.lineno or 0
        raise Wrong(f"Python cannot read it: {error.msg} (line {line})", line, "source") from None
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [node.module or ""]
        elif (
            isinstance(node, ast.Call)
            and ast.unparse(node.func) in {"__import__", "importlib.import_module"}
            and node.args
            and isinstance(node.args[0], ast.Constant)
        ):
            modules = [str(node.args[0].value)]
        else:
            continue
        for module in modules:
            if module.split(".")[0] in FORBIDDEN:
                raise Wrong(
                    f"it imports {module} (line {node.lineno}): write the rule yourself",
                    node.lineno,
                    "source",
                )


# ---- the form


class _Student:
    """A submission, and as a function of the form of the rules."""

    def __init__(self, submission: Any, rule: str, source: str, seconds: float):
        self.submission, self.rule, self.source = submission, rule, source
        self.seconds = seconds  # that are left
        self.extra: list[str] = []  # hyperparameters that the rule does not have
        self.remarks: list[str] = []
        self.open_keywords = False
        self.states, self.initial, self.known = form(RULES[rule])
        self.start = start_of(rule)
        self.tree = ast.parse(source)
        self.hyperparameters: dict[str, str] = {}  # our name -> the student's
        self.pairs: dict[str, str] = {}  # betas
        self.own_states: list[str] = []

    # -- names

    def check_form(self) -> None:
        """Raise for another form."""
        here = self.submission
        states = "".join(f", {s}=0" for s in self.states)
        of = f"(t, theta, grad{states}, *, {', '.join(self.known)})"
        if inspect.isclass(here):
            raise Wrong(
                f"it is a class; the rule must be a function {of}. An object keeps its state; here "
                "the state comes in as an argument and goes out as a value"
            )
        if not callable(here):
            raise Wrong(f"it is a {type(here).__name__}; the rule must be a function {of}")
        if inspect.isgeneratorfunction(here):
            raise Wrong("it contains `yield`; a rule takes one step and returns")
        parameters = list(inspect.signature(here).parameters.values())
        if any(p.kind is p.VAR_POSITIONAL for p in parameters):
            raise Wrong(f"it takes *{_starred(parameters)}; name each state: {of}")
        first = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        self._check_order([p.name for p in first], of)
        rest = first[3:]
        keyword = [p for p in parameters if p.kind is p.KEYWORD_ONLY]
        self.open_keywords = any(p.kind is p.VAR_KEYWORD for p in parameters)
        hyper = [p for p in rest if self._exactly(p.name)]
        loose = [p for p in rest if p not in hyper]
        # what is left over after the states is a hyperparameter by another name
        hyper += loose[len(self.states) :] + keyword
        self.own_states = [p.name for p in loose[: len(self.states)]]
        self._name(hyper)
        if len(self.own_states) != len(self.states):
            raise Wrong(self._states_words())
        nameless = [p.name for p in loose[: len(self.states)] if p.default is p.empty]
        if nameless:
            raise Wrong(
                f"{' and '.join(nameless)} {'has' if len(nameless) == 1 else 'have'} no default: "
                f"step 1 is called without a state, so write {nameless[0]}=0"
            )

    def _check_order(self, names: list[str], of: str) -> None:
        usual = {"t", "theta", "grad"}
        if set(names[:3]) == usual and names[:3] != ["t", "theta", "grad"]:
            raise Wrong(
                f"the arguments come as ({', '.join(names[:3])}); the order is (t, theta, grad)"
            )
        if len(names) < 3:
            missing = [n for n in ("t", "theta", "grad") if n not in names]
            raise Wrong(f"it lacks the argument {' and '.join(missing) or 'grad'}; it must be {of}")
        if usual - set(names[:3]) and usual & set(names[3:]):
            raise Wrong(f"the arguments come as ({', '.join(names)}); the order is {of}")

    def _exactly(self, name: str) -> bool:
        """Whether an argument can only be a hyperparameter."""
        rows = catalogue.HYPERPARAMETERS
        elsewhere = [o for o in self.known if o in rows and name in rows[o].elsewhere]
        return name in self.known or bool(elsewhere) or name in LONE

    def _name(self, hyper) -> None:
        """Find our name for each hyperparameter: its own, another library's, the one left."""
        left = [p for p in hyper if p.name not in self.known]
        self.hyperparameters = {p.name: p.name for p in hyper if p.name in self.known}
        for p in list(left):
            free = [name for name in self.known if name not in self.hyperparameters]
            fits = [name for name in free if p.name in SYNONYMS.get(name, ())]
            if p.name in PAIRS and len(fits) > 1:
                self.pairs |= dict.fromkeys(fits, p.name)
                self.hyperparameters |= dict.fromkeys(fits, p.name)
            elif fits:
                self.hyperparameters[fits[0]] = p.name
            else:
                continue
            left.remove(p)
        free = [name for name in self.known if name not in self.hyperparameters]
        if len(left) == len(free) == 1 and left[0].name not in SWITCHES:
            self.hyperparameters[free[0]] = left.pop().name
        for p in left:  # it keeps its default
            if p.default is p.empty:
                raise Wrong(
                    f"the rule has no hyperparameter {p.name}; they are {', '.join(self.known)}"
                )
            words = f"{p.name} is no hyperparameter of the rule (left at {_shown(p.default)})"
            self.extra.append(words)
        if self.open_keywords:
            named = set(re.findall(r"[\"'](\w+)[\"']", self.source))
            for name in [n for n in self.known if n not in self.hyperparameters]:
                others = [o for o in SYNONYMS.get(name, ()) if o in named and name not in named]
                self.hyperparameters[name] = others[0] if others else name

    def missing(self) -> list[str]:
        """The hyperparameters of the rule that it does not have."""
        return [name for name in self.known if name not in self.hyperparameters]

    def defaults(self) -> list[str]:
        """What the function does without hyperparameters, if that is not the usual."""
        found = [
            f"{name} is not among its arguments: write {name}={self.known[name]:g} after the *"
            for name in self.missing()
            if name != "multiplier"
        ]
        parameters = inspect.signature(self.submission).parameters
        for ours, theirs in self.hyperparameters.items():
            if ours == "lam" or ours == "eta" and self.rule in FREE_RATE:
                continue
            values = odd_values(RULES[self.rule])
            together = [n for n in self.hyperparameters if self.hyperparameters[n] == theirs]
            explicit = values | {n: self.known[n] for n in together}
            left_out = {n: v for n, v in values.items() if n not in together}
            mine, said = (self._two_steps(self.function, v) for v in (left_out, explicit))
            if mine is not None and np.array_equal(mine, said, equal_nan=True):
                continue
            default = parameters[theirs].default if theirs in parameters else None
            if default is inspect.Parameter.empty:
                found.append(f"{theirs} has no default; the usual one is {self.known[ours]:g}")
            elif theirs in self.pairs.values():
                words = f"the default of {theirs} is {default}"
                usual_pair = tuple(self.known[name] for name in self.pairs)
                found.append(f"{words}; the usual one is {usual_pair}")
            else:
                words = f"the default of {theirs} is {_shown(default)}"
                found.append(f"{words}; the usual one is {self.known[ours]:g}")
        return list(dict.fromkeys(found))

    def _two_steps(self, function, values):
        theta, state, path = self.start.copy(), (), []
        # small gradients, so that a small epsilon counts
        try:
            for scale in (1.0, 1e-7):
                for t in (1, 2):
                    with np.errstate(all="ignore"):
                        theta, *state = function(
                            t, theta, lambda x, s=scale, t=t: s * _curved(t)(x), *state, **values
                        )
                    path.append(np.asarray(theta, float))
        except Exception:
            return None
        return np.array(path)

    def check_shapes(self) -> None:
        """A long vector must do, a matrix and float32 should."""
        right = RULES[self.rule]
        odd = odd_values(right) | {name: self.known[name] for name in self.missing()}
        long = np.linspace(-2, 3.1, 211)
        if self.start.ndim == 2:
            long = long[:208].reshape(-1, 4)
        for theta, must in ((long, True), (long.flat[:6].reshape(2, 3), False)):
            ours, theirs = (self._three(f, theta, odd) for f in (right, self.function))
            if theirs is None or not np.allclose(ours, theirs, rtol=1e-9, atol=1e-12):
                if must:
                    raise Wrong(
                        f"it is right for {self.start.size} parameters and wrong for {long.size}: "
                        "does a number of entries stand in the code?",
                        stage="step",
                    )
                self.remarks.append("it works for vectors only: a matrix of parameters goes wrong")
        small = long.flat[:5].astype("float32")
        with np.errstate(all="ignore"), contextlib.suppress(Exception):
            back = self.function(1, small, lambda x: _curved(1)(x).astype("float32"), **odd)
            if np.asarray(back[0]).dtype != np.float32:
                self.remarks.append(f"float32 parameters come back as {np.asarray(back[0]).dtype}")

    def _three(self, function, theta, odd):
        state, path = (), []
        try:
            for t in (1, 2, 3):
                with np.errstate(all="ignore"):
                    theta, *state = function(t, theta, _curved(t), *state, **odd)
                path.append(np.asarray(theta, float))
        except Exception:
            return None
        return np.array(path)

    def _states_words(self) -> str:
        n, need = len(self.own_states), len(self.states)
        words = (
            f"the rule takes {n} state argument{'s' * (n != 1)}"
            + (f" ({', '.join(self.own_states)})" if n else "")
            + f", {self.rule} needs {need}"
            + (f": {', '.join(self.states)}" if need else "")
        )
        kept = [node for node in ast.walk(self.tree) if isinstance(node, ast.Global | ast.Nonlocal)]
        if n < need:
            words += (
                ". State in a global variable, in an attribute or in a default survives from one "
                "run to the next; it must come in as an argument and be returned"
            )
        return words + (f" (line {kept[0].lineno})" if kept else "")

    def function(self, t, theta, grad, *state, **hyperparameters):
        """The submission, called as a rule of this book is."""
        keywords: dict[str, Any] = {}
        for name, value in hyperparameters.items():
            if name in self.pairs:
                keywords.setdefault(self.pairs[name], {})[name] = value
            elif name in self.hyperparameters:
                keywords[self.hyperparameters[name]] = value
        for name, value in keywords.items():
            if isinstance(value, dict):
                names = [n for n in self.pairs if self.pairs[n] == name]
                keywords[name] = tuple(value.get(n, self.known[n]) for n in names)
        named = dict(zip(self.own_states, state, strict=False))
        with _time_limit(max(self.seconds, 0.1)) as used:
            try:
                return self.submission(t, theta, grad, **named, **keywords)
            except SystemExit:
                raise RuntimeError("it ends the program (sys.exit, exit or quit)") from None
            finally:
                self.seconds -= used()

    # -- one step

    def check_step(self) -> None:
        odd = odd_values(RULES[self.rule])
        state: list[Any] = []
        for t in (1, 2, 3):
            asked: list[np.ndarray] = []
            step = self._call(t, asked, state, odd)
            self._check_returned(step, t)
            state = [_frozen(x) for x in step[1:]]
            self._check_asked(asked, t)

    def _call(self, t, asked, state, odd):
        def grad(x):
            asked.append(np.array(x, float))
            return _frozen(_curved(t)(np.asarray(x, float)))

        try:
            with np.errstate(all="ignore"):
                return self.function(t, _frozen(self.start), grad, *state, **odd)
        except Exception as error:
            raise self._raised(error, t) from None

    def _raised(self, error: Exception, t: int) -> Wrong:
        line = self._line_of_error(error)
        where = f" (line {line})" if line else ""
        text = f"{type(error).__name__}: {error}{where}"
        if isinstance(error, ValueError) and "read-only" in str(error):
            return Wrong(
                f"theta, the state or the gradient is changed in place{where}: write "
                "`x = x - ...`, not `x -= ...` nor `x[:] = ...`: others still hold the old array",
                line,
                "step",
            )
        hint = next((words for key, words in HINTS.items() if key in str(error)), "")
        return Wrong(f"step {t} raises {text}" + (f". {hint}" if hint else ""), line, "step")

    def _line_of_error(self, error: BaseException) -> int:
        file = getattr(getattr(self.submission, "__code__", None), "co_filename", None)
        frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == file]
        return (frames[-1].lineno or 0) - self._offset() if frames else 0

    def _offset(self) -> int:
        """The lines of the file before the source that was given."""
        code = getattr(self.submission, "__code__", None)
        name = getattr(self.submission, "__name__", "")
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef) and node.name == name and code:
                first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
                return code.co_firstlineno - first
        return 0

    def _check_returned(self, step, t: int) -> None:
        back = f"`return theta, {', '.join(self.states)}`" if self.states else "`return (theta,)`"
        if step is None:
            raise Wrong(
                f"the rule returns None: end it with {back} (print shows a value, it does not "
                "return it)",
                stage="step",
            )
        if isinstance(step, list | dict):
            raise Wrong(
                f"the rule returns a {type(step).__name__}; write {back}, a tuple", stage="step"
            )
        if not isinstance(step, tuple) or len(step) != 1 + len(self.states):
            what = (
                "theta alone"
                if isinstance(step, np.ndarray | float)
                else (
                    f"{len(step)} values" if isinstance(step, tuple) else f"a {type(step).__name__}"
                )
            )
            raise Wrong(
                f"the rule returns {what}; it must return theta and the new state: {back}",
                stage="step",
            )
        for name, x in zip(["theta", *self.states], step, strict=True):
            self._check_array(name, x)

    @functools.cached_property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shapes that theta and the states have after a step."""
        right = RULES[self.rule](1, self.start, _curved(1), **odd_values(RULES[self.rule]))
        return dict(zip(["theta", *self.states], map(np.shape, right), strict=True))

    def _check_array(self, name: str, x: Any) -> None:
        line = self.line_of(name)
        where = f" (line {line})" if line else ""
        if x is None:
            raise Wrong(f"{name} comes back as None", line, "step")
        if isinstance(x, list | tuple):
            raise Wrong(
                f"{name} comes back as a {type(x).__name__}; it must be an array in the shape of "
                "theta. (A loop over coordinates is not needed: NumPy works on the whole array)",
                line,
                "step",
            )
        if not isinstance(x, np.ndarray):
            if name != "theta" and isinstance(x, int | float | np.generic) and np.all(x == 0):
                raise Wrong(
                    f"{name} comes back as {x}, not as an array: is it computed and kept?{where}",
                    line,
                    "step",
                )
            raise Wrong(
                f"{name} comes back as {_shown(x)}, a {type(x).__name__}; it must be an array in "
                f"the shape of theta: is a sum, mean or norm taken over all parameters?{where}",
                line,
                "step",
            )
        shape = self.shapes[name]
        if x.shape != shape:
            whose = f"theta has {shape}" if shape == self.start.shape else f"it must be {shape}"
            raise Wrong(
                f"{name} comes back in the shape {x.shape}; {whose}{where}",
                line,
                "step",
            )
        if x.dtype != float:
            raise Wrong(
                f"{name} comes back as {x.dtype}; theta was float64: digits are lost{where}",
                line,
                "step",
            )

    def _check_asked(self, asked: list[np.ndarray], t: int) -> None:
        if not asked:
            raise Wrong("grad is never called: the gradient is `g = grad(theta)`", stage="step")
        if len(asked) != 1:
            raise Wrong(
                f"grad is called {len(asked)} times a step, {self.rule} calls it once: with "
                "mini-batches each call costs a pass and may give another gradient. Call it once "
                "and keep g",
                stage="step",
            )

    # -- purity

    def check_purity(self) -> None:
        odd = odd_values(RULES[self.rule])
        runs = []
        for _ in range(2):
            theta, path = self.start.copy(), list[np.ndarray]()
            state: list[np.ndarray] = []
            for t in (1, 2, 3):
                step = self._call_free(t, theta, state, odd)
                theta, *state = (np.array(x, float) for x in step)
                path += [theta, *state]
            runs.append(path)
        one, other = runs
        if len(one) != len(other) or not all(
            np.array_equal(a, b, equal_nan=True) for a, b in zip(one, other, strict=True)
        ):
            raise Wrong(
                "two runs from the same start differ: something survives from the first (a global, "
                "an attribute of the function, a default array changed in place) or is random",
                stage="purity",
            )

    def _call_free(self, t, theta, state, odd):
        try:
            with np.errstate(all="ignore"):
                return self.function(t, theta, _curved(t), *state, **odd)
        except Exception as error:
            raise self._raised(error, t) from None

    # -- where a quantity is computed

    def line_of(self, quantity: str) -> int:
        """The last line that assigns what the function returns for a quantity."""
        name = getattr(self.submission, "__name__", "")
        defined = [n for n in ast.walk(self.tree) if isinstance(n, ast.FunctionDef)]
        node = next((n for n in defined if n.name == name), None)
        if node is None:
            return 0
        returns = [n for n in ast.walk(node) if isinstance(n, ast.Return) and n.value]
        if not returns:
            return 0
        value = returns[-1].value
        assert value is not None
        values = value.elts if isinstance(value, ast.Tuple) else [value]
        k = ["theta", *self.states].index(quantity)
        if k >= len(values):
            return 0
        returned = values[k]
        if not isinstance(returned, ast.Name):
            return returned.lineno
        lines = [
            n.lineno
            for n in ast.walk(node)
            if isinstance(n, ast.Assign | ast.AugAssign | ast.AnnAssign)
            for target in (n.targets if isinstance(n, ast.Assign) else [n.target])
            for part in ast.walk(target)
            if isinstance(part, ast.Name) and part.id == returned.id
        ]
        return max(lines, default=0)


def _starred(parameters) -> str:
    return next(p.name for p in parameters if p.kind is p.VAR_POSITIONAL)


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float | np.generic) else repr(value)


def _frozen(x: Any) -> np.ndarray:
    x = np.array(x)
    x.flags.writeable = False
    return x


# ---- time


class OutOfTime(BaseException):
    """Raised in a submission that does not end; no `except Exception` of its own stops it."""


@contextlib.contextmanager
def _time_limit(seconds: float) -> Iterator[Callable[[], float]]:
    """Raise OutOfTime in this thread after some seconds of Python code; yields the time used."""
    thread = ctypes.c_ulong(threading.get_ident())
    done = threading.Event()

    def watch():
        wait = seconds
        while not done.wait(wait):
            ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, ctypes.py_object(OutOfTime))
            wait = 0.5  # once more, for a submission that catches everything

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    begun = time.perf_counter()
    try:
        yield lambda: time.perf_counter() - begun
    finally:
        done.set()


# ---- a file, in a process of its own

_RUN = """
import json, sys
from dataclasses import asdict
from pathlib import Path
from gdref.grade import _grade_text
file, function, rule, seconds = sys.argv[1:]
report = _grade_text(Path(file).read_text("utf-8"), file, function, rule, float(seconds))
sys.__stdout__.write("\\n" + json.dumps(asdict(report)))
sys.__stdout__.flush()
import os
os._exit(0)
"""


def grade_file(
    path: str | Path,
    rule: str | Callable,
    function: str = "",
    *,
    seconds: float = 20.0,
    megabytes: int = 2000,
) -> Report:
    """Grade a function of a Python file in a process of its own.

    Parameters
    ----------
    path
        the file.
    rule
        the rule that the function should be, or its name.
    function
        its name in the file; ``my_<rule>`` or ``<rule>`` if empty.
    seconds, megabytes
        how long it may take and how much memory it may have (memory not on Windows and macOS).
    """
    name = rule_name(rule)
    text = f"import resource; resource.setrlimit(resource.RLIMIT_AS, ({megabytes << 20},) * 2)\n"
    limited = (text if sys.platform == "linux" else "") + _RUN
    command = [sys.executable, "-c", limited, str(path), function, name, str(seconds / 2)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
        return Report(**json.loads(done.stdout.splitlines()[-1]))
    except subprocess.TimeoutExpired:
        return Report(
            False, f"it takes more than {seconds:g} s: does a loop never end?", stage="step"
        )
    except (ValueError, IndexError, TypeError):
        last = done.stderr.strip().splitlines()[-1:] or ["no message"]
        return Report(False, f"it ended the process: {last[0]}", stage="step")


def _grade_text(text: str, file: str, function: str, rule: str, seconds: float) -> Report:
    namespace: dict[str, Any] = {"__name__": "submission"}
    try:
        _check_source(text)
        with contextlib.redirect_stdout(io.StringIO()), _time_limit(seconds):
            exec(compile(text, file, "exec"), namespace)
    except Wrong as wrong:
        return Report(False, str(wrong), wrong.line, stage=wrong.stage)
    except OutOfTime:
        return Report(
            False,
            "the file itself does not end: is there a loop outside the function?",
            stage="source",
        )
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == file]
        line = (lines or [0])[-1] or 0
        words = f"the file raises {type(error).__name__}: {error} (line {line})"
        return Report(False, words, line, stage="source")
    names = [function] if function else [f"my_{rule}", rule]
    found = next((namespace[name] for name in names if name in namespace), None)
    if found is None:
        return Report(False, f"the file defines no {' or '.join(names)}", stage="source")
    return grade(found, rule, text, seconds=seconds)
