"""The recorded times of the engines: complete, as tables, and within the targets."""

import re

import pytest

from gdref import RULES
from gdref.experiments.engines import ENGINES, load, markdown, rows

SIZES = [10**k for k in range(3, 8)]
TYPES = ["float64", "float32"]
RECORDED = list(load()["compile_seconds"])  # a new rule waits for the next record
LARGEST = max(SIZES)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("threads", [1, 2])
def test_every_rule_is_recorded_on_every_engine(n, dtype, threads):
    table = rows(n, dtype, threads)
    assert [row["rule"] for row in table] == RECORDED
    everywhere = {"memory", "compiled", "optax"}
    everywhere |= {"foreach", "default", "numpy"} if threads == 1 else set()
    for row in table:
        assert everywhere <= set(row)
        assert all(row[engine] > 0 for engine in ENGINES if engine in row)
    fused = {row["rule"] for row in table if "fused" in row}
    assert {"gd", "momentum", "nag", "adagrad", "adam", "amsgrad", "adamw"} <= fused


def bound_by_roots(dtype, threads):
    """The rules whose loop takes as long on data in the cache as the memory takes: arithmetic."""
    cached = {row["rule"]: row["compiled"] / threads for row in rows(10**4, dtype, 1)}
    with_roots = [row for row in rows(LARGEST, dtype, threads) if "roots" in row]
    return {row["rule"] for row in with_roots if cached[row["rule"]] >= row["memory"]}


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("threads", [1, 2])
def test_the_compiled_rules_are_as_fast_as_the_memory_allows(dtype, threads):
    """And close to it where the roots take as long as the memory, and do not quite overlap."""
    bound = bound_by_roots(dtype, threads)
    assert bound <= {"adagrad", "adadelta", "rmsprop"}
    for row in rows(LARGEST, dtype, threads):
        assert row["to floor"] <= (1.25 if row["rule"] in bound else 1.10), row
        assert row["floor"] in (row["memory"], row.get("roots"))


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("threads", [1, 2])
def test_no_compiled_rule_is_slower_than_fused(n, dtype, threads):
    for row in rows(n, dtype, threads):
        assert row["compiled"] <= row.get("fused", row["compiled"]), row


def test_every_rule_compiles_within_a_second():
    seconds = load()["compile_seconds"]
    assert len(seconds) > 10 and list(seconds) == [name for name in RULES if name in seconds]
    assert max(seconds.values()) < 1


def test_the_machine_is_named():
    recorded = load()["machine"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", recorded["date"])
    assert recorded["processor"] and recorded["vectors"]
    assert {"Python", "numpy", "numba", "torch", "jax", "optax"} <= set(recorded["versions"])


def test_the_table_has_a_column_for_each_engine_and_a_row_for_each_rule():
    lines = markdown(rows(LARGEST, "float64")).splitlines()
    assert len(lines) == 2 + len(RECORDED)
    assert len({line.count("|") for line in lines}) == 1
    assert all(heading in lines[0] for heading in ENGINES.values())
    adam = next(line for line in lines if line.startswith("| adam |"))
    assert len(re.findall(r"\d+\.\d\d", adam)) == 1 + len(ENGINES)
    assert "NumPy" not in markdown(rows(LARGEST, "float64", threads=2))
    assert markdown(rows(LARGEST), ["compiled"]).splitlines()[0].count("|") == 5


def test_what_was_not_recorded_is_refused():
    with pytest.raises(ValueError, match="no results for n = 12, dtype = 'float64', threads = 1"):
        rows(12)
