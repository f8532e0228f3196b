"""Hypothesis: the same examples at every run, and no time limit for one (machines differ)."""

from hypothesis import settings

settings.register_profile("book", deadline=None, derandomize=True)
settings.load_profile("book")
