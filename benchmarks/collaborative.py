"""Collaborative filtering and two towers as served, beside the same as it is compared: how good, how fast, how large.

python benchmarks/collaborative.py --store embedded:STORE [--ask ease:64 --ask ials …]

Works on a copy of an embedded store: each user's newest fifth of likes is taken out, and of what is left again, so that
it is the validation part of `reelgraph evaluate --task recommend --split time`. What is left trains configs/NAME.toml
(with other dimensions where NAME:DIMENSION asks for them), is published, and each user is asked for, through the
searcher. Beside that stands the recommender of the same name that `evaluate` has. Milliseconds of a question and
seconds of training are processor time of one thread, so that other work on the machine counts little.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from gnn.config import parse_config, read_config
from gnn.histories import Histories, histories_in
from gnn.judge import K
from gnn.publish import publish
from gnn.recommend_splits import Split, by_time
from gnn.recommend_strategies import RECOMMENDERS, learning
from gnn.tastes import Options
from gnn.train import train
from graph.feedback_kinds import FeedbackKinds
from graph.for_users import ForUsers
from graph.search import Searcher
from graph.store import GraphStore, Scope, open_store
from graph.strategy import FREE
from graph.vectors import top

CONFIGS = Path(__file__).parents[1] / "configs"
DISCOUNT = 1 / np.log2(np.arange(2, K + 2))
ASKED = ("ease:64", "ease:128", "ease:256", "item-knn:64", "item-knn:128", "ials", "bpr", "lightgcn", "towers")
ALSO = {"towers": ("towers-ranked",)}
"""Strategies that a run serves beside the one of its name."""


def without_what_is_to_be_found(store: GraphStore, histories: Histories, split: Split) -> None:
    """Take out of a store what the split has its users find."""
    users, titles = split.known.user.tolist(), split.known.title.tolist()
    kept = {(histories.users[user], histories.titles[title]) for user, title in zip(users, titles, strict=True)}
    rows = [row for batch in store.scan_relationships("RATED", []) for row in batch.to_pylist()]
    store.delete_relationships("RATED", [row for row in rows if (row["head"], row["tail"]) not in kept])


def ndcg(answer: Callable[[int], Sequence[int]], split: Split) -> float:
    """The mean over users of NDCG@10. answer: a user's place → places of titles."""
    made = []
    for user in split.users.tolist():
        hit, liked = np.isin(answer(user), split.liked[user]), split.liked[user]
        made.append(hit @ DISCOUNT[: len(hit)] / DISCOUNT[: min(K, len(liked))].sum())
    return float(np.mean(made))


def compared(name: str, store: GraphStore, split: Split) -> float:
    """NDCG@10 of what `evaluate` has under a name."""
    given = learning(store, split.learned, Options())
    scores = np.array(RECOMMENDERS[name][0](given).score(split.known, split.users))
    known, row = split.known, {user: place for place, user in enumerate(split.users.tolist())}

    def answer(user: int) -> Sequence[int]:
        own = scores[row[user]]
        own[known.title[known.starts[user] : known.starts[user + 1]]] = -np.inf
        places: list[int] = top(own, K).tolist()
        return places

    return ndcg(answer, split)


def served(name: str, store: GraphStore, histories: Histories, split: Split, scope: Scope) -> tuple[float, float]:
    """NDCG@10 of what is served under a name, and ms a question."""
    asked, place = ForUsers(store, Searcher(store)), {id_: row for row, id_ in enumerate(histories.titles)}

    def answer(user: int) -> Sequence[int]:
        found = asked.recommend(histories.users[user], scope, K, strategy=name, rules=FREE)
        return [place.get(one.id, -1) for one in found.items]

    answer(0)  # makes what is kept between questions
    began = time.process_time()
    return ndcg(answer, split), 1000 * (time.process_time() - began) / len(split.users)


def main() -> None:
    """Train, publish, ask, and print a row for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", required=True, help="embedded:PATH")
    parser.add_argument("--catalog", default="movielens")
    parser.add_argument("--ask", action="append", help=f"NAME or NAME:DIMENSION; default: {' '.join(ASKED)}")
    given = parser.parse_args()
    torch.set_num_threads(1)
    with threadpool_limits(1, "blas"), tempfile.TemporaryDirectory() as folder:
        shutil.copytree(given.store.removeprefix("embedded:"), f"{folder}/store")
        store = open_store(f"embedded:{folder}/store")
        histories = histories_in(store, FeedbackKinds.configured())
        split = by_time(by_time(histories).learned)
        without_what_is_to_be_found(store, histories, split)
        exact: dict[str, float] = {}
        for name, _, dimension in (one.partition(":") for one in given.ask or ASKED):
            config = read_config(CONFIGS / f"{name}.toml").model_dump()
            config["model"]["dimension"] = int(dimension or config["model"]["dimension"])
            began = time.process_time()
            run = train(parse_config(config), store, runs=Path(folder) / "runs")
            took = time.process_time() - began
            publish(run, store)
            made = store.info().embeddings
            own = [one for one, held in made.items() if held.run == made[run.config.publish.name].run]
            bytes_ = sum(store.get_embeddings(one)[1].nbytes for one in own)
            for strategy in (name, *ALSO.get(name, ())):
                exact[strategy] = exact[strategy] if strategy in exact else compared(strategy, store, split)
                found, milliseconds = served(strategy, store, histories, split, Scope(given.catalog, adult=True))
                print(f"{strategy:13} {run.config.model.dimension:4} numbers: NDCG@10 {found:.4f}, compared "
                      f"{exact[strategy]:.4f}; {milliseconds:.1f} ms; trained in {took:.1f} s; {bytes_ / 1e6:.2f} MB",
                      flush=True)  # fmt: skip
        store.close()


if __name__ == "__main__":
    main()
