"""optax.adadelta() without a learning rate moves along the gradient, not against it.

``learning_rate`` defaults to None, as if Adadelta needed none, as its paper says.  But then nothing
negates the update: the sign comes with the rate.  With ``learning_rate=1.0`` it is the rule.
Expected: with None the update is negated too, or a rate is required.
"""

import jax.numpy as jnp
import optax

theta, gradient = jnp.array(1.0), jnp.array(1.0)
for rate, sign in ((None, +1), (1.0, -1)):
    optimizer = optax.adadelta(learning_rate=rate)
    update, _ = optimizer.update(gradient, optimizer.init(theta), theta)
    print(f"learning_rate={rate}: theta moves by {float(update):+.2e} under a gradient of +1")
    assert sign * update > 0
