"""Check a notebook: the one beside this file, or the one that SUBMISSION names.

The tests are in the JSON files beside this file.
"""

import json
import os
from pathlib import Path

import pytest

from gdref.homework import check_file

HERE = Path(__file__).resolve().parent
TESTS = [test for path in sorted(HERE.glob("*.json")) for test in json.loads(path.read_text())]
SUBMISSION = os.environ.get("SUBMISSION") or next(HERE.glob("*.ipynb"))


@pytest.mark.parametrize("test", TESTS, ids=[test["id"] for test in TESTS])
def test_submission(test):
    check_file(SUBMISSION, test["rule"], test["settings"], test["library"])
