"""Longer runs: the comparison of all rules, data-parallel descent, the simulation of workers."""
