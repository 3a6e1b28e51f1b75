"""All strategies that are served, by name, and what each needs. A new one is a module and a line here.

Vectors that a run has published are served under their own name without one. Names are those of `reelgraph evaluate`
(docs/strategies.md); `graph.served` chooses among them for a request.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass

from graph.by_hand import CandidatesOf, HandWeights
from graph.by_people import People
from graph.foldin import CONTENT, CONTENT_WEIGHTS, VECTORS, WEIGHTS
from graph.hybrid import Hybrid
from graph.nearest import LIKED_BESIDE, ByVectors, beside
from graph.plain_strategies import Genres, Popularity, Random
from graph.popular_nearest import NearAndPopular
from graph.recommend import FoldInSeries
from graph.store import Provenance
from graph.strategy import Strategy
from graph.substitutes import Ranking
from graph.tastes import LIKED, OFFERED, Weighting
from graph.tower_vectors import PARTS, RANKER, TITLES, TowerParts
from graph.towers import ByRankedTowers, ByTowers

FOLD_IN_SERIES, HYBRID, HAND_WEIGHTS, POPULARITY = "fold-in-series", "hybrid", "hand-weights", "popularity"
TOWERS, TOWERS_RANKED = "towers", "towers-ranked"
_CUT_FROM = 100
_LIKED = beside("")
_LOAD = "reelgraph load makes them"


def _trained(config: str) -> str:
    return f"reelgraph train configs/{config}.toml, then reelgraph publish"


@dataclass(frozen=True)
class Given:
    """What strategies are made of, at one state of a store. ranking, weighting: None without the vectors for it.

    content: what ranks by vectors of content alone. titles: how many the graph has; likes: how many viewers like each
    title.
    """

    url: str
    ranking: Ranking | None
    content: Callable[[], Ranking | None]
    weighting: Weighting | None
    published: Mapping[str, Provenance]
    candidates: CandidatesOf
    titles: int
    likes: Callable[[], Mapping[str, int]]


@dataclass(frozen=True)
class Entry:
    """A strategy by its name; make: None where what it needs is not there.

    needs: the name of published vectors; how: what makes them. tuned: it follows preferences. alone: it answers without
    any title asked for. comparison: it is there to be compared with, for fewer than k may come.
    """

    make: Callable[[Given], Strategy | None]
    about: str
    needs: str | None = None
    how: str = ""
    tuned: bool = False
    alone: bool = False
    comparison: bool = False


def published(name: str, about: str, how: str = "", called: str | None = None, among: int | None = None) -> Entry:
    """Nearest by the vectors of that name. called: by reasons; among: `ByVectors` has it."""

    def make(given: Given) -> Strategy | None:
        return _nearest(given, name, called, among)

    return Entry(make, about, name, how, comparison=among is not None)


def _nearest(given: Given, name: str, called: str | None = None, among: int | None = None) -> ByVectors | None:
    """None without these vectors, or without those of the same run that they come in pairs with."""
    made, other = given.published.get(name), given.published.get(beside(name))
    if made is None or (LIKED_BESIDE in made.facts and (other is None or other.run != made.run)):
        return None
    return ByVectors(called or name, name, made, given.url, among)


def _near_and_popular(given: Given) -> Strategy | None:
    near = _nearest(given, "embedding")
    return NearAndPopular(near, given.candidates, given.likes) if near else None


def _content_series(given: Given) -> Strategy | None:
    ranking = given.content()
    return FoldInSeries(ranking) if ranking else None


def is_beside(name: str, published: Container[str]) -> bool:
    """Whether vectors are but a part of others that are published, as what a title says is of what it offers."""
    return name.endswith(_LIKED) and name.removesuffix(_LIKED) in published


STRATEGIES: Mapping[str, Entry] = {
    FOLD_IN_SERIES: Entry(
        lambda given: FoldInSeries(given.ranking) if given.ranking else None,
        "substitute vectors, parts of the same series brought up: the default for titles and lists",
        VECTORS, _LOAD, tuned=True,
    ),
    HYBRID: Entry(
        lambda given: Hybrid(given.weighting, given.ranking) if given.weighting else None,
        "taste vectors of feedback and content: the default for users", OFFERED, _trained("tastes"), tuned=True,
    ),
    "fold-in": published(VECTORS, "substitute vectors alone", _LOAD, "fold-in"),
    "content": published(CONTENT, "the same without feedback: what titles are made of", _trained("content")),
    "content-series": Entry(
        _content_series, "content, parts of the same series brought up", CONTENT, _trained("content"), tuned=True
    ),
    HAND_WEIGHTS: Entry(
        lambda given: HandWeights(given.candidates),
        "the graph by traversal: shared people, genres, years and fame, weighed by hand", tuned=True,
    ),
    "genres": Entry(lambda given: Genres(given.candidates, given.titles), "cosine of genres, by rarity"),
    "people": Entry(lambda given: People(given.titles), "cosine of people, by role and rarity"),
    POPULARITY: Entry(
        lambda given: Popularity(given.candidates, given.likes),
        "the most liked, then the best known, whatever is asked for", alone=True,
    ),
    "random": Entry(lambda given: Random(given.candidates), "chance, the same for the same question", alone=True),
    "embedding": published("embedding", "nearest by link prediction inside the catalog", _trained("complex")),
    "embedding-cut": published(
        "embedding", f"the whole graph's {_CUT_FROM} nearest by link prediction, cut to the catalog: fewer may be left",
        _trained("complex"), among=_CUT_FROM,
    ),
    "embedding-popularity": Entry(
        _near_and_popular, "nearest by link prediction, popularity counting as much", "embedding", _trained("complex")
    ),
}  # fmt: skip


def _towers(given: Given) -> Strategy | None:
    """Without the user tower, as older versions have it, the nearest in the title tower."""
    made = given.published.get(TITLES)
    if made is None:
        return None
    nearest, parts = ByVectors(TOWERS, TITLES, made, given.url), TowerParts.among(given.published)
    return nearest if parts is None else ByTowers(parts, nearest)


def _ranked(given: Given) -> Strategy | None:
    found = _towers(given)
    return ByRankedTowers(found) if isinstance(found, ByTowers) else None


_RUNS = {
    "clusters": "nearest in the same k-means cluster of columns: genres, language, year, votes",
    "clusters-likes": "nearest in the same cluster of co-likes",
    "clusters-plots": "nearest in the same cluster of plots and keywords",
    "clusters-random": "any of the same cluster, by chance",
    "doc2vec": "Doc2Vec of name and genres",
    "doc2vec-genres": "Doc2Vec of name and genres, of the same predicted genres first",
    "sentence": "sentence embedding of name and genres",
    "sentence-genres": "sentence embedding of name and genres, of the same predicted genres first",
    "item-knn": "cosine of who likes both",
    "ease": "EASE: how much liking one title speaks for another",
    "ials": "iALS: factors of who likes what",
    "bpr": "BPR: factors, what is liked above what is not",
    "lightgcn": "LightGCN: the same, flowing along who likes what",
}
"""By name of the strategy and of its configuration: what it is. Vectors cannot have a dash in their name."""
_VECTORS = {name: name.replace("-", "_") for name in _RUNS}
KNOWN: Mapping[str, Entry] = {
    **{name: published(_VECTORS[name], about, _trained(name), name) for name, about in _RUNS.items()},
    TOWERS: Entry(
        _towers,
        "two networks, of what users like and of titles; of one title: the nearest by that of titles",
        TITLES,
        _trained("towers"),
    ),
    TOWERS_RANKED: Entry(
        _ranked, "the same, the first ones ordered anew by the points that a network says", RANKER, _trained("towers")
    ),
}
"""What runs of this project publish. Vectors of any other name are served as well."""
INNER = (VECTORS, WEIGHTS, LIKED, OFFERED, TITLES, *PARTS, CONTENT_WEIGHTS, *(set(_VECTORS.values()) - KNOWN.keys()))
"""Published vectors that are parts of the strategies above, and no strategies themselves."""
