r"""Vectors: what the rule computes, as JSON, for tests in any language.

A file a rule and dialect: ``adam.json`` is the book's; ``adam-keras.json`` the path of the
library's optimizer that gets the same values under its own names (``call`` says which; its state is
not written); ``nadam-10.json`` another form of the rule's own paper, by its name in the table of
mistakes.  The schema, number 1::

    {"schema": 1, "rule": "adam", "dialect": "book", "formula": "...",
     "tolerance": {"float64": 1e-9, "float32": 2e-4},
     "runs": [{"name": "random gradients", "start": [...],
               "steps": [{"t": 1, "hyperparameters": {"eta": 0.13, ...}, "asked": [...],
                          "gradient": [...], "theta": [...], "state": {"m": [...], "v": [...]}},
                         ...]}]}

``gradient`` is the gradient at ``asked``, which is theta before the step but for Nesterov's rule.
``theta`` and ``state`` are those after the step, ``start`` the parameters before step 1; the state
before it is 0.  A value of ``hyperparameters`` may be a list of two, as ``betas`` is.  A step
passes if each number is within the tolerance times the length of the step (theta) or times its
size (state).
"""

import functools
import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from gdref import dialects
from gdref._inputs import form
from gdref.diagnosis.mistakes import mistakes
from gdref.diagnosis.runs import STEPS, library_run, probes
from gdref.diagnosis.situations import TOLERANCE, start_of
from gdref.dialects._expressions import convert
from gdref.rules import RULES


def vectors(rule: str, dialect: str = "book") -> dict[str, Any]:
    """The vectors of a rule, as the content of a file.

    ``dialect`` is ``"book"``; the name of a library, for its own form; or the id of a mistake of
    the table whose path is to be written.  Raises NoConversion if the library has no such form.
    """
    text = (inspect.getdoc(RULES[rule]) or "").split("\n\n")
    content: dict[str, Any] = {
        "schema": 1,
        "rule": rule,
        "dialect": dialect,
        "formula": text[2].strip() if len(text) > 3 else "",
        "tolerance": TOLERANCE,
    }
    steps: Callable = functools.partial(_steps, RULES[rule])
    if dialect in dialects.LIBRARIES:
        entry = dialects.dialect(rule, dialect)
        steps = functools.partial(_steps_of_library, entry)
        content["call"] = f"{dialects.LIBRARIES[dialect][0]}.{entry.constructor}"
    elif dialect != "book":
        form_of_paper = {m.id: m.function for m in mistakes(rule)}[dialect]
        steps = functools.partial(_steps, form_of_paper)
    content["runs"] = []
    for name, gradients, values in probes(rule):
        start = start_of(rule, name)
        try:
            rows = steps(start, gradients, values)
        except dialects.NoConversion:  # a form that is ours at a constant rate alone
            if not any(map(callable, values.values())):
                raise
            continue
        content["runs"].append({"name": name, "start": start.tolist(), "steps": rows})
    return content


def _steps_of_library(
    entry: dialects.Dialect, start: np.ndarray, gradients: Callable, values: dict
) -> list[dict]:
    """As a run of the library's optimizer shows them: no state, its own names."""
    asked: list = []

    def recorded(t):
        def gradient(x):
            g = gradients(t)(x)
            asked.append((x, g))
            return g

        return gradient

    path = library_run(entry)(start, [recorded(t) for t in range(1, STEPS + 1)], values)
    theirs = convert(entry.names, values)
    rows = []
    for t, ((point, g), theta) in enumerate(zip(asked, path, strict=True), 1):
        now = {name: value(t) if callable(value) else value for name, value in theirs.items()}
        rows.append(
            {
                "t": t,
                "hyperparameters": now,
                "asked": point.tolist(),
                "gradient": g.tolist(),
                "theta": theta.tolist(),
                "state": {},
            }
        )
    return rows


def _steps(
    function: Callable, start: np.ndarray, gradients: Callable, values: dict[str, Any]
) -> list[dict]:
    names, _, _ = form(function)
    theta, state, rows = start, (), []
    for t in range(1, STEPS + 1):
        now = {k: float(v(t)) if callable(v) else float(v) for k, v in values.items()}
        asked: list = []

        def gradient(x, t=t, asked=asked):
            g = gradients(t)(x)
            asked[:] = [x, g]
            return g

        theta, *state = function(t, theta, gradient, *state, **now)
        rows.append(
            {
                "t": t,
                "hyperparameters": now,
                "asked": np.asarray(asked[0]).tolist(),
                "gradient": np.asarray(asked[1]).tolist(),
                "theta": theta.tolist(),
                "state": {n: np.asarray(s).tolist() for n, s in zip(names, state, strict=True)},
            }
        )
    return rows


def write_vectors(directory: str | Path) -> list[Path]:
    """Write the vectors of all rules and of the libraries' forms; return the files."""
    folder = Path(directory)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    forms = {r: [m.id for m in mistakes(r) if m.kind == "paper"] for r in RULES}
    for rule, forms_of_paper in forms.items():
        for dialect in ("book", *dialects.LIBRARIES, *forms_of_paper):
            try:
                content = vectors(rule, dialect)
            except dialects.NoConversion:
                continue
            name = rule if dialect == "book" else dialect  # a form has the rule in its name
            file = folder / f"{f'{rule}-{name}' if name in dialects.LIBRARIES else name}.json"
            file.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
            written.append(file)
    return written


def replay(content: dict[str, Any], step: Callable, dtype: str = "float64") -> str:
    """Hold a step function against vectors; the first difference in words, empty if there is none.

    ``theta, *state = step(t, theta, gradient, state, hyperparameters)`` with the gradient as an
    array and the state as a list, empty before step 1.
    """
    tolerance = content["tolerance"][dtype]
    for run in content["runs"]:
        theta = np.array(run["start"], dtype)
        state: list = []
        for row in run["steps"]:
            gradient = np.array(row["gradient"], dtype)
            new, *state = step(row["t"], theta, gradient, state, row["hyperparameters"])
            right = np.array(row["theta"])
            allowed = tolerance * np.abs(right - theta) + 8 * np.finfo(dtype).eps * np.abs(right)
            if not (np.abs(new - right) <= allowed).all():
                return f"{run['name']}, step {row['t']}: theta is {new}, not {right}"
            theta = new
    return ""


__all__ = ["replay", "vectors", "write_vectors"]
