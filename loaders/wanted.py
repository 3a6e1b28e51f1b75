"""What a graph is to be made of, with a mark for each part of it, so that the next refresh sees what has changed."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from loaders.catalog import CatalogFile
from loaders.imdb import FILES, Choices, LoadError

_CHOICES = "choices"


@dataclass(frozen=True)
class Wanted:
    """What a graph is to be made of.

    folder: where IMDb's files are or come to. url: where they are published; None where others put them there.
    """

    folder: Path
    url: str | None
    catalogs: Sequence[CatalogFile] = ()
    feedback: Sequence[Path] = ()
    texts: Path | None = None
    choices: Choices = field(default_factory=Choices)

    def check(self) -> None:
        """Raise LoadError where a file that was named is not there."""
        for path in (*(one.path for one in self.catalogs), *self.feedback, *([self.texts] if self.texts else [])):
            if not path.exists():
                raise LoadError(f"there is no {path}; name a file that is there")

    def marks(self) -> dict[str, str]:
        """A mark for each file and choice that differs whenever it does."""
        found = {_CHOICES: _digest(repr(_plain(self.choices)).encode())}
        for name in FILES:
            for path in (self.folder / f"{name}.tsv", self.folder / f"{name}.tsv.gz"):
                if path.exists():
                    found[f"imdb {path.name}"] = _published(path)
        found |= {f"catalog {one.slug}": _content([one.path]) for one in self.catalogs}
        found |= {f"feedback {path}": _content(_within(path)) for path in self.feedback}
        return found | ({f"texts {self.texts}": _content([self.texts])} if self.texts else {})

    def decisions(self) -> dict[str, str]:
        """The same for the review files of catalogs, which a load writes and people fill in."""
        there = [one for one in self.catalogs if one.review_path.exists()]
        return {f"review {one.slug}": _content([one.review_path]) for one in there}


def changed_since(before: Mapping[str, str], now: Mapping[str, str]) -> set[str]:
    """The names whose marks differ, and IMDb's files that are gone. A catalog that is not named any more stays."""
    gone = {name for name in before if is_whole(name) and name not in now}
    return gone | {name for name, mark in now.items() if before.get(name) != mark}


def is_whole(name: str) -> bool:
    """Whether a change of it makes the whole graph anew."""
    return name == _CHOICES or name.startswith("imdb ")


def _published(path: Path) -> str:
    """What the server said of a file that was downloaded; of any other one its size and when it was changed."""
    status, said = path.stat(), path.with_name(f"{path.name}.json")
    with contextlib.suppress(OSError, ValueError):
        told = json.loads(said.read_text("utf-8"))
        if told.get("size") == str(status.st_size) and (mark := told.get("etag") or told.get("last_modified")):
            return f"{mark} {status.st_size}"
    return f"{status.st_mtime_ns} {status.st_size}"


def _within(path: Path) -> list[Path]:
    return sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]


def _content(paths: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]


def _plain(choices: Choices) -> list[tuple[str, Any]]:
    return [(key, sorted(one) if isinstance(one, frozenset) else one) for key, one in asdict(choices).items()]


def _digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()[:16]
