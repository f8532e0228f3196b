"""The workflows run commands that exist, on each system, processor and Python that we name."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
WORKFLOWS = {
    path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))
    for path in sorted((ROOT / ".github" / "workflows").glob("*.yml"))
}
JOBS = [(name, job) for name, workflow in WORKFLOWS.items() for job in workflow["jobs"]]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([\w.$()/-]+(?: [\w.$()/-]+)*):(?!=)", MAKEFILE, re.M))


def rows(job):
    """The values of the matrix, one dictionary a run."""
    return job.get("strategy", {}).get("matrix", {}).get("include", [{}])


def filled(text, row):
    return re.sub(r"\$\{\{ matrix\.(\w+) \}\}", lambda found: row[found[1]], text)


def commands(job):
    """All commands of a job, over its matrix."""
    for row in rows(job):
        for step in job["steps"]:
            yield from filled(step.get("run", ""), row).splitlines()


@pytest.mark.parametrize(("workflow", "job"), JOBS)
def test_every_command_exists(workflow, job):
    known = {name for line in TARGETS for name in line.split()} | {".venv/installed"}
    done = [c for c in commands(WORKFLOWS[workflow]["jobs"][job]) if c]
    uses = [step["uses"] for step in WORKFLOWS[workflow]["jobs"][job]["steps"] if "uses" in step]
    assert done or uses
    assert all(re.fullmatch(r"actions/[\w-]+@v\d+", name) for name in uses)
    for command in done:
        first, *rest = command.partition("#")[0].split()
        if first == "make":
            assert {word for word in rest if "=" not in word} <= known, command
        elif first == "bash":
            assert (ROOT / rest[0]).is_file(), command
        else:
            assert first.startswith(".venv") or first in ("py", "cp"), command


def test_every_target_is_declared_and_in_the_help():
    """The help names each command; what is no file is said to be none."""
    targets = {n for line in TARGETS for n in line.split() if re.fullmatch("[a-z-]+", n)}
    phony = set(re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.M)[1].split())
    helped = set(re.findall(r'@echo "make ([\w-]+)', MAKEFILE))
    assert targets == phony
    assert targets - helped <= {"help"}


def test_systems_processors_and_versions():
    tests = WORKFLOWS["tests"]["jobs"]
    systems = {row.get("system", job["runs-on"]) for job in tests.values() for row in rows(job)}
    for kind in ("ubuntu", "ubuntu.*-arm", "macos-[0-9]+", "macos.*intel", "windows"):
        assert any(re.fullmatch(kind + "[-.0-9]*", system) for system in systems), kind
    assert "bash .ci/run" in list(commands(tests["test"]))
    tried = {row["python"] for row in rows(tests["test"])}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    versions = re.findall(r":: (3\.\d+)", "\n".join(project["classifiers"]))
    assert tried == set(versions)
    assert project["requires-python"] == ">=" + versions[0]


def test_the_newest_versions_are_tried_each_week_and_the_site_is_published():
    when = WORKFLOWS["tests"][True]  # YAML 1.1 reads the key "on" so
    assert all(cron["cron"].split()[2:4] == ["*", "*"] for cron in when["schedule"])
    assert all(re.fullmatch("[0-6]", cron["cron"].split()[4]) for cron in when["schedule"])
    newest = WORKFLOWS["tests"]["jobs"]["newest"]
    assert "make newest" in list(commands(newest)) and "schedule" in newest["if"]
    site = WORKFLOWS["site"]["jobs"]
    assert any(c.startswith("make zip") for c in commands(site["build"]))
    assert site["publish"]["permissions"]["pages"] == "write"


def test_the_lines_without_make_are_those_of_make():
    """In README and for Windows, where the workflow follows README."""
    options = re.search(r"^TESTS := -m (pytest.*?)\n\n?test:", MAKEFILE, re.M | re.S)[1]
    options = " ".join(options.replace("\\\n", " ").split())
    readme = " ".join((ROOT / "README.md").read_text("utf-8").replace("\\\n", " ").split())
    windows = " ".join(" ".join(commands(WORKFLOWS["tests"]["jobs"]["windows"])).split())
    assert options.removeprefix("pytest") in readme
    assert options.removeprefix("pytest") in windows
    for line in ("-r requirements.txt -c constraints.txt -e .", "jupyter-book build ."):
        assert line in readme and line in windows
