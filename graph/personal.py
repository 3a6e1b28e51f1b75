"""Titles for a user, for several together, or for a session nobody knows: by taste vectors (`graph.tastes`).

A user's history is read with each request, so what they did a moment ago counts, in every process. Each of their
titles has brought a known part of a score; the one that brought most is the reason, and without it the score is less.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt

from graph import diversity
from graph.facets import weighing
from graph.foldin import VECTORS, FoldIn
from graph.history import History
from graph.personal_evidence import evidence_of
from graph.preferences import Preferences
from graph.reads import Asking, Embeddings, Nearest, Neighbours, Nodes, Offered, Read, all_of, steps, together
from graph.reasons import MOST
from graph.rules import SCORED, Rules
from graph.store import WHOLE_GRAPH, Scope
from graph.strategy import explored, put_first
from graph.substitutes import Ranking, Substitute, items_of, shown
from graph.tastes import LIKED, OFFERED, Taste, Weighting

Floats = npt.NDArray[np.float32]
Together = Literal["mean", "least"]

MOST_USERS, MOST_TITLES = 20, 1_000
"""Users of a group, and the newest titles of each whose taste counts."""
_POOL, _WEIGHED = 10, 30


@dataclass(frozen=True)
class Personal:
    """What users are recommended. titles: how many of theirs counted; strangers: users of whom nothing is known.

    strategy: what answered (`graph.strategies`).
    """

    users: tuple[str, ...]
    scope: Scope
    versions: Mapping[str, str | None]
    titles: int
    strangers: tuple[str, ...]
    items: tuple[Substitute, ...]
    strategy: str

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data, for JSON."""
        return {
            "users": list(self.users),
            "catalog": self.scope.catalog,
            "region": self.scope.region,
            "on": self.scope.on.isoformat() if self.scope.on else None,
            "versions": dict(self.versions),
            "strategy": self.strategy,
            "counted": self.titles,
            "strangers": list(self.strangers),
            "items": [item.as_dict() for item in self.items],
        }


def says_of(history: History) -> dict[str, str]:
    """Titles that count for a taste, the newest first, and whether each is liked or merely seen."""
    liked = set(history.liked)
    titles = dict.fromkeys(event.title for event in history.events if event.title not in history.disliked)
    return {id_: "liked" if id_ in liked else "seen" for id_ in list(titles)[:MOST_TITLES]}


def tastes_of(weighting: Weighting, histories: Sequence[History], held: tuple[Sequence[str], Floats]) -> list[Taste]:
    """A taste for each history. held: liked vectors of their titles."""
    return [Taste.of(weighting, cast(Any, says_of(one)), held) for one in histories]


def left_out_of(histories: Sequence[History], rules: Rules) -> set[str]:
    """Titles that are not to be answered: disliked by any, hidden, and watched by any unless these are wanted."""
    found = set(rules.hide)
    for history in histories:
        found |= history.disliked if rules.watched else history.titles
    return found


def recommending_to(
    tastes: Sequence[Taste], left_out: set[str], scope: Scope, k: int, wanted: Preferences, rules: Rules,
    ranking: Ranking | None, state: str, whom: str, how: Together = "mean",
) -> Asking[list[Substitute]]:  # fmt: skip
    """The k best in scope for a taste, or for several together. whom: for whom draws by chance are made.

    Titles that have no vector are not answered. how: by the mean of what each would have of a title, or by the least.
    """
    count = max(_POOL * k, diversity.POOL * k * (wanted.diversity > 0), 100) + len(left_out)
    near = [Nearest(OFFERED, taste.query, count, scope) for taste in _asked(tastes)]
    reads: list[Read] = [Embeddings(OFFERED, one) for one in near]
    raised = [id_ for id_, factor in rules.boosts.items() if factor > 1]
    extra = list(dict.fromkeys([*rules.pin, *raised]))
    pinned: list[Read] = [Offered(scope, extra), Embeddings(OFFERED, extra)] if extra else []
    (*answers,) = yield [*reads, *pinned]
    ids, offered = _candidates(answers[: len(reads)], answers[len(reads) :], left_out, rules.pin)
    if not ids:
        return []
    brought = [taste.brought(ids, offered) for taste in tastes]
    if wanted.weighed and ranking is not None:
        brought = yield from _weighed(ranking.folded, tastes, brought, ids, wanted)
    scores = _together([part.sum(0) + offered[:, -1] for part in brought], how)
    scores *= np.array([rules.boosts.get(id_, 1.0) for id_ in ids])
    ranked = dict(sorted(zip(ids, scores.tolist(), strict=True), key=lambda pair: (-pair[1], pair[0])))
    (nodes, directed) = yield [
        Nodes("Title", ids, SCORED), Neighbours(ids if rules.per_director else [], ["DIRECTED"], "in")
    ]  # fmt: skip
    rows = {row["id"]: row for row in nodes.to_pylist()}
    directors: dict[str, set[str]] = {}
    for source, _, person in steps(directed):
        directors.setdefault(ids[source], set()).add(person)
    if wanted.diversity:
        allowed = {id_: score for id_, score in ranked.items() if rules.allowed(rows[id_])}
        varied = yield from diversity.diversifying(VECTORS if ranking else OFFERED, allowed, 2 * k, wanted.diversity)
        ranked = {**varied, **{id_: 0.0 for id_ in ranked if id_ not in varied}}
    chosen, drawn = rules.chosen(list(ranked), k, rows, directors, whom)
    place = {id_: column for column, id_ in enumerate(ids)}
    parts = {id_: _parts(tastes, brought, place[id_]) for id_ in chosen}
    items = [] if scope.catalog == WHOLE_GRAPH else [Offered(scope, chosen)]
    there, evidence = yield from together(
        all_of(*items), evidence_of(ranking, parts, {id_: float(offered[place[id_], -1]) for id_ in chosen}, scope,
                                    wanted, state)
    )  # fmt: skip
    for id_ in drawn:
        evidence[id_].insert(0, explored())
    for id_ in set(rules.pin) & set(chosen):
        evidence[id_] = [put_first(), *(one for one in evidence[id_] if one.kind != "popular")][:MOST]
    return shown({id_: ranked[id_] for id_ in chosen}, rows, items_of(there[0]) if there else {}, evidence)


