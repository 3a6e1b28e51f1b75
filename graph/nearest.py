"""Titles whose published vectors lie nearest to another title's: `reelgraph similar ID --by embedding`."""

from __future__ import annotations

from graph.explain import explaining
from graph.foldin import CONTENT, WEIGHTS
from graph.reads import Asking, Embeddings, Nearest, Nodes, Offered, all_of, together
from graph.store import WHOLE_GRAPH, GraphStore, NotInGraph, Scope
from graph.substitutes import SHOWN, Substitute, items_of, shown


def nearest(store: GraphStore, name: str, id_: str, scope: Scope, k: int, reasons: int = 3) -> Asking[list[Substitute]]:
    """The k titles in scope with the largest inner product with a title's vector, k whenever k others have one.

    name: of the published vectors. The score is the product itself
    (the cosine where vectors have unit length). Evidence is what joins the two by one or two steps; a neighbour
    without any has none. Raises NotInGraph when no such vectors are published, or the title has none.
    """
    found = yield [Embeddings(name, [id_]), Nearest(name, id_, k + 1, scope)]
    if not found[0][0] or name == WEIGHTS:
        raise NotInGraph(_missing(store, name, id_))
    products = dict([one for one in found[1] if one[0] != id_][:k])
    items = [] if scope.catalog == WHOLE_GRAPH else [Offered(scope, list(products))]
    (nodes, *offered), *evidence = yield from together(
        all_of(Nodes("Title", list(products), SHOWN), *items),
        *(explaining(store.url, id_, other, limit=reasons, adult=scope.adult, far=False) for other in products),
    )
    rows = {row["id"]: row for row in nodes.to_pylist()}
    told = dict(zip(products, evidence, strict=True))
    return shown(products, rows, items_of(offered[0]) if offered else {}, told)


def _missing(store: GraphStore, name: str, id_: str) -> str:
    published = {one: made for one, made in store.info().embeddings.items() if one != WEIGHTS}
    if name in published:
        run = published[name].run
        if published[name].model == CONTENT:
            return f"{id_} has no vector {name!r} yet; the next load of IMDb's files gives it one"
        return f"{id_} has no vector {name!r}: it came after the run {run}; reelgraph publish {run} --fold-in gives one"
    there = f"there are: {', '.join(published)}" if published else "none are published yet"
    return f"{store.url} has no vectors named {name!r}; {there}. Train and publish some: reelgraph train, publish"
