"""What the chapters show of gdref itself: the source of a rule."""

import ast
import inspect
from collections.abc import Callable


def source(function: Callable) -> str:
    """The source text of a function, without its docstring and its decorators."""
    lines = inspect.getsource(function).splitlines()
    tree = ast.parse("\n".join(lines)).body[0]
    assert isinstance(tree, ast.FunctionDef)
    hidden = range(0)
    if ast.get_docstring(tree) is not None:
        text = tree.body[0]
        hidden = range(text.lineno, (text.end_lineno or text.lineno) + 1)
    kept = [line for n, line in enumerate(lines, 1) if n >= tree.lineno and n not in hidden]
    return "\n".join(kept)


def show_source(function: Callable):
    """Display the source text of a function as highlighted code, in a notebook and on the site."""
    from IPython.display import Markdown

    return Markdown(f"```python\n{source(function)}\n```")
