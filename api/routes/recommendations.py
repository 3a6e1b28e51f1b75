"""Recommendations for users, for several together, and for sessions: `graph.for_users` over HTTP."""

from __future__ import annotations

import contextlib
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from api.problems import Problem, responses
from api.routes.users import UserPath
from api.schemas import Answered, Day, Strategy, StrategyName, Substitute
from api.service import PreferencesDep, ScopeDep, Service, ServiceDep, StrategyQuery, today
from graph.consistent import at_one_version
from graph.personal import MOST_USERS, Personal
from graph.preferences import MOST_WEIGHT, Preferences
from graph.rules import MOST_NAMED, Rules
from graph.schema import fits
from graph.search import MAX_SUBSTITUTES
from graph.store import Scope
from graph.strategy import StrategyError

_Id = Annotated[str, Field(min_length=1, max_length=200)]
_Ids = Annotated[list[_Id], Field(max_length=MOST_NAMED)]
_Facet = Annotated[float, Field(ge=0, le=MOST_WEIGHT)]
_MOST_EVENTS = 500
LimitedTo = Annotated[int, Query(ge=1, le=MAX_SUBSTITUTES, description="how many")]
router = APIRouter(tags=["users"])


class TasteVersions(BaseModel):
    """What answered. tastes: the run of the taste vectors; null where none are published."""

    graph: str | None
    tastes: str | None


class OfExperiment(Answered):
    """Which experiment and which arm of it answered."""

    name: str = Field(examples=["crowd-or-tastes"])
    arm: str = Field(examples=["tastes"])


class UserRecommendations(Answered):
    """What users are recommended."""

    users: list[str] = Field(description="for whom", examples=[["u1"]])
    catalog: str | None
    region: str | None
    on: str | None = Field(examples=["2026-11-21"])
    versions: TasteVersions
    strategy: Strategy
    experiment: OfExperiment | None = Field(description="where one answered a user; null: none did")
    counted: int = Field(description="how many titles of theirs counted", examples=[12])
    strangers: list[str] = Field(description="those of whom nothing is known: they get what many like")
    items: list[Substitute]


class Lists(BaseModel):
    """What a list may hold, in the body of a request."""

    model_config = ConfigDict(extra="forbid")

    catalog: str | None = Field(default=None, max_length=63, description="slug; none: all catalogs; `*`: the graph")
    region: str | None = Field(default=None, pattern="^[A-Za-z]{2,3}$", examples=["US"])
    on: Day | None = Field(default=None, description="the day; none: today (UTC)")
    adult: bool = False
    limit: int = Field(default=10, ge=1, le=MAX_SUBSTITUTES)
    diversity: float = Field(default=0.0, ge=0, le=1)
    cast: _Facet = 1.0
    director: _Facet = 1.0
    genre: _Facet = 1.0
    era: _Facet = 1.0
    popularity: _Facet = 1.0
    strategy: StrategyName = None
    watched: bool = Field(default=False, description="whether watched titles may come again; disliked ones never do")
    per_series: int = Field(default=2, ge=0, le=MAX_SUBSTITUTES, description="at most so many of one; 0: any number")
    per_director: int = Field(default=0, ge=0, le=MAX_SUBSTITUTES)
    kinds: list[Annotated[str, Field(max_length=30)]] = Field(default=[], max_length=20, examples=[["movie"]])
    minutes: int | None = Field(default=None, ge=1, le=10_000, description="nothing longer")
    hide: _Ids = Field(default=[], description="never these")
    pin: _Ids = Field(default=[], description="these first, where the catalog has them")
    boosts: dict[_Id, Annotated[float, Field(ge=0, le=MOST_NAMED)]] = Field(default={}, max_length=MOST_NAMED)
    explore: float = Field(default=0.0, ge=0, le=1, description="share that is drawn from farther down")
    seed: int = Field(default=0, ge=0, lt=2**53, description="of that draw")

    def scope(self) -> Scope:
        """Which titles may be answered."""
        return Scope(self.catalog, self.region.upper() if self.region else None, self.on or today(), self.adult)

    def preferences(self) -> Preferences:
        """How they are ranked."""
        return Preferences(self.diversity, self.cast, self.director, self.genre, self.era, self.popularity)

    def rules(self) -> Rules:
        """Which of them are answered."""
        return Rules(
            self.watched, self.per_series, self.per_director, tuple(self.kinds), self.minutes, tuple(self.hide),
            tuple(self.pin), self.boosts, self.explore, self.seed,
        )  # fmt: skip


class Group(Lists):
    """Users who watch together."""

    users: list[_Id] = Field(min_length=1, max_length=MOST_USERS, examples=[["u1", "u2"]])
    together: Literal["mean", "least"] = Field(
        default="mean", description="a title counts by the mean of what each would have of it, or by the least"
    )


