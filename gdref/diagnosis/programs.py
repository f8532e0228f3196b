"""A rule as straight-line code that can be edited: the source of what may be wrong with it.

A mistake is an edit of the one rule, so it is never written down a second time.
"""

import ast
import functools
import inspect
import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import CodeType
from typing import Any

from gdref import elementary, rules

#: what the code of a rule, and of a mistake in it, may call
WORDS = {name: getattr(elementary, name) for name in elementary.__dict__ if name[0] != "_"}
WORDS |= {name: getattr(rules, name) for name in ("newton_schulz", "NEWTON_SCHULZ")}


@dataclass(frozen=True)
class Program:
    """The code of a rule without decorator and docstring, calls of other rules written out.

    ``state`` and ``hyperparameters`` hold the names with their defaults.
    """

    name: str
    tree: ast.FunctionDef = field(repr=False)

    @property
    def text(self) -> str:
        return ast.unparse(self.tree)

    @property
    def state(self) -> list[str]:
        arguments = self.tree.args.args
        return [argument.arg for argument in arguments[3:]]

    @property
    def hyperparameters(self) -> list[str]:
        return [argument.arg for argument in self.tree.args.kwonlyargs]

    @functools.cached_property
    def function(self) -> Callable:
        """The rule that this code defines."""
        return _compiled(self.tree)

    @functools.cached_property
    def given(self) -> Callable:
        """The same step, in which each new state is replaced as soon as it is computed.

        ``given(t, theta, grad, *state, **hyperparameters, _given={...})`` returns theta and the
        states as they were computed from those that are given.  So an error in one line does not
        spread to the next.
        """
        return _compiled(_with_given(self.tree, self.state), "_given")


def program(rule: Callable) -> Program:
    """The program of a rule whose source can be read."""
    return _of_text(_text(rule))


def edited(
    rule: Callable, edits: tuple[tuple[str, str], ...], inner: Callable | None = None
) -> Program:
    """The program after textual edits, each of a part that occurs once.

    With ``inner``, a rule that this one calls, the edits are made there.
    """
    text = _text(inner or rule)
    for right, wrong in edits:
        if text.count(right) != 1:
            raise LookupError(f"{right!r} occurs {text.count(right)} times in {rule.__name__}")
        text = text.replace(right, wrong)
    return _of_text(_text(rule), {_name(inner): text}) if inner else _of_text(text)


def rules_called(rule: Callable) -> list[str]:
    """The rules that a rule calls: AdamW's step is Adam's."""
    node = ast.parse(_text(rule)).body[0]
    assert isinstance(node, ast.FunctionDef)
    called = [_rule_called(line) for line in node.body]
    return [ast.unparse(call.func) for call in called if call]


def _name(rule: Any) -> str:
    return rule.__name__


@functools.cache
def _text(rule: Any) -> str:
    """Signature and body as they are written, without decorator and docstring."""
    source = textwrap.dedent(inspect.getsource(inspect.unwrap(rule)))
    node = ast.parse(source).body[0]
    assert isinstance(node, ast.FunctionDef)
    lines = source.splitlines(keepends=True)
    first = node.body[0]
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    body = node.body[1] if documented else first
    return "".join(lines[node.lineno - 1 : first.lineno - 1] + lines[body.lineno - 1 :])


def _of_text(text: str, inner: dict[str, str] | None = None) -> Program:
    node = ast.parse(text).body[0]
    assert isinstance(node, ast.FunctionDef)
    return Program(node.name, _inlined(node, inner or {}))


def with_tree(old: Program, tree: ast.FunctionDef) -> Program:
    return Program(old.name, ast.fix_missing_locations(tree))


def with_body(old: Program, body: list[ast.stmt]) -> Program:
    """The same signature with other lines."""
    return Program(old.name, _function(old.name, old.tree.args, body))


def _names_of_code() -> dict[str, Any]:
    return {"__name__": "gdref.diagnosis.planted", **WORDS, **rules.RULES}


def code_of_line(line: ast.stmt) -> CodeType:
    return compile(ast.fix_missing_locations(ast.Module([line], [])), "<line>", "exec")


def lines_run(lines: Iterable[CodeType], names: dict[str, Any] | None) -> dict[str, Any] | None:
    """The names after some lines of a program, from those before them; None if a line fails."""
    names = None if names is None else {**names}
    try:
        for line in lines if names is not None else ():
            exec(line, names)
    except Exception:
        return None
    return names


