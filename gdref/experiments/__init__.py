"""Longer runs: comparison of all rules, language model, data-parallel descent, simulation."""
