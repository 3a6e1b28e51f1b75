"""Clusters as strategies for substitutes: fitted as `configs/clusters*.toml` are trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gnn.clusters import Options, clustered, vectors_of
from gnn.prepare import needs
from gnn.strategy import Learning, Strategy
from gnn.title_words import lacking, plots
from gnn.vector_strategies import ByVectors, lacks_packages
from graph.store import GraphStore

VERSIONS: Mapping[str, tuple[Options, int]] = {
    "clusters-random": (Options(order="random"), 8),
    "clusters": (Options(), 8),
    "clusters-likes": (Options(of="likes"), 16),
    "clusters-plots": (Options(of="plots"), 100),
}
"""By name, the options and the dimension that the configuration of that name has."""


def clusters_lack(_: GraphStore) -> str | None:
    """What clusters need and is not here."""
    return lacks_packages("sklearn")


def plots_lack(store: GraphStore) -> str | None:
    """What clusters of plots need and is not here, or not in a graph."""
    return lacks_packages("sklearn") or lacking(len(plots(store)), store)


def fit_clusters(name: str) -> Callable[[Learning], Strategy]:
    """What fits one of VERSIONS. It raises ConfigError where there is too little to cluster, NotInstalled."""
    options, dimension = VERSIONS[name]

    def fit(given: Learning) -> Strategy:
        needs("sklearn")
        found = clustered(given.store, options, dimension, given.seed, given.likes, given.progress)
        return ByVectors(found.ids, vectors_of(found, options.order, given.seed))

    return fit
