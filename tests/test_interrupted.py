"""Ctrl-C where Python drops exceptions; tests that are killed."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
COMMAND = """
import signal, time
import reelgraph

class Last:
    def __del__(self):
        signal.raise_signal(signal.{sent})
        for _ in range(100):
            pass

def command(**_):
    Last()
    time.sleep(20)
    print("it went on")
    return 0

reelgraph.app = command
reelgraph.main()
"""


@pytest.mark.parametrize("sent", ["SIGINT", "SIGTERM"])
def test_an_interruption_that_python_drops_comes_again(sent: str) -> None:
    program = [sys.executable, "-c", COMMAND.format(sent=sent)]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False)
    said = "reelgraph: interrupted; what was there before is unchanged\n"
    assert (done.returncode, done.stdout, done.stderr) == (130, "", said)


def test_it_does_not_break_off_what_an_error_that_came_first_cleans_up() -> None:
    cleans = """    try:
        Last()
        raise ValueError("of a library in another language")
    finally:
        time.sleep(0.3)
        print("cleaned up")
"""
    program = COMMAND.format(sent="SIGINT").replace("    Last()\n    time.sleep(20)\n", cleans)
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    said = "reelgraph: interrupted; what was there before is unchanged\n"
    assert (done.returncode, done.stdout, done.stderr) == (130, "cleaned up\n", said)


def test_other_errors_that_python_drops_are_told() -> None:
    raising = COMMAND.format(sent="SIGINT").replace("signal.raise_signal(signal.SIGINT)", "raise OSError('full')")
    program = [sys.executable, "-c", raising.replace("time.sleep(20)", "pass")]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "it went on\n")
    assert "OSError: full" in done.stderr


SERVER = """
import time
from tests.servers.jars import started
print(started(["sleep", "60"]).pid, flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv is not on this machine")
def test_a_server_ends_with_tests_that_are_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", SERVER], cwd=ROOT, stdout=-1, text=True) as tests:
        assert tests.stdout is not None
        server = Path("/proc", tests.stdout.readline().strip())
        wait(lambda: (server / "comm").read_text() == "sleep\n")  # setpriv asks for the signal, then becomes the server
        tests.kill()
    wait(lambda: ended(server))


def wait(condition: Callable[[], bool]) -> None:
    """Fail where a condition does not come true."""
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def ended(process: Path) -> bool:
    """Whether nothing of a process is left but what its parent has not asked for yet."""
    try:
        return "zombie" in (process / "status").read_text()
    except OSError:
        return True
