"""The files of Neptune's bulk loader, read as AWS describes them and no more kindly, and put into a Gremlin graph.

https://docs.aws.amazon.com/neptune/latest/userguide/bulk-load-tutorial-format-gremlin.html and -opencypher.html
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gremlin_python.driver.client import Client
from gremlin_python.process.graph_traversal import GraphTraversalSource, __
from gremlin_python.process.traversal import Cardinality, Direction, T, TraversalStrategies
from gremlin_python.statics import long
from gremlin_python.structure.graph import Graph

SYSTEM = {
    "csv": ({"~id", "~label"}, {"~id", "~from", "~to", "~label"}),
    "opencypher": ({":ID", ":LABEL"}, {":ID", ":START_ID", ":END_ID", ":TYPE"}),
}
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


class ParsingError(Exception):
    """What the loader would refuse. record: the number of the row, from 1."""

    def __init__(self, told: str, record: int = 0) -> None:
        super().__init__(told)
        self.record = record


@dataclass
class Element:
    """A vertex, or an edge (with `out` and `into`)."""

    id: str
    label: str
    out: str | None
    into: str | None
    properties: dict[str, Any] = field(default_factory=dict)


def records(text: str) -> Iterator[list[str | None]]:
    """The rows of a CSV by RFC 4180; None is a blank field, '' one that was written as `""`."""
    row: list[str | None] = []
    at = 0
    while at < len(text):
        if text[at] == '"':
            at, value = _quoted(text, at + 1)
        else:
            end = re.compile(r"[,\r\n\"]").search(text, at)
            stop = end.start() if end else len(text)
            value = text[at:stop].strip(" ") or None
            at = stop
        row.append(value)
        if at < len(text) and text[at] == ",":
            at += 1
            if at == len(text) or text[at] in "\r\n":
                row.append(None)
            else:
                continue
        line = re.compile(r"\r?\n").match(text, at)
        if not line:
            raise ParsingError(f"no comma and no end of the line at {text[at - 20 : at + 20]!r}")
        at = line.end()
        yield row
        row = []


def _quoted(text: str, at: int) -> tuple[int, str]:
    value = ""
    while True:
        end = text.find('"', at)
        if end < 0:
            raise ParsingError("a quote is never closed")
        value += text[at:end]
        if text[end + 1 : end + 2] != '"':
            return end + 1, value
        value, at = f'{value}"', end + 2


def _whole(text: str) -> int:
    if not re.fullmatch(r"[+-]?\d+", text) or not -(2**63) <= int(text) < 2**63:
        raise ValueError(text)
    return long(int(text))


def _number(text: str) -> float:
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text):
        raise ValueError(text)
    return float(text)


def _day(text: str) -> str:
    if not _DAY.fullmatch(text):
        raise ValueError(text)
    return text  # in the openCypher format: "loaded verbatim as strings"


_TYPES: dict[str, Callable[[str], Any]] = {
    "String": str, "Long": _whole, "Double": _number, "Bool": {"true": True, "false": False}.__getitem__,
}  # fmt: skip


def elements(data: bytes, format_: str) -> Iterator[Element]:
    """The vertices or edges of one file. Raises ParsingError."""
    rows = records(gzip.decompress(data).decode("utf-8"))
    header = next(rows)
    names = [name or "" for name in header]
    vertex, edge = SYSTEM[format_]
    system = {name for name in names if name in vertex | edge}
    if system not in (vertex, edge) or len(set(names)) != len(names):
        raise ParsingError(f"these columns are of neither vertices nor edges: {names}")
    id_, label = ("~id", "~label") if format_ == "csv" else (":ID", ":LABEL" if system == vertex else ":TYPE")
    ends = ("~from", "~to") if format_ == "csv" else (":START_ID", ":END_ID")
    typed = [_typed(name, format_) for name in names if name not in system]
    for number, row in enumerate(rows, 1):
        if len(row) != len(names):
            raise ParsingError(f"{len(row)} fields of {len(names)}", number)
        told = dict(zip(names, row, strict=True))
        if any(told[name] is None for name in system) or not told[label] or ";" in (told[label] or ""):
            raise ParsingError("a field that must be there is blank", number)
        made = Element(str(told[id_]), str(told[label]), *(told[end] if system == edge else None for end in ends))
        for name, (property_, read) in zip([one for one in names if one not in system], typed, strict=True):
            value = told[name]
            if value is not None:
                try:
                    made.properties[property_] = read(value)
                except (KeyError, ValueError):
                    raise ParsingError(f"{value!r} does not fit {name}", number) from None
        yield made


def _typed(name: str, format_: str) -> tuple[str, Callable[[str], Any]]:
    types = _TYPES | ({"Date": _day} if format_ == "opencypher" else {})
    property_, _, type_ = name.partition(":")
    if format_ == "csv":
        type_, _, cardinality = type_.partition("(")
        if cardinality != "single)":
            raise ParsingError(f"{name} is not single: a second load would add a value")
    if not property_ or re.search(r"[ ,\r\n:]", property_) or type_ not in types:
        raise ParsingError(f"{name} is not a column")
    return property_, types[type_]


def folder_elements(folder: Path, format_: str, files: Iterable[str]) -> list[Element]:
    """Those of several files, in their order."""
    return [one for name in files for one in elements((folder / name).read_bytes(), format_)]


_g = GraphTraversalSource(Graph(), TraversalStrategies())


class Graphs:
    """A Gremlin graph, filled and read as a whole, by the driver alone."""

    def __init__(self, url: str) -> None:
        self._client = Client(f"ws{url.removeprefix('gremlin')}/gremlin", "g", pool_size=1)

    def close(self) -> None:
        self._client.close()

    def _ask(self, traversal: Any) -> list[Any]:
        return [one.object for one in self._client.submit(traversal.bytecode).all().result() for _ in range(one.bulk)]

    def insert(self, some: Sequence[Element]) -> None:
        """Add vertices or edges, or replace single values of those that are there."""
        for start in range(0, len(some), 40):
            made: Any = _g
            for one in some[start : start + 40]:
                if one.out is None:
                    made = made.merge_v({T.id: one.id, T.label: one.label})
                else:
                    made = made.merge_e(
                        {T.id: one.id, T.label: one.label, Direction.OUT: one.out, Direction.IN: one.into}
                    )
                for name, value in one.properties.items():
                    made = made.property(*([Cardinality.single] if one.out is None else []), name, value)
            self._ask(made.none())

    def missing(self, ids: Iterable[str]) -> set[str]:
        """Which of these vertices are not there."""
        wanted = sorted(set(ids))
        there: set[str] = set()
        for start in range(0, len(wanted), 500):
            there |= set(self._ask(_g.V(*wanted[start : start + 500]).id_()))
        return set(wanted) - there

    def everything(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """All vertices and all edges by id; each property of a vertex with all its values."""
        vertices = _g.V().project("id", "label", "p").by(T.id).by(T.label).by(__.value_map())
        edges = _g.E().project("id", "label", "out", "in", "p")
        edges = edges.by(T.id).by(T.label).by(__.out_v().id_()).by(__.in_v().id_()).by(__.value_map())
        return tuple({one.pop("id"): one for one in self._ask(found)} for found in (vertices, edges))  # type: ignore[return-value]
