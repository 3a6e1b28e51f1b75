"""`hybrid` for titles: the taste of somebody who likes these and of whom nothing else is known (`graph.personal`)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from graph.explain import Evidence
from graph.personal import recommending_to
from graph.reads import Asking, Embeddings, Nodes, Offered
from graph.strategy import FREE, NoVector, Question
from graph.substitutes import SHOWN, Ranking, Substitute, items_of, shown
from graph.tastes import LIKED, Taste, Weighting


@dataclass(frozen=True)
class Hybrid:
    """Taste vectors. ranking: what tells of shared nodes; None where there are no substitute vectors."""

    weighting: Weighting
    ranking: Ranking | None

    def answering(self, question: Question) -> Asking[list[Substitute]]:
        """The k best, titles without a vector last. Raises NoVector."""
        (held,) = yield [Embeddings(LIKED, list(question.liked))]
        if not held[0]:
            raise NoVector(f"{next(iter(question.liked))} has no taste vector yet; train and publish some: "
                           "reelgraph train configs/tastes.toml, reelgraph publish")  # fmt: skip
        taste = Taste.of(self.weighting, dict.fromkeys(question.liked, "liked"), held, question.liked)
        found = yield from recommending_to(
            [taste], set(question.out), question.scope, question.k, question.wanted, question.rules,
            self.ranking, question.state, question.whom,
        )  # fmt: skip
        told = [replace(one, evidence=tuple(_said(question, reason) for reason in one.evidence)) for one in found]
        if len(told) < question.k and question.rules == FREE:
            told += yield from _late(question, {one.id for one in told})
        return told


def _said(question: Question, reason: Evidence) -> Evidence:
    """A reason in words that are true of titles that nobody said they watched."""
    if reason.kind != "watched":
        return reason
    (carrier,) = reason.via
    if question.verb:
        return question.because(carrier, reason.weight)
    return replace(reason, kind="near", text=f"among the nearest to {question.names[carrier]} by taste")


def _late(question: Question, there: set[str]) -> Asking[list[Substitute]]:
    """Titles in scope without a vector."""
    (offered,) = yield [Offered(question.scope)]
    rest = sorted(set(offered.column("id").to_pylist()) - there - question.out)[: question.k - len(there)]
    if not rest:
        return []
    (nodes,) = yield [Nodes("Title", rest, SHOWN)]
    rows = {row["id"]: row for row in nodes.to_pylist()}
    items = items_of(offered) if any(offered.column("item_id").to_pylist()) else {}
    return shown(dict.fromkeys(rest, 0.0), rows, items, dict.fromkeys(rest, ()))
