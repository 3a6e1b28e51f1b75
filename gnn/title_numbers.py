"""What a title is in plain columns, as a tutorial on clustering has it: ones for what it has, and scaled numbers.

Columns: the genres; the kind; the language of the original title, where alternate titles tell it; runtime, votes,
rating and year, scaled. Nothing here comes from viewers' feedback but IMDb's votes and rating.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from graph.names import normalise
from graph.store import GraphStore, Progress

Floats = npt.NDArray[np.float32]

LANGUAGES = 30
"""So many of the most frequent have a column."""
LONGEST = 300
"""Minutes; a longer runtime counts as this."""
_PROPERTIES = ("kind", "original_title", "title", "runtime_minutes", "start_year", "num_votes", "average_rating")


@dataclass(frozen=True)
class Columns:
    """Titles row by row, ordered by id. values: (n, f) float32; names: (f,), "genre Drama", "votes" and so on."""

    ids: list[str]
    values: Floats
    names: list[str]


def title_columns(store: GraphStore, numbers: float, progress: Progress | None = None) -> Columns:
    """Read all titles. numbers: the standard deviation of each scaled number, beside ones for what a title has.

    A missing number is the mean.
    """
    say: Progress = progress or (lambda _what, _share: None)
    say("reading titles", 0.0)
    rows = [row for batch in store.scan_nodes("Title", list(_PROPERTIES)) for row in batch.to_pylist()]
    ids = [row["id"] for row in rows]
    place = {id_: number for number, id_ in enumerate(ids)}
    parts: list[tuple[list[str], Floats]] = [
        _marked("genre", len(ids), _genres(store, place)),
        _marked("kind", len(ids), ((number, row["kind"]) for number, row in enumerate(rows) if row["kind"])),
    ]
    say("reading alternate titles", 0.4)
    originals = {row["id"]: row["original_title"] or row["title"] for row in rows}
    names, marked = _marked("language", len(ids), _languages(store, place, originals), most=LANGUAGES)
    # However many languages it may be in, a title has one.
    parts.append((names, marked / np.maximum(np.linalg.norm(marked, axis=1, keepdims=True), 1)))
    scaled = _scaled(rows) * np.float32(numbers)
    parts.append((["runtime", "votes", "rating", "year"], scaled))
    return Columns(ids, np.hstack([part for _, part in parts]), [name for names, _ in parts for name in names])


def _genres(store: GraphStore, place: dict[str, int]) -> Iterator[tuple[int, str]]:
    for batch in store.scan_relationships("IN_GENRE", []):
        heads, tails = batch.column("head").to_pylist(), batch.column("tail").to_pylist()
        yield from ((place[head], tail) for head, tail in zip(heads, tails, strict=True) if head in place)


def _languages(store: GraphStore, place: dict[str, int], originals: dict[str, str | None]) -> Iterator[tuple[int, str]]:
    """Languages, or else regions, of the alternate titles that are the original one: IMDb says no more of it."""
    for batch in store.scan_nodes("AlternateTitle", ["title", "language", "region"]):
        for row in batch.to_pylist():
            id_ = row["id"].rpartition(":")[0]
            told = row["language"] or row["region"]
            if told and id_ in place and normalise(row["title"] or "") == normalise(originals[id_] or ""):
                yield place[id_], told


def _marked(what: str, n: int, pairs: Iterator[tuple[int, str]], most: int | None = None) -> tuple[list[str], Floats]:
    """A column for each value, or for the `most` most frequent: 1 where a title has it."""
    found = set(pairs)
    counts = Counter(value for _, value in found)
    values = sorted(sorted(counts, key=lambda value: (-counts[value], value))[:most])
    column = {value: number for number, value in enumerate(values)}
    made = np.zeros((n, len(values)), np.float32)
    for row, value in found:
        if value in column:
            made[row, column[value]] = 1
    return [f"{what} {value}" for value in values], made


def _scaled(rows: Sequence[dict[str, Any]]) -> Floats:
    """Runtime, votes, rating and year with mean 0 and deviation 1: (n, 4)."""
    columns = [
        np.minimum(_numbers(rows, "runtime_minutes"), LONGEST), np.log10(1 + _numbers(rows, "num_votes")),
        _numbers(rows, "average_rating"), _numbers(rows, "start_year"),
    ]  # fmt: skip
    made = np.stack(columns, 1)
    there = ~np.isnan(made)
    counts = np.maximum(there.sum(0), 1)
    made -= np.where(there, made, 0).sum(0) / counts
    made = np.where(there, made, 0)
    made /= np.maximum(np.sqrt(np.square(made).sum(0) / counts), 1e-9)
    return cast(Floats, made.astype(np.float32))


def _numbers(rows: Sequence[dict[str, Any]], name: str) -> npt.NDArray[np.float64]:
    return np.array([np.nan if row[name] is None else row[name] for row in rows], np.float64)
