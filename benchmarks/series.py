"""Parts of one series: when one is missing from a catalog that has the other, is that among the first three answered?

    python benchmarks/series.py [--data ../shared/data] [--vectors content|learned] [--half 0|1] [--misses]

The truth is not the rule by which the ranking finds siblings but the relations film.sequel and film.prequel of a
Freebase graph (ml-100k), on titles that imdb-24k has. Each pair is asked both ways. The catalog is every title of
ml-latest-small with 5 ratings or more and all titles of the pairs. Learned vectors saw no like of any title of a pair.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import datetime as dt
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.figure import Figure, run
from gnn.substitutes import Likes, Options, all_vectors, fit, likes_of
from graph.foldin import DIMENSION, VECTORS, WEIGHTS, FoldIn
from graph.store import GraphStore, Provenance, Scope, open_store
from graph.substitutes import Ranking
from loaders.load import load

FIRST, LIMIT, LEAST = 3, 0.95, 5
CATALOG = "movielens"


def pairs(data: Path, store: GraphStore) -> list[tuple[str, str]]:
    """(hidden, wanted): both ways, ordered, titles of the graph."""
    with (data / "ml-latest-small" / "links.csv").open(encoding="utf-8") as file:
        imdb = {row["movieId"]: f"tt{int(row['imdbId']):07}" for row in csv.DictReader(file)}
    with (data / "ml-100k" / "ml-100k.link").open(encoding="utf-8") as file:
        title = {row[1]: imdb[row[0]] for row in csv.reader(file, delimiter="\t") if row[0] in imdb}
    found = set()
    with (data / "ml-100k" / "ml-100k.kg").open(encoding="utf-8") as file:
        for head, relation, tail in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            if ("sequel" in relation or "prequel" in relation) and {head, tail} <= title.keys():
                found |= {(title[head], title[tail]), (title[tail], title[head])}
    there = set(store.get_nodes("Title", sorted({one for pair in found for one in pair}), []).column("id").to_pylist())
    return sorted(pair for pair in found if set(pair) <= there and pair[0] != pair[1])


def closure(asked: list[tuple[str, str]]) -> dict[str, set[str]]:
    """Each title → all that hang together with it."""
    whole = {one: {one} for pair in asked for one in pair}
    for one, other in asked:
        if whole[one] is not whole[other]:
            whole[one] |= whole[other]
            for id_ in whole[other]:
                whole[id_] = whole[one]
    return whole


@contextlib.contextmanager
def loaded(data: Path) -> Iterator[GraphStore]:
    """imdb-24k with the ratings of ml-latest-small, in a store that is thrown away."""
    with tempfile.TemporaryDirectory(prefix="reelgraph-series-") as folder:
        store = open_store(f"embedded:{folder}/store", create=True)
        load(store, imdb=data / "imdb-24k", feedback=[data / "ml-latest-small"])
        yield store
        store.close()


def offer(store: GraphStore, likes: Likes, wanted: set[str]) -> None:
    ids = {id_ for id_, count in zip(likes.titles, likes.counts, strict=True) if count >= LEAST} | wanted
    store.upsert_nodes("Catalog", [{"id": CATALOG, "name": "MovieLens"}])
    store.upsert_relationships("OFFERS", [{"head": CATALOG, "tail": id_, "item_id": id_} for id_ in sorted(ids)])


def learn(store: GraphStore, likes: Likes, hidden: set[str]) -> None:
    """Publish vectors learned from all likes but those of hidden titles."""
    kept = [column for column, id_ in enumerate(likes.titles) if id_ not in hidden]
    seen = Likes(likes.matrix[:, kept].tocsr(), [likes.titles[column] for column in kept])
    fitted = fit(store, seen, DIMENSION, Options(likes_from=0))
    ids = [id_ for batch in store.scan_nodes("Title", []) for id_ in batch.column("id").to_pylist()]
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    provenance = Provenance("series", "Substitutes", DIMENSION, store.info().graph_hash, now)
    store.set_embeddings(WEIGHTS, fitted.foldin.reader.landmarks.ids, fitted.foldin.weights, provenance)
    store.set_embeddings(VECTORS, ids, all_vectors(fitted, ids), provenance)


def measure(options: argparse.Namespace) -> list[Figure]:
    with loaded(options.data) as store:
        asked = pairs(options.data, store)
        titles = {one for pair in asked for one in pair}
        likes = likes_of(store, 0.0)
        offer(store, likes, titles)
        if options.vectors == "learned":
            learn(store, likes, titles)
        if options.half is not None:  # the two ways of a pair stay together
            names = sorted({tuple(sorted(pair)) for pair in asked})
            chosen = set(names[options.half :: 2])
            asked = [pair for pair in asked if tuple(sorted(pair)) in chosen]
        folded = FoldIn.published(store)
        assert folded is not None
        ranking, scope = Ranking(store, folded), Scope(CATALOG)
        offered = store.offered(scope)
        items = dict(zip(offered.column("id").to_pylist(), offered.column("item_id").to_pylist(), strict=True))
        whole = closure(asked)
        places, apart = [], []
        for hidden, wanted in asked:
            answer = [one.id for one in ranking.rank(hidden, scope, 10, items) or ()]
            places.append(answer.index(wanted) + 1 if wanted in answer else 11)
            others = [id_ for id_ in answer[: places[-1] - 1] if id_ not in whole[hidden]]
            apart.append(len(others) + 1 if places[-1] <= 10 else 11)
            if places[-1] > FIRST and options.misses:
                named = store.get_nodes("Title", [hidden, wanted, *answer[:FIRST]], ["title"])
                print(hidden, wanted, places[-1], named.column("title").to_pylist(), file=sys.stderr)
    ranks = np.array(places)
    note = f"{len(asked)} questions, {len({tuple(sorted(pair)) for pair in asked})} pairs, {len(items):,} titles"
    return [
        Figure(f"the other part among the first {FIRST} ({options.vectors})", float((ranks <= FIRST).mean()), "",
               LIMIT, more=True, floor=note),
        Figure("… other parts of the series aside", float((np.array(apart) <= FIRST).mean())),
        Figure("… the first", float((ranks == 1).mean())),
        Figure("… among the first ten", float((ranks <= 10).mean())),
    ]  # fmt: skip


if __name__ == "__main__":
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--data", type=Path, default=Path(os.environ.get("REELGRAPH_DATA", "../shared/data")))
    made.add_argument("--vectors", choices=("content", "learned"), default="learned")
    made.add_argument("--half", type=int, choices=(0, 1), help="only these pairs: 0 is for tuning, 1 for judging")
    made.add_argument("--misses", action="store_true", help="say on standard error what was answered instead")
    made.add_argument("--json", action="store_true", help="print the figures as JSON")
    sys.exit(run(made.parse_args(), measure))
