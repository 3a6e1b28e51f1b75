"""Reasons that are true: what a title shares with its substitute, shown only where it did raise the score.

A substitute's score is linear in the asked title's likeness to the landmarks. So a shared person, genre or keyword is
tried by taking it away from the asked title, weights held: the score must fall. And each landmark's own part of the
score is known: "liked by viewers of X" names the one that carried most of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graph.content import kernel
from graph.explain import Evidence, credit_text, names_of
from graph.facets import Facets
from graph.foldin import CONTENT, VECTORS, FoldIn, loudness
from graph.schema import CREDITS
from graph.sibling_evidence import sibling_evidence
from graph.siblings import Sibling
from graph.store import GraphStore

Floats = npt.NDArray[np.float32]

MOST = 3
_SERIES = 2.0  # the weight of "of the same series": above all shares of a score
_GENRE = 0.3  # genres say less to people than they do to the score
_VIEWERS = 0.5
_NOTHING = ("", "")  # a node that no title has
_LEAST = 0.005  # share of the score below which a reason is none


@dataclass(frozen=True)
class _Shared:
    """A node that both titles have. there, here: its relationship to the asked title, and to the substitute."""

    label: str
    id: str
    there: str
    here: str

    def path(self, asked: str, other: str) -> tuple[str, ...]:
        return asked, self.there, self.id, self.here, other


class Reasons:
    """Finds and tries reasons, by what the substitute vectors were made with."""

    def __init__(self, store: GraphStore, folded: FoldIn) -> None:
        self._store, self._folded = store, folded
        found = store.info().embeddings.get(VECTORS)
        self._learned = found is not None and found.model != CONTENT
        ids = folded.reader.landmarks.ids
        self._row = {id_: row for row, id_ in enumerate(ids)}
        self._adult = store.get_nodes("Title", ids, ["is_adult"]).column("is_adult").fill_null(False).to_pylist()

    def of(
        self,
        asked: str,
        chosen: Sequence[str],
        related: Mapping[str, tuple[str, ...]],
        alike: Mapping[str, Sibling],
        items: Mapping[str, str | None] | None,
        adult: bool,
        weighed: Facets | None = None,
    ) -> dict[str, list[Evidence]]:
        """At most three for each chosen title, the weightiest first.

        alike: of the chosen those that came up as siblings. items: the titles in scope; None: all, the adult ones too
        if `adult`. weighed: the facets of a request that weighs some; the score that must fall is then the weighed one.
        """
        shared = self._shared(asked, chosen)
        nodes = sorted({(one.label, one.id) for found in shared.values() for one in found})
        reader = self._folded.reader
        title = reader.without(reader.read([asked]), [_NOTHING, *nodes])
        likeness = kernel(title, reader.landmarks) * loudness(title, self._folded.fame)[:, None]
        without = likeness[1:] @ self._folded.weights
        ids, vectors = self._store.get_embeddings(VECTORS, chosen)
        parts = likeness[0][:, None] * (self._folded.weights @ vectors.T)  # (landmarks, chosen with a vector)
        whole = parts.sum(0)
        tried = without @ vectors.T  # (nodes, chosen with a vector)
        if weighed is not None:
            tried *= weighed.left(nodes, ids)
        place = {node: row for row, node in enumerate(nodes)}
        names = names_of(self._store, [asked, *(id_ for label, id_ in nodes if label == "Person")])
        carried = self._carried(ids, parts, whole, self._open(asked, items, adult)) if self._learned else {}
        roles = {other: [(one.id, one.there, one.here) for one in shared[other] if one.label == "Person"]
                 for other in alike if other in shared}  # fmt: skip
        series = sibling_evidence(self._store, asked, {other: alike[other] for other in roles}, roles, names)
        made: dict[str, list[Evidence]] = {}
        for other in chosen:
            reasons = self._series(other, names[asked], related)
            reasons += series.get(other, [])
            told = {id_ for one in reasons for id_ in (*one.path[2:-1:2], *one.via)}
            if other in ids and whole[ids.index(other)] > 0:
                column = ids.index(other)
                fall = 1 - tried[:, column] / whole[column]
                falls = {one: float(fall[place[one.label, one.id]]) for one in shared[other] if one.id not in told}
                reasons += [self._path(asked, other, *one, names) for one in falls.items() if one[1] > _LEAST]
                reasons += carried.get(other, [])
            made[other] = _best(reasons)
        return made

    def _shared(self, asked: str, chosen: Sequence[str]) -> dict[str, list[_Shared]]:
        """People by their weightiest roles, genres and keywords that the asked title has in common with each."""
        found: dict[str, list[_Shared]] = {other: [] for other in chosen}
        for types, direction, label in ((CREDITS, "in", "Person"), (("IN_GENRE", "HAS_KEYWORD"), "out", "")):
            table = self._store.neighbours([asked, *chosen], types, direction)  # type: ignore[arg-type]
            roles: list[dict[str, str]] = [{} for _ in range(len(chosen) + 1)]
            columns = (table.column(name).to_pylist() for name in ("source", "type", "neighbour"))
            for source, type_, node in zip(*columns, strict=True):
                roles[source].setdefault(node, type_)
            for other, own in zip(chosen, roles[1:], strict=True):
                for node in sorted(own.keys() & roles[0].keys()):
                    kind = label or ("Genre" if own[node] == "IN_GENRE" else "Keyword")
                    found[other].append(_Shared(kind, node, roles[0][node], own[node]))
        return found

    def _path(self, asked: str, other: str, one: _Shared, fall: float, names: Mapping[str, str]) -> Evidence:
        if one.label == "Person":
            text = credit_text(names[one.id], one.here, one.there, names[asked])
        elif one.label == "Genre":
            text, fall = f"{one.id}, like {names[asked]}", fall * _GENRE
        else:
            text = f"about {one.id}, like {names[asked]}"
        return Evidence("path", fall, text, one.path(asked, other))

    def _series(self, other: str, title: str, related: Mapping[str, tuple[str, ...]]) -> list[Evidence]:
        if other not in related:
            return []
        path = related[other]
        text = "from the same series" if len(path) == 5 else f"series and episode: {title}"
        return [Evidence("path", _SERIES, text, path)]

    def _open(self, asked: str, items: Mapping[str, str | None] | None, adult: bool) -> npt.NDArray[np.bool_]:
        """Which landmarks may be named: (landmarks,)."""
        if items is None:
            named = [adult or not is_adult for is_adult in self._adult]
        else:
            named = [one in items for one in self._row]
        made = np.array(named, bool)
        if asked in self._row:
            made[self._row[asked]] = False
        return made

    def _carried(
        self, ids: Sequence[str], parts: Floats, whole: Floats, named: npt.NDArray[np.bool_]
    ) -> dict[str, list[Evidence]]:
        """For each title the landmark that carried most of its score, of those that may be named."""
        made: dict[str, list[Evidence]] = {}
        best = {}
        for column, other in enumerate(ids):
            shares = np.where(named, parts[:, column], -np.inf)
            if other in self._row:
                shares[self._row[other]] = -np.inf
            row = int(np.argmax(shares)) if len(shares) else -1
            if row >= 0 and whole[column] > 0 and shares[row] > _LEAST * whole[column]:
                best[other] = self._folded.reader.landmarks.ids[row], float(shares[row] / whole[column])
        names = names_of(self._store, [via for via, _ in best.values()])
        for other, (via, share) in best.items():
            text = f"liked by viewers of {names[via]}"
            made[other] = [Evidence("viewers", _VIEWERS * min(share, 1.0), text, (), (via,))]
        return made


def _best(reasons: Sequence[Evidence]) -> list[Evidence]:
    """The weightiest, and never genres alone where there is anything else."""
    ranked = sorted(reasons, key=lambda one: (-one.weight, one.path, one.via))
    telling = [one for one in ranked if "IN_GENRE" not in one.path]
    if len(ranked) > MOST and telling and telling[0] not in ranked[:MOST]:
        return [*ranked[: MOST - 1], telling[0]]
    return ranked[:MOST]
