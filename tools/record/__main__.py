"""Record the paths that PyTorch, Keras and Optax take, and compare them with the stored ones.

    python -m tools.record                record, compare, print what changed; store nothing
    python -m tools.record --write        store it in gdref/dialects/paths, and recipes.tsv
    python -m tools.record --rule adam    the same for one rule; the other files stay as they are

It runs in an environment with the three libraries, which `make dialects` makes; the book and its
tests need none of them.  The lines of code that make and drive an optimizer are gdref's own.
"""

import argparse
import inspect
import json
import shutil
import sys
import tempfile
import warnings
from operator import attrgetter
from pathlib import Path

import numpy as np

from gdref import RULES, dialects
from gdref.dialects import PROBLEMS, Dialect, PerStep, _recordings
from gdref.rules import WHOLE
from tools.record import recipes
from tools.record.cases import MATRICES, odd_values, others, problem_of, scheduled_values, schedules
from tools.record.libraries import (
    DRIVERS,
    VERSIONS,
    OptaxCompiled,
    jnp,
    keras,
    path,
    torch,
    use,
)

STORE = Path(dialects.__file__).parent / "paths"
STEPS, COUNTS = 60, range(41)
MEASURED, ROUNDING = ("path", "values", "used"), 1e-12
PLAIN = (bool, int, float, str, tuple)


# --- paths -------------------------------------------------------------------------------------


def as_json(values):
    kinds = {PerStep: lambda v: v.text, str: repr}
    return {k: kinds.get(type(v), lambda v: v)(v) for k, v in values.items()}


def row(entry, expressions, values, problem, kind):
    """One recorded path; ``values`` are ours, or the library's where the kind is "other"."""
    start, gradient = PROBLEMS[problem]
    sized = values if kind == "other" else values | sizes(start)
    recipe = dialects.recipe(entry, expressions, sized, edit_state=kind == "exact")
    return {
        "library": entry.library,
        "constructor": entry.constructor,
        "kind": kind,
        "problem": problem,
        "hyperparameters": {} if kind == "other" else as_json(values),
        "arguments": as_json(values if kind == "other" else recipe.arguments),
        "code": [*recipe.setup, "# t", *recipe.each_step],
        "path": path(driver_of(entry)(start), recipe, gradient, STEPS).tolist(),
    }


def conversions(rule):
    """The paths of a rule under each row of the table, and under its plain translation."""
    sparse = "sparse, all seen at step 1" if rule == "adamax" else problem_of(rule, "sparse")
    odd, default = odd_values(rule), dialects.defaults(rule)
    curved, noisy = problem_of(rule, "curved"), problem_of(rule, "noisy")
    tried = [(values, noisy) for values in scheduled_values(rule)]
    tried += [(odd, problem) for problem in (curved, noisy, sparse)]
    # a default rate of 1 or more blows up in the curved valley
    tried += [(default, sparse if default.get("eta", 0) >= 1 else curved)]
    if WHOLE.get(rule) == "matrix" and rule not in MATRICES:
        tried += [(odd, "matrix"), (default, "matrix")]
    for library in dialects.LIBRARIES:
        if (rule, library) in dialects.tables.WITHOUT:
            continue
        plain = {}
        for values, problem in tried:
            entry = dialects.row(rule, library, values)
            if entry.why:
                continue
            yield row(entry, entry.arguments, values, problem, "exact")
            if problem == sparse or entry.when not in plain and callable(values.get("eta")):
                plain[entry.when] = entry, values, problem
        for entry, values, problem in plain.values():
            if entry.kind != "other names":
                yield row(entry, entry.names, values, problem, "plain")


def driver_of(entry):
    """Optax' Muon holds a loop, which would be compiled anew in each step."""
    return OptaxCompiled if entry.constructor == "contrib.muon" else DRIVERS[entry.library]


def sizes(start):
    return dict(zip(dialects.SHAPE, start.shape, strict=True)) if start.ndim == 2 else {}


def own_rate(library):
    return {"learning_rate": 0.01} if library == "optax" else {}


def own_ways(rule):
    """The paths of what readers use beside our rules, in the file of the nearest rule."""
    constructors = {(d.library, d.constructor): d.rule for d in dialects.DIALECTS}
    as_they_come = [
        (library, problem_of(name, "curved"), constructor, own_rate(library))
        for (library, constructor), name in constructors.items()
    ]
    for library, problem, constructor, values in [*others(), *as_they_come]:
        here, nearest = (
            (library, constructor),
            dialects.origin(library, constructor, **values)[0].rule,
        )
        rules = [d.rule for d in dialects.DIALECTS if (d.library, d.constructor) == here]
        if rule == (nearest if nearest in rules or not rules else rules[0]):
            entry = Dialect(rule, library, f"{constructor}()")
            yield row(entry, {name: name for name in values}, values, problem, "other")


# --- defaults, schedules, edges ----------------------------------------------------------------


