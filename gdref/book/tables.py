"""Tables that are tables: on the page, in a notebook and in the PDF."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Table:
    """Rows of text; a notebook shows them as a table, and the site and the PDF set it.

    Attributes
    ----------
    head
        the columns' names.
    rows
        the cells as they are shown.
    right
        by column, whether it holds numbers and so is aligned to the right.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: tuple[bool, ...]

    def __repr__(self) -> str:
        """The table in letters of one width."""
        lines = [self.head, *self.rows]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join(
            "  ".join(
                cell.rjust(width) if right else cell.ljust(width)
                for cell, width, right in zip(line, widths, self.right, strict=True)
            ).rstrip()
            for line in lines
        )

    def _repr_markdown_(self) -> str:
        rule = ["---:" if right else ":---" for right in self.right]
        escaped = [[cell.replace("|", r"\|") for cell in line] for line in (self.head, *self.rows)]
        cells = [escaped[0], rule, *escaped[1:]]
        return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def table(
    rows: Iterable[Sequence], head: Sequence[str], *, digits: int | str | Sequence | None = 3
) -> Table:
    """A table of rows, to be the last line of a cell.

    Parameters
    ----------
    rows
        a cell is text, in Markdown (``$\\eta$``, ``code``), or a number.
    head
        the columns' names, in Markdown.
    digits
        the significant digits of a number that is not whole; or by column a number of digits, a
        format such as ``".1f"`` or ``".0%"``.  Digits of a column that end in the same
        place can be compared at a glance: prefer a format where the numbers are of one size.
    """
    rows = [tuple(row) for row in rows]
    one = digits is None or isinstance(digits, int | str)
    formats: list[Any] = [digits] * len(head) if one else list(digits)  # type: ignore[arg-type]
    if len(formats) != len(head) or any(len(row) != len(head) for row in rows):
        raise ValueError(f"each row, and digits, must have {len(head)} entries, as the head has")
    columns = list(zip(*rows, strict=True)) or [()] * len(head)
    right = [bool(column) and all(isinstance(c, Real) for c in column) for column in columns]
    written = [tuple(text(cell, f) for cell, f in zip(row, formats, strict=True)) for row in rows]
    return Table(tuple(head), tuple(written), tuple(right))


def text(cell: Any, format: int | str | None) -> str:
    """A cell as it is shown: numbers with a true minus sign, powers of ten as such."""
    if isinstance(cell, bool) or not isinstance(cell, Real):
        return str(cell)
    if isinstance(cell, Integral) and not isinstance(format, str):
        return str(cell).replace("-", MINUS)
    number = f"{float(cell):{format if isinstance(format, str) else f'#.{format or 3}g'}}"
    mantissa, e, exponent = number.rstrip(".").partition("e")
    if e:
        return f"${mantissa.rstrip('.')} \\times 10^{{{int(exponent)}}}$"
    return mantissa.replace("-", MINUS)
