"""For the tests and the notebooks alike: one thread, as when the outputs were stored."""

import os

for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ[f"{library}_NUM_THREADS"] = "1"
