"""Titles as short texts: the name alone, or with the genres behind it, and which genres each has."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graph.store import GraphStore

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Texts:
    """Titles ordered by id. titles: their names; genres: all of the graph; has: (n, genres) bool."""

    ids: list[str]
    titles: list[str]
    genres: list[str]
    has: Mask

    def written(self, *, genres: bool) -> list[str]:
        """A text a title: "Toy Story", or with its genres "Toy Story. Adventure, Animation"."""
        if not genres:
            return self.titles
        named = [", ".join(self.genres[place] for place in np.flatnonzero(own)) for own in self.has]
        return [f"{title}. {own}" if own else title for title, own in zip(self.titles, named, strict=True)]


def title_texts(store: GraphStore) -> Texts:
    """Read all titles of a graph."""
    ids: list[str] = []
    titles: list[str] = []
    for batch in store.scan_nodes("Title", ["title"]):
        ids += batch.column("id").to_pylist()
        titles += [title or "" for title in batch.column("title").to_pylist()]
    genres = [id_ for batch in store.scan_nodes("Genre", []) for id_ in batch.column("id").to_pylist()]
    row, column = ({id_: place for place, id_ in enumerate(names)} for names in (ids, genres))
    has = np.zeros((len(ids), len(genres)), bool)
    for batch in store.scan_relationships("IN_GENRE", []):
        heads, tails = batch.column("head").to_pylist(), batch.column("tail").to_pylist()
        pairs = [(row[head], column[tail]) for head, tail in zip(heads, tails, strict=True) if head in row]
        has[tuple(np.array(pairs, np.int64).reshape(-1, 2).T)] = True
    return Texts(ids, titles, genres, has)
