"""Tables: numbers that can be compared at a glance, in text and in Markdown."""

import numpy as np
import pytest

from gdref.book.tables import table


def test_a_table_as_text_and_as_markdown():
    made = table([("gd", 1.5, 12), ("`adam`", -0.25, np.int64(3))], ["rule", "$J$", "steps"])
    assert repr(made) == "rule       $J$  steps\ngd        1.50     12\n`adam`  −0.250      3"
    assert made._repr_markdown_().splitlines() == [
        "| rule | $J$ | steps |",
        "| :--- | ---: | ---: |",
        "| gd | 1.50 | 12 |",
        "| `adam` | −0.250 | 3 |",
    ]


@pytest.mark.parametrize(
    "number, digits, shown",
    [
        (0.0123456, 3, "0.0123"),
        (0.0123456, ".1%", "1.2%"),
        (1e-9, 2, r"$1.0 \times 10^{-9}$"),
        (123456.0, 3, r"$1.23 \times 10^{5}$"),
        (-2.0, ".1f", "−2.0"),
        (100.0, 3, "100"),
        (7, 3, "7"),
        (-7, None, "−7"),
        (True, 3, "True"),
        ("a|b", 3, "a\\|b"),
        (float("inf"), 3, "inf"),
    ],
)
def test_a_cell_is_written_for_reading(number, digits, shown):
    assert table([(number,)], ["x"], digits=digits)._repr_markdown_().endswith(f"| {shown} |")


def test_rows_are_as_long_as_the_head():
    with pytest.raises(ValueError, match="2 entries"):
        table([(1, 2), (3,)], ["a", "b"])
    with pytest.raises(ValueError, match="2 entries"):
        table([(1, 2)], ["a", "b"], digits=[1])


def test_a_table_without_rows_has_its_head():
    assert repr(table([], ["a", "b"])) == "a  b"
