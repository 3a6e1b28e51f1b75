"""Parts of one series: when one is missing from a catalog that has the other, is that among the first three answered?

    python -m benchmarks.series [--data ../shared/data] [--vectors content|learned] [--half 0|1]
                                [--keywords] [--misses]

The truth is not the rule by which the ranking finds siblings but relations of another graph, and pairs written by hand
(`benchmarks/series_pairs.py`). Each pair is asked both ways. The catalog is every title of ml-latest-small with 5
ratings or more and all titles of the pairs. Learned vectors saw no like of any title of a pair.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.figure import Figure, run
from benchmarks.series_pairs import ASKED, HALVES, Pair, both_ways, related, written
from gnn.substitutes import Likes, Options, all_vectors, fit, likes_of
from graph.foldin import DIMENSION, VECTORS, WEIGHTS, FoldIn
from graph.siblings import siblings
from graph.store import GraphStore, Provenance, Scope, open_store
from graph.substitutes import Ranking
from loaders.load import load

FIRST, LEAST, TIMED = 3, 5, 200
KINDS = (
    ("sequels of the other graph", ("related",), 0.95),
    ("sequels and prequels by hand", ("sequel", "prequel"), 0.95),
    ("remakes by hand", ("remake",), None),
    ("spin-offs by hand", ("spin-off",), None),
)
"""What is asked about, of which relations, and the least share that passes."""
CATALOG = "movielens"


@contextlib.contextmanager
def loaded(data: Path, *, keywords: bool = False) -> Iterator[GraphStore]:
    """imdb-24k with the ratings of ml-latest-small, and TMDB's keywords if wanted, in a store that is thrown away."""
    with tempfile.TemporaryDirectory(prefix="reelgraph-series-") as folder:
        store = open_store(f"embedded:{folder}/store", create=True)
        texts = keywords_of(data / "tmdb-movies", Path(folder)) if keywords else None
        load(store, imdb=data / "imdb-24k", feedback=[data / "ml-latest-small"], texts=texts)
        yield store
        store.close()


def keywords_of(tmdb: Path, folder: Path) -> Path:
    """TMDB's two files as one that `load` reads."""
    words, numbers = (pl.read_csv(tmdb / f"tmdb-movies_{name}.csv", infer_schema=False)
                      for name in ("cast_director_keywords", "ids_numbers"))  # fmt: skip
    path = folder / "texts.csv"
    numbers.join(words, on="id").select("imdb_id", "keywords").write_csv(path)
    return path


def catalog(store: GraphStore, pairs: Sequence[Pair]) -> set[str]:
    """Every title with LEAST ratings or more, and all of the pairs."""
    likes = likes_of(store, 0.0)
    liked = {id_ for id_, count in zip(likes.titles, likes.counts, strict=True) if count >= LEAST}
    return liked | {id_ for pair in pairs for id_ in (pair.one, pair.other)}


def offer(store: GraphStore, ids: set[str]) -> None:
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
    with loaded(options.data, keywords=options.keywords) as store:
        pairs = [*related(options.data, store), *(pair for pair in written(store) if pair.relation in ASKED)]
        titles = {id_ for pair in pairs for id_ in (pair.one, pair.other)}
        likes = likes_of(store, 0.0)
        offer(store, catalog(store, pairs))
        if options.vectors == "learned":
            learn(store, likes, titles)
        folded = FoldIn.published(store)
        assert folded is not None
        ranking, scope = Ranking(store, folded), Scope(CATALOG)
        offered = store.offered(scope).num_rows
        figures = []
        for name, relations, limit in KINDS:
            for half in HALVES if options.half is None else (options.half,):
                asked = both_ways([pair for pair in pairs if pair.relation in relations and pair.half == half])
                answers = {hidden: [one.id for one in ranking.rank(hidden, scope, FIRST) or ()]
                           for hidden in sorted({hidden for hidden, _ in asked})}  # fmt: skip
                note = f"{len(asked)} questions, {len(asked) // 2} pairs, {offered:,} titles"
                hit = np.mean([wanted in answers[hidden] for hidden, wanted in asked])
                title = f"{name}, half {half}: the other among the first {FIRST}"
                figures.append(Figure(title, float(hit), "", limit, more=True, floor=note))
                if options.misses:
                    _show_misses(store, asked, answers)
        return figures + _times(store, ranking, scope, sorted(titles))


def _show_misses(store: GraphStore, asked: Sequence[tuple[str, str]], answers: Mapping[str, Sequence[str]]) -> None:
    for hidden, wanted in asked:
        if wanted not in answers[hidden]:
            ids = [hidden, wanted, *answers[hidden]]
            print(hidden, wanted, store.get_nodes("Title", ids, ["title"]).column("title").to_pylist(), file=sys.stderr)


def _times(store: GraphStore, ranking: Ranking, scope: Scope, asked: Sequence[str]) -> list[Figure]:
    """What siblings cost of an answer, measured one right after the other."""
    taken: dict[str, list[float]] = {"answer": [], "siblings": []}
    for id_ in np.random.default_rng(0).permutation(asked)[:TIMED].tolist():
        start = time.perf_counter()
        ranking.rank(id_, scope, FIRST)
        answered = time.perf_counter()
        siblings(store, id_, scope, None)
        taken["answer"].append((answered - start) * 1000)
        taken["siblings"].append((time.perf_counter() - answered) * 1000)
    answer, alone = (np.quantile(taken[name], [0.5, 0.95]) for name in ("answer", "siblings"))
    return [
        Figure("siblings, median", float(alone[0]), "ms", floor=f"{TIMED} titles"),
        Figure("siblings, p95", float(alone[1]), "ms"),
        Figure("an answer with them, against one without, median", float(answer[0] / (answer[0] - alone[0])), "×"),
        Figure("… p95", float(answer[1] / (answer[1] - alone[1])), "×"),
    ]


if __name__ == "__main__":
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--data", type=Path, default=Path(os.environ.get("REELGRAPH_DATA", "../shared/data")))
    made.add_argument("--vectors", choices=("content", "learned"), default="learned")
    made.add_argument("--keywords", action="store_true", help="load TMDB's keywords too")
    made.add_argument("--half", type=int, choices=HALVES, help="only these pairs: 0 is for tuning, 1 for judging")
    made.add_argument("--misses", action="store_true", help="say on standard error what was answered instead")
    made.add_argument("--json", action="store_true", help="print the figures as JSON")
    sys.exit(run(made.parse_args(), measure))
