"""Why a title counts as part of another one's series: in words, each trace that made it so (`graph.siblings`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graph.explain import ROLE_WEIGHTS, Evidence, credit_text, names_of, role_text
from graph.franchise import part_words, series_in_common, telling_words
from graph.names import normalise
from graph.siblings import Sibling
from graph.store import GraphStore

_WEIGHT, _STEP = 1.0, 0.1  # of the most telling trace, and how much less the next one weighs
_PEOPLE = 3
Roles = tuple[str, str, str]
"""A person, and what they did in the asked title and in the other one."""


def sibling_evidence(
    store: GraphStore, asked: str, alike: Mapping[str, Sibling], people: Mapping[str, Sequence[Roles]],
    names: Mapping[str, str],
) -> dict[str, list[Evidence]]:  # fmt: skip
    """For each sibling the traces that made it one, the most telling first.

    people: those that each has in common with the asked title. names: of the asked title and of these people.
    """
    if not alike:
        return {}
    rows = store.get_nodes("Title", [asked, *alike], ["title", "original_title", "start_year"]).to_pylist()
    titles = {row["id"]: row for row in rows}
    parts = _played(store, [asked, *(other for other, one in alike.items() if "part" in one.because)])
    made = {}
    for other, one in alike.items():
        found: dict[str, Evidence | None] = {
            "name": _by_name(titles[asked], titles[other]),
            "part": _by_part(store, asked, other, parts) if other in parts else None,
            "people": _by_people(asked, other, people[other], names),
            "keyword": _by_keyword(store, asked, other, names) if "keyword" in one.because else None,
        }
        told = [reason for kind in one.because if (reason := found[kind]) is not None]
        made[other] = [
            Evidence(reason.kind, _WEIGHT - _STEP * place, reason.text, reason.path, reason.via)
            for place, reason in enumerate(told)
        ]
    return made


def _by_name(asked: Mapping[str, Any], other: Mapping[str, Any]) -> Evidence | None:
    mine, theirs = ([row[name] for name in ("title", "original_title") if row[name]] for row in (asked, other))
    path = asked["id"], other["id"]
    if {normalise(name) for name in mine} & {normalise(name) for name in theirs}:
        year = f", {other['start_year']}" if other["start_year"] else ""
        return Evidence("name", _WEIGHT, f"of the same name{year}", path)
    for name in mine:
        for one in theirs:
            if (series := series_in_common(name, one)) is not None:
                return Evidence("name", _WEIGHT, f"another “{series}” title", path)
    words = {word for name in theirs for word in telling_words(name)}
    common = [word for name in mine for word in telling_words(name) if word in words]
    return Evidence("name", _WEIGHT, f"“{max(common, key=len)}” is in both names", path) if common else None


def _played(store: GraphStore, ids: Sequence[str]) -> dict[str, dict[str, list[str]]]:
    """title → person → the names of their parts."""
    found: dict[str, dict[str, list[str]]] = {id_: {} for id_ in ids[1:] and ids}
    table = store.neighbours(list(found), ["ACTED_IN"], "in", properties=["characters"])
    columns = (table.column(name).to_pylist() for name in ("source", "neighbour", "characters"))
    for source, person, parts in zip(*columns, strict=True):
        found[ids[source]].setdefault(person, []).extend(parts or ())
    return found


def _by_part(
    store: GraphStore, asked: str, other: str, played: Mapping[str, Mapping[str, Sequence[str]]]
) -> Evidence | None:
    """The part of most telling words that the same person plays again; else one that another person takes over."""
    again = [
        (len(common), max(theirs, key=lambda part: len(part_words([part]) & common)), person)
        for person, theirs in played[other].items()
        if (common := part_words(theirs) & part_words(played[asked].get(person, ())))
    ]
    if again:
        _, part, person = max(again)
        name = names_of(store, [person])[person]
        path = (asked, "ACTED_IN", person, "ACTED_IN", other)
        return Evidence("part", _WEIGHT, f"{part} again, played by {name}", path)
    mine = {part: person for person, parts in played[asked].items() for part in parts if " " in part}
    for person, theirs in played[other].items():
        for part in theirs:
            if part in mine and part_words([part]):
                name = names_of(store, [person])[person]
                return Evidence("part", _WEIGHT, f"{part} again, now played by {name}", (asked, other),
                                (mine[part], person))  # fmt: skip
    return None


def _by_people(asked: str, other: str, people: Sequence[Roles], names: Mapping[str, str]) -> Evidence | None:
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


def _by_keyword(store: GraphStore, asked: str, other: str, names: Mapping[str, str]) -> Evidence | None:
    """The rarest keyword in common."""
    held = [store.neighbours([id_], ["HAS_KEYWORD"], "out").column("neighbour").to_pylist() for id_ in (asked, other)]
    common = sorted(set(held[0]) & set(held[1]))
    if not common:
        return None
    counts = store.degrees(common, ["HAS_KEYWORD"], "in").tolist()
    keyword = min(zip(counts, common, strict=True))[1]
    path = (asked, "HAS_KEYWORD", keyword, "HAS_KEYWORD", other)
    return Evidence("keyword", _WEIGHT, f"about {keyword}, like {names[asked]}", path)
