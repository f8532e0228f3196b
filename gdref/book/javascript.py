"""Rules and surfaces printed as JavaScript, for the figures that the reader moves.

The source is made from the trace of the gdref function itself, so that the browser runs the
formula that a chapter proved.  What SymPy cannot print raises an error here, when the book is
made; it never reaches a page.
"""

import itertools
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import sympy
from sympy.printing.jscode import JavascriptCodePrinter

from gdref._checks import name_of
from gdref.rules import check_by_coordinate
from gdref.symbolic import trace

# JavaScript's words, and the names that the code below uses itself.
RESERVED = set(
    """arguments await break case catch class const continue debugger default delete do else enum
    eval export extends false finally for function if implements import in instanceof interface
    let new null package private protected public return static super switch this throw true try
    typeof undefined var void while with yield NaN Infinity Math Number
    grad gradient now i spread whole total repeat run""".split()
)


class Printer(JavascriptCodePrinter):
    """SymPy's printer, with each symbol printed under the name it has in the code."""

    def __init__(self, names: Mapping[sympy.Symbol, str]):
        super().__init__({"human": False})
        self.names = dict(names)
        self.own = {"Math"}  # what the text may name besides the symbols

    def _print_Symbol(self, symbol):
        if symbol not in self.names:
            raise ValueError(f"the symbol {symbol} has no value in the page")
        return self.names[symbol]

    def _print_Sum(self, expression):
        """A sum whose number of terms the reader chooses: ``total(from, to, k => term)``."""
        *outer, (index, low, high) = expression.limits
        term = expression.function
        if outer:
            term = sympy.Sum(term, *outer)
        name = next(n for n in map("k{}".format, itertools.count()) if n not in self.names.values())
        ends = self._print(low), self._print(high)
        self.names[index] = name
        self.own |= {"total", name}
        text = f"total({ends[0]}, {ends[1]}, {name} => {self._print(term)})"
        del self.names[index]
        return text


def identifier(name: str) -> str:
    """Return a name of the code if it is an identifier in JavaScript too; raise if it is not."""
    if not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) or name in RESERVED:
        raise ValueError(f"{name!r} is no identifier that the page can use")
    return name


def source(expression: Any, names: Mapping[sympy.Symbol, str]) -> str:
    """A SymPy expression as a JavaScript expression; ``names`` gives the name of each symbol."""
    expression = sympy.sympify(expression)
    printer = Printer(names)
    try:
        constants, unknown, text = printer.doprint(expression)
    except NotImplementedError as error:  # SymPy's printers raise it from 1.13 on
        raise ValueError(f"{expression} cannot be printed as JavaScript: {error}") from error
    # SymPy prints some things, the imaginary unit for one, as names that mean nothing in a page.
    foreign = set(re.findall(r"(?<![\w.])[^\W\d]\w*", text)) - set(names.values()) - printer.own
    if unknown or constants or foreign:
        parts = sorted({*map(str, unknown), *foreign, *(str(name) for name, _ in constants)})
        raise ValueError(f"{expression} cannot be printed as JavaScript: {', '.join(parts)}")
    return text


def body(expressions: Iterable, names: Mapping[sympy.Symbol, str]) -> tuple[list[str], str]:
    """Statements for the common subexpressions, and the list of the values as JavaScript."""
    taken = set(names.values())
    fresh = (sympy.Symbol(f"x{k}") for k in itertools.count() if f"x{k}" not in taken)
    common, values = sympy.cse(list(map(sympy.sympify, expressions)), symbols=fresh)
    names = dict(names)
    statements = []
    for symbol, value in common:
        statements.append(f"const {symbol.name} = {source(value, names)};")
        names[symbol] = symbol.name
    return statements, "[" + ", ".join(source(value, names) for value in values) + "]"


def rule_source(rule: Callable) -> str:
    """A rule of the gdref form as a JavaScript function, made from its trace.

    The function is ``(t, now, grad, hyperparameters) -> next``.  ``now`` and ``next`` have one
    list ``[theta, ...state]`` a coordinate; ``grad`` takes and returns a list of coordinates and
    is asked at the point at which the rule asks it.

    Raises
    ------
    ValueError
        if a name is no identifier or an expression cannot be printed.
    TypeError
        if the rule uses an array or a matrix as a whole: the page has lists of coordinates.
    """
    check_by_coordinate(rule, "be printed as JavaScript")
    traced = trace(rule)
    names = {symbol: identifier(name) for name, symbol in traced.symbols.items()}
    state = list(traced.state)
    hyperparameters = [name for name in traced.symbols if name not in {"t", "theta", "g", *state}]
    row = "[" + ", ".join(["theta", *state]) + "]"
    statements, values = body([traced.theta, *traced.state.values()], names)
    lines = [
        f"function {identifier(name_of(rule))}(t, now, grad, {{{', '.join(hyperparameters)}}}) {{",
        f"  const gradient = grad(now.map(({row}) => {source(traced.asked, names)}));",
        f"  return now.map(({row}, i) => {{",
        "    const g = gradient[i];",
        *("    " + statement for statement in statements),
        f"    return {values};",
        "  });",
        "}",
    ]
    return "\n".join(lines)


def surface_source(surface: Any) -> str:
    """A surface as a JavaScript object with ``loss`` and ``grad``, functions of ``[x, y]``.

    SymPy differentiates the loss; the surface's own gradient plays no part, so that the two
    can be compared.
    """
    x, y = sympy.symbols("x y", real=True)
    loss = sympy.sympify(surface.loss((x, y)))
    names = {x: "x", y: "y"}
    grad_statements, grad = body([loss.diff(x), loss.diff(y)], names)
    return "\n".join(
        [
            "{",
            f"  loss: ([x, y]) => {source(loss, names)},",
            "  grad: ([x, y]) => {",
            *("    " + statement for statement in grad_statements),
            f"    return {grad};",
            "  }",
            "}",
        ]
    )
