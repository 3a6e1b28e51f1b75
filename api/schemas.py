"""What the service answers, as pydantic models: the fields of `as_dict()` in graph/, each with what it means."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag

from graph.explain import EvidenceKind

Kind = Annotated[str, Field(description="IMDb's titleType", examples=["movie"])]
TitleId = Annotated[
    str, Field(description="IMDb's id; `item:ID` where only a catalog knows it", examples=["tt0114709"])
]
ItemId = Annotated[str | None, Field(description="the catalog's own id; null in the whole graph", examples=["N002"])]
Year = Annotated[int | None, Field(description="year of release; of a series its first", examples=[1995])]


def _written(day: object) -> object:
    """Pydantic alone takes a number for a day, as seconds since 1970."""
    if day is not None and not (isinstance(day, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", day)):
        raise ValueError("a day is written as 2026-11-21")
    return day


Day = Annotated[dt.date, BeforeValidator(_written)]


class Answered(BaseModel):
    """The base of every answer: no field that is not described here."""

    model_config = ConfigDict(extra="forbid")


class _Evidence(Answered):
    kind: EvidenceKind = Field(
        description="what it rests on; `liked`: a title named or liked; `watched`: one of the user's; `near`: vectors",
        examples=["path"],
    )
    weight: float = Field(description="the share of the score that goes with it", examples=[0.0349])
    text: str = Field(examples=["directed by Pete Docter, who wrote Toy Story"])


class PathEvidence(_Evidence):
    """A reason that can be walked again in the graph."""

    path: list[str] = Field(
        description="ids and relationship types by turns; where only names or people tell, the two ids",
        examples=[["tt0114709", "WROTE", "nm0230032", "DIRECTED", "tt0198781"]],
    )


class SharedEvidence(PathEvidence):
    """A reason that lies in people, or in what they play, and not in a single path."""

    via: list[str] = Field(description="the people", examples=[["nm0000158", "nm0000741"]])


class ViaEvidence(_Evidence):
    """A reason from other titles: what their viewers like, or that they were named."""

    via: list[str] = Field(description="the titles that carried the score", examples=[["tt0120623"]])


class RankedEvidence(_Evidence):
    """That a ranker put a title where it is."""

    was: int = Field(description="its place before, from 1", examples=[12])
    place: int = Field(description="its place by the ranker, before the rules of a list", examples=[3])
    points: float = Field(description="what the ranker says that the user would give it", examples=[4.2])


def _form_of_evidence(value: Any) -> str:
    there = value if isinstance(value, dict) else vars(value)
    return "-".join(name for name in ("path", "via", "was") if name in there)


Evidence = Annotated[
    Annotated[PathEvidence, Tag("path")]
    | Annotated[SharedEvidence, Tag("path-via")]
    | Annotated[ViaEvidence, Tag("via")]
    | Annotated[RankedEvidence, Tag("was")],
    Discriminator(_form_of_evidence),
]


class Substitute(Answered):
    """A title that may be shown, and why."""

    id: TitleId
    item_id: ItemId
    title: str = Field(examples=["Monsters, Inc."])
    start_year: Year
    kind: Kind
    score: float = Field(description="orders this list; means nothing in another", examples=[0.9938])
    evidence: list[Evidence] = Field(description="at most three reasons, the weightiest first; none where none holds")


class Match(Answered):
    """Which name was found, and how surely it was meant."""

    text: str = Field(examples=["Toy Story"])
    type: Literal["primary", "original", "alternate", "id"]
    region: str | None = Field(description="of an alternate title", examples=["FR"])
    language: str | None = Field(description="of an alternate title", examples=["fr"])
    confidence: float = Field(ge=0, le=1, examples=[0.96])


class Near(Answered):
    """A person, genre or keyword whose titles stand in for those of the one asked for."""

    id: str = Field(examples=["nm0898288"])
    name: str = Field(examples=["Denis Villeneuve"])


class _Hit(Answered):
    id: str = Field(description="IMDb's id, or the name of a genre or keyword", examples=["tt0114709"])
    kind: str = Field(description="IMDb's titleType; `person`, `genre` or `keyword`", examples=["movie"])
    title: str = Field(description="what it is called", examples=["Toy Story"])
    start_year: Year
    in_catalog: bool = Field(description="whether the catalog has it, at any time, anywhere")
    available: bool = Field(description="whether it may be shown in that region on that day")
    match: Match


class TitleHit(_Hit):
    """A title that the text may mean, and what could be shown instead."""

    substitutability: float | None = Field(
        description="how good the best substitute is likely to be, 0 to 1; null: not known", examples=[0.81]
    )
    substitutes: list[Substitute]


class NamedHit(_Hit):
    """A person, genre or keyword that the text may mean, and its titles."""

    titles: list[Substitute]
    nearest: list[Near] = Field(description="whose titles these are, where its own may not be shown")


def _kind_of_hit(value: Any) -> str:
    return "named" if ("titles" in value if isinstance(value, dict) else isinstance(value, NamedHit)) else "title"


Hit = Annotated[Annotated[TitleHit, Tag("title")] | Annotated[NamedHit, Tag("named")], Discriminator(_kind_of_hit)]


class Versions(Answered):
    """What the answer was made from."""

    graph: str = Field(description="version of the graph", examples=["000001"])
    substitutes: str | None = Field(
        description="the run that its substitute vectors come from", examples=["substitutes-2026-11-21"]
    )


Strategy = Annotated[
    str, Field(description="by which it was answered; `/strategies` lists them", examples=["fold-in-series"])
]
StrategyName = Annotated[
    str | None,
    Field(
        max_length=63, examples=["embedding"],
        description="by which strategy (`/strategies` lists them); null: by the catalog's own, or the usual one",
    ),
]  # fmt: skip


class SearchAnswer(Answered):
    """The out-of-catalog contract. `status` describes the first hit."""

    query: str = Field(examples=["toy story"])
    status: Literal["in_catalog", "out_of_catalog", "ambiguous", "unknown"]
    catalog: str | None = Field(description="null: all catalogs together", examples=["north"])
    region: str | None = Field(description="null: anywhere", examples=["US"])
    on: str | None = Field(description="the day that was meant", examples=["2026-11-21"])
    versions: Versions
    strategy: Strategy
    hits: list[Hit] = Field(description="none for `unknown`; for `ambiguous` the choices")


class SimilarTitles(Answered):
    """The titles most like another one."""

    id: TitleId
    strategy: Strategy
    similar: list[Substitute]


class RecommendationAnswer(Answered):
    """What is recommended to somebody who likes some titles."""

    titles: list[TitleId] = Field(description="the titles named")
    catalog: str | None
    region: str | None
    on: str | None = Field(examples=["2026-11-21"])
    versions: Versions
    strategy: Strategy
    items: list[Substitute]


class Explanation(Answered):
    """How two titles or people are connected."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    from_: str = Field(alias="from", examples=["tt0114709"])
    to: str = Field(examples=["tt0120623"])
    evidence: list[PathEvidence] = Field(description="the most telling paths first; none within six steps: empty")
