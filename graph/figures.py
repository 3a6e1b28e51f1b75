"""What a graph is like in numbers: counts, degrees, the most frequent genres, the catalogs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from graph.schema import RELATIONSHIPS, is_live
from graph.store import GraphStore, StoreInfo

_TOP_GENRES = 10


@dataclass(frozen=True)
class Figures:
    """A store's figures. degrees: type → (mean, largest) number of relationships of a head that has any."""

    info: StoreInfo
    degrees: Mapping[str, tuple[float, int]]
    genres: Sequence[tuple[str, int]]
    catalogs: Sequence[tuple[str, int]]

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data, for JSON."""
        info = self.info
        return {
            "url": info.url,
            "version": info.version,
            "versions": list(info.versions),
            "made": info.made,
            "size_bytes": info.size_bytes,
            "counts": dict(info.counts),
            "degrees": {name: {"mean": round(mean, 3), "max": most} for name, (mean, most) in self.degrees.items()},
            "top_genres": dict(self.genres),
            "catalogs": dict(self.catalogs),
            "embeddings": {name: provenance.as_dict() for name, provenance in info.embeddings.items()},
            "details": dict(info.details),
        }


def figures(store: GraphStore) -> Figures:
    """Read a store's figures; one scan over the heads of each type."""
    info = store.info()
    info = replace(info, counts=dict(info.counts))  # shown when the store may be closed
    degrees = {}
    for type_, kind in RELATIONSHIPS.items():
        if info.counts.get(type_) and not is_live(type_):
            counts = [store.degrees(ids, [type_], "out") for ids in _ids(store, kind.head)]
            heads = sum(int((count > 0).sum()) for count in counts)
            degrees[type_] = info.counts[type_] / max(heads, 1), max(int(count.max(initial=0)) for count in counts)
    return Figures(
        info,
        degrees,
        _counted(store, "Genre", "IN_GENRE", "in")[:_TOP_GENRES],
        _counted(store, "Catalog", "OFFERS", "out"),
    )


def _ids(store: GraphStore, label: str) -> list[list[str]]:
    return [batch.column(0).to_pylist() for batch in store.scan_nodes(label, [])]


def _counted(store: GraphStore, label: str, type_: str, direction: Any) -> list[tuple[str, int]]:
    """Nodes of a label with how many relationships they have, most first."""
    ids = [id_ for batch in _ids(store, label) for id_ in batch]
    counts = store.degrees(ids, [type_], direction).tolist() if ids else []
    return sorted(zip(ids, counts, strict=True), key=lambda pair: (-pair[1], pair[0]))
