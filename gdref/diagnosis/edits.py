"""Every small edit of a rule's code: what may go wrong in a line, in words.

Students and libraries err in the same few ways: a factor, a term, a root, a square is left out; a
sign, a bracket, an exponent is wrong; one name stands where another belongs; a line comes too
early.  Each way is a function here, and is tried at every place of a rule.
"""

import ast
import copy
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from gdref import catalogue
from gdref.diagnosis.programs import WORDS, Program, program, with_tree

Expressions = Iterator[tuple[str, ast.expr]]  # words, and what stands there instead


TINY = ("1e-8", "1e-7", "1e-6", "1e-3")  # epsilons where a rule has none


@dataclass(frozen=True)
class Edit:
    """A wrong program and what is wrong in it; ``line`` is the right line, empty if it is no line.

    The quantity is the state, the local name or ``theta`` that the line computes.
    """

    words: str
    line: str
    quantity: str
    program: Program = field(repr=False)
    start: bool = False  # of the state before step 1, which a step from another one cannot show

    @property
    def sentence(self) -> str:
        return f"in `{self.line}` {self.words}" if self.line else self.words


def edits(rule: Callable) -> Iterator[Edit]:
    """All single edits of a rule."""
    return edits_of(program(rule))


def edits_of_line(right: Program, k: int) -> Iterator[Edit]:
    """The edits within one line of a program."""
    statement = right.tree.body[k]
    if isinstance(statement, ast.Assign):
        for words, tree in _in_line(right, k):
            target = ast.unparse(statement.targets[0])
            yield Edit(words, ast.unparse(statement), target, with_tree(right, tree))


def edits_of(right: Program) -> Iterator[Edit]:
    """All single edits of a program."""
    for k in range(len(right.tree.body)):
        yield from edits_of_line(right, k)
    for words, quantity, tree in itertools.chain(
        _of_order(right), _everywhere(right), _of_return(right)
    ):
        yield Edit(words, "", quantity, with_tree(right, tree))
    for words, quantity, tree in _of_start(right):
        yield Edit(words, "", quantity, with_tree(right, tree), start=True)


# ---- at one place of a line


class _Replace(ast.NodeTransformer):
    """Puts something else at the n-th expression that is visited."""

    def __init__(self, n: int, new: ast.expr):
        self.n, self.new, self.count = n, new, -1

    def visit(self, node):
        if isinstance(node, ast.expr):
            self.count += 1
            if self.count == self.n:
                return self.new
        return self.generic_visit(node)


def _visited(statement: ast.stmt) -> list[ast.expr]:
    found = []

    class Collect(ast.NodeVisitor):
        def visit(self, node):
            if isinstance(node, ast.expr):
                found.append(node)
            self.generic_visit(node)

    Collect().visit(statement)
    return found


def _in_line(right: Program, k: int) -> Iterator[tuple[str, ast.FunctionDef]]:
    line = right.tree.body[k]
    known = _Known(right, k)
    for n, node in enumerate(_visited(line)):
        if isinstance(getattr(node, "ctx", None), ast.Store):
            continue
        for words, new in _instead(node, known):
            tree = copy.deepcopy(right.tree)
            tree.body[k] = _Replace(n, new).visit(tree.body[k])
            if any(isinstance(x, ast.Name) and x.id.startswith("old_") for x in ast.walk(new)):
                for s in right.state:
                    tree.body.insert(0, ast.parse(f"old_{s} = {s}").body[0])
            yield words, tree


class _Known:
    """The names that a line can see, and what they are."""

    def __init__(self, right: Program, k: int):
        lines = right.tree.body[:k]
        assigned = [ast.unparse(s.targets[0]) for s in lines if isinstance(s, ast.Assign)]
        self.state = right.state
        self.renewed = [name for name in self.state if name in assigned]
        self.vectors = [*self.state, *(a for a in assigned if a not in right.hyperparameters)]
        alike = {"theta"} | _same_for_all_parameters(lines, right.hyperparameters)
        self.vectors = [name for name in dict.fromkeys(self.vectors) if name not in alike]
        self.hyperparameters = right.hyperparameters
        self.decays = [h for h in right.hyperparameters if catalogue.kind(h) == "decay"]


