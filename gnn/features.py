"""What a node says of itself, as numbers: so that a title nobody has seen yet can be embedded.

Columns, always the same and in the same order: the entity's kind of node (COLUMNS), and for a title its IMDb kind,
genres, year, votes and rating (each number with a flag for missing) and its name by hashed words and trigrams.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from zlib import crc32

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gnn.triples import Vocabulary
from graph.store import GraphStore

Features = npt.NDArray[np.float32]

LABELS = ("Title", "Person", "Genre", "Keyword", "User", "year", "rating", "votes")
KINDS = (
    "movie", "short", "tvEpisode", "tvMiniSeries", "tvMovie", "tvPilot", "tvSeries", "tvShort", "tvSpecial", "video",
    "videoGame",
)  # fmt: skip
GENRES = (
    "Action", "Adult", "Adventure", "Animation", "Biography", "Comedy", "Crime", "Documentary", "Drama", "Family",
    "Fantasy", "Film-Noir", "Game-Show", "History", "Horror", "Music", "Musical", "Mystery", "News", "Reality-TV",
    "Romance", "Sci-Fi", "Short", "Sport", "Talk-Show", "Thriller", "War", "Western",
)  # fmt: skip
NUMBERS = ("start_year", "num_votes", "average_rating")
TEXT = 128
"""Buckets into which words and trigrams of a title's name are hashed."""

# A feature that says what a relation says would give the answer away.
LEAKS = {
    "IN_GENRE": GENRES,
    "RELEASED_IN": ("start_year", "no start_year"),
    "VOTES_ABOUT": ("num_votes", "no num_votes"),
    "RATED_ABOUT": ("average_rating", "no average_rating"),
}
COLUMNS = (
    *LABELS, *KINDS, *GENRES, *(name for number in NUMBERS for name in (number, f"no {number}")),
    *(f"text {bucket}" for bucket in range(TEXT)),
)  # fmt: skip
_BATCH = 50_000


def node_features(store: GraphStore, vocabulary: Vocabulary) -> Features:
    """Features of all entities: (entities, f) float32, f = len(COLUMNS); non-titles have their label alone.

    What the vocabulary's relations are to predict is left 0: the genres where IN_GENRE is among them, likewise year,
    votes and rating where they are nodes. Titles that the store no longer has keep their label alone.
    """
    made = np.zeros((len(vocabulary.entities), len(COLUMNS)), np.float32)
    labels = {label: column for column, label in enumerate(LABELS)}
    titles: list[int] = []
    for number, name in enumerate(vocabulary.entities):
        label = name.partition(":")[0]
        if label in labels:
            made[number, labels[label]] = 1
        if label == "Title":
            titles.append(number)
    for part in _parts(titles):
        ids = [vocabulary.entities[number].removeprefix("Title:") for number in part]
        made[part] = features_of(store, ids, vocabulary.relations)
    return made


def features_of(store: GraphStore, ids: Sequence[str], relations: Sequence[str]) -> Features:
    """Features of titles, new ones too: (n, f) float32 in the order of `ids`.

    relations: those that the model predicts, whose columns stay 0 as they did in training.
    """
    made = np.zeros((len(ids), len(COLUMNS)), np.float32)
    made[:, COLUMNS.index("Title")] = 1
    table = store.get_nodes("Title", ids, ["kind", "title", *NUMBERS])
    rows = {id_: row for row, id_ in enumerate(ids)}
    places = np.array([rows[id_] for id_ in table.column("id").to_pylist()], np.int64)
    _mark(made, places, table.column("kind").to_pylist(), KINDS)
    for name, scaled in zip(NUMBERS, _numbers(table), strict=True):
        made[places, COLUMNS.index(name)] = np.nan_to_num(scaled)
        made[places, COLUMNS.index(f"no {name}")] = np.isnan(scaled)
    made[places, -TEXT:] = text_features([title or "" for title in table.column("title").to_pylist()])
    found = store.neighbours(ids, ["IN_GENRE"], "out")
    _mark(made, found.column("source").to_numpy(), found.column("neighbour").to_pylist(), GENRES)
    hidden = [COLUMNS.index(name) for relation in relations for name in LEAKS.get(relation.partition(":")[0], ())]
    made[:, hidden] = 0
    return made


def text_features(texts: Sequence[str], buckets: int = TEXT) -> Features:
    """Words and character trigrams, hashed into buckets with a sign (Weinberger et al. 2009): (n, buckets), length 1.

    The same text gives the same row on every machine. A text without a letter or digit gives zeros.
    """
    codes: list[int] = []
    counts = np.zeros(len(texts), np.int64)
    for row, text in enumerate(texts):
        words = "".join(letter if letter.isalnum() else " " for letter in text.lower()).split()
        spaced = f" {' '.join(words)} "
        grams = [*words, *(spaced[start : start + 3] for start in range(len(spaced) - 2))] if words else []
        codes.extend(crc32(gram.encode()) for gram in grams)
        counts[row] = len(grams)
    code = np.array(codes, np.int64)
    cells = np.repeat(np.arange(len(texts)), counts) * buckets + code % buckets
    signs = np.where(code >> 31 & 1, 1.0, -1.0)
    made = np.bincount(cells, signs, minlength=len(texts) * buckets).reshape(len(texts), buckets)
    lengths = np.linalg.norm(made, axis=1, keepdims=True)
    return (made / np.where(lengths > 0, lengths, 1)).astype(np.float32)


def _mark(made: Features, places: npt.NDArray[np.int64], values: Sequence[str | None], known: Sequence[str]) -> None:
    """Put a 1 where a row's value is one of the known; others are left out."""
    columns = {value: COLUMNS.index(value) for value in known}
    marked = [(place, columns[value]) for place, value in zip(places.tolist(), values, strict=True) if value in columns]
    if marked:
        rows, cells = zip(*marked, strict=True)
        made[list(rows), list(cells)] = 1


def _numbers(table: pa.Table) -> Iterator[npt.NDArray[np.float64]]:
    """NUMBERS of each row, scaled to about -1 … 1; NaN where missing."""
    year, votes, rating = (table.column(name).cast(pa.float64()).to_numpy(zero_copy_only=False) for name in NUMBERS)
    yield (year - 1980) / 40
    yield np.log10(np.maximum(votes, 1)) / 3 - 1
    yield (rating - 6) / 3


def _parts(numbers: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(numbers), _BATCH):
        yield numbers[start : start + _BATCH]
