"""Planted errors: each wrong rule of the mistakes must be caught by the tests of the rule.

    python tests/mutants.py                  all rules, the tests alone (some minutes)
    python tests/mutants.py --rule adam      one rule, or several
    python tests/mutants.py --notebooks      each rule's chapter alone must catch them too

Each run has a process of its own, in which ``gdref.rules`` is loaded with the error in it; no file
changes.  A chapter's kernel plants it when it starts.  Each run updates its rows in
tests/mutants.md.  The exit code is 1 if an error is not caught, 2 if something fails without one.
"""

import argparse
import ast
import csv
import hashlib
import importlib.machinery
import importlib.util
import multiprocessing
import os
import re
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RULES_PY = ROOT / "gdref" / "rules.py"
TABLE = ROOT / "gdref" / "diagnosis" / "mistakes.tsv"
REPORT = ROOT / "tests" / "mutants.md"
TESTS = {
    "symbols": "test_rules_symbolic.py",
    "properties": "test_rules_properties.py",
    "recorded": "test_dialects.py",
}
COLUMNS = [*TESTS, "chapter", "row"]
SECONDS = 600
PROCESSES = multiprocessing.get_context("spawn" if os.name == "nt" else "forkserver")


@dataclass(frozen=True)
class Mutant:
    id: str
    rule: str
    error: str
    right: str
    wrong: str

    @property
    def row(self):
        """A digest of what is planted: a report on another error is out of date."""
        return hashlib.sha256(f"{self.right}\t{self.wrong}".encode()).hexdigest()[:6]


def read_table():
    """The mistakes that are planted; ``\\n`` in a fragment is a new line."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [
            Mutant(**{field: row[field].replace("\\n", "\n") for field in Mutant.__annotations__})
            for row in rows
            if row["planted"] == "yes"
        ]


RULES = list(dict.fromkeys(mutant.rule for mutant in read_table()))


# ---- planting


def plant(mutant):
    """The rule with the error in it, as code that stands at the lines of the right one.

    So whoever asks for the source of the rule reads the right one.
    """
    text = RULES_PY.read_text(encoding="utf-8")
    function = next(
        node for node in ast.parse(text).body if getattr(node, "name", 0) == mutant.rule
    )
    docstring, lines = function.body[0], text.splitlines(keepends=True)
    start = function.decorator_list[0].lineno - 1
    signature = "".join(lines[start : docstring.lineno - 1])
    words = "".join(lines[docstring.lineno - 1 : docstring.end_lineno])
    body = "".join(lines[docstring.end_lineno : function.end_lineno])
    found = signature.count(mutant.right) + body.count(mutant.right)
    if found != 1:
        raise LookupError(f"{mutant.id}: {mutant.right!r} occurs {found} times in {mutant.rule}")
    signature, body = (part.replace(mutant.right, mutant.wrong) for part in (signature, body))
    return compile("\n" * start + signature + words + body, str(RULES_PY), "exec")


class Planter(importlib.machinery.SourceFileLoader):
    """Finds and loads gdref.rules, with a planted error or, for the id ``""``, without one."""

    def __init__(self, mutant_id):
        super().__init__("gdref.rules", str(RULES_PY))
        self.id = mutant_id

    def find_spec(self, name, path=None, target=None):
        if name == self.name:
            return importlib.util.spec_from_file_location(name, self.path, loader=self)

    def exec_module(self, module):
        super().exec_module(module)
        if self.id:
            exec(plant(next(m for m in read_table() if m.id == self.id)), module.__dict__)


def plant_here(mutant_id):
    """Plant an error in this process, which has not imported gdref yet."""
    assert not [name for name in sys.modules if name.startswith("gdref")]
    sys.path.insert(0, str(ROOT))
    sys.meta_path.insert(0, Planter(mutant_id))


# ---- running


class Watch:
    """A pytest plugin: it leaves out the tests that name other rules, and says which fail."""

    def __init__(self, rule):
        self.rule, self.failed = rule, []

    def pytest_sessionstart(self):
        from hypothesis import Phase, settings

        # a failing example need not be made small
        phases = [Phase.explicit, Phase.generate]
        settings.register_profile("mutants", settings(), max_examples=20, phases=phases)
        settings.load_profile("mutants")

    def pytest_collection_modifyitems(self, items):
        longest_first = "|".join(sorted(RULES, key=len, reverse=True))

        def kept(item):
            named = re.findall(f"(?<![a-z])(?:{longest_first})(?![a-z])", item.name)
            return self.rule in named or not named

        items[:] = [item for item in items if item.path.suffix != ".py" or kept(item)]

    def pytest_collectreport(self, report):
        if report.failed:
            self.failed.append(report.nodeid)

    pytest_runtest_logreport = pytest_collectreport


def run_pytest(mutant_id, rule, arguments, answer):
    """In a process of its own; the answer is the names of the tests that fail."""
    os.chdir(ROOT)
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    sys.dont_write_bytecode = True
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1), os.dup2(quiet, 2)
    plant_here(mutant_id)
    import pytest

    import gdref

    assert isinstance(gdref.rules.__loader__, Planter)
    watch = Watch(rule)
    with tempfile.TemporaryDirectory() as folder:
        startup = Path(folder, "startup.py")  # the kernel of a chapter runs it first
        startup.write_text(
            f"import sys; sys.path.append({str(ROOT / 'tests')!r})\n"
            f"import mutants; mutants.plant_here({mutant_id!r})\n"
        )
        os.environ["PYTHONSTARTUP"] = str(startup)
        code = pytest.main(["-p", "no:cacheprovider", *arguments], [watch])
    if code in (0, 1, 2):  # 1: a test failed; 2: a module could not be collected
        answer.send(watch.failed)


def failures(mutant_id, rule, arguments):
    """The names of the tests that fail with the error planted, in the order of the run."""
    receive, send = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=run_pytest, args=(mutant_id, rule, arguments, send))
    process.start()
    send.close()
    try:
        return receive.recv() if receive.poll(SECONDS) else ["the time ran out"]
    except EOFError:
        raise RuntimeError(f"{mutant_id}: pytest could not run {arguments}") from None
    finally:
        process.kill()
        process.join()


def run_tests(mutant_id, rule):
    """Which of the columns' tests fail; all of them if the time runs out."""
    failed = failures(mutant_id, rule, [f"tests/{name}" for name in TESTS.values()])
    timeless = failed == ["the time ran out"]
    return {key: timeless or any(name in f for f in failed) for key, name in TESTS.items()}


