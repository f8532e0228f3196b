"""Planted errors: each wrong rule of mutants.tsv must be caught by the tests of the rule.

    python tests/mutants.py                  all rules, the tests alone (some minutes)
    python tests/mutants.py --rule adam      one rule, or several
    python tests/mutants.py --notebooks      each rule's chapter alone must catch them too

A planted error is made in a copy of the package, in a temporary directory; the work tree is not
touched.  Every run reports which rules.py it imported, and that is compared with the copy.  The
cells of a chapter that show the source of its rule or the script made from it are run but not
compared: they would always differ.  Each run updates its rows in tests/mutants.md.  The exit code
is 1 if an error is not caught, 2 if something fails without one.
"""

import argparse
import ast
import csv
import hashlib
import json
import multiprocessing
import os
import queue
import re
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "tests" / "mutants.tsv"
REPORT = ROOT / "tests" / "mutants.md"
TESTS = {
    "symbols": "test_rules_symbolic.py",
    "properties": "test_rules_properties.py",
    "recorded": "test_dialects.py",
}
COLUMNS = [*TESTS, "chapter"]
SECONDS = 600
os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["numpy", "sympy", "hypothesis", "pytest", "nbval.plugin"])

# Loaded by pytest and by the first cell of a chapter: says which rules.py runs.  It keeps the
# tests that name the rule, and of the rules' own tests those that name none.
GUARD = """
import hashlib
import os
import re
from pathlib import Path


def report():
    import gdref.rules

    file = Path(gdref.rules.__file__).resolve()
    sha = hashlib.sha256(file.read_bytes()).hexdigest()
    Path(__file__).with_name("imported").write_text(f"{file} {sha}")


def pytest_sessionstart(session):
    from hypothesis import Phase, settings

    # A failing example need not be made small.
    phases = [Phase.explicit, Phase.generate]
    settings.register_profile("mutants", settings(), max_examples=20, phases=phases)
    settings.load_profile("mutants")
    report()


def pytest_collection_modifyitems(config, items):
    rule = os.environ.get("GDREF_RULE")
    if rule is None:
        return
    from gdref import RULES

    def kept(item):
        named = set(re.split("[^a-z]+", item.name)) & set(RULES)
        return rule in named or not named and item.path.name.startswith("test_rules")

    items[:] = filter(kept, items)
"""


@dataclass(frozen=True)
class Mutant:
    id: str
    rule: str
    error: str
    right: str
    wrong: str


def read_table():
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [
            Mutant(
                **{
                    k: v.replace("\\n", "\n") if k in ("right", "wrong") else v
                    for k, v in row.items()
                }
            )
            for row in rows
        ]


RULES = list(dict.fromkeys(mutant.rule for mutant in read_table()))


def code_span(text, rule):
    """Where the signature and the body of a rule stand in rules.py, as two (start, end)."""
    lines = text.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef) and node.name == rule:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                signature_end, body_start = starts[first.lineno - 1], starts[first.end_lineno]
            else:
                signature_end = body_start = starts[first.lineno - 1]
            return (starts[node.lineno - 1], signature_end), (body_start, starts[node.end_lineno])
    raise LookupError(f"rules.py has no function {rule}")


def plant(text, mutant):
    """rules.py with the error in it; the right fragment must stand in the rule exactly once."""
    spans = code_span(text, mutant.rule)
    found = [
        start + match.start()
        for start, end in spans
        for match in re.finditer(re.escape(mutant.right), text[start:end])
    ]
    if len(found) != 1:
        raise LookupError(
            f"{mutant.id}: {mutant.right!r} occurs {len(found)} times in {mutant.rule}"
        )
    at = found[0]
    return text[:at] + mutant.wrong + text[at + len(mutant.right) :]


def make_tree(directory):
    """A copy of the package and of the tests, with the chapters' other files linked."""
    shutil.copytree(
        ROOT / "gdref", directory / "gdref", ignore=shutil.ignore_patterns("__pycache__")
    )
    (directory / "tests").mkdir()
    for name in (*TESTS.values(), "conftest.py"):
        shutil.copy(ROOT / "tests" / name, directory / "tests")
    (directory / "chapters").mkdir()
    for file in (ROOT / "chapters").iterdir():
        if file.suffix != ".ipynb":
            (directory / "chapters" / file.name).symlink_to(file)
    for file in ROOT.iterdir():
        target = directory / file.name
        if (
            not target.exists()
            and not file.name.startswith((".", "_"))
            and file.name != "pyproject.toml"
        ):
            target.symlink_to(file)
    (directory / "mutant_guard.py").write_text(GUARD)
    (directory / "pytest.ini").write_text("[pytest]\n")


