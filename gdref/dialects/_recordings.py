"""Paths that the libraries took, stored in ``paths``, and our rules on the same problems."""

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType
from typing import Any

import numpy as np

from gdref.dialects._expressions import PerStep
from gdref.loop import iterate_state
from gdref.rules import RULES

Rule = str | Callable  # a rule or its name

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


def _matrix(t, theta):
    """A quadratic of a 4 by 3 matrix with a curvature of its own for each entry, and noise."""
    curvature = np.array([[0.1], [1.0], [5.0], [40.0]]) * np.array([1.0, 0.3, 2.0])
    return curvature * (theta - TARGET[:, None]) + np.sqrt(curvature) * _noise(t, 12).reshape(4, 3)


def _columns(gradient):
    """The gradient of a matrix whose columns each have this problem."""
    return lambda t, theta: np.stack([gradient(t, column) for column in theta.T], axis=1)


def _noisy_matrix(t, theta):
    """Two columns with one quadratic, and noise of their own."""
    curvature = np.array([[0.1], [4.0], [150.0]])
    target = np.stack([TARGET[:3], TARGET[1:]], axis=1)
    return curvature * (theta - target) + np.sqrt(curvature) * _noise(t, 6).reshape(3, 2)


def _sparse_matrix(t, theta):
    """Two rows of the sparse problem, one seen a step later: wider than tall."""
    return np.stack([_sparse(t, theta[0]), _sparse(t + 1, theta[1])])


#: The problems of the recordings: the start and the gradient as a function of t and theta.
PROBLEMS = MappingProxyType(
    {
        "curved": (np.array([-0.8, 1.3]), _curved),
        "noisy": (np.array([2.0, -1.0, 3.2]), _noisy),
        "sparse": (np.array([1.3, -0.2, 2.1, 0.9]), _sparse),
        "matrix": (TARGET[:, None] + np.array([0.9, -0.6, 1.4]), _matrix),
        "sparse, all seen at step 1": (np.array([1.3, -0.2, 2.1, 0.9]), _sparse_later),
        "curved, a matrix": (np.array([[-3.0, 2.0], [2.0, -1.5]]), _columns(_curved)),
        "noisy, a matrix": (np.array([[2.0, 0.4], [-1.0, 1.1], [3.2, -2.0]]), _noisy_matrix),
        "sparse, a matrix": (
            np.array([[1.3, -0.2, 2.1, 0.9], [0.4, 1.8, -0.7, 0.2]]),
            _sparse_matrix,
        ),
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


def rule_name(rule: Rule) -> str:
    """The name of a rule of the book; raise if it is none."""
    name = getattr(rule, "__name__", rule)
    if not isinstance(name, str) or name not in RULES:
        raise ValueError(f"unknown rule {name!r}; the rules are {', '.join(RULES)}")
    return name


PATHS = resources.files("gdref.dialects") / "paths"


@functools.cache
def stored(name: str) -> dict[str, Any]:
    """The content of a file in ``paths``; empty where there is none."""
    file = PATHS / f"{name}.json"
    return json.loads(file.read_text("utf-8")) if file.is_file() else {}


def from_json(values: dict[str, Any]) -> dict[str, Any]:
    """Stored values: a text is an expression in t, or a text if it is quoted; a list a tuple."""
    kinds: dict[type, Callable] = {str: _text, list: tuple}
    return {name: kinds.get(type(v), lambda v: v)(v) for name, v in values.items()}


def _text(value):
    return value[1:-1] if value.startswith("'") else PerStep(value)


def recorded(
    rule: Rule | None = None,
    library: str | None = None,
    kind: str | None = None,
    problem: str | None = None,
) -> list[Recording]:
    """The recorded paths, all or those of a rule, a library, a kind, a problem."""
    wanted = {"library": library, "kind": kind, "problem": problem}.items()
    found = []
    for name in RULES if rule is None else [rule_name(rule)]:
        data = stored(name)  # empty for a rule that no library has
        for row in data.get("paths", []):
            if all(want in (None, row[key]) for key, want in wanted):
                converted = {
                    "hyperparameters": from_json(row["hyperparameters"]),
                    "arguments": from_json(row["arguments"]),
                    "code": tuple(row["code"]),
                    "path": np.array(row["path"]),
                    "version": data["versions"][row["library"]],
                }
                found.append(Recording(rule=name, **row | converted))
    return found


def recorded_schedules(library: str | None = None) -> list[dict[str, Any]]:
    """Learning rates that the libraries' schedules gave: one dict for each schedule."""
    rows = stored("schedules")["schedules"]
    return [row for row in rows if library is None or row["library"] == library]


def replay(
    rule: Rule, hyperparameters: dict[str, Any], problem: str, steps: int = 60
) -> np.ndarray:
    """The path of our rule on a recorded problem, as the library's parameters see it.

    That is theta, and for Nesterov's rule the look-ahead point theta - gamma v.
    """
    start, gradient = PROBLEMS[problem]
    gradients = (functools.partial(gradient, t) for t in range(1, steps + 1))
    name = rule_name(rule)
    path = iterate_state(RULES[name], gradients, start, **hyperparameters)
    if name == "nag":
        gamma = hyperparameters["gamma"]
        ahead = gamma if callable(gamma) else lambda t: gamma
        return np.array([theta - ahead(t + 1) * v for t, (theta, v) in enumerate(path)])
    return np.array([theta for theta, *_ in path])
