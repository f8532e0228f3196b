"""Trees: parameters as a dict, a list or a tuple of arrays, nested as one likes.

Rules and the loop take such a tree as theta: each leaf is updated by the same rule.  A
:class:`Tree` holds the leaves and has their arithmetic, so that no rule needs to know of it.
"""

import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

CONTAINERS = dict, list, tuple


class Tree:
    """The leaves of a tree in a row, and the tree that they came from; arithmetic leaf by leaf."""

    __slots__ = ("leaves", "form")
    __array_ufunc__ = None  # NumPy leaves `array * tree` to us

    def __init__(self, leaves: list, form: Any):
        self.leaves, self.form = leaves, form

    def unwrap(self) -> Any:
        """The leaves in the form of the tree: dicts, lists and tuples again."""
        leaves = iter(self.leaves)
        return _filled(self.form, leaves)

    def __repr__(self) -> str:
        return f"Tree({self.unwrap()!r})"

    def __getitem__(self, key: Any) -> Any:
        raise TypeError(
            "theta is a tree here; a rule treats all leaves alike and cannot take one out"
        )

    __iter__ = None

    def __neg__(self):
        return each(operator.neg, self)

    def __abs__(self):
        return each(abs, self)


def _arithmetic(name):
    function = getattr(operator, name)
    setattr(Tree, f"__{name}__", lambda self, other: each(function, self, other))
    if name not in {"lt", "le", "gt", "ge"}:
        setattr(Tree, f"__r{name}__", lambda self, other: each(function, other, self))


for _name in "add sub mul truediv pow matmul mod lt le gt ge".split():
    _arithmetic(_name)


def each(function: Callable, *values: Any) -> Tree:
    """A function of several values, leaf by leaf; what is no tree goes to every leaf as it is."""
    trees = [value for value in values if isinstance(value, Tree)]
    rows = zip(
        *(v.leaves if isinstance(v, Tree) else [v] * len(trees[0].leaves) for v in values),
        strict=True,
    )
    return Tree([function(*row) for row in rows], trees[0].form)


def is_tree(value: Any) -> bool:
    """Whether a value is a dict, or a list or tuple that holds more than plain numbers."""
    if isinstance(value, dict):
        return True
    return isinstance(value, list | tuple) and any(map(_is_part, value))


def _is_part(value):
    if isinstance(value, list | tuple):
        return any(map(_is_part, value))
    return isinstance(value, dict) or getattr(value, "shape", ()) != () or _is_tensor(value)


def _is_tensor(value):
    return hasattr(value, "shape") and not isinstance(value, np.generic)


def wrap(tree: Any, form: Any = None) -> Tree:
    """The :class:`Tree` of nested dicts, lists and tuples; with a form, it must have that one."""
    form = form_of(tree) if form is None else form
    return Tree([leaf for _, leaf in walk(tree, form)], form)


def form_of(tree: Any) -> Any:
    """The nesting of a tree, with None for each leaf."""
    if isinstance(tree, dict):
        return {key: form_of(value) for key, value in tree.items()}
    if is_tree(tree):
        return _like(tree, [form_of(value) for value in tree])
    return None


def walk(tree: Any, form: Any, where: str = "") -> Iterator[tuple[str, Any]]:
    """Each leaf of a tree of this form with its place, such as ``['layer']['W']``.

    The keys of a dict may come in another order; ValueError if some are missing.
    """
    if isinstance(form, dict):
        if not isinstance(tree, dict) or form.keys() != tree.keys():
            keys = ", ".join(map(repr, form))
            raise ValueError(f"{where or 'it'} must be a dict with the keys {keys}")
        for key, part in form.items():
            yield from walk(tree[key], part, f"{where}[{key!r}]")
    elif form is not None:
        if not isinstance(tree, list | tuple) or len(form) != len(tree):
            raise ValueError(f"{where or 'it'} must be a list or tuple of {len(form)}")
        for k, part in enumerate(form):
            yield from walk(tree[k], part, f"{where}[{k}]")
    else:
        yield where, tree


def _filled(form, leaves):
    if isinstance(form, dict):
        return {key: _filled(value, leaves) for key, value in form.items()}
    if form is None:
        return next(leaves)
    parts = [_filled(part, leaves) for part in form]
    if not is_tree(parts):  # NumPy made a scalar of an array without an axis: an array again
        parts = [np.asarray(part) if isinstance(part, np.generic) else part for part in parts]
    return _like(form, parts)


def _like(sequence, parts):
    """The parts as a list, a tuple or a named tuple."""
    kind = type(sequence)
    return kind(*parts) if hasattr(sequence, "_fields") else kind(parts)