def names_at_start(right: Program, t: int, theta: Any, grad: Callable, state, hyperparameters):
    """What a program's first line sees."""
    given = zip(right.state, state, strict=True)
    known = dict(t=t, theta=theta, grad=grad, **dict(given), **hyperparameters)
    return _names_of_code() | known


def _compiled(tree: ast.FunctionDef, *more: str) -> Callable:
    namespace = _names_of_code()
    module = ast.Module([tree], [])
    exec(compile(ast.fix_missing_locations(module), f"<{tree.name}>", "exec"), namespace)
    return namespace[tree.name]


# ---- a call of another rule, written out


class _Rename(ast.NodeTransformer):
    def __init__(self, names: dict[str, str]):
        self.names = names

    def visit_Name(self, node):
        return ast.copy_location(ast.Name(self.names.get(node.id, node.id), node.ctx), node)


def _inlined(node: ast.FunctionDef, inner: dict[str, str]) -> ast.FunctionDef:
    body: list[ast.stmt] = []
    for statement in node.body:
        called = _rule_called(statement)
        body += _written_out(statement, called, inner) if called else [statement]
    return _function(node.name, node.args, body)


def _function(name: str, arguments: ast.arguments, body: list[ast.stmt]) -> ast.FunctionDef:
    made = ast.parse(f"def {name}(): pass").body[0]
    assert isinstance(made, ast.FunctionDef)
    made.args, made.body = arguments, body
    return ast.fix_missing_locations(made)


def _rule_called(statement: ast.stmt) -> ast.Call | None:
    value = statement.value if isinstance(statement, ast.Assign) else None
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
        return value if value.func.id in rules.RULES else None
    return None


def _written_out(statement, call: ast.Call, texts: dict[str, str]) -> list[ast.stmt]:
    name = ast.unparse(call.func)
    called: Any = rules.RULES[name]
    inner = _of_text(texts.get(name) or _text(called)).tree
    passed = dict(zip([a.arg for a in inner.args.args], call.args, strict=False))
    passed |= {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
    renamed, lines = {}, []
    for name, value in passed.items():
        if not (isinstance(value, ast.Name) and value.id == name):
            renamed[name] = f"{name}_"
            lines.append(_assign([f"{name}_"], [value]))
    *body, last = [_Rename(renamed).visit(line) for line in inner.body]
    assert isinstance(last, ast.Return) and isinstance(statement, ast.Assign)
    assert last.value
    values = last.value.elts if isinstance(last.value, ast.Tuple) else [last.value]
    target = statement.targets[0]
    targets = target.elts if isinstance(target, ast.Tuple) else [target]
    pairs = zip(map(ast.unparse, targets), values, strict=True)
    moved = {name: value for name, value in pairs if ast.unparse(value) != name}
    if moved:
        body.append(_assign(list(moved), list(moved.values())))
    return lines + body


def _assign(names: list[str], values: list[ast.expr]) -> ast.Assign:
    stores: list[ast.expr] = [ast.Name(name, ast.Store()) for name in names]
    if len(names) == 1:
        return ast.Assign(stores, values[0])
    return ast.Assign([ast.Tuple(stores, ast.Store())], ast.Tuple(values, ast.Load()))


# ---- states that are given


def names_set(statement: ast.stmt) -> set[str]:
    stored = [n for n in ast.walk(statement) if isinstance(n, ast.Name)]
    return {n.id for n in stored if isinstance(n.ctx, ast.Store)}


def _with_given(tree: ast.FunctionDef, state: list[str]) -> ast.FunctionDef:
    """After the last line that sets a state: what was computed is kept, what is given goes on."""
    last = {name: k for k, line in enumerate(tree.body) for name in names_set(line)}
    body: list[ast.stmt] = [_line(f"_seen = dict({', '.join(f'{s}={s}' for s in state)})")]
    for k, line in enumerate(tree.body):
        if isinstance(line, ast.Return):
            break
        body.append(line)
        for name in state:
            if last.get(name) == k:
                body += [_line(f"_seen['{name}'] = {name}"), _line(f"{name} = _given['{name}']")]
    seen = "".join(f", _seen['{name}']" for name in state)
    body.append(_line(f"return (theta{seen},)" if not state else f"return theta{seen}"))
    made = ast.parse(f"def {tree.name}({ast.unparse(tree.args)}, _given=None): pass").body[0]
    assert isinstance(made, ast.FunctionDef)
    made.body = body
    return ast.fix_missing_locations(made)


def _line(text: str) -> ast.stmt:
    return ast.parse(text).body[0]
