"""Triples: the graph as models of link prediction see it, (head, relation, tail) over numbered entities."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from gnn.known import Known

Ids = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Vocabulary:
    """What the numbers stand for. An entity of the graph is `Label:id` ("Title:tt0114709"), a bucket `year:1990`."""

    entities: tuple[str, ...]
    relations: tuple[str, ...]

    @cached_property
    def entity_numbers(self) -> dict[str, int]:
        """Name of an entity → its number."""
        return {name: number for number, name in enumerate(self.entities)}

    @cached_property
    def relation_numbers(self) -> dict[str, int]:
        """Name of a relation → its number."""
        return {name: number for number, name in enumerate(self.relations)}


@dataclass(frozen=True)
class Split:
    """Triples for training, for choosing (valid) and for the final figure (test): each (n, 3) int64, no row twice.

    cold: entities (numbers) whose triples were held out on purpose. kind: how the split was made, in words.
    Negatives are triples that somebody checked to be false, where the data come with such.
    """

    vocabulary: Vocabulary
    train: Ids
    valid: Ids
    test: Ids
    kind: str = "as given"
    cold: Ids = field(default_factory=lambda: np.empty(0, np.int64))
    valid_negatives: Ids = field(default_factory=lambda: np.empty((0, 3), np.int64))
    test_negatives: Ids = field(default_factory=lambda: np.empty((0, 3), np.int64))

    @property
    def everything(self) -> Ids:
        """All known triples: what the filter of the evaluation leaves out."""
        return np.concatenate([self.train, self.valid, self.test])

    @cached_property
    def known(self) -> Known:
        """All known triples, to look up what a query's answers are; made once."""
        return Known(self.everything, len(self.vocabulary.entities), len(self.vocabulary.relations))

    @cached_property
    def data_hash(self) -> str:
        """One short name for exactly these triples and this split: 16 hexadecimal digits."""
        digest = hashlib.sha256()
        for names in (self.vocabulary.entities, self.vocabulary.relations):
            digest.update("\0".join(names).encode())
        for part in (self.train, self.valid, self.test):
            digest.update(np.ascontiguousarray(part).tobytes())
        return digest.hexdigest()[:16]
