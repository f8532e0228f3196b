r"""Is an implementation the paper's rule?  A verdict for libraries, in Python or any language.

    python -m gdref.conformance --library pytorch                every optimizer of the book there
    python -m gdref.conformance --command ./adam --rule adam     a program, by the line protocol
    python -m gdref.conformance --call mine:Adam --rule adam     a class of yours, as torch.optim
    python -m gdref.conformance --vectors DIRECTORY              JSON for tests in your language

The oracle is the rule of the book, which its chapter derives; the runs are chosen so that every
mistake of :mod:`gdref.diagnosis` is told from the rule and from the others (a test computes the
matrix).  ``check`` gives the same verdict in Python; :mod:`gdref.adapters` has the adapters.
"""

from gdref.conformance.libraries import Implementation, implementations
from gdref.conformance.schema import replay, vectors, write_vectors
from gdref.diagnosis.runs import diagnose_run as check

__all__ = ["Implementation", "check", "implementations", "replay", "vectors", "write_vectors"]
