"""The graph in numbers, as plain data for `GET /figures`: nothing of where or how it is stored."""

from __future__ import annotations

from typing import Any

from graph.distributions import distributions
from graph.figures import figures
from graph.schema import is_live
from graph.store import GraphStore

_KEPT = ("version", "made", "degrees", "catalogs", "embeddings")
_OFFERED = ("Catalog", "OFFERS")


def figures_of(store: GraphStore) -> dict[str, Any]:
    """All figures; two scans over the titles."""
    held = figures(store).as_dict()
    # Users, feedback and searches are written all the time, and nobody's business here.
    counts = {name: count for name, count in held["counts"].items() if name in _OFFERED or not is_live(name)}
    return {
        **{name: held[name] for name in _KEPT},
        "counts": counts,
        "genres": held["top_genres"],
        **distributions(store).as_dict(),
    }
