"""keras.optimizers.Lamb applies weight decay outside the trust ratio.

In the paper the decay is part of the update whose length the ratio sets, so that a step has the
length rate times |theta| exactly, with decay or without.  In Keras the base class shrinks the
variable first, and the ratio is that of the rest.
Expected: decay inside the update, or a word in the documentation.
"""

import keras
import numpy as np

start = np.array([1.0, -2.0, 0.5])
for decay, in_the_paper in ((None, True), (0.1, False)):
    theta = keras.Variable(start)
    rule = keras.optimizers.Lamb(learning_rate=0.1, weight_decay=decay)
    rule.apply([keras.ops.convert_to_tensor(np.array([0.3, 0.1, -0.2]))], [theta])
    share = np.linalg.norm(np.asarray(theta.value) - start) / np.linalg.norm(start)
    print(f"weight_decay={decay}: the step is {share:.4f} of |theta|; the rate is 0.1")
    assert (abs(share - 0.1) < 1e-4) == in_the_paper
