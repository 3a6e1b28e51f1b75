"""Titles whose published vectors lie nearest to another title's: `reelgraph similar ID --by embedding`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np
import pyarrow as pa

from graph.explain import explain
from graph.foldin import CONTENT, WEIGHTS
from graph.store import GraphStore, NotInGraph, Scope
from graph.substitutes import Substitute

_SHOWN = ("kind", "title", "start_year")


def nearest(
    store: GraphStore, name: str, id_: str, scope: Scope, k: int, items: Mapping[str, str | None], reasons: int = 3
) -> list[Substitute]:
    """The k titles in scope with the largest inner product with a title's vector, k whenever k others have one.

    name: of the published vectors. items: the catalog's own id of each title offered. The score is the product itself
    (the cosine where vectors have unit length). Evidence is what joins the two by one or two steps; a neighbour
    without any has none. Raises NotInGraph when no such vectors are published, or the title has none.
    """
    ids, vectors = store.get_embeddings(name, [id_])
    if not ids or name == WEIGHTS:
        raise NotInGraph(_missing(store, name, id_))
    found = [one for one in store.search_vector(name, np.asarray(vectors[0]), k + 1, within=scope) if one[0] != id_][:k]
    nodes = cast(pa.Table, store.get_nodes("Title", [other for other, _ in found], _SHOWN))
    rows = {row["id"]: row for row in nodes.to_pylist()}
    return [
        Substitute(
            other,
            items.get(other),
            rows[other]["title"] or other,
            rows[other]["start_year"],
            rows[other]["kind"] or "movie",
            score,
            tuple(explain(store, id_, other, limit=reasons, adult=scope.adult, far=False)),
        )
        for other, score in found
    ]


def _missing(store: GraphStore, name: str, id_: str) -> str:
    published = {one: made for one, made in store.info().embeddings.items() if one != WEIGHTS}
    if name in published:
        run = published[name].run
        if published[name].model == CONTENT:
            return f"{id_} has no vector {name!r} yet; the next load of IMDb's files gives it one"
        return f"{id_} has no vector {name!r}: it came after the run {run}; reelgraph publish {run} --fold-in gives one"
    there = f"there are: {', '.join(published)}" if published else "none are published yet"
    return f"{store.url} has no vectors named {name!r}; {there}. Train and publish some: reelgraph train, publish"
