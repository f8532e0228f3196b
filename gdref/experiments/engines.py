"""What a step costs on each engine: the recorded results of benchmarks/engines.py as tables.

    >>> from gdref.experiments.engines import markdown, rows
    >>> table = markdown(rows(10**7, "float64"))

The times are those of one machine, which :func:`load` names; the ratios say more than the times.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).with_name("engines.json")

#: the contestants in the order of a table's columns, and the heading of each
ENGINES = {
    "memory": "memory",
    "roots": "with roots",
    "compiled": "compiled",
    "fused": "PyTorch fused",
    "foreach": "PyTorch foreach",
    "default": "PyTorch",
    "optax": "Optax, jit",
    "numpy": "NumPy",
}
#: A rule is bound by its roots and divisions if they alone cost this much more than the memory.
BOUND = 1.05


def load() -> dict[str, Any]:
    """The recorded results: the machine, its versions, the times."""
    return json.loads(RESULTS.read_text())


def rows(
    n: int = 10**7, dtype: str = "float64", threads: int = 1, results: Mapping | None = None
) -> list[dict[str, Any]]:
    """One dictionary a rule, in the order of the chapters.

    Parameters
    ----------
    n, dtype, threads
        the number of parameters (10**3 to 10**7), "float64" or "float32", 1 or 2.
    results
        as :func:`load` returns them, which is the default.

    Returns
    -------
    list
        of dictionaries: ``rule``; for each engine that has the rule its time in nanoseconds a
        parameter; ``floor``, the larger of ``memory`` and, if the rule is bound by them, ``roots``;
        ``bound``, "memory" or "roots"; ``to memory`` and ``to floor``, the ratios of ``compiled``.
    """
    results = load() if results is None else results
    found = []
    for row in results["nanoseconds"]:
        if (row["n"], row["dtype"], row["threads"]) != (n, dtype, threads):
            continue
        memory = row["memory"]
        bound = "roots" if row.get("roots", 0) > BOUND * memory else "memory"
        found.append(
            {"rule": row["rule"]}
            | {engine: row[engine] for engine in ENGINES if engine in row}
            | {"bound": bound, "floor": row[bound], "to memory": row["compiled"] / memory}
            | {"to floor": row["compiled"] / row[bound]}
        )
    if not found:
        raise ValueError(f"no results for n = {n}, dtype = {dtype!r}, threads = {threads}")
    return found


def markdown(table: Sequence[Mapping[str, Any]], engines: Sequence[str] | None = None) -> str:
    """Rows as a table in Markdown: times to two digits, then the ratio to the floor.

    ``engines`` selects and orders the columns; by default all that the rows have.
    """
    if engines is None:
        engines = [engine for engine in ENGINES if any(engine in row for row in table)]
    lines = [
        ["rule", *(ENGINES[engine] for engine in engines), "bound by", "compiled to floor"],
        ["---", *["---:" for _ in engines], "---", "---:"],
    ]
    for row in table:
        times = [f"{row[engine]:.2f}" if engine in row else "" for engine in engines]
        lines.append([row["rule"], *times, row["bound"], f"{row['to floor']:.2f}"])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
