"""A test that asserts nothing passes: none may reach its end so, whatever the case."""

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
FILES = sorted(path.relative_to(TESTS).as_posix() for path in TESTS.rglob("test_*.py"))
ASSERTING = {"raises", "warns", "fail", "skip", "importorskip", "prove_equal"}


def name_of(call):
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def calls(node):
    """The names of the functions that a statement calls."""
    return {name_of(part) for part in ast.walk(node) if isinstance(part, ast.Call)}


class Reader:
    """Reads whether the statements of a function assert something on every way through them."""

    def __init__(self, tree):
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        self.asserting = ASSERTING.copy()
        # a helper that asserts on every way; until no more are found, since one may call another
        while found := {
            function.name
            for function in functions
            if function.name not in self.asserting and self.asserts(function.body)
        }:
            self.asserting |= found

    def asserts(self, statements):
        for statement in statements:
            if self.surely(statement):
                return True
            if leaves(statement):
                return False
        return False

    def surely(self, node):
        match node:
            case ast.Assert() | ast.Raise():
                return True
            case ast.If():
                return self.asserts(node.body) and self.asserts(node.orelse)
            case ast.With():
                called = set().union(*(calls(item.context_expr) for item in node.items))
                return bool(called & self.asserting) or self.asserts(node.body)
            case ast.For() | ast.While():
                return self.asserts(node.body)
            case ast.Try():
                return self.asserts(node.body + node.orelse) or self.asserts(node.finalbody)
            case ast.FunctionDef() | ast.ClassDef():
                return False
        called = calls(node)
        return any(name.startswith("assert_") for name in called) or bool(called & self.asserting)


def leaves(node):
    """Whether a statement may leave the function, or go on with the next case, before its end."""
    ways = (ast.Return, ast.Continue, ast.Break)
    return isinstance(node, ways) or (
        isinstance(node, ast.If) and any(map(leaves, node.body + node.orelse))
    )


def may_assert_nothing(source):
    tree = ast.parse(source)
    reader = Reader(tree)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    return [
        function.name
        for function in functions
        if function.name.startswith("test_") and function.name not in reader.asserting
    ]


@pytest.mark.parametrize("name", FILES)
def test_every_test_asserts_on_every_way(name):
    assert may_assert_nothing((TESTS / name).read_text(encoding="utf-8")) == []


GOOD = """
def test_branches():
    if x:
        assert a
    else:
        assert b

def test_helper():
    close(a, b)

def close(a, b):
    np.testing.assert_allclose(a, b)

def test_error():
    with pytest.raises(ValueError):
        f()

def test_skip():
    if x:
        pytest.skip("why")
    assert a

def test_loop():
    for x in xs:
        if x:
            assert a
        assert b
"""
BAD = """
def test_under_if():
    if x:
        assert a

def test_returns():
    if x:
        return
    assert a

def test_continues():
    for x in xs:
        if x:
            continue
        assert a

def test_helper_under_if():
    close(a, b)

def close(a, b):
    if a:
        assert b

def test_nothing():
    f()
"""


def test_the_reader_sees_it():
    assert may_assert_nothing(GOOD) == []
    bad = ["under_if", "returns", "continues", "helper_under_if", "nothing"]
    assert may_assert_nothing(BAD) == [f"test_{name}" for name in bad]


def test_no_two_files_have_one_name():
    """Pytest imports each as a module of that name, and a run of both ends before it begins."""
    names = [path.name for path in TESTS.rglob("*.py")]
    assert len(names) > 40
    assert sorted(name for name in set(names) if names.count(name) > 1) == []
