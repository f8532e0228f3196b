"""torch.optim.NAdam keeps the product of its momenta in float32, whatever the parameters have.

``mu_product`` is made with the default type of scalars.  With parameters in float64 each step is
then right to about 1e-8 of its length instead of 1e-15, and the error of the product grows with the
number of steps.  Expected: the type of the parameter, as for ``exp_avg``, or a Python float.
"""

import torch

theta = torch.nn.Parameter(torch.ones(1, dtype=torch.float64))
optimizer = torch.optim.NAdam([theta], lr=0.0)
theta.grad = torch.ones_like(theta)
product = 1.0
for t in range(1, 51):
    optimizer.step()
    product *= 0.9 * (1 - 0.5 * 0.96 ** (0.004 * t))
kept = optimizer.state[theta]["mu_product"]
apart = abs(kept.item() / product - 1)
print(f"mu_product is {kept.dtype}, after 50 steps {apart:.0e} from the product of the momenta")
assert kept.dtype == torch.float32 and optimizer.state[theta]["exp_avg"].dtype == torch.float64
assert apart > 1e-9
