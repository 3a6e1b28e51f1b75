"""What a card of a title shows, for many titles at once; and the best known titles of a graph."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from graph.store import GraphStore

_SHOWN = (
    "kind", "title", "original_title", "start_year", "end_year", "runtime_minutes", "average_rating", "num_votes",
    "poster_url",
)  # fmt: skip
_WHOLES = frozenset(("movie", "tvSeries", "tvMiniSeries", "tvMovie", "short"))


@dataclass(frozen=True)
class Card:
    """A title in short: its own properties (`text` and `is_adult` aside) and its genres, by name."""

    id: str
    properties: Mapping[str, Any]
    genres: Sequence[str]

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data, for JSON; the properties beside the id."""
        plain = asdict(self)
        return {"id": plain["id"], **plain["properties"], "genres": list(self.genres)}


def cards(store: GraphStore, ids: Sequence[str], *, adult: bool = False) -> list[Card]:
    """Those titles of the graph, in the order asked for; ids that it does not have are passed over."""
    rows = store.get_nodes("Title", list(dict.fromkeys(ids)), [*_SHOWN, "is_adult"]).to_pylist()
    rows = [row for row in rows if adult or not row["is_adult"]]
    genres: list[list[str]] = [[] for _ in rows]
    found = store.neighbours([row["id"] for row in rows], ["IN_GENRE"], "out")
    for source, genre in zip(*(found.column(name).to_pylist() for name in ("source", "neighbour")), strict=True):
        genres[source].append(genre)
    return [
        Card(row["id"], {name: row[name] for name in _SHOWN}, sorted(own))
        for row, own in zip(rows, genres, strict=True)
    ]


def best_known(store: GraphStore, count: int) -> list[str]:
    """Ids of the titles with the most votes, most first: films and series, adult ones and episodes aside. One scan."""
    ids: list[str] = []
    votes: list[int] = []
    for batch in store.scan_nodes("Title", ["kind", "is_adult", "num_votes"]):
        known = batch.column("num_votes").fill_null(0).to_numpy(zero_copy_only=False)
        for row in np.argsort(-known, kind="stable")[: 4 * count].tolist():
            kind, is_adult = batch.column("kind")[row].as_py(), batch.column("is_adult")[row].as_py()
            if known[row] and kind in _WHOLES and not is_adult:
                ids.append(batch.column("id")[row].as_py())
                votes.append(int(known[row]))
        ranked = sorted(range(len(ids)), key=lambda place: (-votes[place], ids[place]))[:count]
        ids, votes = [ids[place] for place in ranked], [votes[place] for place in ranked]
    return ids


def of_hosts(card: Card, hosts: Collection[str]) -> Card:
    """The card without its poster where that does not come, over HTTPS, from one of these hosts."""
    from urllib.parse import urlsplit

    url = card.properties["poster_url"]
    try:
        parts = urlsplit(url or "")
        allowed = parts.scheme == "https" and parts.hostname in hosts and parts.port in (None, 443)
    except ValueError:
        allowed = False
    return card if allowed else Card(card.id, {**card.properties, "poster_url": None}, card.genres)
