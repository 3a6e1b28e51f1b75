"""Titles as document vectors, and their predicted genres as a filter, as a system of titles and genres has it.

A title's document is its name with its genres; its vector that of Doc2Vec or of a sentence embedding. Which genres it
has is predicted by a network from its name alone, by one of five that never saw this title's genres (out of fold), so
that a prediction is not flattered by what was told. Predicted genres are one part of a vector, the document the other:
the nearest vectors are those of like genres and like words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from gnn.config import ConfigError
from gnn.encoders import SENTENCE, WIDTH, encode, spared_seconds
from gnn.genre_figures import Mask, Said, for_micro, macro, micro
from gnn.title_texts import Texts, title_texts
from graph.store import GraphStore, Progress

Floats = npt.NDArray[np.float32]

FOLDS = 5
_LEAST = 50


class Options(BaseModel):
    """`model.options` of Doc2Vec and Sentence."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    genres: bool = Field(True, description="whether a title's genres are in its document")
    filter: float = Field(0.0, ge=0, lt=1, description="share of a vector that says the predicted genres; 0: none")
    epochs: int = Field(40, ge=1, description="of Doc2Vec")


@dataclass(frozen=True)
class Documents:
    """Titles and their vectors, (n, d) float32 of unit length, or zeros where there is nothing to go by.

    f1: micro and macro F1 of the predicted genres, each title by a network that never saw its own; None without filter.
    spared: seconds that would have been spent, had their embedding not been kept from the time before.
    """

    ids: list[str]
    vectors: Floats
    f1: tuple[float, float] | None
    spared: float = 0.0


def documents(
    store: GraphStore, model: str, options: Options, dimension: int, seed: int, progress: Progress | None = None
) -> Documents:
    """Document vectors of all titles of a graph. Raises ConfigError for a dimension that cannot be, too few titles."""
    say: Progress = progress or (lambda _what, _share: None)
    if model == SENTENCE and dimension != WIDTH:
        raise ConfigError(f"model.dimension: a sentence embedding has {WIDTH} numbers, not {dimension}")
    say("reading titles", 0.0)
    texts = title_texts(store)
    if len(texts.ids) < _LEAST:
        raise ConfigError(f"{store.url} has {len(texts.ids)} titles, and {_LEAST} are the least to learn vectors from")
    spared = 0.0

    def encoded(own: list[str]) -> Floats:
        nonlocal spared
        spared += spared_seconds(model, own)
        return encode(model, own, dimension, options.epochs, seed, progress)

    own = encoded(texts.written(genres=options.genres))
    if not options.filter:
        return Documents(texts.ids, own, None, spared)
    names = own if not options.genres else encoded(texts.titles)
    predicted = predicted_genres(texts, names, seed, say)
    known = texts.has.any(1)
    hits, both = (part[known].sum(0) for part in Said(texts.ids, predicted, texts.has).counts)
    f1 = float(micro(hits, both)), float(macro(hits, both))
    parts = [np.sqrt(1 - options.filter) * own, np.sqrt(options.filter) * marked(predicted)]
    return Documents(texts.ids, np.hstack(parts).astype(np.float32), f1, spared)


def predicted_genres(texts: Texts, vectors: Floats, seed: int, progress: Progress) -> Mask:
    """Genres of each title by a network that never saw them: (n, genres) bool.

    Of five parts each is predicted by a network that three others taught and one tuned.
    """
    from gnn.genre_network import train

    known = texts.has.any(1)
    part = np.random.default_rng(seed).integers(0, FOLDS, len(texts.ids))
    made = np.zeros_like(texts.has)
    for fold in range(FOLDS):
        progress(f"genre network {fold + 1} of {FOLDS}", 0.5 + 0.1 * fold)
        tuning = (fold + 1) % FOLDS
        learn, valid = known & (part != fold) & (part != tuning), known & (part == tuning)
        network = train(vectors[learn], texts.has[learn], vectors[valid], texts.has[valid], seed)
        limits = for_micro(network.scores(vectors[valid]), texts.has[valid])
        made[part == fold] = network.scores(vectors[part == fold]) >= limits
    return made


def marked(predicted: Mask) -> Floats:
    """Sets of genres as unit vectors, one more direction for none: (n, genres + 1)."""
    made = np.hstack([predicted, ~predicted.any(1, keepdims=True)]).astype(np.float32)
    return cast(Floats, made / np.linalg.norm(made, axis=1, keepdims=True))
