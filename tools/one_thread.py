"""One thread of BLAS a process, since tests and chapters run in several processes at once.

No stored output depends on it; `make portable` shows that.  Import this before NumPy.
"""

import os

for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")
