"""RAdam in PyTorch and in Optax begins to divide by the root of v one step later than the paper.

The paper divides as soon as rho_t > 4: at step 5 with beta_2 = 0.999, where rho_5 = 4.996.  PyTorch
has rho_t > 5, Optax rho_t >= 5, as the authors' code has: from step 6 on.  A step before is plain
momentum, whose length grows with the gradient; a step after it hardly depends on it.
Expected: a word about the difference where the paper is cited; Optax has the argument threshold.
"""

import jax.numpy as jnp
import optax
import torch


def pytorch(size, steps):
    theta = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))
    rule = torch.optim.RAdam([theta], lr=1.0)
    for _ in range(steps):
        before, theta.grad = theta.item(), torch.full_like(theta, size)
        rule.step()
    return theta.item() - before


def with_optax(size, steps):
    rule = optax.radam(1.0)
    state = rule.init(jnp.zeros(1))
    for _ in range(steps):
        update, state = rule.update(jnp.full(1, size), state)
    return float(update[0])


beta2, limit = 0.999, 2 / (1 - 0.999) - 1
for t, adapts in ((5, False), (6, True)):
    rho = limit - 2 * t * beta2**t / (1 - beta2**t)
    for run in (pytorch, with_optax):
        ratio = run(1000.0, t) / run(1.0, t)
        print(f"{run.__name__}, step {t}, rho = {rho:.3f}: gradients x 1000, step x {ratio:.0f}")
        assert (ratio < 2) is adapts and rho > 4
