"""The preset that optax.contrib.muon documents is refused; the test for too few rows is inverted.

The docstring names the presets `muon` and `dion`; the code has `standard`.  With rows of
coefficients, seven for five steps raise "Not enough coeffs", three for five steps pass.
Expected: ``ns_coeffs="muon"`` works, and the comparison of rows and steps is the other way round.
"""

import jax.numpy as jnp
from optax import contrib

row = (3.4445, -4.7750, 2.0315)
for coefficients, expected in (("muon", "Unknown"), ((row,) * 7, "Not enough"), ((row,) * 3, "")):
    try:
        contrib.muon(0.1, ns_coeffs=coefficients, ns_steps=5).init(jnp.eye(2))
        said = ""
    except ValueError as error:
        said = str(error)
    words = coefficients if isinstance(coefficients, str) else f"{len(coefficients)} rows"
    print(f"{words}: {said or 'passes'}")
    assert said.startswith(expected) and bool(said) == bool(expected)
