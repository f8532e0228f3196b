"""Every conversion of gdref.dialects, run in its library with every hyperparameter changing.

The cases are those of tools/record/recipes.py.  `make libraries` runs this file in an environment
with PyTorch, Keras and Optax.
"""

import itertools
from importlib.util import find_spec

import numpy as np
import pytest

if not all(map(find_spec, ("torch", "keras", "optax"))):
    pytest.skip("PyTorch, Keras and Optax are not installed", allow_module_level=True)

from gdref import RULES, dialects, schedules  # noqa: E402
from gdref.dialects import Dialect, NoConversion, replay, to_library  # noqa: E402
from tools.record import recipes  # noqa: E402
from tools.record.cases import problem_of  # noqa: E402
from tools.record.libraries import DRIVERS, OptaxCompiled, path, use  # noqa: E402

CLOSE, RATE = 1e-12, 0.03  # no rate of the cases with a limit is larger


@pytest.fixture(autouse=True)
def float64():
    """For these tests alone: others of the same process have set JAX as they need it."""
    import jax

    wide = jax.config.jax_enable_x64
    use("float64")
    yield
    use("float32")
    jax.config.update("jax_enable_x64", wide)


def rows(cases):
    """A key and its kinds with their values."""
    return [(k, list(group)) for k, group in itertools.groupby(cases, key=lambda case: case[0])]


def gap(driver, lines, rule, hyperparameters, values):
    """The largest difference between the library's path and ours; None if ours stops on the way."""
    try:
        problem = problem_of(dialects.rule_name(rule), recipes.PROBLEM)
        ours = replay(rule, hyperparameters, problem, recipes.STEPS)
    except NoConversion:
        return None
    schedules = {name: value for name, value in values.items() if callable(value)}
    start, gradient = dialects.PROBLEMS[problem]
    theirs = path(driver(start, **schedules), lines, gradient, recipes.STEPS)
    return np.max(np.abs(theirs - ours))


def converted(cases):
    """The cases that have a conversion, with it; the stored table holds which these are."""
    for key, kind, values in cases:
        found = recipes.converted(key, values)
        if not isinstance(found, str):
            yield kind, values, found


def name(row):
    return "-".join(row[0])


@pytest.mark.parametrize("row", rows(recipes.to_libraries()), ids=name)
def test_a_recipe_runs_and_takes_our_path(row):
    (rule, library, _), cases = row
    for kind, values, recipe in converted(cases):
        for driver in [DRIVERS[library]] + [OptaxCompiled] * (library == "optax"):
            here = gap(driver, recipe, rule, dialects.defaults(rule) | values, values)
            assert here <= CLOSE + recipe.dialect.limit * RATE, (kind, str(recipe))


@pytest.mark.parametrize("row", rows(recipes.from_libraries()), ids=name)
def test_our_rule_takes_the_path_of_a_library(row):
    (library, call, _), cases = row
    for kind, values, (rule, hyperparameters) in converted(cases):
        entry = Dialect(rule.__name__, library, call.partition("(")[0] + "()")
        lines = dialects.recipe(entry, {k: k for k in values}, values, edit_state=False)
        here = gap(DRIVERS[library], lines, rule, hyperparameters, values)
        limit = dialects.origin(library, entry.constructor, **values)[0].limit * RATE
        assert here is None or here <= CLOSE + limit, (kind, hyperparameters)


def test_the_stored_table_is_what_ran():
    assert recipes.TABLE.read_text("utf-8") == recipes.table(), "python -m tools.record --write"


@pytest.mark.parametrize("library", dialects.LIBRARIES)
def test_lines_with_a_rate_of_0_run_in_float32(library):
    use("float32")
    rates = [
        (rule, kind, values)
        for (rule, where, hyperparameter), kind, values in recipes.to_libraries()
        if (where, hyperparameter) == (library, "eta") and rule in ("adamw", "momentum", "nag")
    ]
    assert len({rule for rule, *_ in rates}) == 3
    for rule, kind, values in rates:
        recipe = to_library(rule, library, **values)
        assert gap(DRIVERS[library], recipe, rule, values, values) < 2e-5, (rule, kind)


OURS = [
    schedules.exponential(0.003, 3, 0.5, staircase=True),
    schedules.piecewise_constant([2, 5], [0.003, 0.002, 0.001]),
    schedules.polynomial(0.003, 4),
    schedules.polynomial(0.003, 4, cycle=True),
    schedules.inverse_time(0.003, 2, 0.5),
    schedules.cosine(0.003, 6),
    schedules.warmup(schedules.step(0.003, 3, 0.5), 4),
]


@pytest.mark.parametrize("rule", ["adam", "adamw", "momentum"])
@pytest.mark.parametrize("library", dialects.LIBRARIES)
def test_the_libraries_take_our_schedules(library, rule):
    for schedule in OURS:
        values = {"eta": schedule}
        recipe = to_library(rule, library, **values)
        for driver in [DRIVERS[library]] + [OptaxCompiled] * (library == "optax"):
            assert gap(driver, recipe, rule, dialects.defaults(rule) | values, values) <= CLOSE


def test_what_pytorch_refuses():
    """The words of the table are true: PyTorch makes no such optimizer."""
    driver = DRIVERS["pytorch"]([1.0])
    for arguments in ("nesterov=True", "nesterov=True, momentum=0.9, dampening=0.1"):
        with pytest.raises(ValueError, match="Nesterov momentum requires"):
            driver.make(f"torch.optim.SGD([theta], lr=0.1, {arguments})")


def test_every_rule_is_run():
    assert {key[0] for key, _, _ in recipes.to_libraries()} == set(RULES)
