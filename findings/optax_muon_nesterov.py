"""optax.contrib.muon with Nesterov's momentum is another rule than Muon's from step 2 on.

Muon orthogonalises G + mu M.  Optax takes the two summands from Nadam, each with a bias correction
of its own, which Muon does not need: the orthogonal factor of a matrix ignores its length.  But two
corrections change the ratio of the summands, so at step 2 with mu = 0.95 the newest gradient
weighs 2.67 times the older one instead of 2.16.  Without Nesterov's momentum the rules agree.
Expected: no correction, or the same one for both summands.
"""

import jax
import jax.numpy as jnp
import numpy as np
from optax import contrib

jax.config.update("jax_enable_x64", True)
first, second = np.random.default_rng(0).normal(size=(2, 3, 3))


def steps(gradients, **settings):
    rule = contrib.muon(1.0, **settings)
    state = rule.init(jnp.zeros((3, 3)))
    for g in gradients:
        update, state = rule.update(jnp.asarray(g), state, jnp.zeros((3, 3)))
    return np.asarray(update)


beta, there = 0.95, steps([first, second], nesterov=True)
for words, weight in (("Muon's", (1 + beta) / beta**2), ("with two corrections", None)):
    if weight is None:
        m = beta * (1 - beta) * first + (1 - beta) * second
        mixed = beta * m / (1 - beta**3) + (1 - beta) * second / (1 - beta**2)
    else:
        mixed = first + weight * second
    apart = np.abs(there - steps([mixed], nesterov=False)).max()
    print(f"{words}: the step differs by {apart:.0e}")
    assert apart > 1e-2 if weight else apart < 1e-6
