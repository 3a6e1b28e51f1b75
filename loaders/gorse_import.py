"""A Gorse's users, items and feedback → the graph: what `reelgraph import gorse` does.

Everything is written as if a client had sent it (PUT for feedback), so an import that was broken off is simply begun
again.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from graph.events import Event
from graph.gorse import BadValue, Time, check_labels, inside, time_of, value_of
from graph.item_titles import Meant
from graph.items import CatalogItems, Item
from graph.store import GraphStore, Progress
from graph.users import User
from loaders.gorse_dump import Kind, Row

_BATCH = 5_000


@dataclass
class ImportReport:
    """What became of the rows. matched: items that are a title of IMDb. left_out: by reason."""

    users: int = 0
    items: int = 0
    matched: int = 0
    feedback: int = 0
    left_out: Counter[str] = field(default_factory=Counter)

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return asdict(self)


def import_gorse(
    store: GraphStore, rows: Iterable[Row], catalog: str, progress: Progress | None = None
) -> ImportReport:
    """Write rows of a Gorse into a store, its items into a catalog."""
    report, items = ImportReport(), CatalogItems(store, catalog)
    done = 0
    for kind, batch in _batches(rows):
        if kind == "user":
            _users(store, batch, report)
        elif kind == "item":
            _items(items, batch, report)
        else:
            _feedback(store, items, batch, report)
        done += len(batch)
        if progress is not None:
            progress(f"{done:,} rows", 0.0)
    held = items.now()
    report.matched = sum(not one.title.startswith("item:") for one in held.ordered)
    return report


def _batches(rows: Iterable[Row]) -> Iterator[tuple[Kind, list[dict[str, Any]]]]:
    for kind, some in itertools.groupby(rows, key=lambda row: row[0]):
        left = (row for _, row in some)
        while batch := list(itertools.islice(left, _BATCH)):
            yield kind, batch


def _users(store: GraphStore, batch: Sequence[dict[str, Any]], report: ImportReport) -> None:
    made = []
    for row in batch:
        try:
            check_labels(row.get("Labels"))
            made.append(User(inside(_text(row, "UserId")), row.get("Labels"), _text(row, "Comment") or None).row())
        except BadValue as error:
            report.left_out[f"users: {error}"] += 1
    store.upsert_nodes("User", made)
    report.users += len(made)


def _items(items: CatalogItems, batch: Sequence[dict[str, Any]], report: ImportReport) -> None:
    made, meant = [], {}
    for row in batch:
        try:
            labels = row.get("Labels")
            check_labels(labels)
            id_, categories = _text(row, "ItemId"), row.get("Categories")
            when = _time(row)
            made.append(
                Item(
                    id_, "", bool(row.get("IsHidden")), None if categories is None else tuple(map(str, categories)),
                    None if labels is None else json.dumps(labels, ensure_ascii=False), _text(row, "Comment") or None,
                    *(when or (None, None)),
                )
            )  # fmt: skip
            meant[id_] = Meant.of_labels(labels)
        except BadValue as error:
            report.left_out[f"items: {error}"] += 1
    items.put(list({one.id: one for one in made}.values()), meant)
    report.items += len(made)


def _feedback(store: GraphStore, items: CatalogItems, batch: Sequence[dict[str, Any]], report: ImportReport) -> None:
    read: list[Event] = []  # with items where titles belong
    for row in batch:
        try:
            value = value_of(row.get("Value"))
            user, item, type_ = (_text(row, name) for name in ("UserId", "ItemId", "FeedbackType"))
            seconds, nanos = _time(row) or (None, None)
            comment = _text(row, "Comment") or None
            read.append(Event(inside(user), item, inside(type_), value, seconds, nanos, comment, None, "replace"))
        except BadValue as error:
            report.left_out[f"feedback: {error}"] += 1
    titles = items.ensure([event.title for event in read]).by_id
    store.merge_feedback([event._replace(title=titles[event.title].title) for event in read])
    report.feedback += len(read)


def _time(row: dict[str, Any]) -> Time:
    if "at" in row:
        seconds, nanos = row["at"]
        return None if (seconds, nanos) == _UNSET else (seconds, nanos)
    return time_of(row.get("Timestamp"))


_UNSET = (-62_135_596_800, None)


def _text(row: dict[str, Any], name: str) -> str:
    value = row.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadValue(f"{name} is no text")
    return value
