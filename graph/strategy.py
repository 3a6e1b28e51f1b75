"""Ways to answer, all of one shape: titles that somebody likes, or one that is asked for → titles of a scope, and why.

A strategy says how good candidates are and why; `answered` does the rest once for all: who may be answered, how many,
the rules of a list, what is shown. `graph.strategies` names them all; `gnn.strategy` is the same for comparing them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from graph.diversity import POOL
from graph.explain import Evidence
from graph.foldin import VECTORS
from graph.history import History
from graph.preferences import NEUTRAL, PreferenceError, Preferences
from graph.reads import Asking, Neighbours, Nodes, Offered, all_of, steps, together
from graph.reasons import MOST
from graph.rules import SCORED, Rules
from graph.store import WHOLE_GRAPH, NotInGraph, Scope
from graph.substitutes import SHOWN, Substitute, items_of, shown

Floats = npt.NDArray[np.float32]
Because = Callable[[Sequence[str]], Asking[Mapping[str, Sequence[Evidence]]]]
"""Why titles are answered; those that it leaves out have no reason."""
FREE = Rules(per_series=0)
"""Rules that leave out nothing."""


class StrategyError(PreferenceError):
    """A strategy that cannot be followed: there is none of that name, or what it needs is not here."""


class NoVector(NotInGraph):
    """None of the titles asked for has a vector of the kind that a strategy needs."""


def no_vector(id_: str, name: str, run: str | None) -> str:
    """That a title lacks a vector, and what gives it one."""
    if name == VECTORS:
        return f"{id_} has no vector {name!r} yet; the next load of IMDb's files gives it one"
    return (
        f"{id_} has no vector {name!r}: the run {run} knows nothing of it; train and publish again, or, where that is "
        f"one of link prediction, reelgraph publish {run} --fold-in"
    )


@dataclass(frozen=True)
class Question:
    """What a strategy is asked. liked: 1 to 100 titles by id, and how much each counts; names: what they are called.

    verb: what somebody did with them, as in "because you named X"; None: there is one title, to be stood in for.
    state: of the store. left_out: titles never answered, beside those liked. whom: for whom draws by chance are made.
    held: substitute vectors of the titles liked, where they have been read. histories: of the users that this is for,
    all that they said; none where titles were named.
    """

    liked: Mapping[str, float]
    names: Mapping[str, str]
    scope: Scope
    k: int
    state: str
    wanted: Preferences = NEUTRAL
    left_out: frozenset[str] = frozenset()
    rules: Rules = FREE
    whom: str = ""
    verb: str | None = None
    held: Mapping[str, Floats] | None = field(default=None, compare=False)
    histories: tuple[History, ...] = ()

    @property
    def alone(self) -> str | None:
        """The one title to be stood in for; None: these are titles that somebody likes."""
        return next(iter(self.liked)) if self.verb is None else None

    @property
    def out(self) -> frozenset[str]:
        """All that is not answered."""
        return self.left_out | self.liked.keys()

    @property
    def pool(self) -> int:
        """So many candidates beside those left out are enough for the rules to choose from."""
        return self.k if self.rules == FREE else POOL * self.k

    def because(self, id_: str, share: float) -> Evidence:
        """That a title somebody likes is the reason."""
        return Evidence("liked", share, f"because you {self.verb} {self.names[id_]}", (), (id_,))


class Strategy(Protocol):
    """Answers titles for others. The same question has the same answer."""

    def answering(self, question: Question) -> Asking[list[Substitute]]:
        """The k best in scope, the best first, each with reasons that are true; k whenever k others are there.

        Raises NoVector where it knows nothing of any title asked for.
        """


def answered(
    question: Question, scores: Mapping[str, float], because: Because, *, all_there: bool = False
) -> Asking[list[Substitute]]:
    """The k that are answered of candidates with a score each, and all that is shown of them.

    scores: of at least `question.pool` titles beside those left out, where so many are known; larger is better, and
    of equal ones the lower id comes first. Titles in scope without a score come last. all_there: none is without.
    """
    rules, scope = question.rules, question.scope
    known = {id_: _boosted(score, rules.boosts.get(id_, 1.0)) for id_, score in scores.items()}
    known = {id_: score for id_, score in known.items() if id_ not in question.out}
    pins = [id_ for id_ in rules.pin if id_ not in known and id_ not in question.out]
    few = not all_there and len(known) < question.pool
    reads = [*([Offered(scope, pins)] if pins else []), *([Offered(scope)] if few else [])]
    found = (yield reads) if reads else ()
    late = sorted({id_ for table in found for id_ in table.column("id").to_pylist()} - known.keys() - question.out)
    ranked = sorted(known, key=lambda id_: (-known[id_], id_)) + late
    known |= dict.fromkeys(late, min(0.0, *known.values()) if known else 0.0)
    chosen, drawn = ranked[: question.k], list[str]()
    if rules != FREE:
        chosen, drawn = yield from _by_rules(question, ranked)
    items = [] if scope.catalog == WHOLE_GRAPH else [Offered(scope, chosen)]
    (nodes, *offered), told = yield from together(all_of(Nodes("Title", chosen, SHOWN), *items), because(chosen))
    rows = {row["id"]: row for row in nodes.to_pylist()}
    evidence: dict[str, list[Evidence]] = {}
    for id_ in chosen:
        first = [put_first()] if id_ in rules.pin else [explored()] if id_ in drawn else []
        own = [one for one in told.get(id_, ()) if one.kind != "popular" or id_ not in rules.pin]
        evidence[id_] = [*first, *own][:MOST]
    return shown({id_: known[id_] for id_ in chosen}, rows, items_of(offered[0]) if offered else {}, evidence)


def _by_rules(question: Question, ranked: Sequence[str]) -> Asking[tuple[list[str], list[str]]]:
    """The titles that the rules choose, and those of them that are there to explore."""
    rules = question.rules
    looked = list(dict.fromkeys([*ranked[: question.pool], *(id_ for id_ in ranked if id_ in rules.pin)]))
    nodes, directed = yield [
        Nodes("Title", looked, SCORED), Neighbours(looked if rules.per_director else [], ["DIRECTED"], "in")
    ]  # fmt: skip
    rows = {row["id"]: row for row in nodes.to_pylist()}
    directors: dict[str, set[str]] = {}
    for source, _, person in steps(directed):
        directors.setdefault(looked[source], set()).add(person)
    return rules.chosen(looked, question.k, rows, directors, question.whom)


def _boosted(score: float, factor: float) -> float:
    """A factor above 1 brings a title up, also where its score is negative."""
    return score * factor if score >= 0 else score / max(factor, 1e-9)


def popular() -> Evidence:
    """The reason of a title to which nothing that somebody watched has brought much."""
    return Evidence("popular", 1.0, "what many like", ())


def explored() -> Evidence:
    """The reason of a title that a list has to find out more."""
    return Evidence("explored", 0.0, "drawn by chance, to find out whether you like it", ())


def put_first() -> Evidence:
    """The reason of a title that the catalog, or the request, pins."""
    return Evidence("pinned", 0.0, "put first by the service", ())
