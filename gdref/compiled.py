"""Placeholder."""


def compile(rule):
    raise NotImplementedError
