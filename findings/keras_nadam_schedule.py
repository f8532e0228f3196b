"""keras.optimizers.Nadam raises its momentum 250 times as fast as Dozat's schedule.

Dozat's momentum at step t is beta_1 (1 - 0.5 * 0.96^(0.004 t)); Keras has 0.96^t, without 0.004, so
that it is within a percent of beta_1 after 100 steps instead of 25,000.  PyTorch has the factor as
``momentum_decay=4e-3``, Keras 2 had it as ``schedule_decay=0.004``.  Expected: the factor, or an
argument for it.
"""

import keras
import numpy as np

theta, products = keras.Variable(np.zeros(1)), [1.0]
optimizer = keras.optimizers.Nadam(learning_rate=0.0, beta_1=0.9)
for _ in range(20):
    optimizer.apply([keras.ops.ones((1,))], [theta])
    products.append(float(optimizer._u_product))
here = products[20] / products[19]
dozat, without = (0.9 * (1 - 0.5 * 0.96 ** (factor * 20)) for factor in (0.004, 1))
print(f"momentum at step 20: {here:.4f}; Dozat's {dozat:.4f}; without 0.004 {without:.4f}")
assert abs(here - without) < 1e-3 < abs(here - dozat)
