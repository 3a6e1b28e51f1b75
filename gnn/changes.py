"""How much of a graph has changed since a run was trained on it: titles that are new, and titles of other content.

runs/NAME/titles.npy      (n, 2) uint64, ascending: a number for each title's id, and one for what it is made of
run.json, "rated"         how many RATED there were

What a title is made of: its kind, its year, and what joins it to people, genres and a series. Votes change every day
and are left out. The numbers are the same on every machine and in every store.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gnn.publish import title_vectors
from gnn.runs import Run
from graph.schema import CREDITS
from graph.store import GraphStore

Numbers = npt.NDArray[np.uint64]

FILE = "titles.npy"
_JOINED = (*(type_ for type_ in CREDITS if type_ != "SEEN_IN_ARCHIVE"), "IN_GENRE", "EPISODE_OF")
_STEP = np.uint64(0x9E3779B97F4A7C15)  # splitmix64: Steele, Lea, Flood 2014
_POWERS = np.cumprod(np.full(256, 0x100000001B3, np.uint64), dtype=np.uint64)


@dataclass(frozen=True)
class Changed:
    """Titles of now, those of them that are new, and those that differ. known: whether differences could be seen."""

    titles: int
    new: int
    other: int
    known: bool

    @property
    def share(self) -> float:
        """Of all titles, 0 to 1."""
        return (self.new + self.other) / max(self.titles, 1)

    def __str__(self) -> str:
        other = f"{self.other:,} changed" if self.known else "changes unknown, it was not trained by a refresh"
        return f"{self.share:.1%} of {self.titles:,} titles ({self.new:,} new, {other})"


def keep_titles(run: Run, store: GraphStore) -> Run:
    """Note in a run's folder what titles and feedback there are, to compare with later."""
    np.save(run.folder / FILE, fingerprints(store), allow_pickle=False)
    return run.note(rated=store.info().counts.get("RATED", 0))


def changed(run: Run, store: GraphStore) -> Changed:
    """What has changed in a store since a run. A run without `titles.npy` knows only which titles it had."""
    now, path = fingerprints(store), run.folder / FILE
    if not path.exists():
        had = np.sort(text_numbers(pa.array(title_vectors(run)[0], pa.string())))
        return Changed(len(now), int((~_in(now[:, 0], had)).sum()), 0, known=False)
    then = np.load(path, allow_pickle=False)
    old = _in(now[:, 0], then[:, 0])
    both = now[old]
    same = then[np.searchsorted(then[:, 0], both[:, 0]), 1] == both[:, 1]
    return Changed(len(now), int((~old).sum()), int((~same).sum()), known=True)


def rated_since(run: Run, store: GraphStore) -> float:
    """By what share the number of RATED has changed since a run; 0 where the run does not say how many there were."""
    then = run.record.get("rated")
    now = store.info().counts.get("RATED", 0)
    return 0.0 if then is None else abs(now - int(then)) / max(int(then), 1)


def fingerprints(store: GraphStore) -> Numbers:
    """Titles and what they are made of: (n, 2), ordered by the first column."""
    ids, sums = [np.empty(0, np.uint64)], [np.empty(0, np.uint64)]
    for batch in store.scan_nodes("Title", ["kind", "start_year"]):
        ids.append(text_numbers(batch.column("id")))
        years = batch.column("start_year").fill_null(0).to_numpy().astype(np.uint64)
        sums.append(text_numbers(batch.column("kind")) + _mixed(years))
    titles, made = np.concatenate(ids), np.concatenate(sums)
    order = np.argsort(titles)
    titles, made = titles[order], made[order]
    for type_ in _JOINED:
        own = text_numbers(pa.array([type_]))[0]
        ends = ("head", "tail") if type_ in ("IN_GENRE", "EPISODE_OF") else ("tail", "head")
        for batch in store.scan_relationships(type_, []):
            title, other = (text_numbers(batch.column(end)) for end in ends)
            # A sum, for the order in which a store tells them means nothing.
            np.add.at(made, np.minimum(np.searchsorted(titles, title), len(titles) - 1), _mixed(other ^ own))
    return np.stack([titles, made], axis=1)


def text_numbers(texts: pa.Array) -> Numbers:
    """A number for each text, which depends on its bytes alone; 0 for null. (n,)"""
    plain = (texts.dictionary_decode() if pa.types.is_dictionary(texts.type) else texts).cast(pa.large_string())
    if not len(plain):
        return np.empty(0, np.uint64)
    starts = np.frombuffer(plain.buffers()[1], np.int64)
    data = np.frombuffer(plain.buffers()[2] or b"", np.uint8)
    starts = starts[plain.offset : plain.offset + len(plain) + 1]
    lengths = np.diff(starts)
    place = np.arange(lengths.sum()) - np.repeat(starts[:-1] - starts[0], lengths)
    terms = (data[starts[0] : starts[-1]].astype(np.uint64) + np.uint64(1)) * _POWERS[place % len(_POWERS)]
    running = np.concatenate([np.zeros(1, np.uint64), np.cumsum(terms, dtype=np.uint64)])
    sums = running[starts[1:] - starts[0]] - running[starts[:-1] - starts[0]]
    found = _mixed(sums + lengths.astype(np.uint64))
    found[np.asarray(plain.is_null())] = 0
    return found


def _mixed(numbers: Numbers) -> Numbers:
    """Numbers of which each bit depends on every bit of what was given."""
    z = numbers + _STEP
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return cast(Numbers, z ^ (z >> np.uint64(31)))


def _in(these: Numbers, ordered: Numbers) -> npt.NDArray[np.bool_]:
    if not len(ordered):
        return np.zeros(len(these), bool)
    return cast(npt.NDArray[np.bool_], ordered[np.minimum(np.searchsorted(ordered, these), len(ordered) - 1)] == these)
