"""Why a title counts as part of another one's series: in words, each trace that made it so (`graph.siblings`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from graph.explain import ROLE_WEIGHTS, Evidence, credit_text, role_text
from graph.franchise import part_words, series_in_common, telling_words
from graph.names import normalise
from graph.siblings import Sibling

_WEIGHT, _STEP = 1.0, 0.1  # of the most telling trace, and how much less the next one weighs
_PEOPLE = 3
Roles = tuple[str, str, str]
"""A person, and what they did in the asked title and in the other one."""


@dataclass(frozen=True)
class Known:
    """What was read of the asked title and of its siblings.

    titles: `title`, `original_title` and `start_year` by id. parts: title → person → the names of their parts, of those
    that are siblings by a part, and of the asked one. keywords: of each title, by id. rare: the asked title's rare
    keywords, and how many titles each has. names: of the asked title, and of people.
    """

    titles: Mapping[str, Mapping[str, Any]]
    parts: Mapping[str, Mapping[str, Sequence[str]]]
    keywords: Mapping[str, Collection[str]]
    rare: Mapping[str, int]
    names: Mapping[str, str]


def sibling_evidence(
    asked: str, alike: Mapping[str, Sibling], people: Mapping[str, Sequence[Roles]], known: Known
) -> dict[str, list[Evidence]]:
    """For each sibling the traces that made it one, the most telling first.

    people: those that each has in common with the asked title.
    """
    made = {}
    for other, one in alike.items():
        found = [reason for kind in one.because if (reason := _MADE[kind](asked, other, people[other], known))]
        made[other] = [
            Evidence(reason.kind, _WEIGHT - _STEP * place, reason.text, reason.path, reason.via)
            for place, reason in enumerate(found)
        ]
    return made


def played(ids: Sequence[str], table: pa.Table) -> dict[str, dict[str, list[str]]]:
    """title → person → the names of their parts. table: ACTED_IN of these titles, in this order, with `characters`."""
    made: dict[str, dict[str, list[str]]] = {id_: {} for id_ in ids}
    columns = (table.column(name).to_pylist() for name in ("source", "neighbour", "characters"))
    for source, person, parts in zip(*columns, strict=True):
        made[ids[source]].setdefault(person, []).extend(parts or ())
    return made


def _by_name(asked: str, other: str, _people: Sequence[Roles], known: Known) -> Evidence | None:
    path, rows = (asked, other), (known.titles[asked], known.titles[other])
    mine, theirs = ([row[name] for name in ("title", "original_title") if row[name]] for row in rows)
    if {normalise(name) for name in mine} & {normalise(name) for name in theirs}:
        year = f", {rows[1]['start_year']}" if rows[1]["start_year"] else ""
        return Evidence("name", _WEIGHT, f"of the same name{year}", path)
    for name in mine:
        for one in theirs:
            if (series := series_in_common(name, one)) is not None:
                return Evidence("name", _WEIGHT, f"another “{series}” title", path)
    words = {word for name in theirs for word in telling_words(name)}
    common = [word for name in mine for word in telling_words(name) if word in words]
    return Evidence("name", _WEIGHT, f"“{max(common, key=len)}” is in both names", path) if common else None


def _by_part(asked: str, other: str, _people: Sequence[Roles], known: Known) -> Evidence | None:
    """The part of most telling words that the same person plays again; else one that another person takes over."""
    played, names = known.parts, known.names
    if other not in played:
        return None
    again = [
        (len(common), max(theirs, key=lambda part: len(part_words([part]) & common)), person)
        for person, theirs in played[other].items()
        if (common := part_words(theirs) & part_words(played[asked].get(person, ())))
    ]
    if again:
        _, part, person = max(again)
        path = (asked, "ACTED_IN", person, "ACTED_IN", other)
        return Evidence("part", _WEIGHT, f"{part} again, played by {names[person]}", path)
    mine = {part: person for person, parts in played[asked].items() for part in parts if " " in part}
    for person, theirs in played[other].items():
        for part in theirs:
            if part in mine and part_words([part]):
                text = f"{part} again, now played by {names[person]}"
                return Evidence("part", _WEIGHT, text, (asked, other), (mine[part], person))
    return None


def _by_people(asked: str, other: str, people: Sequence[Roles], known: Known) -> Evidence | None:
    names = known.names
    told = sorted(people, key=lambda one: (-ROLE_WEIGHTS[one[1]] * ROLE_WEIGHTS[one[2]], one[0]))[:_PEOPLE]
    if not told:
        return None
    if len(told) == 1:
        ((person, there, here),) = told
        text = credit_text(names[person], here, there, names[asked])
    else:
        roles: dict[str, list[str]] = {}
        for person, _, here in told:
            roles.setdefault(here, []).append(names[person])
        text = "the same people: " + ", ".join(role_text(" and ".join(who), here) for here, who in roles.items())
    return Evidence("people", _WEIGHT, text, (asked, other), tuple(person for person, _, _ in told))


def _by_keyword(asked: str, other: str, _people: Sequence[Roles], known: Known) -> Evidence | None:
    """The rarest keyword in common."""
    common = [(known.rare[keyword], keyword) for keyword in known.keywords[other] if keyword in known.rare]
    if not common:
        return None
    keyword = min(common)[1]
    path = (asked, "HAS_KEYWORD", keyword, "HAS_KEYWORD", other)
    return Evidence("keyword", _WEIGHT, f"about {keyword}, like {known.names[asked]}", path)


_MADE = {"name": _by_name, "part": _by_part, "people": _by_people, "keyword": _by_keyword}
