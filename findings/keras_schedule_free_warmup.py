"""keras.optimizers.ScheduleFreeAdamW averages its steps with equal weights under warm-up.

The published code weighs the point after step t by the square of the largest rate so far, so that
the short steps of a warm-up hardly count; Keras has the weight 1/t whatever the rate.  With the
point z_t after each step, x should be the mean of z_t with the weights rate_t^2.
Expected: weights from the rates, as in the reference code, or a word that they are equal.
"""

import keras
import numpy as np

theta, warmup = keras.Variable(np.ones(1)), 10
rule = keras.optimizers.ScheduleFreeAdamW(learning_rate=0.05, warmup_steps=warmup)
points = []
for _ in range(15):
    rule.apply([theta * 1.0], [theta])
    points.append(float(rule._momentums[0].value[0]))
x = (float(theta.value[0]) - (1 - 0.9) * points[-1]) / 0.9
rates = 0.05 * np.minimum(np.arange(1, 16) / warmup, 1)
published, equal = np.average(points, weights=rates**2), np.mean(points)
print(f"x is {x:.4f}; by the squares of the rates {published:.4f}, with equal weights {equal:.4f}")
assert abs(x - equal) < 1e-4 < 1e-2 < abs(x - published)
