"""What gdref.dialects converts and what it refuses: neither changes unseen, and every word is plain.

Every case here that converts has been run in its library, by tests/libraries.
"""

from gdref import dialects, iterate
from gdref.dialects import (
    DIALECTS,
    ORIGINS,
)
from gdref.dialects.expressions import call
from tools.record import recipes


def path(found, steps, grad=lambda x: x, theta=1.0):
    rule, hyperparameters = found
    iterates = iterate(rule, grad, theta, **hyperparameters)
    return [next(iterates) for _ in range(steps)]


# --- the table of what was run -----------------------------------------------------------------


def test_nothing_converts_otherwise_than_when_it_was_run():
    assert recipes.table() == recipes.TABLE.read_text("utf-8"), (
        "other lines or other words: run them, make libraries, then store, make dialects"
    )


def test_every_row_of_the_tables_is_tried():
    ours, theirs = [], []
    for (rule, library, _), _, values in recipes.to_libraries():
        ours.append(dialects.row(rule, library, values))
    for (library, text, _), _, values in recipes.from_libraries():
        theirs.append(dialects.origin(library, call(text)[0], **values)[0])
    assert [d for d in DIALECTS if not any(d is tried for tried in ours)] == []
    untried = [e for e in ORIGINS if not e.why and not any(e is tried for tried in theirs)]
    assert untried == []


def test_what_the_readme_of_the_table_counts():
    rows = [line.split("\t") for line in recipes.TABLE.read_text("utf-8").splitlines()[1:]]
    marks = "".join(row[3] for row in rows)
    assert marks.count("+") > 5 * marks.count("-") > 0
    assert {len(row[3]) for row in rows} == {len(recipes.KINDS)}
