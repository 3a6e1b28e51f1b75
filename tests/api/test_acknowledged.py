"""`kill -9` in a stream of acknowledged events, a few times; `benchmarks/acknowledged.py` does it often."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path


def test_no_acknowledged_event_is_lost_or_counts_twice() -> None:
    command = [sys.executable, "benchmarks/acknowledged.py", "--times", "3", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    figures = {one["name"]: one for one in json.loads(done.stdout)}
    assert done.returncode == 0, done.stdout
    assert figures["requests sent again"]["measured"] > 0
