"""Which genres a title has, from its name alone: a network on text vectors beside plain words; what a leak is worth.

The system that this is taken from learned document vectors of title *and* genres, and told the genres from these: what
it was to say was in what it read. Rows named `-leak` do the same, to show how much of a figure like that is the leak.

Split: the titles that have a genre, ordered by id, permuted by the seed; 80 % to learn from, 10 % for thresholds and
early stopping, 10 % to judge. Text vectors are made of all titles' names, which nobody keeps secret; genres of judged
titles reach none of the honest rows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from gnn.config import ConfigError
from gnn.encoders import encode, spared_seconds
from gnn.genre_figures import Drawn, Floats, Mask, Numbers, Said, for_macro, for_micro, interval, macro, micro
from gnn.genre_tellers import BASELINE, TELLERS, Question
from gnn.prepare import needs
from gnn.title_texts import Texts, title_texts
from gnn.vector_strategies import lacks_packages
from graph.store import GraphStore, Progress

SEEDS = (0, 1, 2)
FIGURES = {"micro": "micro F1", "macro": "macro F1"}
DIMENSION, DOC2VEC_EPOCHS = 64, 40
LEAST = 100
"""Titles with a genre that there must be."""
_MOST = 200_000  # titles a seed learns from and is judged on; more would not fit into memory as plain words
_SHARES = (0.8, 0.9)


def tell_genres(
    store: GraphStore, seeds: Sequence[int] = (), names: Sequence[str] = (), progress: Progress | None = None
) -> dict[str, Any]:
    """Judge tellers (none named: all that can be), as plain data (`gnn.evaluation_tasks`).

    Raises ConfigError for a name that is none or where too few titles have a genre, NotInstalled for one named.
    """
    say: Progress = progress or (lambda _what, _share: None)
    chosen, left_out = _chosen(names)
    say("reading titles", 0.0)
    texts = title_texts(store)
    if (count := int(texts.has.any(1).sum())) < LEAST:
        raise ConfigError(f"{count:,} titles of {store.url} have a genre, and {LEAST} are the least to tell genres")
    made: dict[tuple[str, bool], tuple[Floats, float]] = {}

    def vectors(model: str, leak: bool) -> Floats:
        if (model, leak) not in made:
            written, began = texts.written(genres=leak), time.process_time()
            spared = spared_seconds(model, written)
            own = encode(model, written, DIMENSION, DOC2VEC_EPOCHS, 0, say)
            made[model, leak] = own, time.process_time() - began + spared
        return made[model, leak][0]

    draws = tuple(seeds or SEEDS)
    said: dict[str, list[tuple[Said, Said]]] = {name: [] for name in chosen}
    cost: dict[str, list[tuple[float, int]]] = {name: [] for name in chosen}
    for number, seed in enumerate(draws):
        asked = _question(texts, seed, vectors)
        for place, name in enumerate(chosen):
            say(f"seed {seed}, {name}", (number + place / len(chosen)) / len(draws))
            if (model := TELLERS[name].model) is not None:
                vectors(model, TELLERS[name].leak)
            began = time.process_time()
            valid, judged, size = TELLERS[name].tell(asked)
            cost[name].append((time.process_time() - began, size))
            said[name].append(_said(asked, valid, judged))
    encoded: dict[tuple[str | None, bool], float] = {key: seconds for key, (_, seconds) in made.items()}
    return _told(texts, draws, {name: _joined(parts) for name, parts in said.items()}, cost, encoded, left_out)


def _chosen(names: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    for name in names:
        if name not in TELLERS:
            raise ConfigError(f"there is no way {name!r} to tell genres; there are {', '.join(TELLERS)}")
        needs(*TELLERS[name].packages)
    if names:
        return [name for name in TELLERS if name in names], {}
    left_out = {name: why for name, one in TELLERS.items() if (why := lacks_packages(*one.packages)) is not None}
    return [name for name in TELLERS if name not in left_out], left_out


def _question(texts: Texts, seed: int, vectors: Callable[[str, bool], Floats]) -> Question:
    rows = np.random.default_rng(seed).permutation(np.flatnonzero(texts.has.any(1)))[:_MOST]
    first, second = (int(share * len(rows)) for share in _SHARES)
    return Question(texts, rows[:first], rows[first:second], rows[second:], seed, vectors)


def _said(asked: Question, valid: Floats, judged: Floats) -> tuple[Said, Said]:
    """What is said by the thresholds for micro F1, and by those for macro F1."""
    has = asked.texts.has
    ids = [asked.texts.ids[row] for row in asked.judged]
    known = has[asked.valid]
    return tuple(
        Said(ids, judged >= limits, has[asked.judged]) for limits in (for_micro(valid, known), for_macro(valid, known))
    )  # type: ignore[return-value]


def _joined(parts: Sequence[tuple[Said, Said]]) -> dict[str, Said]:
    joined = {}
    for place, figure in enumerate(FIGURES):
        own = [part[place] for part in parts]
        titles = [id_ for one in own for id_ in one.titles]
        said, truth = (np.concatenate([getattr(one, key) for one in own]) for key in ("said", "truth"))
        joined[figure] = Said(titles, said, truth)
    return joined


def _told(
    texts: Texts, seeds: Sequence[int], said: Mapping[str, Mapping[str, Said]],
    cost: Mapping[str, Sequence[tuple[float, int]]], encoded: Mapping[tuple[str | None, bool], float],
    left_out: Mapping[str, str],
) -> dict[str, Any]:  # fmt: skip
    first = next(iter(said.values()))["micro"]
    drawn, slices = Drawn(first.titles), _slices(texts, first.titles)
    compared = BASELINE if BASELINE in said else next(iter(said))
    samples: dict[str, dict[str, tuple[float, Numbers]]] = {
        name: {figure: _sampled(drawn, one, figure) for figure, one in own.items()} for name, own in said.items()
    }
    rows = []
    for name, own in said.items():
        row: dict[str, Any] = {"strategy": name, "about": TELLERS[name].about, "leak": TELLERS[name].leak}
        for figure in FIGURES:
            mean, drawn_means = samples[name][figure]
            row[figure] = interval(mean, drawn_means)
            if name != compared:
                other, other_means = samples[compared][figure]
                row[f"{figure}_difference"] = interval(mean - other, drawn_means - other_means)
        vectors = encoded.get((TELLERS[name].model, TELLERS[name].leak), 0.0)
        row["cost"] = {
            "train_seconds": round(vectors + float(np.mean([one for one, _ in cost[name]])), 1),
            "query_ms": None,
            "bytes": int(np.mean([size for _, size in cost[name]])),
        }
        row["slices"] = {
            by: {
                part: {"questions": int(where.sum()), "micro": interval(*_sampled(drawn, own["micro"], "micro", where))}
                for part, where in parts.items()
            }
            for by, parts in slices.items()
        }
        hits, both = (one.sum(0) for one in own["macro"].counts)
        row["genres"] = {
            genre: {"titles": int(n), "f1": round(float(h / max(b, 1)), 4)}
            for genre, n, h, b in zip(texts.genres, own["macro"].truth.sum(0), hits, both, strict=True) if n
        }  # fmt: skip
        rows.append(row)
    return {
        "task": "genres", "data": f"{int(texts.has.any(1).sum()):,} titles with a genre", "compared_with": compared,
        "left_out": dict(left_out), "figures": FIGURES, "by": {"words": "words in the title"}, "strategies": rows,
        "seeds": list(seeds), "split": "80 % to learn from, 10 % for thresholds, 10 % judged, by chance",
        "judged": len(first.titles), "titles": len(set(first.titles)), "genres": len(texts.genres),
    }  # fmt: skip


def _sampled(drawn: Drawn, one: Said, figure: str, where: Mask | None = None) -> tuple[float, Numbers]:
    hits, both = one.counts
    score = micro if figure == "micro" else macro
    chosen = (hits, both) if where is None else (hits[where], both[where])
    mean = float(score(*(part.sum(0) for part in chosen)))
    return mean, score(drawn.sums(hits, where), drawn.sums(both, where))


def _slices(texts: Texts, ids: Sequence[str]) -> dict[str, dict[str, Mask]]:
    row = {id_: place for place, id_ in enumerate(texts.ids)}
    words = np.array([len(texts.titles[row[id_]].split()) for id_ in ids])
    parts = {"1": words <= 1, "2 or 3": (words > 1) & (words < 4), "4 and more": words >= 4}
    return {"words": {name: where for name, where in parts.items() if where.any()}}
