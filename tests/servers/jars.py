"""Java and the jars of a server from Maven Central, kept in the user's cache."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path


class ServerUnavailable(Exception):
    """A server cannot be started here: what is missing."""


def java(least: int, most: int = 1_000) -> Path:
    """The newest `java` of at least that version and at most another: by JAVA_HOME, the path, or where Linux has it."""
    homes = [Path(home) for home in (os.environ.get("JAVA_HOME"),) if home]
    homes += sorted(Path("/usr/lib/jvm").glob("*"), reverse=True)
    places = [home / "bin" / "java" for home in homes] + [Path(found) for found in (shutil.which("java"),) if found]
    versions = {place: _version(place) for place in dict.fromkeys(places) if place.exists()}
    fitting = [place for place, version in versions.items() if least <= version <= most]
    if not fitting:
        had = ", ".join(str(version) for version in sorted(set(versions.values()))) or "none"
        raise ServerUnavailable(f"it needs Java {least} or newer (found: {had}); set JAVA_HOME")
    return max(fitting, key=versions.__getitem__)


def _version(place: Path) -> int:
    told = subprocess.run([place, "-version"], capture_output=True, text=True).stderr
    found = re.search(r'version "(\d+)', told)
    return int(found[1]) if found else 0


def jars(pom: Path, version: str, java_home: Path) -> Path:
    """The folder of jars that a pom asks for, by Maven where they are not there yet."""
    folder = user_cache_path("reelgraph") / "servers" / f"{pom.name.removesuffix('.pom.xml')}-{version}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several test workers may want it at once
        if folder.exists():
            return folder
        maven = shutil.which("mvn")
        if maven is None:
            raise ServerUnavailable("it needs Maven (`mvn`) to fetch its jars")
        partial = folder.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        name = f"{pom.name.split('.')[0]}.version"
        command = [maven, "-q", "-B", "-f", str(pom), f"-D{name}={version}", "dependency:copy-dependencies",
                   f"-DoutputDirectory={partial}", "-DincludeScope=runtime"]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"JAVA_HOME": str(java_home)})
        if done.returncode:
            shutil.rmtree(partial, ignore_errors=True)
            raise ServerUnavailable(f"Maven could not fetch its jars: {(done.stdout + done.stderr).strip()[-500:]}")
        partial.rename(folder)
    return folder


def started(command: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
    """A server in a session of its own: Ctrl-C stops the tests, and they stop it.

    On Linux it ends with whoever started it, also when that was killed. options: of Popen.
    """
    ends = [found, "--pdeathsig", "TERM"] if (found := shutil.which("setpriv")) else []
    return subprocess.Popen([*ends, *command], start_new_session=True, **options)
