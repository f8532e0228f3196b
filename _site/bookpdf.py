"""What the PDF needs beyond Jupyter Book: three mends to the LaTeX that its extensions write."""

import re
from pathlib import Path

import sphinx_proof.nodes

# the class asks for a package of Debian's largest TeX archive, for letters that no chapter uses
BBM = r"\ProvidesPackage{bbm}\newcommand\mathbbm[1]{\mathbb{#1}}"
FAR_EXERCISE = re.compile(
    r"\\hyperref\[\\detokenize\{(?P<doc>[^:}]+):(?P<label>[^}]+)\}\]"
    r"\{Exercise \\ref\{\\detokenize\{(?P=doc):(?P=label)\}\}\}"
)


def docname_of(env, node, tag):
    """The page that a theorem stands on; the original loses it when a title has an apostrophe."""
    while node is not None and "docname" not in getattr(node, "attributes", ()):
        node = node.parent
    return node["docname"] if node is not None else None


def mend_latex(app, error):
    if error or app.builder.name != "latex":
        return

    def exercise(found):
        """An exercise of another chapter is labelled, and numbered, as in its own."""
        numbers = app.env.toc_fignumbers[found["doc"]]["exercise"][found["label"]]
        number = ".".join(map(str, numbers))
        return rf"\hyperref[exercise:{found['label']}]{{Exercise {number}}}"

    folder = Path(app.outdir)
    (folder / "bbm.sty").write_text(BBM, encoding="utf8")
    for path in folder.glob("*.tex"):
        path.write_text(FAR_EXERCISE.sub(exercise, path.read_text("utf8")), encoding="utf8")


def setup(app):
    sphinx_proof.nodes.find_parent = docname_of
    app.connect("build-finished", mend_latex)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
