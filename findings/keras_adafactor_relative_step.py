"""keras.optimizers.Adafactor takes the same path for relative_step=True and False.

With a constant rate and ``relative_step=True`` the rate is limited to 1/sqrt(t), says the
documentation.  The step takes the smaller of the rate and 1/sqrt(t) in either case (``rho_t``).
Expected: False takes the rate as it is given.
"""

import keras
import numpy as np

paths = []
for relative in (True, False):
    theta = keras.Variable(np.array([[1.0, 2.0], [3.0, 4.0]]))
    optimizer = keras.optimizers.Adafactor(learning_rate=0.9, relative_step=relative)
    for t in range(5):
        gradient = np.array([[1.0, -2.0], [0.5, 1.0]], "float32") * (t + 1)
        optimizer.apply([keras.ops.convert_to_tensor(gradient)], [theta])
    paths.append(np.array(theta))
print("largest difference of the two paths:", abs(paths[0] - paths[1]).max())
assert (paths[0] == paths[1]).all()
