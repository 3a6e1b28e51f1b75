"""Version folders of the embedded store: made aside, swapped in by one rename, kept for a rollback.

ROOT/manifest.json        which version is current and which are kept; replaced atomically
ROOT/versions/000007/     one immutable version; `000008.partial` while it is made
ROOT/versions/000007/files.json   how large each of its files is, so that a missing or cut one is noticed
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
import sqlite3
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from graph.store import NotInGraph, StoreBusy, StoreDamaged, StoreError, StoreFull, StoreReadOnly, StoreTooNew

FORMAT = 1
KEPT_VERSIONS = 3
FILES = "files.json"


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
        self.manifest_path = root / "manifest.json"
        """The one file whose replacement moves every reader."""
        self._held = False

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
            manifest = StoreManifest(**raw)
            if manifest.current not in (*manifest.versions, ""):
                raise ValueError(f"it names no version {manifest.current!r}")
            return manifest
        except FileNotFoundError:
            return EMPTY
        except (ValueError, KeyError, TypeError) as error:
            raise StoreDamaged(
                f"{self.manifest_path} cannot be read ({error}); delete it and load the graph again: "
                "catalogs and feedback are kept"
            ) from None

    def stamp(self) -> tuple[int, int, int] | None:
        """What differs whenever the manifest was replaced; None where there is none."""
        try:
            status = os.stat(self.manifest_path)  # noqa: PTH116 (every read of the store asks; this costs half)
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
                self._sweep()
                file.truncate(0)

    @contextlib.contextmanager
    def undone_on_error(self) -> Iterator[None]:
        """What was current before the block is so again when it raises, on a full disk too."""
        kept = self.manifest_path.with_suffix(".json.kept")
        if self.manifest_path.exists():
            shutil.copyfile(self.manifest_path, kept)
            sync(kept)
        try:
            yield
        except BaseException:
            if kept.exists():
                kept.replace(self.manifest_path)
            else:
                self.manifest_path.unlink(missing_ok=True)
            raise

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
        (partial / FILES).unlink(missing_ok=True)  # it may be a hard link into an older version
        # Tantivy's locks and the like begin with a dot and may go at any time.
        files = [file for file in sorted(partial.rglob("[!.]*")) if file.is_file()]
        sizes = {str(file.relative_to(partial)): file.stat().st_size for file in files}
        (partial / FILES).write_text(json.dumps(sizes, indent=1) + "\n", "utf-8")
        for file in (*files, partial / FILES):
            sync(file)
        partial.rename(self.folder(name))
        sync(self.folder(name).parent)

    def check(self, name: str) -> None:
        """Raise FileNotFoundError or StoreDamaged unless every file of a version is there, and as long as it was."""
        folder = self.folder(name)
        for file, size in json.loads((folder / FILES).read_text("utf-8")).items():
            found = (folder / file).stat().st_size
            if found != size:
                raise StoreDamaged(self.incomplete(name, f"{file} has {found:,} bytes of {size:,}"))

    def incomplete(self, name: str, why: object) -> str:
        """What to say of a version with missing files."""
        return (
            f"version {name} of {self.root} is incomplete ({why}); go back with: reelgraph rollback. "
            f"Where there is no other version, delete {self.manifest_path} and load again: catalogs and feedback stay"
        )

    def swap(self, name: str, in_place_of: str | None = None) -> None:
        """Make a finished version current: one atomic rename. Older ones beyond those kept go after `writing`.

        in_place_of: a version that need not be kept, for the new one holds all of it.
        """
        manifest = self.read()
        # What was rolled back from is no longer "the version before".
        earlier = [version for version in manifest.versions if version <= manifest.current and version != in_place_of]
        keep = [*earlier[-(KEPT_VERSIONS - 1) :], name]
        self._write(StoreManifest(FORMAT, name, keep, now()))

    def roll_back(self, to: str | None) -> str:
        """Make an earlier version current, the one before this one unless named. Needs `writing`."""
        manifest = self.read()
        if to is None:
            earlier = [version for version in manifest.versions if version < manifest.current]
            if not earlier:
                raise StoreError(f"{self.root} keeps no version before {manifest.current or 'the first load'}")
            to = earlier[-1]
        if to not in manifest.versions:
            raise NotInGraph(f"{self.root} has no version {to!r}; it keeps {', '.join(manifest.versions) or 'none'}")
        try:
            self.check(to)
        except FileNotFoundError as error:
            raise StoreDamaged(self.incomplete(to, error)) from None
        self._write(StoreManifest(FORMAT, to, manifest.versions, now()))
        return to

    def _write(self, manifest: StoreManifest) -> None:
        partial = self.manifest_path.with_suffix(".json.part")
        partial.write_text(json.dumps(asdict(manifest), indent=1) + "\n", "utf-8")
        sync(partial)
        partial.replace(self.manifest_path)
        sync(self.root)

    def _sweep(self) -> None:
        """Remove versions that are not kept, and what a killed process or a full disk left unfinished."""
        known = set(self.read().versions)
        for folder in (self.root / "versions").glob("*"):
            if folder.name not in known:
                shutil.rmtree(folder, ignore_errors=True)
        for folder in self.root.glob("rewrite-*"):
            shutil.rmtree(folder, ignore_errors=True)
        for suffix in (".json.part", ".json.kept"):
            self.manifest_path.with_suffix(suffix).unlink(missing_ok=True)


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
    except Exception as error:
        if isinstance(error, StoreError) and type(error) is not StoreError:
            raise
        text = str(error)
        number = getattr(error, "errno", None)
        full = number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) or any(mark in text for mark in _FULL)
        # SQLite says no more than this when it has no room for the memory that its processes share.
        if full or (text == "disk I/O error" and shutil.disk_usage(root).free < _ROOM):
            raise StoreFull(f"the disk that holds {root} is full; the last good version is untouched") from error
        if number in (errno.EROFS, errno.EACCES, errno.EPERM) or "readonly database" in text:
            raise StoreReadOnly(f"{root} cannot be written ({text}); use another folder or its owner") from error
        if number in (errno.EEXIST, errno.ENOTDIR) and not root.is_dir():
            raise StoreError(f"{root} is no folder; name one for the store, new or empty") from error
        if isinstance(error, sqlite3.Error):
            raise _sqlite_error(root, text) from error
        raise


_ROOM = 1 << 16
# As Python, Rust, SQLite and numpy (which gives no errno) say it; the last of each is a limit on a file's size.
_FULL = ("No space left", "os error 28", "disk is full", "quota exceeded", "requested and", "os error 27")


def _sqlite_error(root: Path, text: str) -> StoreError:
    if "locked" in text:
        return StoreBusy(f"live data in {root} stayed locked by another process ({text}); try again")
    if any(mark in text for mark in ("not a database", "malformed", "no such table", "no such column")):
        return StoreDamaged(f"{root / 'live.sqlite'} is damaged ({text}); put it back from a backup")
    return StoreError(f"{root / 'live.sqlite'} cannot be used: {text}")
