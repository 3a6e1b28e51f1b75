"""What a process frees goes back to the machine, also from between what it keeps."""

import platform
import subprocess
import sys

import pytest

# A thread makes 50 blocks of 4 MB, each with something small after it that stays; then the blocks are freed.
GROWN = """
import sys, threading
from pathlib import Path
from api.memory import return_freed_memory
def held():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
if sys.argv[1] == "told":
    return_freed_memory()
large = bytearray(b"x") * 30_000_000
del large  # from now on glibc, left alone, keeps blocks of this size in its heaps
before, kept = held(), []
def work():
    blocks = []
    for _ in range(50):
        blocks.append(bytearray(b"x") * 4_000_000)
        kept.append(bytearray(b"x") * 50_000)
thread = threading.Thread(target=work)
thread.start()
thread.join()
print(held() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has arenas and thresholds")
def test_what_is_freed_goes_back():
    grown = {
        how: int(subprocess.run([sys.executable, "-c", GROWN, how], check=True, capture_output=True, text=True).stdout)
        for how in ("told", "left alone")
    }
    assert grown["told"] < 20_000_000
    assert grown["left alone"] > 100_000_000
