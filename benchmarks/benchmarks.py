"""What gdref costs: the import, a step of each rule, the loop, many starts at once.

    python benchmarks/benchmarks.py

Each time is processor time, the best of several repeats, so that other work on the machine
disturbs little.  A step includes the gradient of x^2, one multiplication.  The exit code is 1 if
a target is missed; times depend on the machine, the ratios much less.
"""

import subprocess
import sys
import time
from collections import deque
from itertools import islice

import numpy as np

from gdref import RULES, adam, iterate

REPEATS = 9


def slope(x):
    return 2 * x


def bare(rule, theta, steps):
    """The rule alone in the shortest loop that runs it."""
    state = ()
    for t in range(1, steps + 1):
        theta, *state = rule(t, theta, slope, *state)


def looped(rule, theta, steps):
    deque(islice(iterate(rule, slope, theta), steps + 1), maxlen=0)


def scheduled(rule, theta, steps):
    deque(islice(iterate(rule, slope, theta, eta=lambda t: 0.1 / t), steps + 1), maxlen=0)


def microseconds(rule, theta, steps, *runs):
    """Per step, the best of several repeats; the runs take turns, so that all see the same load."""
    times = [[] for _ in runs]
    for _ in range(REPEATS):
        for run, measured in zip(runs, times, strict=True):
            start = time.process_time()
            run(rule, theta, steps)
            measured.append(time.process_time() - start)
    return [min(measured) / steps * 1e6 for measured in times]


IMPORT = """
import time
import numpy
start = time.process_time()
import gdref
print(time.process_time() - start)
"""


def import_milliseconds():
    """import gdref after import numpy, each in a fresh interpreter."""
    command = [sys.executable, "-c", IMPORT]
    runs = [subprocess.run(command, capture_output=True, text=True) for _ in range(REPEATS)]
    return min(float(run.stdout) for run in runs) * 1e3


def table(title, columns, rows):
    print(f"\n{title}")
    print("  " + "".join(f"{column:>16}" for column in columns))
    for row in rows:
        cells = (cell if isinstance(cell, str) else f"{cell:.2f}" for cell in row)
        print("  " + "".join(f"{cell:>16}" for cell in cells))


def main():
    one, three, many = np.array([1.0]), np.array([1.0, 2.0, 3.0]), np.linspace(0.1, 2.0, 10_000)
    missed = []

    def target(name, value, bound, unit):
        good = value >= bound if unit == "times" else value <= bound
        word = "at least" if unit == "times" else "at most"
        note = "met" if good else "MISSED"
        print(f"  {name:<60}{value:9.2f} {unit:5}  {word} {bound:g}: {note}")
        if not good:
            missed.append(name)

    print("NumPy", np.__version__, "Python", sys.version.split()[0])
    rows, overheads = [], []
    for name, rule in RULES.items():
        on_float, in_loop = microseconds(rule, 1.0, 10_000, bare, looped)
        on_array, array_loop = microseconds(rule, three, 2_000, bare, looped)
        (alone,), (at_once,) = (
            microseconds(rule, one, 2_000, bare),
            microseconds(rule, many, 100, bare),
        )
        overheads += [in_loop - on_float, array_loop - on_array]
        rows.append(
            (name, on_float, in_loop - on_float, on_array, array_loop - on_array, at_once)
            + (1e4 * alone / at_once, 1e4 * on_float / at_once)
        )
    table(
        "One step, in microseconds; 10,000 starts: how much less per point",
        ("rule", "float", "+ iterate", "3 numbers", "+ iterate", "10,000 starts")
        + ("x less: array", "x less: float"),
        rows,
    )
    adams = next(row for row in rows if row[0] == "adam")
    alone, with_schedule = microseconds(adam, 1.0, 10_000, bare, scheduled)

    print("\nTargets")
    target("import gdref beyond NumPy", import_milliseconds(), 20, "ms")
    target("iterate per step beyond the rule, the worst above", max(overheads), 2, "us")
    target(
        "iterate with a schedule per step beyond Adam on a float", with_schedule - alone, 2, "us"
    )
    target("Adam on a float", adams[1], 1.5, "us")
    target("Adam on three numbers", adams[3], 10, "us")
    target("Adam, 10,000 starts: per point less than an array of one", adams[6], 300, "times")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
