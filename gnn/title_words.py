"""What titles are about, as text: their plots and keywords, where the graph has them; and places by their words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt

from gnn.config import ConfigError
from graph.store import GraphStore, Progress

Floats = npt.NDArray[np.float32]

LEAST = 50
"""Fewer titles with a text are no ground for clusters."""
_MOST_WORDS = 50_000


@dataclass(frozen=True)
class Words:
    """Titles that have a text, ordered by id, and their places: (n, d) float32 of unit length."""

    ids: list[str]
    places: Floats


def plots(store: GraphStore) -> dict[str, str]:
    """Plot and keywords of each title that has any, ordered by id: "a boy is left behind. christmas. burglar"."""
    found: dict[str, list[str]] = {}
    for batch in store.scan_nodes("Title", ["text"]):
        for id_, text in zip(batch.column("id").to_pylist(), batch.column("text").to_pylist(), strict=True):
            if text:
                found[id_] = [text]
    for batch in store.scan_relationships("HAS_KEYWORD", []):
        for id_, word in zip(batch.column("head").to_pylist(), batch.column("tail").to_pylist(), strict=True):
            found.setdefault(id_, []).append(word)
    return {id_: ". ".join(found[id_]) for id_ in sorted(found)}


def words_of(store: GraphStore, dimension: int, seed: int, progress: Progress | None = None) -> Words:
    """Places of titles by tf-idf and truncated SVD (latent semantic analysis; Deerwester et al. 1990).

    Raises ConfigError where fewer than LEAST titles have a text.
    """
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    say: Progress = progress or (lambda _what, _share: None)
    say("reading plots and keywords", 0.0)
    texts = plots(store)
    if (why := lacking(len(texts), store)) is not None:
        raise ConfigError(f"clustering plots {why}")
    say("words of plots", 0.3)
    reader = TfidfVectorizer(sublinear_tf=True, min_df=2, max_df=0.5, max_features=_MOST_WORDS, stop_words="english")
    counted = reader.fit_transform(texts.values())
    rank = min(dimension, counted.shape[1] - 1, counted.shape[0] - 1)
    places = TruncatedSVD(rank, random_state=seed).fit_transform(counted)
    lengths = np.maximum(np.linalg.norm(places, axis=1, keepdims=True), 1e-9)
    return Words(list(texts), cast(Floats, (places / lengths).astype(np.float32)))


def lacking(texts: int, store: GraphStore) -> str | None:
    """What is needed beside so many texts to cluster a graph by them; None where they are enough."""
    if texts >= LEAST:
        return None
    return (
        f"needs a plot or keywords of {LEAST} titles or more, and {texts:,} of {store.url} have any; load some: "
        "reelgraph load --texts FILE"
    )
