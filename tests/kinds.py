"""Arrays of several libraries and precisions, for tests that run over all of them.

PyTorch is among them where it is installed: `make libraries`.
"""

import importlib
from importlib.util import find_spec

import numpy as np
import pytest

from gdref import RULES
from gdref._inputs import form
from gdref.catalogue import HYPERPARAMETERS

# library, its module, its floating-point types
LIBRARIES = {
    "numpy": ("numpy", "float16 float32 float64"),
    "strict": ("array_api_strict", "float32 float64"),
    "jax": ("jax.numpy", "float16 bfloat16 float32 float64"),
    "torch": ("torch", "float16 bfloat16 float32 float64"),
}
if find_spec("jax"):
    import jax

    jax.config.update("jax_enable_x64", True)

ARRAYS = [
    f"{library}-{dtype}"
    for library, (module, dtypes) in LIBRARIES.items()
    if find_spec(module.split(".")[0])
    for dtype in dtypes.split()
]
every_array = pytest.mark.parametrize("kind", ARRAYS)
every_rule = pytest.mark.parametrize("name", RULES)


def array(kind, values):
    """An array of a kind such as ``"jax-bfloat16"``."""
    library, dtype = kind.split("-")
    xp = importlib.import_module(LIBRARIES[library][0])
    return xp.asarray(values, dtype=getattr(xp, dtype))


def numbers(values):
    """Any array as NumPy's, in float64."""
    values = values.double() if hasattr(values, "double") else values
    return np.asarray(values).astype(np.float64)


# short enough for bfloat16 to hold exactly
HELD = {"eps": 2.0**-10, "eps1": 2.0**-10, "trust": 2.0**-3}
HELD |= {"beta1": 0.875, "beta2": 0.96875, "rho": 0.875, "gamma": 0.875}


def scheduled(rule, plan):
    """A schedule of every hyperparameter; a count of steps stays one."""
    names = dict.fromkeys(form(rule)[2], plan)
    return names | {name: 3 for name in names if HYPERPARAMETERS[name].kind == "count"}


def held(rule, kind):
    """Values that the precision of a kind holds, where it does not hold the defaults."""
    return {key: HELD[key] for key in form(rule)[2] if key in HELD} if "16" in kind else {}
