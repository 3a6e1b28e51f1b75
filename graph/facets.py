"""Facet weights of a request: how much cast, makers, genre, era and popularity count in one answer.

A candidate's score is multiplied by what a weight makes of its likeness to the asked title: the kernel of
`graph.content` with people by their roles or the terms of genre scaled, over the kernel as it is, and nearness in years
to the power of (weight - 1). Scores of content follow the kernel, so weight 0 takes a facet's pull away; learned ones
follow it to the power of about PULL. Popularity is the length of a substitute vector. The other way, a new vector for
the asked title with those terms scaled, moves people less and years not always the right way (docs/answers.md).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
import numpy.typing as npt

from graph.content import Content, ContentReader, Terms, kernel, near_in_years
from graph.foldin import FoldIn
from graph.preferences import FACETS, Preferences
from graph.reads import Asking, Embeddings, Read

Floats = npt.NDArray[np.float32]

POOL = 500
"""Candidates that are looked at: weights reorder the nearest, they do not search anew."""
PULL = 0.3
"""The power of the kernel that learned scores follow: .29 for people, .25 for genre, .12 for era in such pools.

Without feedback it is .97, .63 and .57 (`benchmarks/facets.py`). So weight 0 takes away what a facet brought to a
score, and does not turn answers against it, as the whole ratio did with learned vectors.
"""


class Weighed:
    """The facets of a question, weighed: of one asked title, or of several.

    lengths: of the candidates' vectors, where popularity is weighed. content: what compares with the asked titles, and
    the candidates' content, where anything else is.
    """

    def __init__(
        self, preferences: Preferences, pull: float, ids: Sequence[str], lengths: Mapping[str, float] | None,
        content: tuple[ContentReader, Content] | None,
    ) -> None:  # fmt: skip
        self._wanted, self._pull, self._lengths, self._read = preferences, pull, lengths, content
        self._row = {id_: row for row, id_ in enumerate(ids)}

    def weigh(self, products: Floats, ids: Sequence[str]) -> Floats:
        """Products of each asked title with candidates, weighed: (asked, ids). Those that are not positive stay."""
        if not len(ids):
            return products
        factors = self._of_lengths(ids)
        if self._read is not None:
            factors = factors * self._content(self._read, self._read[0].landmarks, ids)
        return cast(Floats, np.where(products > 0, products * factors, products))

    def left(self, nodes: Sequence[tuple[str, str]], ids: Sequence[str]) -> Floats:
        """What each candidate has left of its factor where the one asked title lacks a node: (nodes, ids)."""
        if self._read is None or not (nodes and ids):
            return np.ones((len(nodes), len(ids)), np.float32)
        own, reader = self._read[0].landmarks, self._read[0]
        left = self._content(self._read, reader.without(own, nodes), ids) / self._content(self._read, own, ids)
        return cast(Floats, left)

    def _content(self, read: tuple[ContentReader, Content], asked: Content, ids: Sequence[str]) -> Floats:
        """What weights make of likeness in people, genre and years: (asked, ids)."""
        wanted, terms = self._wanted, Terms()
        scaled = dataclasses.replace(
            terms, writers=terms.writers * wanted.director,
            genres=terms.genres * wanted.genre, genre_overlap=terms.genre_overlap * wanted.genre,
        )  # fmt: skip
        others = read[1].rows(np.array([self._row[id_] for id_ in ids], np.int64))
        ratio = kernel(by_role(asked, wanted), by_role(others, wanted), scaled) / kernel(asked, others, terms)
        ratio *= near_in_years(asked, others) ** (wanted.era - 1)
        return cast(Floats, ratio**self._pull)

    def _of_lengths(self, ids: Sequence[str]) -> Floats:
        """What the weight of popularity makes of the lengths of vectors: (ids,)."""
        if self._lengths is None:
            return np.ones(len(ids), np.float32)
        made = np.array([self._lengths.get(id_, 0.0) for id_ in ids])
        return cast(Floats, np.maximum(made, 1e-9) ** (self._wanted.popularity - 1))


def by_role(content: Content, wanted: Preferences) -> Content:
    """People scaled, so that two of one facet count its weight together, and two of different ones the root of both."""
    if wanted.cast == wanted.director == 1:
        return content
    cast_, made = math.sqrt(wanted.cast), math.sqrt(wanted.director)
    people = (content.people * np.float32(made) + content.cast * np.float32(cast_ - made)).tocsr()
    return dataclasses.replace(content, people=people)


def weighing(folded: FoldIn, asked: Sequence[str], ids: Sequence[str], preferences: Preferences) -> Asking[Weighed]:
    """Reads what weighing candidates takes: their content, where anything but popularity is weighed."""
    reader, pull = folded.reader, 1.0 if folded.fame else PULL
    by_content = any(getattr(preferences, facet) != 1 for facet in FACETS if facet != "popularity")
    wanted: list[Read] = [Embeddings(folded.name, ids)] if preferences.popularity != 1 else []
    own, candidates = (reader.reads(some) if by_content else () for some in (asked, ids))
    found = yield [*own, *candidates, *wanted]
    lengths = None
    if wanted:
        held, rows = found[-1]
        lengths = dict(zip(held, np.linalg.norm(rows, axis=1).tolist(), strict=True)) if held else {}
    if not by_content:
        return Weighed(preferences, pull, ids, lengths, None)
    ours, theirs = found[: len(own)], found[len(own) :]
    counts = yield [*reader.counts(ours), *reader.counts(theirs)]
    beside = reader.grown(asked, ours, counts[:2])
    return Weighed(preferences, pull, ids, lengths, (beside, beside.content(ids, theirs, counts[2:])))
