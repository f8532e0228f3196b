"""For the tests and the notebooks alike."""

from tools import one_thread as one_thread  # before anything imports NumPy
