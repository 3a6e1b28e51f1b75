"""Files as database replication drops them: CSV in dated folders, each row an insert, an update or a delete.

Rows come out of order, again, and in files that arrive late or grow. A row's version (when the database committed it,
then its number there, then its place) says which of two about the same thing is later.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from graph.gorse import BadValue, Time, time_of
from loaders.feedback_rows import HEADERS
from loaders.table_files import columns_of, imdb_id
from loaders.tsv import LoadError

Kind = Literal["user", "item", "feedback"]
Version = tuple[int, int, str]
"""Nanoseconds since 1970 of the commit, its number there, the file and row: they compare as they came about."""
_OURS: Mapping[str, tuple[str, ...]] = {
    "op": ("operation", "change", "changetype"),
    "committed": ("committime", "commitat", "commitedat", "committedat", "commitimestamp", "committimestamp",
                  "changedat", "transactts", "dmstimestamp", "sourcets", "tsms"),
    "number": ("seq", "sequence", "lsn", "changeseq", "scn"),
    "labels": ("attributes",), "comment": ("description", "remark"), "hidden": ("ishidden",),
    "categories": ("category",),
}  # fmt: skip
COLUMNS: Mapping[str, tuple[str, ...]] = {**HEADERS, **_OURS}
_OPS = {
    "i": "put", "insert": "put", "c": "put", "create": "put", "r": "put", "read": "put", "u": "put", "update": "put",
    "": "put", "d": "delete", "delete": "delete",
}  # fmt: skip
_FINER = ((10**11, 10**9), (10**14, 10**6), (10**17, 10**3))
_UNFINISHED = (".tmp", ".partial", ".part", ".crdownload")
_SHORT_ZONE = re.compile(r":\d\d(?:\.\d+)?[+-]\d\d$")
_DAY = re.compile(r"(\d{4})[-/_]?(\d\d)[-/_]?(\d\d)")


@dataclass(frozen=True)
class Change:
    """One row: what it is about (`key`), whether it is there or gone, and what it says."""

    kind: Kind
    key: tuple[str, ...]
    version: Version
    gone: bool
    told: dict[str, str]


def dropped(folder: Path) -> list[Path]:
    """The CSV files of a folder and of those in it, those of earlier days first; not those still being written."""
    if not folder.is_dir():
        raise LoadError(f"{folder} is no folder that is there; give the one that replication writes to")
    found = [
        path for path in folder.rglob("*.csv")
        if path.is_file() and not any(part.startswith((".", "_")) for part in path.relative_to(folder).parts)
        and not path.stem.endswith(_UNFINISHED)
    ]  # fmt: skip
    return sorted(found, key=lambda path: (day_of(path.relative_to(folder)), path.relative_to(folder).as_posix()))


def day_of(path: Path) -> str:
    """The day that a path names, as YYYYMMDD; '' for none."""
    found = _DAY.search(path.as_posix())
    return "".join(found.groups()) if found else ""


def changes(path: Path, name: str, faults: Counter[str]) -> Iterator[Change]:
    """The rows of a file, those that cannot be used counted by why. name: of the file, to order by."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        reader = csv.reader(file)
        header = next(reader, None)
        if header is None:
            return
        columns = columns_of(header, COLUMNS)
        places = {column: header.index(spelled) for column, spelled in columns.items()}
        kind = _kind(places, path)
        for number, cells in enumerate(reader, 1):
            if not cells:
                continue
            if len(cells) < len(header):
                faults["a row is cut off"] += 1  # the file grows: it is read again then
                continue
            told = {column: cells[place].strip() for column, place in places.items()}
            told = {column: text for column, text in told.items() if text not in ("", "\\N", "NULL")}
            try:
                yield _change(kind, told, f"{name}:{number:012d}")
            except _Fault as why:
                faults[str(why)] += 1


class _Fault(Exception):
    pass


def _kind(places: Mapping[str, int], path: Path) -> Kind:
    about = {"tconst", "title", "item_id"} & places.keys()
    if "user" in places:
        return "feedback" if about else "user"
    if "item_id" in places:
        return "item"
    raise LoadError(f"{path} has neither a user nor an item among its columns; docs/feedback.md has their names")


def _change(kind: Kind, told: dict[str, str], place: str) -> Change:
    op = _OPS.get(told.get("op", "").lower())
    if op is None:
        raise _Fault(f"unknown operation {told['op'][:20]!r}")
    if "\ufffd" in "".join(told.values()):
        raise _Fault("it is no UTF-8")
    if kind == "feedback":
        if "tconst" in told:
            told["tconst"] = imdb_id(told["tconst"]) or told["tconst"]
        about = told.get("tconst") or told.get("title") or told.get("item_id")
        if not told.get("user") or not about:
            raise _Fault("no user" if not told.get("user") else "no title")
        type_ = told.get("type", "rating" if "value" in told else "watch").lower()
        key: tuple[str, ...] = (told["user"], about, type_)
        told["type"] = type_
    else:
        name = "user" if kind == "user" else "item_id"
        if name not in told:
            raise _Fault(f"no {name}")
        key = (told[name],)
    return Change(kind, key, (_nanos(told), _number(told.get("number", "")), place), op == "delete", told)


def _nanos(told: Mapping[str, Any]) -> int:
    """When the change was committed; without that, when the thing itself happened."""
    text = told.get("committed") or told.get("time")
    if not text:
        return 0
    if text.isascii() and text.isdigit():  # seconds, or finer by their size
        number = int(text[:19])
        return number * next((each for most, each in _FINER if number < most), 1)
    try:
        when = database_time(text)
    except BadValue:
        raise _Fault("the time of the change is no time") from None
    return 0 if when is None else when[0] * 10**9 + (when[1] or 0)


def database_time(text: str | None) -> Time:
    """A time as databases write one too, with a zone such as +00. Raises BadValue."""
    if text and _SHORT_ZONE.search(text):
        text += ":00"
    return time_of(text)


def _number(text: str) -> int:
    try:
        return int(text, 16) if text.lower().startswith("0x") else int(text or 0)
    except ValueError:
        return 0
