"""One request takes one core: linear algebra of the service has one thread, unless the environment says how many."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

_ASK = """
import ctypes, json, os
import numpy as np, scipy.linalg
from api.cores import _loaded, one_core_a_request

def threads():
    found = []
    for path in _loaded():
        library = ctypes.CDLL(path)
        for name in ("scipy_openblas_get_num_threads64_", "scipy_openblas_get_num_threads", "openblas_get_num_threads"):
            if hasattr(library, name):
                found.append(getattr(library, name)())
    return found

before = threads()
one_core_a_request()
print(json.dumps([before, threads(), os.environ["OPENBLAS_NUM_THREADS"]]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize(("given", "left"), [(None, 1), ("2", 2)])
def test_linear_algebra_has_one_thread_unless_the_environment_says_otherwise(given: str | None, left: int) -> None:
    told = {
        name: value for name, value in os.environ.items() if name not in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")
    }
    told |= {"OPENBLAS_NUM_THREADS": given} if given else {}
    printed = subprocess.run([sys.executable, "-c", _ASK], env=told, check=True, capture_output=True, text=True).stdout
    before, after, stands = json.loads(printed)
    if not before:
        pytest.skip("NumPy and SciPy are not built on OpenBLAS")
    assert set(after) == {min(left, os.cpu_count() or 1)}
    assert stands == str(left)
