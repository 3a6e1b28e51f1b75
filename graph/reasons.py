"""Reasons that are true: what a title shares with its substitute, shown only where it did raise the score.

A substitute's score is linear in the asked title's likeness to the landmarks. So a shared person, genre or keyword is
tried by taking it away from the asked title, weights held: the score must fall. And each landmark's own part of the
score is known: "liked by viewers of X" names the one that carried most of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from graph.content import Content, joined, kernel
from graph.explain import Evidence, called, credit_text
from graph.facets import Weighed
from graph.foldin import CONTENT, FoldIn, loudness
from graph.reads import Asking, Embeddings, Neighbours, Nodes, Offered, Read, steps
from graph.schema import CREDITS
from graph.store import WHOLE_GRAPH, GraphStore, Scope

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

MOST = 3
_KEPT = 16  # scopes whose landmarks are kept
_SERIES = 2.0  # the weight of "of the same series": above all shares of a score
_GENRE = 0.3  # genres say less to people than they do to the score
_VIEWERS = 0.5
_NOTHING = ("", "")  # a node that no title has
_LEAST = 0.005  # share of the score below which a reason is none


@dataclass(frozen=True)
class Shared:
    """A node that both titles have. there, here: its relationship to the asked title, and to the substitute."""

    label: str
    id: str
    there: str
    here: str

    def path(self, asked: str, other: str) -> tuple[str, ...]:
        """From the asked title to the substitute."""
        return asked, self.there, self.id, self.here, other


@dataclass(frozen=True)
class Asked:
    """What is known of the asked title. names: its own and those of its people, by id."""

    id: str
    content: Content
    names: Mapping[str, str]


@dataclass(frozen=True)
class Found:
    """What is known of titles that may be answered, by id.

    shared: people by their weightiest roles, genres and keywords that each has in common with the asked title.
    """

    shared: Mapping[str, Sequence[Shared]]
    vectors: Mapping[str, Floats]

    def __or__(self, other: Found) -> Found:
        return Found({**self.shared, **other.shared}, {**self.vectors, **other.vectors})


@dataclass(frozen=True)
class _Tried:
    """What is tried: which titles an asked one has brought, and what is known besides. See `Reasons.of`."""

    asked: Asked
    chosen: Sequence[str]
    weighed: Weighed | None = None
    related: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    series: Mapping[str, Sequence[Evidence]] = field(default_factory=dict)

    def nodes(self, found: Found) -> list[tuple[str, str]]:
        """What any of the chosen titles shares with the asked one: (label, id), ordered."""
        return sorted({(one.label, one.id) for other in self.chosen for one in found.shared[other]})


class Reasons:
    """Tries reasons, by what the substitute vectors were made with."""

    def __init__(self, store: GraphStore, folded: FoldIn) -> None:
        self._folded = folded
        found = store.info().embeddings.get(folded.name)
        self._learned = found is not None and found.model != CONTENT
        ids = folded.reader.landmarks.ids
        self._row = {id_: row for row, id_ in enumerate(ids)}
        landmarks = store.get_nodes("Title", ids, ["title", "is_adult"])
        self._shown: Mask = ~landmarks.column("is_adult").fill_null(False).to_numpy(zero_copy_only=False)
        self._inside: dict[tuple[Scope, str | None], Mask] = {}
        self._title = [name or id_ for id_, name in zip(ids, landmarks.column("title").to_pylist(), strict=True)]

    def asked(self, id_: str) -> Asking[Asked]:
        """What has to be known of the asked title."""
        (made,) = yield from self.asked_all([id_])
        return made

    def asked_all(self, ids: Sequence[str]) -> Asking[list[Asked]]:
        """The same of several titles, each named once, in the exchanges of one."""
        if not ids:
            return []
        reader = self._folded.reader
        wanted = reader.reads(ids)
        found = yield [*wanted, Nodes("Person", wanted[2], ["name"])]
        counts = yield reader.counts(found)
        content = reader.content(ids, found, counts)
        people = called(found[4])
        titles = found[0].column("title").to_pylist()
        return [
            Asked(id_, content.rows(slice(row, row + 1)), {id_: title or id_} | people)
            for row, (id_, title) in enumerate(zip(ids, titles, strict=True))
        ]

    def landmarks_in(self, scope: Scope, state: str | None = None) -> Asking[Mask]:
        """Which landmarks reasons may name in a scope, (landmarks,): read where it is not known of that state."""
        if not self._learned or scope.catalog == WHOLE_GRAPH:
            return self._shown if not scope.adult else np.ones(len(self._row), bool)
        held = self._inside.get((scope, state)) if state is not None else None
        if held is None:
            (offered,) = yield [Offered(scope, list(self._row))]
            held = np.zeros(len(self._row), bool)
            held[[self._row[id_] for id_ in offered.column("id").to_pylist()]] = True
            self._inside = {**self._inside, (scope, state): held} if len(self._inside) < _KEPT else {}
        return held

    def reads(self, asked: Sequence[str], titles: Sequence[str]) -> list[Read]:
        """What has to be known of titles that may be answered: what they share with those asked, their vectors."""
        both = _both(asked, titles)
        return [
            Neighbours(both, CREDITS, "in"),
            Neighbours(both, ["IN_GENRE", "HAS_KEYWORD"], "out"),
            Embeddings(self._folded.name, titles),
        ]

    def found(self, brought: Mapping[str, Sequence[str]], answers: Sequence[Any]) -> Found:
        """What is known of titles, by the asked one that they are compared with, by the answers to `reads` of all."""
        titles = [other for others in brought.values() for other in others]
        shared: dict[str, list[Shared]] = {other: [] for other in titles}
        both = _both(list(brought), titles)
        row = {id_: place for place, id_ in enumerate(both)}
        for table, label in ((answers[0], "Person"), (answers[1], "")):
            roles: list[dict[str, str]] = [{} for _ in both]
            for source, type_, node in steps(table):
                roles[source].setdefault(node, type_)
            for asked, others in brought.items():
                there = roles[row[asked]]
                for other in others:
                    own = roles[row[other]]
                    for node in sorted(own.keys() & there.keys()):
                        kind = label or ("Genre" if own[node] == "IN_GENRE" else "Keyword")
                        shared[other].append(Shared(kind, node, there[node], own[node]))
        ids, vectors = answers[2]
        return Found(shared, dict(zip(ids, vectors, strict=True)))

    def of(
        self,
        asked: Asked,
        found: Found,
        chosen: Sequence[str],
        related: Mapping[str, tuple[str, ...]],
        series: Mapping[str, Sequence[Evidence]],
        landmarks: Mask,
        weighed: Weighed | None = None,
    ) -> dict[str, list[Evidence]]:
        """At most three for each chosen title, the weightiest first.

        found: of all that are chosen. series: the reasons of those that came up as siblings. landmarks: those that may
        be named. weighed: the facets of a request that weighs some; the score that must fall is then the weighed one.
        """
        tries = [_Tried(asked, chosen, weighed, related, series)]
        return self._of_all(tries, found, landmarks)

    def of_all(
        self,
        asked: Sequence[Asked],
        found: Found,
        brought: Mapping[str, Sequence[str]],
        landmarks: Mask,
        weighed: Sequence[Weighed | None],
    ) -> dict[str, list[Evidence]]:
        """The same for several asked titles, each for those that it brought. asked, weighed: in the order of these."""
        tries = [
            _Tried(one, others, facets) for one, others, facets in zip(asked, brought.values(), weighed, strict=True)
        ]
        return self._of_all(tries, found, landmarks)

    def _of_all(self, tries: Sequence[_Tried], found: Found, landmarks: Mask) -> dict[str, list[Evidence]]:
        """All titles without all nodes are compared with the landmarks at once."""
        if not tries:
            return {}
        reader = self._folded.reader
        nodes = [one.nodes(found) for one in tries]
        title = joined(
            [reader.without(one.asked.content, [_NOTHING, *own]) for one, own in zip(tries, nodes, strict=True)]
        )
        likeness: Floats = kernel(title, reader.landmarks) * loudness(title, self._folded.fame)[:, None]
        without: Floats = likeness @ self._folded.weights
        made: dict[str, list[Evidence]] = {}
        start = 0
        for one, own in zip(tries, nodes, strict=True):
            rows = slice(start + 1, start + 1 + len(own))
            made |= self._tried(one, found, own, likeness[start], without[rows], landmarks)
            start += 1 + len(own)
        return made

    def _tried(
        self, one: _Tried, found: Found, nodes: Sequence[tuple[str, str]], likeness: Floats, without: Floats,
        landmarks: Mask,
    ) -> dict[str, list[Evidence]]:  # fmt: skip
        """likeness: of the asked title to the landmarks (landmarks,); without: its vector without each node."""
        asked = one.asked
        ids = [other for other in one.chosen if other in found.vectors]
        vectors = np.array([found.vectors[other] for other in ids], np.float32).reshape(len(ids), without.shape[1])
        parts = likeness[:, None] * (self._folded.weights @ vectors.T)  # (landmarks, chosen with a vector)
        whole = parts.sum(0)
        tried = without @ vectors.T  # (nodes, chosen with a vector)
        if one.weighed is not None:
            tried *= one.weighed.left(nodes, ids)
        place, column = ({one: at for at, one in enumerate(some)} for some in (nodes, ids))
        carried = self._carried(ids, parts, whole, self._open(asked.id, landmarks)) if self._learned else {}
        made: dict[str, list[Evidence]] = {}
        for other in one.chosen:
            reasons = [*self._series(other, asked.names[asked.id], one.related), *one.series.get(other, ())]
            told = {id_ for reason in reasons for id_ in (*reason.path[2:-1:2], *reason.via)}
            if other in column and whole[column[other]] > 0:
                fall = 1 - tried[:, column[other]] / whole[column[other]]
                falls = {
                    node: float(fall[place[node.label, node.id]]) for node in found.shared[other] if node.id not in told
                }
                reasons += [self._path(asked, other, *node) for node in falls.items() if node[1] > _LEAST]
                reasons += carried.get(other, [])
            made[other] = _best(reasons)
        return made

    def _path(self, asked: Asked, other: str, one: Shared, fall: float) -> Evidence:
        names, title = asked.names, asked.names[asked.id]
        if one.label == "Person":
            text = credit_text(names[one.id], one.here, one.there, title)
        elif one.label == "Genre":
            text, fall = f"{one.id}, like {title}", fall * _GENRE
        else:
            text = f"about {one.id}, like {title}"
        return Evidence("path", fall, text, one.path(asked.id, other))

    def _series(self, other: str, title: str, related: Mapping[str, tuple[str, ...]]) -> list[Evidence]:
        if other not in related:
            return []
        path = related[other]
        text = "from the same series" if len(path) == 5 else f"series and episode: {title}"
        return [Evidence("path", _SERIES, text, path)]

    def _open(self, asked: str, landmarks: Mask) -> Mask:
        """Which landmarks may be named: (landmarks,)."""
        if asked not in self._row:
            return landmarks
        made = landmarks.copy()
        made[self._row[asked]] = False
        return made

    def _carried(self, ids: Sequence[str], parts: Floats, whole: Floats, named: Mask) -> dict[str, list[Evidence]]:
        """For each title the landmark that carried most of its score, of those that may be named."""
        made: dict[str, list[Evidence]] = {}
        for column, other in enumerate(ids):
            shares = np.where(named, parts[:, column], -np.inf)
            if other in self._row:
                shares[self._row[other]] = -np.inf
            row = int(np.argmax(shares)) if len(shares) else -1
            if row >= 0 and whole[column] > 0 and shares[row] > _LEAST * whole[column]:
                via, share = self._folded.reader.landmarks.ids[row], float(shares[row] / whole[column])
                text = f"liked by viewers of {self._title[row]}"
                made[other] = [Evidence("viewers", _VIEWERS * min(share, 1.0), text, (), (via,))]
        return made


def _both(asked: Sequence[str], titles: Sequence[str]) -> list[str]:
    """Titles asked for and those compared with them, each once."""
    return list(dict.fromkeys([*asked, *titles]))


def _best(reasons: Sequence[Evidence]) -> list[Evidence]:
    """The weightiest, and never genres alone where there is anything else."""
    ranked = sorted(reasons, key=lambda one: (-one.weight, one.path, one.via))
    telling = [one for one in ranked if "IN_GENRE" not in one.path]
    if len(ranked) > MOST and telling and telling[0] not in ranked[:MOST]:
        return [*ranked[: MOST - 1], telling[0]]
    return ranked[:MOST]