def chapter_of(rule):
    from gdref import catalogue  # here: this module runs before a rule is broken

    return f"chapters/{catalogue.chapter(rule)}.ipynb"


def run_chapter(mutant_id, rule):
    """The first code cell of the rule's chapter that fails, counted from 0, or False."""
    options = ["-x", "--nbval", "--nbval-current-env"]
    sanitize = ["--nbval-sanitize-with", "tests/nbval_sanitize.cfg"]
    failed = failures(mutant_id, rule, [*options, *sanitize, chapter_of(rule)])
    return failed[0].rpartition("::")[2].lower() if failed else False


def try_out(mutant_id, rule, notebooks):
    result = run_tests(mutant_id, rule)
    if notebooks:
        result["chapter"] = run_chapter(mutant_id, rule)
    return {key: word(value) for key, value in result.items()}


def word(value):
    return value if isinstance(value, str) else "yes" if value else "no"


# ---- the report


def read_report():
    """The rows of mutants.md: what the last run of each planted error said, by column."""
    lines = REPORT.read_text(encoding="utf-8").splitlines() if REPORT.exists() else []
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if "|" in line]
    return {row[0]: dict(zip(["error", *COLUMNS], row[1:], strict=True)) for row in rows[2:]}


def caught(row):
    """By the tests, and by the chapter if it was run."""
    return "yes" in [row[key] for key in TESTS] and row["chapter"] != "no"


def summary(rows):
    """How many were caught, in words."""
    parts = [f"{sum(caught(row) for row in rows)} of {len(rows)}"]
    parts += [f"{sum(row[key] == 'yes' for row in rows)} by the {key}" for key in TESTS]
    chapter = sum(row["chapter"].startswith("cell") for row in rows)
    return "Caught: " + "; ".join(parts) + f"; {chapter} by the rule's chapter alone."


def report(said):
    """The page: what the last run of each planted error said."""
    head = ["", "planted error", *COLUMNS]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for key, row in said.items():
        lines.append(f"| {key} | " + " | ".join(row[c] for c in ["error", *COLUMNS]) + " |")
    return f"{HEADER}\n{summary(said.values())}\n\n" + "\n".join(lines) + "\n"


HEADER = """# Planted errors

Each row is one wrong rule, as `gdref/diagnosis/mistakes.tsv` defines it, and what its last run
said. The columns are the tests of the rule (on symbols against its paper, properties, recorded
paths of the libraries) and the rule's chapter alone, with the first code cell that fails, counted
from 0. The last column is a digest of the row of the table that was run. `python tests/mutants.py
--notebooks` runs everything and writes this page anew.
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rule", nargs="+", choices=RULES, default=RULES)
    parser.add_argument("--id", nargs="+", help="only these rows of the table")
    parser.add_argument("--notebooks", action="store_true", help="run the rules' chapters too")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()

    every = read_table()
    mutants = [
        mutant
        for mutant in every
        if mutant.rule in arguments.rule and (not arguments.id or mutant.id in arguments.id)
    ]
    if not mutants:
        sys.exit("no such planted error")
    for mutant in mutants:
        plant(mutant)
    if PROCESSES.get_start_method() == "forkserver":
        PROCESSES.set_forkserver_preload(["numpy", "sympy", "hypothesis", "pytest", "nbval.plugin"])

    def job(mutant_id, rule, error):
        result = try_out(mutant_id, rule, arguments.notebooks)
        said = ", ".join(f"{key}: {value}" for key, value in result.items())
        print(f"{mutant_id or rule:12} {error[:48]:48} {said}", flush=True)
        return result

    with ThreadPoolExecutor(arguments.jobs) as pool:
        rules = list(dict.fromkeys(mutant.rule for mutant in mutants))
        unharmed = pool.map(lambda rule: job("", rule, "(none)"), rules)
        for rule, result in zip(rules, unharmed, strict=True):
            if set(result.values()) != {"no"}:
                print(f"fails without a planted error: {rule}, {result}")
                print(f"first make these pass: {', '.join(TESTS.values())}, {chapter_of(rule)}")
                return 2
        results = list(pool.map(lambda m: job(m.id, m.rule, m.error), mutants))

    said = read_report()
    now = {m.id: result | {"row": m.row} for m, result in zip(mutants, results, strict=True)}
    unknown = dict.fromkeys(COLUMNS, "not run")
    said = {
        m.id: unknown | said.get(m.id, {}) | now.get(m.id, {}) | {"error": m.error} for m in every
    }
    REPORT.write_text(report(said), encoding="utf-8")
    print(summary([said[m.id] for m in mutants]))
    survivors = [m.id for m in mutants if not caught(said[m.id])]
    if survivors:
        print("Not caught: " + ", ".join(survivors))
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
