"""What Gorse gives out, as rows: its dump (`/api/dump`), its exports as JSON lines, or its API page by page.

A dump is 64-bit numbers, little-endian: -1, -2, -3 begin users, items, feedback; others are the length of a protobuf
message that follows; 0 is the end. Field numbers are those of Gorse 0.5's protocol.proto.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Literal

import httpx

from loaders.tsv import LoadError

Kind = Literal["user", "item", "feedback"]
Row = tuple[Kind, dict[str, Any]]
"""What it is, and its fields as Gorse's REST contract names them."""

_STREAMS: Mapping[int, Kind] = {-1: "user", -2: "item", -3: "feedback"}
_FIELDS: Mapping[Kind, Mapping[int, str]] = {
    "user": {1: "UserId", 2: "Labels", 3: "Comment"},
    "item": {2: "ItemId", 3: "IsHidden", 4: "Categories", 5: "Timestamp", 6: "Labels", 7: "Comment"},
    "feedback": {2: "FeedbackType", 3: "UserId", 4: "ItemId", 5: "Timestamp", 6: "Comment", 7: "Value"},
}
_FILES: Mapping[Kind, tuple[str, ...]] = {
    "user": ("users", "user"), "item": ("items", "item"), "feedback": ("feedback", "feedbacks"),
}  # fmt: skip
_PAGES: tuple[tuple[Kind, str, str], ...] = (
    ("user", "users", "Users"), ("item", "items", "Items"), ("feedback", "feedback", "Feedback"),
)  # fmt: skip
_SUFFIXES = (".jsonl", ".ndjson", ".json")
_LONGEST = 64 << 20
_PAGE = 1_000


def read_gorse(source: str, key: str | None = None) -> Iterator[Row]:
    """Everything of a Gorse: users, then items, then feedback. Raises LoadError.

    source: an address (http://HOST:8088, with its API key), a dump's file, or a folder of users.jsonl, items.jsonl and
    feedback.jsonl.
    """
    if source.startswith(("http://", "https://")):
        return _of_api(source.rstrip("/"), key)
    path = Path(source)
    if path.is_dir():
        return _of_folder(path)
    if not path.is_file():
        raise LoadError(f"{source} is no file, folder or address; give Gorse's dump, its exports or its URL")
    return _of_dump(path)


def _of_folder(folder: Path) -> Iterator[Row]:
    found = {
        kind: [folder / f"{name}{suffix}" for name in names for suffix in _SUFFIXES] for kind, names in _FILES.items()
    }
    there = {kind: next((path for path in paths if path.is_file()), None) for kind, paths in found.items()}
    if not any(there.values()):
        raise LoadError(f"{folder} holds none of users.jsonl, items.jsonl and feedback.jsonl; export them from Gorse")
    for kind, path in there.items():
        if path is None:
            continue
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield kind, _object(line, f"{path}, row {number}")


def _object(line: str, where: str) -> dict[str, Any]:
    try:
        told = json.loads(line)
    except ValueError as error:
        raise LoadError(f"{where}: {error}; each line is one JSON object") from None
    if not isinstance(told, dict):
        raise LoadError(f"{where} is no JSON object")
    return told


# The dump


def _of_dump(path: Path) -> Iterator[Row]:
    with path.open("rb") as file:
        kind: Kind | None = None
        while (length := _number(file, path)) != 0:
            if length in _STREAMS:
                kind = _STREAMS[length]
                continue
            if kind is None or not 0 < length <= _LONGEST:
                raise LoadError(f"{path} is no dump of Gorse (at byte {file.tell()}); take it anew from /api/dump")
            content = file.read(length)
            if len(content) < length:
                raise LoadError(f"{path} ends in the middle of a row; take the dump anew")
            try:
                yield kind, _message(content, kind)
            except (ValueError, IndexError, struct.error) as error:
                raise LoadError(f"{path}: a row before byte {file.tell()} cannot be read ({error})") from None


def _number(file: IO[bytes], path: Path) -> int:
    told = file.read(8)
    if len(told) < 8:
        raise LoadError(f"{path} has no end; the dump was broken off: take it anew")
    return int(struct.unpack("<q", told)[0])


def _message(content: bytes, kind: Kind) -> dict[str, Any]:
    names, told = _FIELDS[kind], dict[str, Any]()
    for number, value in _fields(content):
        name = names.get(number)
        if name == "Categories":
            told.setdefault(name, []).append(value.decode())
        elif name == "Labels":
            told[name] = json.loads(value) if value else None
        elif name == "Timestamp":
            parts = dict(_fields(value))
            told["at"] = _signed(parts.get(1, 0)), parts.get(2, 0) or None
        elif name == "IsHidden":
            told[name] = bool(value)
        elif name == "Value":
            told[name] = struct.unpack("<d", value)[0] if isinstance(value, bytes) else float(value)
        elif name is not None:
            told[name] = value.decode()
    return told


def _fields(content: bytes) -> Iterator[tuple[int, Any]]:
    """Number and value of each field of a protobuf message."""
    at = 0
    while at < len(content):
        tag, at = _varint(content, at)
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            value, at = _varint(content, at)
            yield number, value
            continue
        length = {1: 8, 5: 4}.get(wire)
        if wire == 2:
            length, at = _varint(content, at)
        if length is None or at + length > len(content):
            raise ValueError("it is no protobuf")
        yield number, content[at : at + length]
        at += length


def _varint(content: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = content[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not byte & 0x80:
            return value, at
        if shift > 63:
            raise ValueError("a number is too long")


def _signed(value: int) -> int:
    return value - 2**64 if value >= 2**63 else value


# The API


def _of_api(address: str, key: str | None) -> Iterator[Row]:
    with httpx.Client(headers={"X-API-Key": key} if key else {}, timeout=60) as client:
        for kind, path, name in _PAGES:
            cursor = ""
            while True:
                told = _page(client, f"{address}/api/{path}", cursor)
                for row in told.get(name) or ():
                    yield kind, row
                cursor = told.get("Cursor") or ""
                if not cursor:
                    break


def _page(client: httpx.Client, url: str, cursor: str) -> dict[str, Any]:
    try:
        got = client.get(url, params={"n": _PAGE, "cursor": cursor})
    except httpx.HTTPError as error:
        raise LoadError(f"{url} does not answer ({error}); is Gorse running, and is that its address?") from None
    if got.status_code != 200:
        way = "; give its key by --key" if got.status_code == 401 else ""
        raise LoadError(f"{url} answered {got.status_code}: {got.text[:200].strip()}{way}")
    try:
        told = got.json()
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise LoadError(f"{url} answered no page of Gorse; is that its address?")
    return told
