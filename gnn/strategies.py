"""All strategies by name, in the order of a table. A new one is a module, or a class in one, and a line here."""

from __future__ import annotations

from collections.abc import Mapping

from gnn.cluster_strategies import clusters_lack, fit_clusters, plots_lack
from gnn.document_strategies import document_entry
from gnn.learned_strategies import NEIGHBOURS, Neighbours, WithSeries, by_content, fold_in, unblended
from gnn.plain_strategies import Genres, HandWeights, People, Popularity, Random, Warm
from gnn.strategy import Entry

STRATEGIES: Mapping[str, Entry] = {
    "random": Entry(lambda given: Random(given.seed), "chance"),
    "popularity": Entry(lambda given: Popularity(given.likes), "the most liked, whatever is asked for"),
    "genres": Entry(lambda given: Genres(given.store), "cosine of genres, by rarity"),
    "people": Entry(lambda given: People(given.store), "cosine of people, by role and rarity"),
    "hand-weights": Entry(lambda given: HandWeights(given.store), "people, genres, year, fame, weighed by hand"),
    "clusters-random": Entry(
        fit_clusters("clusters-random"),
        "k-means on genres, votes, year and such, any of the cluster",
        lacks=clusters_lack,
    ),
    "clusters": Entry(fit_clusters("clusters"), "the nearest of the same clusters", lacks=clusters_lack),
    "clusters-likes": Entry(fit_clusters("clusters-likes"), "clusters of co-likes", lacks=clusters_lack),
    "clusters-plots": Entry(fit_clusters("clusters-plots"), "clusters of plots and keywords", lacks=plots_lack),
    "doc2vec": document_entry("doc2vec", "Doc2Vec of name and genres"),
    "doc2vec-genres": document_entry("doc2vec-genres", "the same, of the same predicted genres first"),
    "sentence": document_entry("sentence", "sentence embedding of name and genres"),
    "sentence-genres": document_entry("sentence-genres", "the same, of the same predicted genres first"),
    "embedding-cut": Entry(
        lambda given: Neighbours(given.run, whole=True),
        f"the whole graph's {NEIGHBOURS} nearest by link prediction, cut to the catalog",
    ),
    "embedding": Entry(lambda given: Neighbours(given.run), "nearest by link prediction inside the catalog"),
    "embedding-popularity": Entry(
        lambda given: Neighbours(given.run, likes=given.likes), "the same, popularity counting as much"
    ),
    "content": Entry(by_content, "fold-in without feedback"),
    "content-series": Entry(lambda given: WithSeries(by_content(given), given.store), "the same, series brought up"),
    "fold-in-unblended": Entry(unblended, "fold-in against what likes alone say of the catalog"),
    "fold-in": Entry(fold_in, "fold-in against likes blended with the fold-in"),
    "fold-in-series": Entry(lambda given: WithSeries(fold_in(given), given.store), "the same, series brought up"),
    "warm": Entry(lambda given: Warm(given.likes), "saw the title's own likes: shrunk cosine", ceiling=True),
    "warm-blended": Entry(fold_in, "saw the title's own likes: blended with the fold-in", ceiling=True),
}
DEFAULT = "fold-in-series"
"""What is served, and what the others are compared with."""
EMBEDDING = ("embedding-cut", "embedding", "embedding-popularity")
"""The strategies that need a run of a link-prediction model."""