class SessionEvent(BaseModel):
    """What somebody did, whom nobody knows."""

    model_config = ConfigDict(extra="forbid")

    title: _Id = Field(examples=["tt0114709"])
    type: str = Field(default="watch", min_length=1, max_length=200)
    value: float | None = Field(default=None, allow_inf_nan=False)


class Session(Lists):
    """What somebody did, the oldest first; nothing of it is stored."""

    events: list[SessionEvent] = Field(max_length=_MOST_EVENTS)


@router.get("/users/{id}/recommendations", response_model=UserRecommendations, responses=responses(404, 422, 503))
def user_recommendations(
    service: ServiceDep,
    id: UserPath,  # noqa: A002
    scope: ScopeDep,
    preferences: PreferencesDep,
    limit: LimitedTo = 10,
    watched: Annotated[bool, Query(description="whether watched titles may come again")] = False,
    per_series: Annotated[int, Query(ge=0, le=MAX_SUBSTITUTES, description="at most so many of one; 0: any")] = 2,
    per_director: Annotated[int, Query(ge=0, le=MAX_SUBSTITUTES, description="the same of a director")] = 0,
    kind: Annotated[
        list[str] | None, Query(max_length=20, description="only these kinds", examples=[["movie"]])
    ] = None,
    minutes: Annotated[int | None, Query(ge=1, le=10_000, description="nothing longer")] = None,
    explore: Annotated[float, Query(ge=0, le=1, description="share that is drawn from farther down")] = 0.0,
    seed: Annotated[int, Query(ge=0, lt=2**53, description="of that draw")] = 0,
    strategy: StrategyQuery = None,
    count: Annotated[
        bool, Query(description="whether an experiment counts it as shown; not while others look at what a user gets")
    ] = True,
) -> Any:
    """Titles for a user, each with the reason; watched ones are left out, disliked ones never come again.

    A user whom nobody knows gets what many like.
    """
    rules = Rules(
        watched=watched, per_series=per_series, per_director=per_director, kinds=tuple(kind or ()), minutes=minutes,
        explore=explore, seed=seed,
    )  # fmt: skip
    return _alone(service, _text(id), scope, limit, preferences, rules, strategy, count)


@router.post("/users/recommendations", response_model=UserRecommendations, responses=responses(404, 422, 503))
def group_recommendations(service: ServiceDep, body: Group) -> Any:
    """Titles for several users who watch together, or for one with rules of all kinds."""
    named = [_text(user) for user in body.users]
    if len(named) == 1:
        return _alone(service, named[0], body.scope(), body.limit, body.preferences(), body.rules(), body.strategy)
    found = at_one_version(
        service.store,
        lambda: service.for_users.recommend(
            named,
            body.scope(),
            body.limit,
            preferences=body.preferences(),
            rules=body.rules(),
            together=body.together,
            strategy=body.strategy,
        ),
    )
    return found.value.as_dict() | {"experiment": None}


@router.post("/sessions/recommendations", response_model=UserRecommendations, responses=responses(404, 422, 503))
def session_recommendations(service: ServiceDep, body: Session) -> Any:
    """Titles for somebody whom nobody knows, by what they did just now."""
    events = [(_text(one.title), one.type, one.value) for one in body.events]
    found = at_one_version(
        service.store,
        lambda: service.for_users.session(
            events,
            body.scope(),
            body.limit,
            preferences=body.preferences(),
            rules=body.rules(),
            strategy=body.strategy,
        ),
    )
    return found.value.as_dict() | {"experiment": None}


def _alone(
    service: Service, user: str, scope: Scope, limit: int, preferences: Preferences, rules: Rules, strategy: str | None,
    count: bool = True,
) -> dict[str, Any]:  # fmt: skip
    """For one user: by the arm of an experiment, where one is about this and the request names no strategy."""

    def answer(preferences: Preferences, rules: Rules, strategy: str | None) -> Personal:
        return at_one_version(
            service.store,
            lambda: service.for_users.recommend(
                user, scope, limit, preferences=preferences, rules=rules, strategy=strategy
            ),
        ).value

    by = service.experiments.assigned(user, scope) if strategy is None else None
    if by is not None:
        # An arm's strategy may not follow what this request asks for, or have lost its vectors: then as without it.
        with contextlib.suppress(StrategyError):
            found = answer(*by.arm.applied(preferences, rules), by.arm.strategy)
            if found.items and count:
                service.exposures.add(user, by, [item.id for item in found.items], found.versions, found.strategy)
            return found.as_dict() | {"experiment": by.as_dict()}
    return answer(preferences, rules, strategy).as_dict() | {"experiment": None}


def _text(id_: str) -> str:
    if not fits(id_, "string"):
        raise Problem(422, "The id is no valid text.")
    return id_
