"""`people`: cosine of the people of titles, by role and rarity; by traversal, so only who shares any is looked at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from graph.explain import ROLE_WEIGHTS, Evidence
from graph.plain_strategies import idf, paths
from graph.reads import Asking, Degrees, Neighbours, Nodes, steps
from graph.schema import CREDITS
from graph.strategy import Because, Question, answered
from graph.substitutes import Substitute

_MOST = 2_000
"""Titles that share people, of which all people are read: those that share the weightiest."""


@dataclass(frozen=True)
class People:
    """Cosine of the people, by role and rarity: those who share none come last, by their ids."""

    titles: int

    def answering(self, question: Question) -> Asking[list[Substitute]]:
        """The k that share most, of several titles by their mean."""
        liked, titles = list(question.liked), self.titles
        first = Neighbours(liked, CREDITS, "in")
        table, counts, second = yield [first, Degrees(first, CREDITS, "out"),
                                       Neighbours(first, CREDITS, "out", within=question.scope)]  # fmt: skip
        people = table.column("neighbour").combine_chunks().dictionary.to_pylist()
        own = _roles(steps(table), len(liked))
        rare = dict(zip(people, idf(titles, counts).tolist(), strict=True))
        units = [_unit(one, rare) for one in own]
        weights = np.array([question.liked[id_] for id_ in liked])
        mean: dict[str, float] = {}
        for unit, weight in zip(units, (weights / weights.sum()).tolist(), strict=True):
            for person, value in unit.items():
                mean[person] = mean.get(person, 0.0) + weight * value
        rough: dict[str, float] = {}
        for source, type_, title in steps(second):
            if title not in question.out:
                rough[title] = rough.get(title, 0.0) + mean[people[source]] * ROLE_WEIGHTS[type_]
        others = sorted(rough, key=lambda one: (-rough[one], one))[: max(_MOST, question.pool)]
        whole = Neighbours(others, CREDITS, "in")
        theirs, more = yield [whole, Degrees(whole, CREDITS, "out")]
        rare |= dict(zip(theirs.column("neighbour").combine_chunks().dictionary.to_pylist(),
                         idf(titles, more).tolist(), strict=True))  # fmt: skip
        roles = _roles(steps(theirs), len(others))
        found = {id_: _unit(one, rare) for id_, one in zip(others, roles, strict=True)}
        scores = {id_: sum(value * mean.get(person, 0.0) for person, value in unit.items())
                  for id_, unit in found.items()}  # fmt: skip
        held = dict(zip(others, roles, strict=True))
        because = self._because(question, own, units, held, found)
        return (yield from answered(question, scores, because))

    def _because(
        self, question: Question, own: Sequence[dict[str, str]], units: Sequence[dict[str, float]],
        roles: Mapping[str, dict[str, str]], found: Mapping[str, dict[str, float]],
    ) -> Because:  # fmt: skip
        liked = list(question.liked)

        def because(chosen: Sequence[str]) -> Asking[Mapping[str, Sequence[Evidence]]]:
            carried: dict[str, tuple[int, dict[tuple[str, str, str], float], float]] = {}
            for id_ in chosen:
                parts = [
                    {p: value * unit[p] * question.liked[liked[row]] for p, value in found.get(id_, {}).items()
                     if p in unit} for row, unit in enumerate(units)
                ]  # fmt: skip
                sums = [sum(part.values()) for part in parts]
                if max(sums) > 0:
                    row = int(np.argmax(sums))
                    shared = {(p, own[row][p], roles[id_][p]): value for p, value in parts[row].items()}
                    carried[id_] = row, shared, sum(sums)
            people = sorted({person for _, shared, _ in carried.values() for person, _, _ in shared})
            (nodes,) = yield [Nodes("Person", people, ["name"])]
            names = {row["id"]: row["name"] or row["id"] for row in nodes.to_pylist()}
            return {
                id_: paths(question, liked[row], id_, shared, total, names)
                for id_, (row, shared, total) in carried.items()
            }

        return because


def _roles(rows: Iterable[tuple[int, str, str]], titles: int) -> list[dict[str, str]]:
    """For each title its people, each in the most telling role: types come in that order."""
    made: list[dict[str, str]] = [{} for _ in range(titles)]
    for source, type_, person in rows:
        made[source].setdefault(person, type_)
    return made


def _unit(roles: Mapping[str, str], rare: Mapping[str, float]) -> dict[str, float]:
    """A title's people as a vector of unit length."""
    weighed = {person: ROLE_WEIGHTS[role] * rare[person] for person, role in roles.items()}
    length = float(np.sqrt(sum(value**2 for value in weighed.values()))) or 1.0
    return {person: value / length for person, value in weighed.items()}
