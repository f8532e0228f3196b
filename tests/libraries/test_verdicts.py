"""The recorded verdicts on the three libraries are those of a run here."""

import os

import pytest

os.environ.setdefault("KERAS_BACKEND", "jax")

for library in ("torch", "keras", "optax"):
    pytest.importorskip(library)

from gdref.conformance.recorded import recorded, run  # noqa: E402


@pytest.mark.parametrize("library", ["pytorch", "keras", "optax"])
def test_the_recorded_verdicts_hold(library):
    stored = [row for row in recorded() if row.library == library]
    here = run(library)
    if stored[0].version == here[0].version:
        assert here == stored
    else:  # another version may have changed; it must not be lost on us
        assert [row.rule for row in here] == [row.rule for row in stored]
