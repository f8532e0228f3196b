"""The verdicts on PyTorch, Keras and Optax, recorded with their versions.

python -m gdref.conformance.recorded PATH      write them anew; needs the three libraries
"""

import json
import sys
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from gdref.conformance.libraries import ADAPTERS, implementations


@dataclass(frozen=True)
class Recorded:
    """One verdict, in words."""

    rule: str
    library: str
    call: str
    version: str
    conforms: bool
    verdict: str


def recorded() -> list[Recorded]:
    """The stored verdicts."""
    file = resources.files("gdref.conformance").joinpath("verdicts.json")
    return [Recorded(**row) for row in json.loads(file.read_text("utf-8"))]


def run(library: str) -> list[Recorded]:
    """The verdicts on the library that is installed here."""
    found = []
    for one in implementations(library):
        verdict = one.verdict()
        found.append(
            Recorded(one.rule, library, one.call, one.version, verdict.conforms, str(verdict))
        )
    return found


def main() -> None:
    rows = [vars(row) for library in ADAPTERS for row in run(library)]
    Path(sys.argv[1]).write_text(json.dumps(rows, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