def _asked(tastes: Sequence[Taste]) -> list[Taste]:
    """Whose nearest are looked at: each one's, and in a group what they have in common."""
    if len(tastes) == 1:
        return list(tastes)
    ids = tuple(id_ for taste in tastes for id_ in taste.ids)
    spread = (np.concatenate([taste.spread for taste in tastes]) / len(tastes)).astype(np.float32)
    return [*tastes, Taste(ids, spread, tastes[0].weighting)]


def _candidates(
    found: Sequence[Any], extra: Sequence[Any], left_out: set[str], pins: Sequence[str]
) -> tuple[list[str], Floats]:
    """Each candidate once, and its offered vector; what is pinned or boosted and in scope among them.

    What is pinned needs no vector: it then says nothing to anybody, and is worth as little as the least of the others.
    """
    held: dict[str, Floats] = {}
    for ids, rows in found:
        held.update(zip(ids, rows, strict=True))
    if extra:
        inside = set(extra[0].column("id").to_pylist())
        held.update((id_, row) for id_, row in zip(*extra[1], strict=True) if id_ in inside)
        if bare := [id_ for id_ in pins if id_ in inside and id_ not in held]:
            nothing = np.zeros(len(next(iter(held.values()))) if held else 1, np.float32)
            nothing[-1] = min((float(row[-1]) for row in held.values()), default=0.0)
            held.update(dict.fromkeys(bare, nothing))
    kept = [id_ for id_ in held if id_ not in left_out]
    return kept, np.array([held[id_] for id_ in kept], np.float32)


def _together(scores: Sequence[Floats], how: Together) -> npt.NDArray[np.float64]:
    """One score for each candidate: odds beside the best one's; of several users, the mean or the least."""
    odds = np.stack([np.exp(np.asarray(one, np.float64) - float(one.max())) for one in scores])
    return cast(npt.NDArray[np.float64], odds.min(0) if how == "least" else odds.mean(0))


def _weighed(
    folded: FoldIn, tastes: Sequence[Taste], brought: Sequence[Floats], ids: Sequence[str], wanted: Preferences
) -> Asking[list[Floats]]:
    """What the titles that brought most have brought, facets weighed."""
    made = []
    for taste, own in zip(tastes, brought, strict=True):
        part = own.copy()
        most = np.sort(np.argsort(-part.max(1, initial=0))[:_WEIGHED])
        named = [taste.ids[row] for row in most.tolist()]
        if named:
            weighed = yield from weighing(folded, named, ids, wanted)
            part[most] = weighed.weigh(part[most], ids)
        made.append(part)
    return made


def _parts(tastes: Sequence[Taste], brought: Sequence[Floats], column: int) -> dict[str, float]:
    """What each title of anybody's has brought to a candidate's score, in all."""
    found: dict[str, float] = {}
    for taste, part in zip(tastes, brought, strict=True):
        for id_, value in zip(taste.ids, part[:, column].tolist(), strict=True):
            found[id_] = found.get(id_, 0.0) + value
    return found


def liked_read(read: Neighbours) -> Embeddings:
    """Reads the liked vectors of the titles of a history that is read in the same exchange."""
    return Embeddings(LIKED, read)
