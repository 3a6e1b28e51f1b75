"""How many cores one request takes: one, so that those beside it have theirs."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

_GIVEN = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")
_NAMES = ("scipy_openblas_set_num_threads64_", "scipy_openblas_set_num_threads", "openblas_set_num_threads")


def one_core_a_request() -> None:
    """Have the linear algebra of NumPy and SciPy take one thread, unless the environment says how many.

    Products of a vector with a catalog's are small, and requests come side by side: threads that share one product wait
    for each other, and while others have the cores that is most of what they do. Nothing is done where the libraries
    are not OpenBLAS, or the machine is not Linux.
    """
    if any(name in os.environ for name in _GIVEN):
        return
    os.environ[_GIVEN[0]] = "1"  # for workers, and for a library that is loaded later
    for path in _loaded():
        library = ctypes.CDLL(path)
        for name in _NAMES:
            if hasattr(library, name):
                getattr(library, name)(1)


def _loaded() -> list[str]:
    """The OpenBLAS libraries that this process has loaded: NumPy and SciPy have one each."""
    maps = Path("/proc/self/maps")
    if not maps.exists():
        return []
    files = {line.split(maxsplit=5)[5] for line in maps.read_text().splitlines() if len(line.split(maxsplit=5)) == 6}
    return sorted(file for file in files if "openblas" in Path(file).name)
