"""Three real data sets that scikit-learn ships, and the book's own prose: nothing is downloaded.

The functions of the three return ``(X_train, y_train, X_test, y_test)`` split by a seed, with a
last column of ones for the intercept.
"""

import gzip
import importlib
from pathlib import Path

import numpy as np


def diabetes(standardise: bool = True, test: float = 0.25, seed: int = 0) -> tuple:
    """442 patients, 10 measurements, and how far the disease went in a year (regression).

    The target is centred and scaled to variance 1 if ``standardise``.
    """
    data = _load("load_diabetes", scaled=False)
    y = data.target
    if standardise:
        y = (y - y.mean()) / y.std()
    return _split(data.data, y, standardise, test, seed)


def breast_cancer(standardise: bool = True, test: float = 0.25, seed: int = 0) -> tuple:
    """569 tumours, 30 measurements of cell nuclei, and whether the tumour is benign (0 or 1)."""
    data = _load("load_breast_cancer")
    return _split(data.data, data.target, standardise, test, seed)


def digits(test: float = 0.25, seed: int = 0) -> tuple:
    """1,797 handwritten digits of 8 x 8 pixels, scaled to [0, 1], and which digit it is."""
    data = _load("load_digits")
    return _split(data.data / 16, data.target, False, test, seed)


def prose(part: int = 1000, every: int = 10) -> tuple:
    """The prose of this book, about 200,000 letters, as ``(train, test, alphabet)``.

    Both texts are arrays of numbers, the places of the letters in the alphabet.  It has small
    letters only, one sentence a line; a formula is the letter x.  The text is cut into parts of so
    many letters, and each tenth one is for the test.

    Examples
    --------
    >>> train, test, alphabet = prose()
    >>> "".join(alphabet[k] for k in train[:38])
    'gradient descent steps against the gra'
    """
    text = gzip.decompress(Path(__file__).with_name("prose.txt.gz").read_bytes()).decode("ascii")
    alphabet = "".join(sorted(set(text)))
    numbers = np.array([alphabet.index(letter) for letter in text])
    held_out = np.arange(len(text)) // part % every == every - 1
    return numbers[~held_out], numbers[held_out], alphabet


def _load(name, **options):
    try:
        return getattr(importlib.import_module("sklearn.datasets"), name)(**options)
    except ImportError as error:
        hint = "the data sets come with scikit-learn: pip install 'gdref[data]'"
        raise ImportError(f"{error}; {hint}") from error


def _split(X, y, standardise, test, seed):
    order = np.random.default_rng(seed).permutation(len(X))
    n_test = round(test * len(X))
    train, held_out = order[n_test:], order[:n_test]
    if standardise:
        # The scale comes from the training part alone: the test part must stay unseen.
        X = (X - X[train].mean(axis=0)) / X[train].std(axis=0)
    X = np.column_stack([X, np.ones(len(X))])
    return X[train], y[train], X[held_out], y[held_out]
