"""Every package that the tests and the site need, directly or in turn, has its version pinned."""

import re
import tomllib
from importlib.metadata import requires, version
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from gdref import RULES

ROOT = Path(__file__).resolve().parent.parent


def plain(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(file):
    lines = (line.partition(";")[0] for line in (ROOT / file).read_text().splitlines())
    pairs = (line.split("==") for line in lines if "==" in line)
    return {plain(name): number for name, number in pairs}


def asked_for(requirement):
    """What a requirement needs; gdref's is read from pyproject.toml, which may be newer."""
    if requirement.name != "gdref":
        return requires(requirement.name) or []
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    return project["dependencies"] + sum((extras[name] for name in requirement.extras), [])


def needed(requirement, found):
    """Add to ``found`` the names of what a requirement needs, on this Python."""
    for text in asked_for(requirement):
        other = Requirement(text)
        extras = requirement.extras or {""}
        if other.marker and not any(other.marker.evaluate({"extra": e}) for e in extras):
            continue
        key = plain(other.name), *sorted(other.extras)
        if key not in found:
            found.add(key)
            needed(other, found)
    return {name for name, *_ in found}


def test_all_is_pinned():
    if not find_spec("jupyter_book"):
        pytest.skip("Jupyter Book is not installed")
    names = needed(Requirement("gdref[test]"), set()) - {"gdref"}
    pinned = pins("constraints.txt")
    assert len(names) > 150
    assert sorted(names - set(pinned)) == []
    installed = {name: version(name) for name in names}
    assert installed == {name: pinned[name] for name in names}


def test_the_two_lists_of_pins_agree():
    chosen, pinned = pins("requirements.txt"), pins("constraints.txt")
    assert len(chosen) > 30
    assert {name: pinned.get(name) for name in chosen} == chosen


def test_no_version_is_pinned_twice():
    for file in ("requirements.txt", "requirements-lowest.txt", "constraints.txt"):
        lines = [line for line in (ROOT / file).read_text().splitlines() if "==" in line]
        assert len(lines) == len(pins(file)), file


def test_the_lowest_versions_are_those_that_we_allow():
    """Of what gdref itself needs; what runs its tests has the pinned versions."""
    lowest = pins("requirements-lowest.txt")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    ours = ["symbolic", "plots", "compiled", "data", "parallel"]
    allowed = map(Requirement, project["dependencies"] + sum((extras[e] for e in ours), []))
    bounds = {plain(r.name): str(r.specifier) for r in allowed if r.name != "gdref"}
    assert len(bounds) == 6
    for name, bound in bounds.items():
        assert lowest[name] in SpecifierSet(bound)
        assert Version(lowest[name]) == Version(bound.removeprefix(">="))


def test_readme_says_why_each_package_is_there():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    why = plain(text[text.index("## What it stands on") : text.index("## Where things are")])
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = project["dependencies"] + sum(project["optional-dependencies"].values(), [])
    names = {plain(Requirement(text).name) for text in asked} - {"gdref"}
    other = {"torch": "pytorch"}
    missing = [n for n in names if other.get(n, n) not in why.replace(" ", "-")]
    assert len(names) > 25 and missing == []


def test_readme_counts_the_chapters_and_the_rules():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    parts = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))["parts"]
    chapters = [row["file"] for part in parts if part.get("numbered") for row in part["chapters"]]
    assert f"{len(chapters)} chapters and {len(RULES)} update rules" in " ".join(text.split())


def test_readme_names_every_extra():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    shown = set(re.findall(r"'\.\[(\w+)\]'", text)) | {"book", "test"}
    assert shown == set(project["optional-dependencies"])
