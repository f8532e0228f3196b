"""optax.contrib.schedule_free_sgd with warm-up weighs a step by another rate than it took.

The step takes ``schedule(0)``, which is 0 at first; its weight in the average takes ``schedule`` of
a counter that starts at 1.  So the first step does not move, and the starting point enters the
average with the weight of the second step; each later weight is one step early too.
Expected: one counter for both.
"""

import jax.numpy as jnp
from optax import contrib

warmup, rate = 10, 1.0
rule = contrib.schedule_free_sgd(rate, warmup_steps=warmup)
theta, gradient = jnp.ones(1), jnp.ones(1)
state = rule.init(theta)
update, state = rule.update(gradient, state, theta)
weight = float(state.weight_sum)
print(f"step 1: z has moved by {float(state.z[0] - 1):.2f}, and has the weight {weight:.2f}")
assert float(state.z[0]) == 1.0 and abs(weight - (rate / warmup) ** 2) < 1e-6
