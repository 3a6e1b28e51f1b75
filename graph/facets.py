"""Facet weights of a request: how much people, genre, era and popularity count in one answer.

A candidate's score is multiplied by what a weight makes of its likeness to the asked title: the kernel of
`graph.content` with the terms of people or genre scaled, over the kernel as it is, and nearness in years to the power
of (weight - 1). Scores of content follow the kernel, so weight 0 takes a facet's pull away; learned ones follow it to
the power of about PULL. Popularity is the length of a substitute vector. The other way, a new vector for the asked
title with those terms scaled, moves people less and years not always the right way (docs/answers.md).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import cached_property
from typing import cast

import numpy as np
import numpy.typing as npt

from graph.content import Content, ContentReader, Terms, kernel, near_in_years
from graph.foldin import VECTORS, FoldIn
from graph.preferences import Preferences
from graph.store import GraphStore

Floats = npt.NDArray[np.float32]

POOL = 500
"""Candidates that are looked at: weights reorder the nearest, they do not search anew."""
PULL = 0.3
"""The power of the kernel that learned scores follow: .29 for people, .25 for genre, .12 for era in such pools.

Without feedback it is .97, .63 and .57 (`benchmarks/facets.py`). So weight 0 takes away what a facet brought to a
score, and does not turn answers against it, as the whole ratio did with learned vectors.
"""


class Facets:
    """The facets of a question, weighed: of one asked title, or of several."""

    def __init__(self, store: GraphStore, folded: FoldIn, asked: Sequence[str], preferences: Preferences) -> None:
        self._store, self._folded, self._asked, self._wanted = store, folded, asked, preferences
        self._pull = 1.0 if folded.fame else PULL
        self._by_content = preferences.people != 1 or preferences.genre != 1 or preferences.era != 1

    @cached_property
    def _reader(self) -> ContentReader:
        """Compares candidates with the asked titles."""
        return self._folded.reader.beside(self._asked)

    def weigh(self, products: Floats, ids: Sequence[str]) -> Floats:
        """Products of each asked title with candidates, weighed: (asked, ids). Those that are not positive stay."""
        if not len(ids):
            return products
        factors = self._lengths(ids)
        if self._by_content:  # which has to be read; popularity has not
            factors = factors * self._content(self._reader.landmarks, ids)
        return cast(Floats, np.where(products > 0, products * factors, products))

    def left(self, nodes: Sequence[tuple[str, str]], ids: Sequence[str]) -> Floats:
        """What each candidate has left of its factor where the one asked title lacks a node: (nodes, ids)."""
        if not (self._by_content and nodes and ids):
            return np.ones((len(nodes), len(ids)), np.float32)
        own = self._reader.landmarks
        return cast(Floats, self._content(self._reader.without(own, nodes), ids) / self._content(own, ids))

    def _content(self, asked: Content, ids: Sequence[str]) -> Floats:
        """What weights make of likeness in people, genre and years: (asked, ids)."""
        wanted, terms = self._wanted, Terms()
        scaled = dataclasses.replace(
            terms, people=terms.people * wanted.people, writers=terms.writers * wanted.people,
            genres=terms.genres * wanted.genre, genre_overlap=terms.genre_overlap * wanted.genre,
        )  # fmt: skip
        others = self._reader.read(ids)
        ratio = kernel(asked, others, scaled) / kernel(asked, others, terms)
        ratio *= near_in_years(asked, others) ** (wanted.era - 1)
        return cast(Floats, ratio**self._pull)

    def _lengths(self, ids: Sequence[str]) -> Floats:
        """What the weight of popularity makes of the lengths of vectors: (ids,)."""
        if self._wanted.popularity == 1:
            return np.ones(len(ids), np.float32)
        held, rows = self._store.get_embeddings(VECTORS, ids)
        lengths = dict(zip(held, np.linalg.norm(rows, axis=1).tolist(), strict=True)) if held else {}
        made = np.array([lengths.get(id_, 0.0) for id_ in ids])
        return cast(Floats, np.maximum(made, 1e-9) ** (self._wanted.popularity - 1))
