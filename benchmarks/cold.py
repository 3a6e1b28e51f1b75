"""Titles without feedback among all others: where they stand, and where titles stand that a load brings.

python -m benchmarks.cold --store embedded:STORE       the store of `make results` named store-ml-latest-small

First by time, over every title of the store, with the weights that titles without feedback have of their own and
with those of all: NDCG@10, and how much of the first ten has no feedback, beside how much of what users liked next.
Then a training of all feedback, and a thousand titles without feedback that are taken out and folded in again: how far
down, in the list of a hundred users, their best ten stand.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping

import numpy as np

from gnn.histories import Floats, Histories, histories_in
from gnn.judge import K, lists, ndcg
from gnn.recommend_splits import by_time
from gnn.tastes import COLD, OFFSET, Matter, Options, Tastes, fit, matter_of, profiles, scores
from gnn.tastes_run import titles_of
from graph.feedback_kinds import FeedbackKinds
from graph.store import GraphStore, open_store
from graph.tastes_foldin import predicted

USERS, TAKEN = 300, 1_000


def by_what_comes_next(histories: Histories, matter: Matter, options: Options, weights: Mapping[str, float]) -> str:
    """NDCG@10 over all titles, and the share of titles without feedback."""
    split = by_time(histories)
    tastes = fit(split.learned, matter, options, weights=weights)
    users = split.users
    if len(users) > USERS:
        users = np.sort(np.random.default_rng(0).choice(users, USERS, replace=False))
    cold = np.bincount(split.learned.title, minlength=len(histories.titles)) == 0
    found = scores(tastes, split.known, users)
    wanted = np.zeros(found.shape, np.float32)
    for row, user in enumerate(users.tolist()):
        found[row, split.known.title[split.known.starts[user] : split.known.starts[user + 1]]] = -np.inf
        wanted[row, split.liked[user]] = 1
    best = lists(found)
    next_ = (wanted @ cold / wanted.sum(1)).mean()
    return (
        f"NDCG@10 {ndcg(wanted, best).mean():.3f}; without feedback {cold[best].mean():.1%} of the first ten, "
        f"{next_:.1%} of what was liked next"
    )


def places(store: GraphStore, histories: Histories, tastes: Tastes) -> str:
    """How many titles stand before the best ten of those taken out, as trained and as folded in."""
    chance = np.random.default_rng(0)
    cold = np.setdiff1d(np.arange(len(histories.titles)), histories.title)
    taken = np.sort(chance.choice(cold, min(TAKEN, len(cold) // 4), replace=False))
    kept = np.setdiff1d(np.arange(len(histories.titles)), taken)
    vectors = np.hstack([tastes.liked, tastes.offered])
    known, asked = ([histories.titles[place] for place in some.tolist()] for some in (kept, taken))
    said = predicted(store, known, vectors[kept], asked)[:, tastes.liked.shape[1] :]
    users = np.sort(chance.choice(len(histories.users), min(100, len(histories.users)), replace=False))
    long, recent = profiles(histories, users, tastes.weighting)
    cut = tastes.weighting.long
    asking = np.hstack([long @ tastes.liked[:, :cut], recent @ tastes.liked[:, cut:]])

    def before(own: Floats) -> float:
        every = asking @ tastes.offered[:, :-1].T + tastes.offered[:, -1]
        mine = asking @ own[:, :-1].T + own[:, -1]
        return float(
            np.mean([(row > np.sort(best)[-K:, None]).sum(1).mean() for row, best in zip(every, mine, strict=True)])
        )

    trained, folded = before(tastes.offered[taken]), before(said)
    return f"titles before the best ten of {len(taken):,}: {trained:,.0f} as trained, {folded:,.0f} as folded in"


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", required=True)
    store, options = open_store(parser.parse_args().store), Options()
    histories = histories_in(store, FeedbackKinds.configured(), titles=titles_of(store))
    known = by_time(histories).learned
    counts = np.bincount(known.title, minlength=len(histories.titles))
    matter = matter_of(store, histories.titles, counts, options)
    made = fit(known, matter, options)
    common = {name: weight for name, weight in made.weights.items() if not name.startswith(COLD) and name != OFFSET}
    print(f"{len(histories.titles):,} titles, {(counts == 0).sum():,} without feedback")
    print("weights of their own:", by_what_comes_next(histories, matter, options, made.weights))
    print("the weights of all:  ", by_what_comes_next(histories, matter, options, common))
    print(places(store, histories, fit(histories, matter, options)))


if __name__ == "__main__":
    main()
