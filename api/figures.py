"""The graph in numbers, as plain data for `GET /figures`: nothing of where or how it is stored."""

from __future__ import annotations

from typing import Any

from graph.distributions import distributions
from graph.figures import figures
from graph.store import GraphStore

_KEPT = ("version", "made", "counts", "degrees", "catalogs", "embeddings")


def figures_of(store: GraphStore) -> dict[str, Any]:
    """All figures; two scans over the titles."""
    held = figures(store).as_dict()
    return {
        **{name: held[name] for name in _KEPT},
        "genres": held["top_genres"],
        **distributions(store).as_dict(),
    }
