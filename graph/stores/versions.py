"""Version folders of the embedded store: made aside, swapped in by one rename, kept for a rollback.

ROOT/manifest.json        which version is current and which are kept; replaced atomically
ROOT/versions/000007/     one immutable version; `000008.partial` while it is made
ROOT/lock                 held (flock) by the one process that loads, publishes or rolls back
"""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from graph.store import StoreBusy, StoreDamaged, StoreError, StoreFull, StoreReadOnly, StoreTooNew

FORMAT = 1
KEPT_VERSIONS = 3


@dataclass(frozen=True)
class StoreManifest:
    """What `manifest.json` says. `versions` are those on disk, oldest first; `current` is one of them, or ''."""

    format: int
    current: str
    versions: list[str]
    made: str


EMPTY = StoreManifest(FORMAT, "", [], "")


class Versions:
    """The version folders under one root."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._held = False

    @property
    def manifest_path(self) -> Path:
        """The one file whose replacement moves every reader."""
        return self.root / "manifest.json"

    def folder(self, name: str) -> Path:
        """Where a finished version lies."""
        return self.root / "versions" / name

    def read(self) -> StoreManifest:
        """The manifest; an empty one where nothing was loaded yet. Raises StoreTooNew or StoreDamaged."""
        try:
            raw = json.loads(self.manifest_path.read_text("utf-8"))
            written = raw["format"]
            if written > FORMAT:
                raise StoreTooNew(
                    f"{self.root} was written by a newer version of Reelgraph (format {written}, this one reads "
                    f"{FORMAT}); update the software, or load into another folder"
                )
            return StoreManifest(**raw)
        except FileNotFoundError:
            return EMPTY
        except (ValueError, KeyError, TypeError) as error:
            raise StoreDamaged(f"{self.manifest_path} cannot be read ({error}); load the graph again") from None

    def stamp(self) -> tuple[int, int, int] | None:
        """What differs whenever the manifest was replaced; None where there is none."""
        try:
            status = self.manifest_path.stat()
        except FileNotFoundError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the store for a load, publish or rollback. Raises StoreBusy at once when another process has it."""
        with explained(self.root), (self.root / "lock").open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                raise StoreBusy(
                    f"another process ({file.read().strip() or 'unknown'}) is loading into {self.root}; "
                    "wait until it is done and try again"
                ) from None
            file.truncate(0)
            file.write(f"process {os.getpid()}")
            file.flush()
            self._sweep()
            try:
                yield
            finally:
                file.truncate(0)

    def start(self) -> tuple[str, Path]:
        """A name for the next version, and the empty folder in which to make it. Needs `writing`."""
        manifest = self.read()
        number = max((int(name) for name in manifest.versions), default=0) + 1
        name = f"{number:06d}"
        partial = self.root / "versions" / f"{name}.partial"
        partial.mkdir(parents=True)
        return name, partial

    def finish(self, name: str) -> None:
        """Put a made version in its final place, safe on disk, but not yet current."""
        partial = self.root / "versions" / f"{name}.partial"
        for file in sorted(partial.rglob("*")):
            if file.is_file():
                sync(file)
        partial.rename(self.folder(name))
        sync(self.folder(name).parent)

    def swap(self, name: str) -> None:
        """Make a finished version current: one atomic rename. Older ones beyond those kept go."""
        manifest = self.read()
        # What was rolled back from is no longer "the version before".
        earlier = [version for version in manifest.versions if version <= manifest.current]
        keep = [*earlier[-(KEPT_VERSIONS - 1) :], name]
        self._write(StoreManifest(FORMAT, name, keep, now()))
        for version in set(manifest.versions) - set(keep):
            shutil.rmtree(self.folder(version), ignore_errors=True)

    def roll_back(self, to: str | None) -> str:
        """Make an earlier version current, the one before this one unless named. Needs `writing`."""
        manifest = self.read()
        if to is None:
            earlier = [version for version in manifest.versions if version < manifest.current]
            if not earlier:
                raise StoreError(f"{self.root} keeps no version before {manifest.current or 'the first load'}")
            to = earlier[-1]
        if to not in manifest.versions:
            raise StoreError(f"{self.root} has no version {to!r}; it keeps {', '.join(manifest.versions) or 'none'}")
        self._write(StoreManifest(FORMAT, to, manifest.versions, now()))
        return to

    def _write(self, manifest: StoreManifest) -> None:
        partial = self.manifest_path.with_suffix(".json.part")
        partial.write_text(json.dumps(asdict(manifest), indent=1) + "\n", "utf-8")
        sync(partial)
        partial.replace(self.manifest_path)
        sync(self.root)

    def _sweep(self) -> None:
        """Remove what a killed process left: unfinished versions, and finished ones that never became current."""
        known = set(self.read().versions)
        for folder in (self.root / "versions").glob("*"):
            if folder.name not in known:
                shutil.rmtree(folder, ignore_errors=True)
        for folder in self.root.glob("rewrite-*"):
            shutil.rmtree(folder, ignore_errors=True)


def now() -> str:
    """The time in ISO 8601, UTC, to the second."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def sync(path: Path) -> None:
    """Wait until a file, or a folder's list of files, is on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def explained(root: Path) -> Iterator[None]:
    """Turn what the disk says into a StoreError that tells what to do."""
    try:
        yield
    except StoreError:
        raise
    except Exception as error:
        text = str(error)
        number = getattr(error, "errno", None)
        if number in (errno.ENOSPC, errno.EDQUOT) or any(
            mark in text for mark in ("No space left", "os error 28", "disk is full", "quota exceeded")
        ):
            raise StoreFull(f"the disk that holds {root} is full; the last good version is untouched") from error
        if number in (errno.EROFS, errno.EACCES, errno.EPERM) or "readonly database" in text:
            raise StoreReadOnly(f"{root} cannot be written ({text}); use another folder or its owner") from error
        raise