def _same_for_all_parameters(lines: list[ast.stmt], hyperparameters: list[str]) -> set[str]:
    """What the lines compute from t and the hyperparameters alone: numbers and conditions."""
    known = {"t", *hyperparameters, *WORDS}
    found: set[str] = set()
    for statement in lines:
        if isinstance(statement, ast.Assign):
            (target,), value = statement.targets, statement.value
            used = {node.id for node in ast.walk(value) if isinstance(node, ast.Name)}
            if used <= known | found:
                found |= {node.id for node in ast.walk(target) if isinstance(node, ast.Name)}
                found |= {ast.unparse(target)}
    return found


def _instead(node: ast.expr, known: _Known) -> Expressions:
    if isinstance(node, ast.BinOp):
        yield from _of_operation(node)
        yield from _of_epsilon(node)
        yield from _of_brackets(node)
    elif isinstance(node, ast.Call):
        yield from _of_call(node, known)
    elif isinstance(node, ast.UnaryOp):
        yield f"the minus before `{_text(node.operand)}` is missing", node.operand
    elif isinstance(node, ast.Name):
        yield from _of_name(node, known)


def _text(node: ast.expr) -> str:
    return ast.unparse(node)


def _expression(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def _of_operation(node: ast.BinOp) -> Expressions:
    a, b, op = node.left, node.right, type(node.op)
    left, right = f"({_text(a)})", f"({_text(b)})"
    if op is ast.Mult:
        yield f"the factor `{_text(a)}` is missing", b
        yield f"the factor `{_text(b)}` is missing", a
        yield (
            f"it is divided by `{_text(b)}` instead of multiplied",
            _expression(left + "/" + right),
        )
    elif op is ast.Div:
        yield f"the division by `{_text(b)}` is missing", a
        yield (
            f"it is multiplied by `{_text(b)}` instead of divided",
            _expression(left + "*" + right),
        )
        yield f"the quotient `{_text(node)}` stands upside down", _expression(right + "/" + left)
        yield "`//` stands for `/`: it cuts the fraction off", _expression(left + "//" + right)
        if isinstance(b, ast.Call) and _text(b.func) == "sqrt":
            inner = f"sqrt({left} / ({_text(b.args[0])}))"
            yield f"the root is taken of the whole fraction `{_text(node)}`", _expression(inner)
    elif op is ast.Add:
        yield f"the term `{_text(a)}` is missing", b
        yield f"the term `{_text(b)}` is missing", a
        yield f"`{_text(b)}` is subtracted instead of added", _expression(left + "-" + right)
        yield f"it is a product instead of the sum `{_text(node)}`", _expression(left + "*" + right)
    elif op is ast.Sub:
        if _text(a) == "1":
            yield f"`{_text(b)}` stands for `{_text(node)}`", b
            yield f"`1 + {_text(b)}` stands for `{_text(node)}`", _expression("1 +" + right)
            yield f"the 1 stands for `{_text(node)}`", a
            if isinstance(b, ast.BinOp) and isinstance(b.op, ast.Pow):
                power = f"(1 - {_text(b.left)})**{_text(b.right)}"
                yield f"`{power}` stands for `{_text(node)}`", _expression(power)
        else:
            yield f"the term `{_text(a)}` is missing", _expression("-" + right)
            yield f"the term `{_text(b)}` is missing", a
            yield f"`{_text(b)}` is added instead of subtracted", _expression(left + "+" + right)
            if _text(a) == "theta":
                yield (
                    "theta is multiplied by one minus the step",
                    _expression(f"theta * (1 - {right})"),
                )
                yield "theta is divided by the step", _expression(f"theta / {right}")
    elif op is ast.Pow and _text(b) == "t":
        yield f"the power of `{_text(a)}` is missing: it must change with t", a
        for other in ("t - 1", "t + 1", "2 * t", "t / 2"):
            yield f"the exponent is {other} instead of t", _expression(f"{left} ** ({other})")
        yield f"it is the product `{_text(a)} * t` instead of a power", _expression(f"{left} * t")
    elif op is ast.Pow:
        yield f"`{_text(a)}` is not squared", a
        yield f"the absolute value of `{_text(a)}` stands for its square", _expression(f"abs{left}")
        yield f"`{_text(a)}` is doubled instead of squared", _expression(f"{left} * 2")
        for name, words in (("sum", "the sum"), ("mean", "the mean")):
            instead = f"({_text(node)}).{name}()"
            yield f"{words} over all parameters stands for the square of each", _expression(instead)


def _of_epsilon(node: ast.BinOp) -> Expressions:
    """sqrt(x) + eps and sqrt(x + eps), and what is written for them."""
    if not (isinstance(node.op, ast.Add) and _text(node.right) == "eps"):
        return
    x = _text(node.left)
    if isinstance(node.left, ast.Call) and _text(node.left.func) == "sqrt":
        inner = _text(node.left.args[0])
        yield "epsilon stands inside the root", _expression(f"sqrt({inner} + eps)")
        yield "the square of epsilon stands inside the root", _expression(f"sqrt({inner} + eps**2)")
        yield "epsilon is counted twice", _expression(f"sqrt({inner} + eps) + eps")
        yield (
            "the larger of root and epsilon stands for their sum",
            _expression(f"maximum({x}, eps)"),
        )
        yield "the root of epsilon is added", _expression(f"{x} + sqrt(eps)")
        yield "epsilon is subtracted", _expression(f"{x} - eps")
    else:
        yield (
            f"the larger of `{x}` and epsilon stands for their sum",
            _expression(f"maximum({x}, eps)"),
        )
        yield "epsilon is squared", _expression(f"{x} + eps**2")


def _of_brackets(node: ast.BinOp) -> Expressions:
    """What the line means when the brackets are left out."""
    a, b = node.left, node.right
    sums = (ast.Add, ast.Sub)
    words = f"the brackets of `{_text(node)}` are missing"
    yield from _of_false_brackets(node)
    if not isinstance(node.op, ast.Mult | ast.Div | ast.Pow):
        return
    sign = {ast.Mult: "*", ast.Div: "/", ast.Pow: "**"}[type(node.op)]
    if isinstance(b, ast.BinOp) and isinstance(b.op, sums):
        yield words, _expression(f"({_text(a)}) {sign} {_text(b)}")
    if isinstance(a, ast.BinOp) and isinstance(a.op, sums):
        yield words, _expression(f"{_text(a)} {sign} ({_text(b)})")
    if isinstance(node.op, ast.Div) and isinstance(b, ast.BinOp) and isinstance(b.op, ast.Mult):
        yield words, _expression(f"({_text(a)}) / {_text(b)}")


def _of_false_brackets(node: ast.BinOp) -> Expressions:
    """Brackets around a sum that has none."""
    a, b, sign = node.left, node.right, {ast.Add: "+", ast.Sub: "-"}.get(type(node.op))
    if not sign:
        return
    if isinstance(b, ast.BinOp) and isinstance(b.op, ast.Mult | ast.Div | ast.Pow):
        other = {ast.Mult: "*", ast.Div: "/", ast.Pow: "**"}[type(b.op)]
        wrong = f"(({_text(a)}) {sign} ({_text(b.left)})) {other} ({_text(b.right)})"
        yield f"wrong brackets: `{_text(_expression(wrong))}`", _expression(wrong)
        if isinstance(b.left, ast.BinOp):  # a + (b * c) * d: around a + b
            inner = b.left
            if isinstance(inner.op, ast.Mult | ast.Div):
                deep = {ast.Mult: "*", ast.Div: "/"}[type(inner.op)]
                wrong = (
                    f"((({_text(a)}) {sign} ({_text(inner.left)})) {deep} ({_text(inner.right)})) "
                    f"{other} ({_text(b.right)})"
                )
                yield f"wrong brackets: `{_text(_expression(wrong))}`", _expression(wrong)
    if isinstance(a, ast.BinOp) and isinstance(a.op, ast.Mult):
        wrong = f"({_text(a.left)}) * (({_text(a.right)}) {sign} ({_text(b)}))"
        yield f"wrong brackets: `{_text(_expression(wrong))}`", _expression(wrong)


def _of_call(node: ast.Call, known: _Known) -> Expressions:
    name, values = _text(node.func), [_text(value) for value in node.args]
    if name == "sqrt":
        yield f"the root of `{values[0]}` is missing", node.args[0]
        yield (
            f"`{values[0]}` is squared instead of its root taken",
            _expression(f"({values[0]})**2"),
        )
        half = "`** 1 / 2` is half of it: the exponent needs brackets, `** (1 / 2)`"
        yield half, _expression(f"({values[0]}) / 2")
        for n, words in ((3, "third"), (4, "fourth")):
            yield f"the {words} root is taken", _expression(f"({values[0]}) ** (1 / {n})")
        if isinstance(node.args[0], ast.BinOp) and _text(node.args[0].right) == "eps":
            inner = _text(node.args[0].left)
            yield "epsilon stands outside the root", _expression(f"(sqrt({inner}) + eps)")
            yield (
                "the root of epsilon stands outside the root",
                _expression(f"(sqrt({inner}) + sqrt(eps))"),
            )
            yield "epsilon is counted twice", _expression(f"(sqrt({inner} + eps) + eps)")
    elif name == "abs":
        if "eps" not in known.hyperparameters:
            for number in TINY:
                yield (
                    f"{number} is added to `{_text(node)}`",
                    _expression(f"({_text(node)} + {number})"),
                )
        yield f"the absolute value of `{values[0]}` is missing", node.args[0]
        yield (
            f"`{values[0]}` is squared instead of its absolute value taken",
            _expression(f"({values[0]})**2"),
        )
    elif name == "maximum":
        a, b = values
        yield "the minimum stands for the maximum", _expression(f"minimum({a}, {b})")
        yield "the sum stands for the maximum", _expression(f"({a} + {b})")
        yield f"`{a}` alone stands for the maximum", node.args[0]
        yield f"`{b}` alone stands for the maximum", node.args[1]
    elif name == "grad":
        yield "the gradient has the wrong sign", _expression(f"-{_text(node)}")
        yield "only the sign of the gradient is used", _expression(f"sign({_text(node)})")
        yield (
            "the gradient is divided by its length",
            _expression(f"(lambda x: x / norm(x))({_text(node)})"),
        )
        for limit in (1, 5, 10):
            yield (
                f"the gradient is clipped to [-{limit}, {limit}]",
                _expression(f"clip({_text(node)}, -{limit}, {limit})"),
            )
            yield (
                f"the gradient is clipped to the length {limit}",
                _expression(
                    f"(lambda x: x * minimum(1.0, {limit} / (norm(x) + 1e-300)))({_text(node)})"
                ),
            )
        for number in ("0.1", "0.01", "0.001", "1e-4", "5e-4"):
            yield (
                f"a penalty, {number} * theta, is added to the gradient",
                _expression(f"({_text(node)} + {number} * theta)"),
            )
        points = ["theta"]
        for s, sign in itertools.product(known.state, "-+"):
            points += [f"theta {sign} {h} * {s}" for h in known.decays] + [f"theta {sign} {s}"]
            if "eta" in known.hyperparameters:
                points += [f"theta {sign} eta * {h} * {s}" for h in known.decays]
                points += [f"theta {sign} eta * {s}"]
        for point in points:
            if point != values[0]:
                yield (
                    f"the gradient is asked for at `{point}` instead of `{values[0]}`",
                    (_expression(f"grad({point})")),
                )
        if "lam" in known.hyperparameters:
            for sign in "+-":
                yield (
                    "the decay is a penalty in the gradient",
                    _expression(f"(grad(theta) {sign} lam * theta)"),
                )


def _of_name(node: ast.Name, known: _Known) -> Expressions:
    name = node.id
    if name in known.decays:
        for other in known.decays:
            if other != name:
                yield (
                    f"{_called(other)} stands where {_called(name)} belongs",
                    ast.Name(other, ast.Load()),
                )
        yield f"`1 - {name}` stands for `{name}`", _expression(f"(1 - {name})")
        yield f"{_called(name)} is squared", _expression(f"{name}**2")
        yield f"{_called(name)} is raised to the power t", _expression(f"{name}**t")
    elif name == "eta":
        for form, words in (
            ("eta / t", "the rate is divided by t"),
            ("eta / sqrt(t)", "the rate is divided by the root of t"),
            ("eta * t", "the rate is multiplied by t"),
            ("eta**2", "the rate is squared"),
            ("sqrt(eta)", "the root of the rate is taken"),
            ("eta / (1 + 0.01 * t)", "the rate is divided by 1 + 0.01 t"),
            ("eta / (1 + 0.1 * t)", "the rate is divided by 1 + 0.1 t"),
            ("eta / (t + 1)", "the rate is divided by t + 1"),
            ("eta / 2", "the rate is halved"),
            ("2 * eta", "the rate is doubled"),
            *(
                (f"eta * {c}**t", f"the rate is multiplied by {c} to the power t")
                for c in ("0.5", "0.9", "0.95", "0.99", "0.999")
            ),
            *(
                (f"eta * {c}**(t - 1)", f"the rate is multiplied by {c} to the power t - 1")
                for c in ("0.5", "0.9", "0.95", "0.99", "0.999")
            ),
        ):
            yield words, _expression(f"({form})")
        for h in known.decays:
            yield f"the rate is multiplied by `1 - {h}`", _expression(f"(eta * (1 - {h}))")
            yield f"the rate is divided by `1 - {h}`", _expression(f"(eta / (1 - {h}))")
            yield f"the rate is multiplied by {_called(h)}", _expression(f"(eta * {h})")
    elif name in known.vectors:
        for other in known.vectors:
            if other != name:
                yield f"`{other}` stands where `{name}` belongs", ast.Name(other, ast.Load())
        if name in known.renewed:
            yield (
                f"the old `{name}`, of the step before, is used",
                ast.Name(f"old_{name}", ast.Load()),
            )
        if name in known.state:
            for h in known.decays:
                for power, words in (("t", "bias"), ("(t + 1)", "bias (with t + 1)")):
                    yield (
                        f"a {words} correction of `{name}` by {_called(h)} is added",
                        _expression(f"({name} / (1 - {h}**{power}))"),
                    )
        if name in known.renewed and "eps" not in known.hyperparameters:
            for number in TINY:
                yield f"{number} is added to `{name}`", _expression(f"({name} + {number})")
        yield f"`{name}` is squared", _expression(f"{name}**2")
        yield f"only the sign of `{name}` is used", _expression(f"sign({name})")
        yield f"the absolute value of `{name}` is used", _expression(f"abs({name})")
        yield f"the length of the whole vector `{name}` is used", _expression(f"norm({name})")
        yield (
            f"the mean over all parameters of `{name}` is used",
            _expression(f"({name} * 1.0).mean()"),
        )
        yield f"`{name}` has the wrong sign", _expression(f"(-{name})")
        yield f"`{name}` is doubled", _expression(f"(2 * {name})")
        yield f"`{name}` is halved", _expression(f"({name} / 2)")
        if "eta" in known.hyperparameters:
            yield f"the rate multiplies `{name}` once more", _expression(f"(eta * {name})")
        yield f"`theta` stands where `{name}` belongs", ast.Name("theta", ast.Load())
        yield f"`{name}` is divided by t", _expression(f"({name} / t)")
    elif name == "theta" and known.vectors:
        for other in known.vectors:
            yield f"`{other}` stands where `theta` belongs", ast.Name(other, ast.Load())
        for h in known.decays:
            yield f"theta is multiplied by {_called(h)}", _expression(f"({h} * theta)")
    elif name == "eps":
        yield "epsilon is squared", _expression("eps**2")
        for h in known.decays:
            share = f"sqrt(1 - {h}**t)"
            yield f"epsilon is divided by `{share}`", _expression(f"eps / {share}")
            yield f"epsilon is multiplied by `{share}`", _expression(f"eps * {share}")
        yield "the root of epsilon stands for epsilon", _expression("sqrt(eps)")
    elif name == "lam":
        yield "the decay is multiplied by the rate", _expression("(eta * lam)")
        yield "the decay is halved", _expression("(lam / 2)")
        yield "the decay is doubled", _expression("(2 * lam)")
        yield "the decay is divided by t", _expression("(lam / t)")


def _called(name: str) -> str:
    return catalogue.text(name)


# ---- lines in another order, edits at all places, what is returned, where it starts


def _of_order(right: Program) -> Iterator[tuple[str, str, ast.FunctionDef]]:
    body = right.tree.body
    for k in range(len(body) - 2):
        tree = copy.deepcopy(right.tree)
        tree.body[k], tree.body[k + 1] = tree.body[k + 1], tree.body[k]
        moved = ast.unparse(body[k + 1])
        yield f"`{moved}` comes before `{ast.unparse(body[k])}`", _target(body[k + 1]), tree
        if k:
            tree = copy.deepcopy(right.tree)
            line = tree.body.pop(k)
            tree.body.insert(len(tree.body) - 1, line)
            yield f"`{ast.unparse(body[k])}` comes too late, at the end", _target(body[k]), tree
    for k, line in enumerate(body[:-1]):
        if _target(line) in [*right.state, "theta"]:
            tree = copy.deepcopy(right.tree)
            del tree.body[k]
            yield f"the line `{ast.unparse(line)}` is missing", _target(line), tree


def _target(line: ast.stmt) -> str:
    return ast.unparse(line.targets[0]) if isinstance(line, ast.Assign) else ""


class _Everywhere(ast.NodeTransformer):
    def __init__(self, new: dict[str, str]):
        self.new = new

    def visit_Name(self, node):
        if node.id in self.new and isinstance(node.ctx, ast.Load):
            return _expression(f"({self.new[node.id]})")
        return node


def _everywhere(right: Program) -> Iterator[tuple[str, str, ast.FunctionDef]]:
    known = _Known(right, len(right.tree.body) - 1)
    swaps = [
        (f"{_called(a)} and {_called(b)} are exchanged", {a: b, b: a})
        for a, b in itertools.combinations(known.decays, 2)
    ]
    swaps += [
        ("t counts from 0; here the first step is t = 1", {"t": "t - 1"}),
        ("t is one too large: the first step is t = 1", {"t": "t + 1"}),
        ("t never grows: the correction is that of step 1", {"t": "1"}),
    ]
    swaps += [(f"`1 - {h}` stands for `{h}` everywhere", {h: f"1 - {h}"}) for h in known.decays]
    for words, tree in _all_corrections(right):
        yield words, "theta", tree
    for words, new in swaps:
        tree = copy.deepcopy(right.tree)
        tree.body = [_Everywhere(new).visit(line) for line in tree.body]
        if ast.dump(tree) != ast.dump(right.tree):
            yield words, "theta", tree
    for k, line in enumerate(right.tree.body[:-1]):
        for a, b in itertools.combinations(known.decays, 2):
            tree = copy.deepcopy(right.tree)
            tree.body[k] = _Everywhere({a: b, b: a}).visit(tree.body[k])
            if ast.dump(tree) != ast.dump(right.tree):
                used = [x for x in (a, b) if x in ast.unparse(line)]
                words = f"in `{ast.unparse(line)}` {_called(b if used == [a] else a)} stands where "
                yield (
                    words + f"{_called(used[0] if len(used) == 1 else b)} belongs",
                    _target(line),
                    tree,
                )
        if isinstance(line, ast.Assign):
            for name in known.state:
                for h in known.decays:
                    update = f"{h} * {name} + (1 - {h}) *"
                    if update in ast.unparse(line):
                        tree = copy.deepcopy(right.tree)
                        tree.body[k] = _Everywhere({h: f"1 - {h}"}).visit(tree.body[k])
                        yield (
                            f"{_called(h)} and 1 - {_called(h)} are exchanged in `{name}`",
                            name,
                            tree,
                        )
                        yield from _average_then_square(right, k, name, h)
                        yield from _average_in_other_words(right, k, name, h)


def _all_corrections(right: Program) -> Iterator[tuple[str, ast.FunctionDef]]:
    """The same error in every bias correction."""
    for words, new in (
        ("`(1 - beta)**t` stands for `1 - beta**t` in every correction", "((1 - {h})**t)"),
        ("`1 + beta**t` stands for `1 - beta**t` in every correction", "(1 + {h}**t)"),
        ("`1 - beta * t` stands for `1 - beta**t` in every correction", "(1 - {h} * t)"),
        ("the size of `1 - beta * t` stands for `1 - beta**t`", "abs(1 - {h} * t)"),
        ("`beta**t` stands for `1 - beta**t` in every correction", "({h}**t)"),
        ("`1 - beta` stands for `1 - beta**t` in every correction", "(1 - {h})"),
        ("every bias correction is dropped", "1"),
    ):
        tree = copy.deepcopy(right.tree)
        changed = _Corrections(new)
        tree.body = [changed.visit(line) for line in tree.body]
        if changed.count > 1:
            yield words, tree


class _Corrections(ast.NodeTransformer):
    """Replaces each 1 - h**t."""

    def __init__(self, new: str):
        self.new, self.count = new, 0

    def visit_BinOp(self, node):
        power = node.right
        if (
            isinstance(node.op, ast.Sub)
            and isinstance(power, ast.BinOp)
            and isinstance(power.op, ast.Pow)
            and _text(node.left) == "1"
        ):
            self.count += 1
            return _expression(self.new.format(h=_text(power.left)))
        return self.generic_visit(node)


def _average_then_square(right, k, name, h):
    """The square of an average for the average of squares."""
    line = right.tree.body[k]
    text = ast.unparse(line)
    if "** 2" in text:
        averaged = text.split("=", 1)[1].replace(" ** 2", "")
        for words, new in (
            ("the average is squared, not the gradient", f"{name} = ({averaged}) ** 2"),
            (
                "the gradients are averaged, and the average is squared",
                f"{name} = ({averaged.replace(f'* {name}', f'* sqrt({name})')}) ** 2",
            ),
        ):
            tree = copy.deepcopy(right.tree)
            tree.body[k] = ast.parse(new).body[0]
            yield words, name, tree


def _average_in_other_words(right, k, name, h):
    line = ast.unparse(right.tree.body[k]).split("=", 1)[1]
    new = line.split(f"(1 - {h}) *", 1)[1]
    for words, text in (
        (
            f"the root of the average `{name}` is kept",
            f"{name} = sqrt({h} * {name} + (1 - {h}) * {new})",
        ),
        (
            f"{h} has the power t in the average `{name}`",
            f"{name} = {h}**t * {name} + (1 - {h}**t) * {new}",
        ),
        (
            f"the average `{name}` starts at the first value instead of 0",
            f"{name} = {new} if t == 1 else {h} * {name} + (1 - {h}) * {new}",
        ),
        (f"the average `{name}` is a sum: nothing is forgotten", f"{name} = {name} + {new}"),
        (f"the average `{name}` forgets all: it is the last value", f"{name} = {new}"),
        (
            f"the average `{name}` is the mean of all steps",
            f"{name} = {name} + ({new} - {name}) / t",
        ),
        (
            f"the average `{name}` is corrected and kept corrected",
            f"{name} = ({h} * {name} + (1 - {h}) * {new}) / (1 - {h}**t)",
        ),
        (
            f"the average `{name}` is the larger of old and new",
            f"{name} = maximum({h} * {name}, (1 - {h}) * {new})",
        ),
        (
            f"in the average `{name}` only the new value is weighted",
            f"{name} = {name} + (1 - {h}) * {new}",
        ),
        (
            f"in the average `{name}` only the old value is weighted",
            f"{name} = {h} * {name} + {new}",
        ),
    ):
        tree = copy.deepcopy(right.tree)
        tree.body[k] = ast.parse(text).body[0]
        yield words, name, tree


def _of_return(right: Program) -> Iterator[tuple[str, str, ast.FunctionDef]]:
    locals_ = [name for name in _Known(right, len(right.tree.body) - 1).vectors]
    state = right.state

    def returning(values: list[str], first: str = "") -> ast.FunctionDef:
        tree = copy.deepcopy(right.tree)
        tree.body[-1] = ast.parse(f"return ({', '.join(values)},)").body[0]
        if first:
            tree.body[:0] = ast.parse(first).body
        return tree

    yield "theta comes back as it went in", "theta", returning(["old", *state], "old = theta")
    yield (
        "the step comes back instead of theta",
        "theta",
        returning(["theta - old", *state], "old = theta"),
    )
    yield (
        "the step comes back instead of theta, and is not subtracted",
        "theta",
        returning(["old - theta", *state], "old = theta"),
    )
    for order in _orders(["theta", *state]):
        words = f"what comes back is in another order: {', '.join(order)}"
        yield words, (state or ["theta"])[0], returning(order)
    idle = returning(["theta", *state])
    idle.body.insert(
        0,
        ast.parse(
            f"if t == 1: return (theta, {', '.join(f'{s} + 0 * theta' for s in state)})"
        ).body[0],
    )
    yield "step 1 does nothing", "theta", idle
    for k, name in enumerate(state):
        for words, value in (
            (f"`{name}` is not kept: it starts from 0 again at each step", f"0 * {name}"),
            (f"`{name}` comes back as it went in", f"old_{name}"),
        ):
            values = ["theta", *state[:k], value, *state[k + 1 :]]
            yield words, name, returning(values, f"old_{name} = {name} + 0 * theta")
        for other in locals_:
            if other not in state:
                values = ["theta", *state[:k], other, *state[k + 1 :]]
                yield f"`{other}` comes back as the new `{name}`", name, returning(values)
    hats = [other for other in locals_ if other.endswith("_hat") and other not in state]
    if len(hats) == len(state) > 1:
        yield "the corrected averages come back as the state", state[0], returning(["theta", *hats])


def _orders(names: list[str]) -> Iterator[list[str]]:
    """All other orders; of more than five names those in which two have changed places."""
    if len(names) > 5:
        for a, b in itertools.combinations(range(len(names)), 2):
            order = list(names)
            order[a], order[b] = names[b], names[a]
            yield order
    else:
        yield from (list(order) for order in list(itertools.permutations(names))[1:])


def _of_start(right: Program) -> Iterator[tuple[str, str, ast.FunctionDef]]:
    for value in ("1", "0.1"):
        for chosen in {tuple(right.state), *((name,) for name in right.state)}:
            if not chosen:
                continue
            tree = copy.deepcopy(right.tree)
            defaults = dict(zip(right.state, tree.args.defaults, strict=True))
            defaults |= {name: _expression(value) for name in chosen}
            tree.args.defaults = list(defaults.values())
            yield f"`{', '.join(chosen)}` starts at {value} instead of 0", chosen[0], tree
