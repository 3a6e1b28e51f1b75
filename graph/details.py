"""One title or person with what the graph says about it: credits, genres, names, episodes, who offers it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from graph.explain import names_of
from graph.schema import CREDITS
from graph.store import WHOLE_GRAPH, GraphStore, Scope

_OFFER = ("item_id", "regions", "available_from", "available_until")
_TITLE = ("title", "kind", "start_year", "num_votes")


@dataclass(frozen=True)
class Credit:
    """Someone's part in a title. role: the relationship type; characters: of actors."""

    id: str
    name: str
    role: str
    job: str | None
    characters: Sequence[str]


@dataclass(frozen=True)
class Named:
    """A title by its id and name."""

    id: str
    title: str
    kind: str | None
    start_year: int | None


@dataclass(frozen=True)
class Episode(Named):
    """An episode's place in its series, or a series as the place of an episode."""

    season: int | None
    episode: int | None


@dataclass(frozen=True)
class AlternateTitle:
    """Another name of a title."""

    title: str
    region: str | None
    language: str | None
    types: Sequence[str]


@dataclass(frozen=True)
class Offer:
    """Where and when a catalog may show a title. Days are ISO 8601, the last one included; no regions: everywhere."""

    catalog: str
    item_id: str | None
    regions: Sequence[str]
    available_from: str | None
    available_until: str | None


@dataclass(frozen=True)
class TitleDetails:
    """A title: its own properties and its neighbours. `episodes` is one page of `episode_count`."""

    id: str
    properties: dict[str, Any]
    genres: Sequence[str]
    keywords: Sequence[str]
    credits: Sequence[Credit]
    alternate_titles: Sequence[AlternateTitle]
    series: Sequence[Episode]
    episode_count: int
    episodes: Sequence[Episode]
    offers: Sequence[Offer]

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data, for JSON; the title's own properties beside its id."""
        plain = asdict(self)
        return {"id": plain.pop("id"), **plain.pop("properties"), **plain}


@dataclass(frozen=True)
class Part:
    """A title that a person took part in, with all that they did there."""

    id: str
    title: str
    kind: str | None
    start_year: int | None
    num_votes: int | None
    roles: Sequence[str]
    characters: Sequence[str]


@dataclass(frozen=True)
class PersonDetails:
    """A person: their own properties and one page of their titles, the best known first."""

    id: str
    properties: dict[str, Any]
    title_count: int
    titles: Sequence[Part]

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data, for JSON; the person's own properties beside their id."""
        plain = asdict(self)
        return {"id": plain.pop("id"), **plain.pop("properties"), **plain}


def title_details(
    store: GraphStore, id_: str, *, limit: int = 50, offset: int = 0, adult: bool = False
) -> TitleDetails | None:
    """A title with its neighbours; None when the graph has none of that id, or an adult one that is not asked for.

    limit, offset: of its episodes; no other list is longer than `limit` either.
    """
    rows = store.get_nodes("Title", [id_]).to_pylist()
    if not rows or (rows[0]["is_adult"] and not adult):
        return None
    properties = {name: value for name, value in rows[0].items() if name != "id"}
    shown = Scope(WHOLE_GRAPH, adult=adult)

    def names(type_: str) -> list[str]:
        return sorted(store.neighbours([id_], [type_], "out").column("neighbour").to_pylist())[:limit]

    episodes = _episodes(store, id_, "in", shown)
    return TitleDetails(
        id_,
        properties,
        names("IN_GENRE"),
        names("HAS_KEYWORD"),
        _credits(store, id_)[:limit],
        _alternates(store, id_)[:limit],
        _episodes(store, id_, "out", shown)[:limit],
        len(episodes),
        episodes[offset : offset + limit],
        _offers(store, id_)[:limit],
    )


def person_details(
    store: GraphStore, id_: str, *, limit: int = 50, offset: int = 0, adult: bool = False
) -> PersonDetails | None:
    """A person with their titles; None when the graph has none of that id."""
    rows = store.get_nodes("Person", [id_]).to_pylist()
    if not rows:
        return None
    properties = {name: value for name, value in rows[0].items() if name != "id"}
    scope = Scope(WHOLE_GRAPH, adult=adult)
    table = store.neighbours([id_], CREDITS, "out", within=scope, properties=["characters"]).to_pylist()
    roles: dict[str, dict[str, None]] = {}
    characters: dict[str, dict[str, None]] = {}
    for row in table:
        roles.setdefault(row["neighbour"], {})[row["type"]] = None
        characters.setdefault(row["neighbour"], {}).update(dict.fromkeys(row["characters"] or ()))
    known = store.get_nodes("Title", list(roles), _TITLE).to_pylist()
    known.sort(key=lambda row: (-(row["num_votes"] or 0), row["id"]))
    parts = [
        Part(
            row["id"], row["title"] or row["id"], row["kind"], row["start_year"], row["num_votes"],
            list(roles[row["id"]]), list(characters[row["id"]]),
        )
        for row in known[offset : offset + limit]
    ]  # fmt: skip
    return PersonDetails(id_, properties, len(known), parts)


def _credits(store: GraphStore, id_: str) -> list[Credit]:
    """In the order of roles, then of IMDb's credits."""
    found = store.neighbours([id_], CREDITS, "in", properties=["ordering", "job", "characters"]).to_pylist()
    names = names_of(store, list(dict.fromkeys(row["neighbour"] for row in found)))
    rank = {type_: place for place, type_ in enumerate(CREDITS)}
    found.sort(key=lambda row: (rank[row["type"]], row["ordering"] or 1_000, row["neighbour"]))
    return [
        Credit(row["neighbour"], names[row["neighbour"]], row["type"], row["job"], row["characters"] or ())
        for row in found
    ]


def _alternates(store: GraphStore, id_: str) -> list[AlternateTitle]:
    ids: list[str] = store.neighbours([id_], ["ALSO_KNOWN_AS"], "out").column("neighbour").to_pylist()
    rows = store.get_nodes("AlternateTitle", sorted(ids)).to_pylist()
    return [AlternateTitle(row["title"] or "", row["region"], row["language"], row["types"] or ()) for row in rows]


def _episodes(store: GraphStore, id_: str, direction: Any, shown: Scope) -> list[Episode]:
    found = store.neighbours([id_], ["EPISODE_OF"], direction, within=shown, properties=["season", "episode"])
    places = {row["neighbour"]: (row["season"], row["episode"]) for row in found.to_pylist()}
    rows = store.get_nodes("Title", list(places), _TITLE).to_pylist()
    made = [
        Episode(row["id"], row["title"] or row["id"], row["kind"], row["start_year"], *places[row["id"]])
        for row in rows
    ]
    return sorted(made, key=lambda one: (one.season or 0, one.episode or 0, one.id))


def _offers(store: GraphStore, id_: str) -> list[Offer]:
    found = store.neighbours([id_], ["OFFERS"], "in", properties=_OFFER).to_pylist()
    return [
        Offer(
            row["neighbour"],
            row["item_id"],
            row["regions"] or (),
            *(day.isoformat() if day else None for day in (row["available_from"], row["available_until"])),
        )
        for row in found
    ]
