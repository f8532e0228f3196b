r"""Vectors: what the rule computes, as JSON, for tests in any language.

A file a rule and dialect.  The schema, number 1::

    {"schema": 1, "rule": "adam", "dialect": "book", "formula": "...",
     "tolerance": {"float64": 1e-9, "float32": 2e-4},
     "runs": [{"name": "random gradients", "start": [...],
               "steps": [{"t": 1, "hyperparameters": {"eta": 0.13, ...}, "asked": [...],
                          "gradient": [...], "theta": [...], "state": {"m": [...], "v": [...]}},
                         ...]}]}

``gradient`` is the gradient at ``asked``, which is theta before the step but for Nesterov's rule.
``theta`` and ``state`` are those after the step, ``start`` the parameters before step 1; the state
before it is 0.  A step passes if each number is within the tolerance times the length of the step
(theta) or times its size (state).
"""

import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from gdref._inputs import form
from gdref.diagnosis.mistakes import mistakes
from gdref.diagnosis.runs import STEPS, probes
from gdref.diagnosis.situations import START, TOLERANCE
from gdref.rules import RULES


def vectors(rule: str, dialect: str = "book") -> dict[str, Any]:
    """The vectors of a rule, as the content of a file.

    ``dialect`` is ``"book"``, or the id of a mistake of the table whose path is to be written: a
    library's own form.
    """
    function = RULES[rule]
    if dialect != "book":
        function = {m.id: m.function for m in mistakes(rule)}[dialect]
    formula = inspect.getdoc(RULES[rule]) or ""
    return {
        "schema": 1,
        "rule": rule,
        "dialect": dialect,
        "formula": formula.split("\n\n")[2].strip() if formula.count("\n\n") > 2 else "",
        "tolerance": TOLERANCE,
        "runs": [
            {"name": name, "start": START.tolist(), "steps": _steps(function, gradients, values)}
            for name, gradients, values in probes(rule)
        ],
    }


def _steps(function: Callable, gradients: Callable, values: dict[str, Any]) -> list[dict]:
    names, _, _ = form(function)
    theta, state, rows = START.copy(), (), []
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
    """Write the vectors of all rules; return the files."""
    folder = Path(directory)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for rule in RULES:
        file = folder / f"{rule}.json"
        file.write_text(json.dumps(vectors(rule), indent=1) + "\n", "utf-8")
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