def defaults(rule=None, known=()):
    """The arguments of each constructor, or of a rule's and of those that are not known yet, with
    their defaults: its signature."""
    found = {library: {} for library in dialects.LIBRARIES}
    for entry in (*dialects.DIALECTS, *dialects.ORIGINS):
        library, name = entry.library, entry.constructor
        if rule in (None, entry.rule) or (library, name) not in known:
            module = eval(dialects.LIBRARIES[library][0], DRIVERS[library]([0.0]).scope)
            found[library][name] = {
                p.name: None if p.default is p.empty else p.default
                for p in inspect.signature(attrgetter(name)(module)).parameters.values()
                if p.name not in ("params", "kwargs")
                and (p.default in (None, p.empty) or type(p.default) in PLAIN)
            }
    return found


def schedule_rows():
    """The values of each schedule at counts 0, 1, ..., and the rate that update t really uses."""
    for library, name, arguments in schedules():
        listed = ", ".join(f"{k}={v}" for k, v in arguments.items())
        values, used = {}, {}
        for optimizer in DRIVERS[library].optimizers:
            driver = DRIVERS[library]([0.0])
            driver.run(f"schedule = {driver.schedule.format(name, listed)}")
            driver.make(optimizer)
            values[optimizer], used[optimizer] = [], []
            for count in COUNTS:
                values[optimizer].append(driver.rate(count))
                driver.zero()
                driver.step([1.0])  # gradient 1 from theta = 0: the step is the rate
                used[optimizer].append(-driver.value().item())
        first, *rest = used.values()
        assert all(rates == first for rates in rest), name
        yield {
            "library": library,
            "constructor": name,
            "arguments": {"lr": 0.13, **arguments} if library == "pytorch" else arguments,
            "values": values[optimizer],
            "used": first[:-1],
        }


# gradients 0, 0, 2 from theta = 1
EDGES = {
    "adamax, gradients 0, 0, 2 from theta = 1, rate 0.1": {
        "pytorch, eps=0": "torch.optim.Adamax([theta], lr=0.1, eps=0.0)",
        "pytorch": "torch.optim.Adamax([theta], lr=0.1)",
        "keras, epsilon=0": "keras.optimizers.Adamax(0.1, epsilon=0.0)",
        "keras": "keras.optimizers.Adamax(0.1)",
        "optax, eps=0": "optax.adamax(0.1, eps=0.0)",
        "optax": "optax.adamax(0.1)",
    },
    "adagrad without epsilon and with G = 0, gradients 0, 0, 2 from theta = 1, rate 0.1": {
        "pytorch": "torch.optim.Adagrad([theta], lr=0.1, eps=0.0)",
        "keras": "keras.optimizers.Adagrad(0.1, initial_accumulator_value=0.0, epsilon=0.0)",
        "optax": "optax.adagrad(0.1, initial_accumulator_value=0.0, eps=0.0)",
    },
}


def edges():
    """What happens at the edges: no gradient yet, an accumulator at 0, a rate kept in float32."""
    found = {}
    for group, optimizers in EDGES.items():
        for label, optimizer in optimizers.items():
            driver = DRIVERS[label.partition(",")[0]]([1.0])
            driver.make(optimizer)
            points = []
            for gradient in (0.0, 0.0, 2.0):
                driver.step([gradient])
                points.append(driver.value().item())
            found.setdefault(group, {})[label] = [p if p == p else "nan" for p in points]
    return found | {"precision of float64 parameters": precision()}


def precision():
    """What a library's default precision does to parameters in float64."""
    start, gradient = PROBLEMS["noisy"]
    ends = []
    for dtype in (torch.float32, torch.float64):  # ends as it began
        torch.set_default_dtype(dtype)
        driver = DRIVERS["pytorch"](start)
        driver.make("torch.optim.NAdam([theta], lr=0.01)")
        for t in range(1, STEPS + 1):
            driver.step(gradient(t, driver.value()))
        ends.append(driver.value())
    keras.config.set_floatx("float32")
    driver = DRIVERS["keras"]([1.0], "float64")
    driver.make("keras.optimizers.SGD(0.1)")
    driver.step([1.0])
    keras.config.set_floatx("float64")
    return {
        "pytorch, NAdam under the default float32: error after 60 steps": float(
            abs(ends[0] - ends[1]).max()
        ),
        "keras, a rate of 0.1 under floatx float32": 1.0 - driver.value().item(),
        "optax, jnp.sqrt of the count 2": float(jnp.sqrt(jnp.asarray(2, dtype=jnp.int32))),
    }


# --- storing and comparing ---------------------------------------------------------------------


def text_of(data):
    """JSON with one path, schedule or group of values a line."""

    def block(value, level):
        inner = "\n" + " " * (level + 1)
        if isinstance(value, dict) and level < 2 and any(map(nested, value.values())):
            items = [f"{json.dumps(k)}: {block(v, level + 1)}" for k, v in value.items()]
            return "{" + inner + ("," + inner).join(items) + "\n" + " " * level + "}"
        if isinstance(value, list) and value and isinstance(value[0], dict):
            items = [json.dumps(v, separators=(",", ":")) for v in value]
            return "[" + inner + ("," + inner).join(items) + "\n" + " " * level + "]"
        return json.dumps(value)

    def nested(value):
        return isinstance(value, dict | list)

    return block(data, 0) + "\n"


