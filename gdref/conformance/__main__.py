"""The command: python -m gdref.conformance --help."""

import argparse
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from gdref import adapters
from gdref.conformance import check, implementations, write_vectors
from gdref.diagnosis.runs import as_run
from gdref.diagnosis.verdict import Verdict
from gdref.rules import RULES

Row = tuple[str, str, Verdict]  # who, which version, what


def main(arguments: list[str] | None = None) -> int:
    given = parser().parse_args(arguments)
    if given.vectors:
        for file in write_vectors(given.vectors):
            print(file)
        return 0
    rows = list(verdicts(given))
    for who, version, verdict in rows:
        print(
            f"{'ok  ' if verdict.conforms else 'NOT '} {verdict.rule:9} {who} {version}: {verdict}"
        )
    if given.junit:
        Path(given.junit).write_text(junit(rows), "utf-8")
    return 0 if all(verdict.conforms for *_, verdict in rows) else 1


def parser() -> argparse.ArgumentParser:
    help_of = argparse.ArgumentParser(
        prog="python -m gdref.conformance", description="Is an implementation the paper's rule?"
    )
    who = help_of.add_mutually_exclusive_group(required=True)
    who.add_argument("--library", choices=["pytorch", "keras", "optax"])
    who.add_argument("--command", help="a program that speaks the line protocol")
    who.add_argument("--call", help="module:name of a class that is used like those of torch.optim")
    who.add_argument("--function", help="module:name of a function in the form of the rules")
    who.add_argument("--vectors", metavar="DIRECTORY", help="write the JSON vectors")
    help_of.add_argument("--rule", choices=list(RULES), help="which rule it should be")
    help_of.add_argument(
        "--names", default="", help="our names and yours: eta=lr,beta1=betas[0],beta2=betas[1]"
    )
    help_of.add_argument("--constant", action="store_true", help="the rate cannot be changed")
    help_of.add_argument("--dtype", choices=["float64", "float32"], default="float64")
    help_of.add_argument("--junit", metavar="FILE", help="write the verdicts as JUnit XML")
    return help_of


def verdicts(given: argparse.Namespace) -> Iterator[Row]:
    """The verdicts that the command line asks for."""
    if given.library:
        for one in implementations(given.library):
            if given.rule in (None, one.rule):
                yield f"{one.library} {one.call}", one.version, one.verdict(given.dtype)
        return
    if not given.rule:
        sys.exit("--rule is missing: which rule should it be?")
    names = dict(pair.split("=", 1) for pair in given.names.split(",") if pair)
    if given.command:
        run, who = adapters.from_command(given.command, given.rule), given.command
    elif given.call:
        run, who = adapters.from_class(_loaded(given.call), names), given.call
    else:
        run, who = as_run(_loaded(given.function)), given.function
    options = {"changing": not given.constant, "only": list(names), "dtype": given.dtype}
    yield who, "", check(run, given.rule, **options)


def _loaded(path: str):
    module, _, name = path.partition(":")
    sys.path.insert(0, "")
    return getattr(importlib.import_module(module), name)


def junit(rows: list[Row]) -> str:
    """The verdicts as JUnit XML, which CI services read."""
    failed = sum(not verdict.conforms for *_, verdict in rows)
    suite = ElementTree.Element(
        "testsuite", name="gdref.conformance", tests=str(len(rows)), failures=str(failed)
    )
    for who, version, verdict in rows:
        case = ElementTree.SubElement(
            suite, "testcase", classname=f"{who} {version}".strip(), name=verdict.rule
        )
        if not verdict.conforms:
            ElementTree.SubElement(case, "failure", message=str(verdict)).text = str(verdict)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


if __name__ == "__main__":
    raise SystemExit(main())
