"""Do labels of users help strangers, and does the time of day or of the week help anybody? On ml-100k, which has both.

python benchmarks/labels.py --store embedded:STORE      a store as docs/recommendations.md makes it of ml-100k

Strangers: each fifth of the users in turn, nothing known of them but age, gender and occupation, against popularity;
how far groups are drawn towards everybody is chosen on the other users. Context: the split by time, hour and day of
the week of the first like to find, added to EASE's scores as log odds; its weight is chosen on the validation part.
NDCG@10, all titles ranked, 95% intervals of paired differences over users.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from gnn.histories import UNKNOWN, Histories, histories_in
from gnn.judge import Bootstrap
from gnn.recommend_splits import Split, by_time
from gnn.recommend_strategies import ease
from graph.feedback_kinds import FeedbackKinds
from graph.settings import GraphSettings
from graph.store import open_store
from graph.vectors import top

K, FOLDS = 10, 5
DISCOUNT = 1 / np.log2(np.arange(2, K + 2))
AGES = (18, 25, 35, 45, 55)
DRAWN = (10.0, 30.0, 100.0, 300.0, 1_000.0)
WEIGHTS = (0.0, 0.003, 0.01, 0.03, 0.1)
Figures = npt.NDArray[np.float64]
Scores = npt.NDArray[Any]


def ndcg(scores: Scores, liked: npt.NDArray[np.int64]) -> float:
    """Of one user."""
    return float(
        np.isin(top(np.asarray(scores, np.float64), K), liked) @ DISCOUNT / DISCOUNT[: min(K, len(liked))].sum()
    )


def labels_of(users: Sequence[str]) -> dict[str, npt.NDArray[np.int64]]:
    """Group of each user, by label."""
    path = GraphSettings().data / "ml-100k" / "ml-100k.user"
    table = pl.read_csv(path, separator="\t", infer_schema=False)
    table = table.rename(lambda name: name.partition(":")[0])
    rows = {row["user_id"]: row for row in table.to_dicts()}
    ages = np.searchsorted(AGES, [int(rows[user]["age"]) for user in users], "right")
    made = {"age": ages.astype(np.int64)}
    for name in ("gender", "occupation"):
        made[name] = np.unique([rows[user][name] for user in users], return_inverse=True)[1].astype(np.int64)
    return made


def strangers(
    histories: Histories, labels: Mapping[str, npt.NDArray[np.int64]], learn: npt.NDArray[np.bool_],
    asked: npt.NDArray[np.int64], drawn: float,
) -> Figures:  # fmt: skip
    """NDCG of users by what their groups like, drawn towards what everybody likes: (asked,). No labels: popularity."""
    likes = histories.matrix(liked=True)
    all_of = np.asarray(likes[learn].sum(0)).ravel() / learn.sum()
    made = []
    for user in asked.tolist():
        scores = np.log(all_of + 1e-6)
        for group in labels.values():
            own = learn & (group == group[user])
            rate = (np.asarray(likes[own].sum(0)).ravel() + drawn * all_of) / (own.sum() + drawn)
            scores = scores + np.log(rate + 1e-6) - np.log(all_of + 1e-6)
        made.append(ndcg(scores, likes[user].indices))
    return np.array(made)


def by_labels(histories: Histories) -> None:
    """Print what each label, and all of them, are worth for strangers."""
    every = labels_of(histories.users)
    some = np.flatnonzero(np.asarray(histories.matrix(liked=True).sum(1)).ravel() > 0)
    fold = np.random.default_rng(0).integers(FOLDS, size=len(histories.users))
    for name, chosen in ({one: {one: every[one]} for one in every} | {"all three": every}).items():
        plain, made, users = [], [], []
        for part in range(FOLDS):
            learn, asked = fold != part, some[fold[some] == part]
            inner = some[fold[some] == (part + 1) % FOLDS]
            within = learn & (fold != (part + 1) % FOLDS)
            found = [strangers(histories, chosen, within, inner, drawn).mean() for drawn in DRAWN]
            made.append(strangers(histories, chosen, learn, asked, DRAWN[int(np.argmax(found))]))
            plain.append(strangers(histories, {}, learn, asked, 1.0))
            users += [histories.users[user] for user in asked.tolist()]
        say(f"strangers, {name}", "popularity", np.concatenate(plain), np.concatenate(made), users)


def context_of(split: Split, histories: Histories, what: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Of each known event, and of each user's first like to find."""
    seconds = np.full(len(histories.users), UNKNOWN, np.int64)
    for user in split.users.tolist():
        own = slice(histories.starts[user], histories.starts[user + 1])
        seconds[user] = histories.time[own][np.isin(histories.title[own], split.liked[user])].min()

    def cut(times: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        return times // 3600 % 24 // 4 if what == "hour" else times // 86_400 % 7

    return cut(split.known.time), cut(seconds)


def contextual(split: Split, histories: Histories, what: str, weights: Sequence[float]) -> list[Figures]:
    """NDCG of EASE and what the context adds, for each weight: (users,) each."""
    known = split.known
    matrix = ease(split.learned.matrix(liked=True), 200.0)
    base = np.asarray(known.matrix(liked=True)[split.users] @ matrix)
    of_event, of_user = context_of(split, histories, what)
    n, groups = len(known.titles), int(of_event.max()) + 1
    like = known.says > 0
    counts = np.zeros((groups, n))
    np.add.at(counts, (of_event[like], known.title[like]), 1)
    share = counts.sum(0) / counts.sum()
    odds = np.log((counts + 20 * share * groups + 1e-9) / ((counts.sum(1, keepdims=True) + 20 * groups) * share + 1e-9))
    made = []
    for weight in weights:
        rows = []
        for own, user in zip(base, split.users.tolist(), strict=True):
            scores = own + weight * odds[of_user[user]]
            scores[known.title[known.starts[user] : known.starts[user + 1]]] = -np.inf
            rows.append(ndcg(scores, split.liked[user]))
        made.append(np.array(rows))
    return made


def by_context(histories: Histories) -> None:
    """Print what the time of the day and of the week are worth, known at the time of asking."""
    split = by_time(histories)
    inside = by_time(split.learned)
    for what in ("hour", "weekday"):
        found = [one.mean() for one in contextual(inside, histories, what, WEIGHTS)]
        best = WEIGHTS[int(np.argmax(found))]
        plain, made = contextual(split, histories, what, (0.0, best))
        say(f"{what}, weight {best:g}", "EASE", plain, made, [histories.users[user] for user in split.users.tolist()])


def say(what: str, base: str, plain: Figures, made: Figures, users: Sequence[str]) -> None:
    """One line."""
    low, high = Bootstrap(users).interval(made - plain)
    gap = float((made - plain).mean())
    print(
        f"{what}: NDCG@10 {made.mean():.4f}, {base} {plain.mean():.4f}, difference {gap:+.4f} [{low:+.4f}, {high:+.4f}]"
    )


def main() -> None:
    """Both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", required=True)
    given = parser.parse_args()
    store = open_store(given.store)
    histories = histories_in(store, FeedbackKinds.configured())
    store.close()
    by_labels(histories)
    by_context(histories)


if __name__ == "__main__":
    main()
