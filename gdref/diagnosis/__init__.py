"""Which rule a function is, and if none, what is wrong with it."""

from gdref.diagnosis.mistakes import Mistake, mistakes, pairs
from gdref.diagnosis.verdict import Verdict, diagnose

__all__ = ["Mistake", "Verdict", "diagnose", "mistakes", "pairs"]
