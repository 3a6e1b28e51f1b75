"""How the memory of a long-running process is given back to the machine."""

from __future__ import annotations

import ctypes
import platform

import pyarrow as pa

_ARENAS, _LARGE_BYTES = 2, 1 << 20
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # of glibc's malloc.h


def return_freed_memory() -> None:
    """Let glibc give back what is freed: few arenas, and blocks of a megabyte and more in mappings of their own.

    Each thread would otherwise have an arena, Arrow a pool of its own, and each version of the graph that is taken over
    would leave holes in all of them: a worker grew by a third with every new version. Nothing is done where there is
    no glibc.
    """
    if platform.libc_ver()[0] != "glibc":
        return
    pa.set_memory_pool(pa.system_memory_pool())
    libc = ctypes.CDLL(None)
    for option, value in (
        (_M_ARENA_MAX, _ARENAS), (_M_MMAP_THRESHOLD, _LARGE_BYTES), (_M_TRIM_THRESHOLD, _LARGE_BYTES)
    ):  # fmt: skip
        libc.mallopt(option, value)
