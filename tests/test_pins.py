"""Every package that the tests and the site need, directly or in turn, has its version pinned."""

import re
import tomllib
from importlib.metadata import requires, version
from importlib.util import find_spec
from pathlib import Path

import pytest
from packaging.requirements import Requirement

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
