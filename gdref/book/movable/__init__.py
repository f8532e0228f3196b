"""Figures that the reader moves: formulas, pads, the laboratory, the landing figure.

Each is Matplotlib's own SVG.  Where scripts run, ``core.js`` redraws its lines in place, with
functions that :mod:`gdref.book.javascript` makes from the rules and from SymPy expressions; where
none run, in print and in the PDF, the figure stands as it was drawn here.
"""

from gdref.book.movable.formulas import Plot, Slider, formula
from gdref.book.movable.laboratory import movable
from gdref.book.movable.landing import landing, thumbnails
from gdref.book.movable.marks import Curve, Map, Points, Run

__all__ = [
    "Curve",
    "Map",
    "Plot",
    "Points",
    "Run",
    "Slider",
    "formula",
    "landing",
    "movable",
    "thumbnails",
]
