"""Facet weights: do the answers move as a weight says? People and genres in common, years apart, votes.

    python -m benchmarks.facets [--data ../shared/data] [--vectors content|learned]

Vectors are learned from ml-latest-small on imdb-24k, answers come from the whole graph. Each facet is given the weights
0, 0.5, 1, 2 and 4; what is measured of the ten answers is the mean cosine of people and of genres, the mean distance in
years, and votes as a power of ten. The next rows do the same by scaling the terms of the asked title's own vector. The
last say by which power of the length of its vector, and of what people, genre and years make of the kernel, the product
of a candidate rises: least squares of logarithms in the pools of 500 of the larger group of asked titles.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from benchmarks.figure import Figure, run
from benchmarks.series import learn, loaded
from gnn.substitutes import likes_of
from graph.content import ContentReader, Terms, kernel, near_in_years
from graph.facets import POOL, by_role
from graph.foldin import VECTORS, FoldIn, loudness
from graph.preferences import FACETS, Preferences
from graph.search import Searcher
from graph.store import WHOLE_GRAPH, GraphStore, Scope

WEIGHTS = (0.0, 0.5, 1.0, 2.0, 4.0)
KNOWN = ("tt0113277", "tt0114709", "tt0133093", "tt0118715", "tt0076759")
"""Heat, Toy Story, The Matrix, The Big Lebowski, Star Wars."""
K, CHANCE, LEAST_VOTES = 10, 45, 20_000
WHOLE = Scope(WHOLE_GRAPH)
Answers = Callable[[str, str, float], Sequence[str]]


def likeness(store: GraphStore, asked: str, found: Sequence[str], facet: str) -> float:
    reader = ContentReader(store, [asked])
    own, others = reader.landmarks, reader.read(found)
    made = {
        "cast": (others.cast @ own.cast.T).mean(),
        "director": ((others.people - others.cast) @ (own.people - own.cast).T).mean(),
        "genre": (others.genres @ own.genres.T).mean(),
        "era": np.nanmean(np.abs(others.year - own.year)),
        "popularity": np.nan_to_num(others.votes).mean(),
    }
    return float(made[facet])


def served(store: GraphStore) -> Answers:
    searcher = Searcher(store)
    return lambda asked, facet, weight: [
        one.id for one in searcher.similar(asked, WHOLE, K, preferences=Preferences(**{facet: weight}))
    ]


def asked_anew(store: GraphStore) -> Answers:
    """The other way: the asked title's vector, its likeness to the landmarks with that facet's terms scaled."""
    folded, plain = FoldIn.published(store), Terms()
    assert folded is not None

    def answers(asked: str, facet: str, weight: float) -> list[str]:
        title, landmarks = folded.reader.read([asked]), folded.reader.landmarks
        terms = {
            "cast": {},
            "director": {"writers": plain.writers * weight},
            "genre": {"genres": plain.genres * weight, "genre_overlap": plain.genre_overlap * weight},
            "era": {},
        }[facet]
        wanted = Preferences(**{facet: weight})
        row = kernel(by_role(title, wanted), by_role(landmarks, wanted), dataclasses.replace(plain, **terms))
        if facet == "era":
            row *= near_in_years(title, landmarks) ** (weight - 1)
        before = kernel(title, landmarks) @ folded.weights
        moved = (row @ folded.weights - before) * loudness(title, folded.fame)[:, None]
        moved /= np.linalg.norm(before) ** folded.damping
        vector = store.get_embeddings(VECTORS, [asked])[1][0] + moved[0]
        found = store.search_vector(VECTORS, vector.astype(np.float32), K + 1, within=WHOLE)
        return [id_ for id_, _ in found if id_ != asked][:K]

    return answers


def rows(store: GraphStore, name: str, answers: Answers, groups: dict[str, list[str]], *, judged: bool) -> list[Figure]:
    """One for each facet and group: of the four steps from weight to weight, how many go the right way.

    judged: of the larger group all four must.
    """
    made = []
    for facet in FACETS if judged else FACETS[:-1]:
        for group, asked in groups.items():
            means = [np.mean([likeness(store, id_, answers(id_, facet, w), facet) for id_ in asked]) for w in WEIGHTS]
            right = int(((np.diff(means) if facet != "era" else -np.diff(means)) >= 0).sum())
            values = " ".join(f"{mean:.3f}" if abs(mean) < 2 else f"{mean:.2f}" for mean in means)
            made.append(
                Figure(
                    f"{name}: {facet}, {group}",
                    right,
                    "",
                    4 if judged and len(asked) > len(KNOWN) else None,
                    more=True,
                    floor=values,
                )
            )
    return made


def powers(store: GraphStore, asked: Sequence[str]) -> list[Figure]:
    known: list[np.ndarray] = []
    products: list[np.ndarray] = []
    for id_ in asked:
        vector = np.asarray(store.get_embeddings(VECTORS, [id_])[1][0])
        found = [
            (other, p) for other, p in store.search_vector(VECTORS, vector, POOL + 1, within=WHOLE) if other != id_
        ]
        ids, product = [other for other, _ in found], np.array([p for _, p in found])
        reader, plain = ContentReader(store, [id_]), Terms()
        title, others = reader.landmarks, reader.read(ids)
        whole = kernel(title, others)[0]
        without = [
            dataclasses.replace(plain, people=0, writers=0),
            dataclasses.replace(plain, genres=0, genre_overlap=0),
        ]
        length = np.linalg.norm(store.get_embeddings(VECTORS, ids)[1], axis=1)
        columns = [length, *(whole / kernel(title, others, terms)[0] for terms in without),
                   near_in_years(title, others)[0]]  # fmt: skip
        logs = np.log(np.stack([*columns, np.maximum(product, 1e-6)], 1))
        logs -= logs.mean(0)
        known.append(logs[:, :-1])
        products.append(logs[:, -1])
    found_ = np.linalg.lstsq(np.concatenate(known), np.concatenate(products), rcond=None)[0]
    names = ("length", "people", "genre", "era")
    return [Figure(f"power of {name}", float(power)) for name, power in zip(names, found_, strict=True)]


def measure(options: argparse.Namespace) -> list[Figure]:
    with loaded(options.data) as store:
        if options.vectors == "learned":
            learn(store, likes_of(store, 4.0), set())
        ids = [
            id_
            for batch in store.scan_nodes("Title", ["num_votes"])
            for id_, votes in zip(batch.column("id").to_pylist(), batch.column("num_votes").to_pylist(), strict=True)
            if (votes or 0) > LEAST_VOTES
        ]
        chance = np.random.default_rng(0).choice(ids, CHANCE, replace=False).tolist()
        groups = {f"{len(KNOWN)} titles": list(KNOWN), f"{len(KNOWN) + CHANCE} titles": [*KNOWN, *chance]}
        return [
            *rows(store, "steps of 4, weight by weight", served(store), groups, judged=True),
            *rows(store, "by the asked title's vector", asked_anew(store), groups, judged=False),
            *powers(store, [*KNOWN, *chance]),
        ]


if __name__ == "__main__":
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--data", type=Path, default=Path(os.environ.get("REELGRAPH_DATA", "../shared/data")))
    made.add_argument("--vectors", choices=("content", "learned"), default="learned")
    made.add_argument("--json", action="store_true", help="print the figures as JSON")
    sys.exit(run(made.parse_args(), measure))