def chapter_of(rule):
    file = ROOT / "chapters" / ("gradient-descent.ipynb" if rule == "gd" else f"{rule}.ipynb")
    return file if file.exists() else None


def copy_chapter(rule, directory):
    """The rule's notebook, with a first cell that reports; what shows the code is not compared."""
    file = chapter_of(rule)
    notebook = json.loads(file.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        shown = json.dumps(cell.get("outputs", []))
        if any(mark in shown for mark in (f"def {rule}(", "<script")):
            cell["metadata"].setdefault("tags", []).append("nbval-ignore-output")
    report = {
        "cell_type": "code",
        "execution_count": None,
        "id": "mutant-guard",
        "metadata": {},
        "outputs": [],
        "source": "import mutant_guard\nmutant_guard.report()",
    }
    notebook["cells"].insert(0, report)
    target = directory / "chapters" / file.name
    target.write_text(json.dumps(notebook), encoding="utf-8")
    return target.relative_to(directory)


def pytest_in(directory, arguments, environment, output):
    """In a process of its own, which has imported what the tests need but not gdref."""
    os.environ.update(environment)
    os.chdir(directory)
    sys.path.insert(0, str(directory))
    sys.dont_write_bytecode = True
    with open(output, "w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    import pytest

    os._exit(int(pytest.main(arguments)))


def run_pytest(directory, *arguments, rule=""):
    """Run pytest on a copy; return the lines on failures and whether all passed."""
    (directory / "imported").unlink(missing_ok=True)
    environment = {"PYTHONPATH": str(directory), "PYTHONDONTWRITEBYTECODE": "1"}
    if rule:
        environment["GDREF_RULE"] = rule
    quiet = ["-q", "--tb=no", "--no-header", "-rfE", "-p", "no:cacheprovider"]
    output = directory / "output"
    process = PROCESSES.Process(
        target=pytest_in, args=(directory, [*quiet, *arguments], environment, output)
    )
    process.start()
    process.join(SECONDS)
    if process.is_alive():
        process.kill()
        process.join()
        return ["FAILED by time"], False
    text = output.read_text()
    if process.exitcode not in (0, 1, 2):  # 1: a test failed; 2: a module could not be collected
        raise RuntimeError(f"pytest could not run:\n{text}")
    check_import(directory, text)
    lines = [line for line in text.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return lines, process.exitcode == 0


def check_import(directory, text):
    rules = (directory / "gdref" / "rules.py").resolve()
    expected = f"{rules} {hashlib.sha256(rules.read_bytes()).hexdigest()}"
    report = directory / "imported"
    imported = report.read_text() if report.exists() else "nothing"
    if imported != expected:
        raise RuntimeError(f"imported {imported}\ninstead of {expected}\n{text}")


def run_tests(rule, directory):
    """Which of the test files fail."""
    files = [f"tests/{name}" for name in TESTS.values()]
    lines, passed = run_pytest(directory, "-p", "mutant_guard", *files, rule=rule)
    failing = {key: any(name in line for line in lines) for key, name in TESTS.items()}
    if not passed and not any(failing.values()):
        failing = dict.fromkeys(failing, True)  # the time ran out
    return failing


def run_chapter(rule, directory):
    """The first cell that fails, or None."""
    sanitize = ["--nbval-sanitize-with", str(ROOT / "tests" / "nbval_sanitize.cfg")]
    chapter = str(copy_chapter(rule, directory))
    lines, passed = run_pytest(
        directory, "-x", "--nbval", "--nbval-current-env", *sanitize, chapter
    )
    if passed:
        return None
    cell = re.search(r"Cell (\d+)", lines[0]) if lines else None
    return f"cell {int(cell[1]) - 1}" if cell else "yes"  # the first cell is the guard's


def try_out(mutant, original, directory, notebooks):
    rules = directory / "gdref" / "rules.py"
    rules.write_text(plant(original, mutant) if mutant.wrong else original, encoding="utf-8")
    result = run_tests(mutant.rule, directory)
    if notebooks:  # a rule without a chapter is not caught by it
        found = chapter_of(mutant.rule) and run_chapter(mutant.rule, directory)
        result["chapter"] = found or False
    return result


def caught(result):
    """By the tests, and by the chapter if it was run."""
    return any(result[key] for key in TESTS) and result.get("chapter", True)


def word(value):
    return value if isinstance(value, str) else "yes" if value else "no"


def stored():
    """The rows of mutants.md: what the last run of each planted error said, by column."""
    if not REPORT.exists():
        return {}
    lines = REPORT.read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if "|" in line]
    return {row[0]: dict(zip(COLUMNS, row[2:], strict=True)) for row in rows[2:]}


def markdown(mutants, said):
    lines = ["| | planted error | " + " | ".join(COLUMNS) + " |", "|---" * 6 + "|"]
    for mutant in mutants:
        row = said.get(mutant.id, {})
        cells = [mutant.id, mutant.error, *(row.get(key, "not run") for key in COLUMNS)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def summary(said):
    """How many were caught, in words."""
    by_tests = sum(any(row[key] == "yes" for key in TESTS) for row in said.values())
    parts = [f"{by_tests} of {len(said)} by the tests of the rule"]
    parts += [f"{sum(row[key] == 'yes' for row in said.values())} by the {key}" for key in TESTS]
    chapter = [
        row["chapter"] for row in said.values() if row.get("chapter", "not run") != "not run"
    ]
    if chapter:
        found = sum(cell != "no" for cell in chapter)
        parts.append(f"{found} of {len(chapter)} by the rule's chapter alone")
    return "Caught: " + "; ".join(parts) + "."


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rule", nargs="+", choices=RULES, default=RULES)
    parser.add_argument("--id", nargs="+", help="only these rows of the table")
    parser.add_argument("--notebooks", action="store_true", help="run the rules' chapters too")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()

    mutants = [
        mutant
        for mutant in read_table()
        if mutant.rule in arguments.rule and (not arguments.id or mutant.id in arguments.id)
    ]
    if not mutants:
        sys.exit("no such planted error")
    original = (ROOT / "gdref" / "rules.py").read_text(encoding="utf-8")
    for mutant in mutants:
        plant(original, mutant)
    rules = [rule for rule in RULES if any(mutant.rule == rule for mutant in mutants)]

    with tempfile.TemporaryDirectory() as temporary:
        trees = queue.Queue()
        for k in range(arguments.jobs):
            tree = Path(temporary).resolve() / str(k)
            tree.mkdir()
            make_tree(tree)
            trees.put(tree)

        def job(mutant):
            tree = trees.get()
            try:
                result = try_out(mutant, original, tree, arguments.notebooks)
            finally:
                trees.put(tree)
            said = ", ".join(f"{key}: {word(value)}" for key, value in result.items())
            print(f"{mutant.id:12} {mutant.error[:48]:48} {said}", flush=True)
            return mutant, result

        with ThreadPoolExecutor(arguments.jobs) as pool:
            unharmed = list(pool.map(job, [Mutant(rule, rule, "(none)", "", "") for rule in rules]))
            for mutant, result in unharmed:
                if any(result.values()):
                    print(f"fails without a planted error: {mutant.rule}, {result};")
                    print(f"first make this pass: pytest tests/test_r*.py -k {mutant.rule}")
                    return 2
            results = list(pool.map(job, mutants))

    now = {
        mutant.id: {key: word(value) for key, value in result.items()} for mutant, result in results
    }
    print("\n" + markdown(mutants, now) + "\n\n" + summary(now))
    before = stored()
    every = read_table()
    said = {m.id: before.get(m.id, {}) | now.get(m.id, {}) for m in every}
    said = {key: row for key, row in said.items() if row}
    text = HEADER + summary(said) + "\n\n" + markdown(every, said) + "\n"
    REPORT.write_text(text, encoding="utf-8")
    survivors = [mutant.id for mutant, result in results if not caught(result)]
    if survivors:
        print("Not caught: " + ", ".join(survivors))
    return 1 if survivors else 0


HEADER = """# Planted errors

Each row is one wrong rule, as `mutants.tsv` defines it, and what its last run said. The columns
are the tests of the rule (on symbols against its paper, properties, recorded paths of the
libraries) and the rule's chapter alone, with the first code cell that fails, counted from 0 (cells
that show the rule's source or the script made from it are not compared: they would always
differ). `python tests/mutants.py --notebooks` runs everything and writes this page anew.

"""

if __name__ == "__main__":
    sys.exit(main())