def key(row):
    """What a row was recorded for: our hyperparameters, or the library's own arguments."""
    asked = row.get("hyperparameters") or row["arguments"]
    return json.dumps([row.get(k) for k in ("library", "constructor", "kind", "problem")] + [asked])


def gap(before, row):
    """The largest relative difference between what was measured then and now."""
    pairs = [[np.array(r[k], float) for r in (before, row)] for k in row if k in MEASURED]
    return max(np.max(np.abs(a - b) / (1 + np.abs(a)), initial=0.0) for a, b in pairs)


def compare_rows(name, old, new):
    """The rows to store and what differs: a path that differs by rounding only stays as it was."""
    stored, rows, report = {key(row): row for row in old}, [], []
    order = list(stored)
    for row in sorted(new, key=lambda r: order.index(key(r)) if key(r) in order else len(order)):
        label = f"{name}: {row['library']} {row['constructor']} {row['arguments']}"
        before = stored.pop(key(row), None)
        if before is None:
            report.append(f"{label}: not stored")
        elif not gap(before, row) <= ROUNDING:
            report.append(f"{label}: differs by {gap(before, row):.1e}")
        else:
            if row.get("code") != before.get("code"):
                report.append(f"{label}: other lines of code")
            row |= {k: before[k] for k in MEASURED if k in row}
        rows.append(row)
    return rows, report + [f"{name}: stored but not recorded: {row}" for row in stored]


def compare_values(name, old, new):
    """What differs between two groups of values."""
    for group, values in new.items():
        before = old.get(group, {})
        for item in sorted({*values, *before}):
            was, now = before.get(item), values.get(item)
            if isinstance(was, dict) and isinstance(now, dict):
                changed = [k for k in {**was, **now} if was.get(k) != now.get(k)]
                was, now = ({k: v.get(k) for k in changed} for v in (was, now))
            if was != now:
                yield f"{name}: {group} {item}: {was} is now {now}"


def table(rules):
    """How far our rules are from what was recorded just now."""
    print("exact: converted; plain: the same values under the library's names; other: its own")
    print(f"{'rule':10}{'library':10}{'kind':8}{'paths':>6}  largest difference to our rule")
    groups = {}
    for rule in rules:
        for r in dialects.recorded(rule):
            groups.setdefault((rule, r.library, r.kind), []).append(dialects.difference(r))
    for (rule, library, kind), gaps in groups.items():
        print(f"{rule:10}{library:10}{kind:8}{len(gaps):6}  {max(gaps):.1e}")


def record(rules, everything):
    """File by file: its name, the field that holds its content, and what is recorded for it."""
    old = _recordings.stored("defaults").get("defaults", {})
    known = {(library, name) for library, group in old.items() for name in group}
    found = defaults() if everything else defaults(*rules, known)
    found = defaults()
    # the conversions look up the defaults, so these come first
    yield "defaults", "defaults", {k: old.get(k, {}) | v for k, v in found.items()}
    for rule in rules:
        yield rule, "paths", [*conversions(rule), *own_ways(rule)]
    if everything:
        yield "schedules", "schedules", list(schedule_rows())
        yield "edges", "edges", edges()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--write", action="store_true", help="store what was recorded")
    parser.add_argument("--rule", choices=RULES, help="this rule only")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    use("float64")
    print("recording with " + ", ".join(f"{k} {v}" for k, v in VERSIONS.items()))
    print("stored with", _recordings.stored("defaults").get("versions", "nothing"))
    rules = [options.rule] if options.rule else list(RULES)
    report = []
    with tempfile.TemporaryDirectory() as folder:
        new = _recordings.PATHS = Path(shutil.copytree(STORE, folder, dirs_exist_ok=True))
        for name, field, data in record(rules, not options.rule):
            old, data = _recordings.stored(name), json.loads(json.dumps(data))
            if isinstance(data, list):
                data, changes = compare_rows(name, old.get(field, []), data)
            else:
                changes = compare_values(name, old.get(field, {}), data)
            report += changes
            head = {"versions": VERSIONS} | ({"rule": name} if name in RULES else {})
            (new / f"{name}.json").write_text(text_of(head | {field: data}), "utf-8")
            _recordings.stored.cache_clear()
        table(rules)
        if recipes.table() != recipes.TABLE.read_text("utf-8"):
            report.append("recipes.tsv: other conversions; make libraries runs them")
        print("\n".join(report) if report else "nothing changed")
        if options.write:
            shutil.copytree(new, STORE, dirs_exist_ok=True)
            recipes.TABLE.write_text(recipes.table(), "utf-8")
    sys.exit(bool(report) and not options.write)


if __name__ == "__main__":
    main()
