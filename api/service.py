"""What every request works with: the store, the searcher, the settings; and reading the graph at one version."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

import anyio
from fastapi import Depends, Query, Request, Response

from api.figures import figures_of
from api.metrics import Metrics
from api.problems import Problem
from api.schemas import Day
from api.settings import Settings
from api.tracing import Tracing
from graph.answers import Answer
from graph.cards import best_known
from graph.consistent import at_one_version
from graph.demand import Demand
from graph.experiments import Running
from graph.exposures import Exposures
from graph.feedback_kinds import FeedbackKinds
from graph.feedback_writer import FeedbackWriter
from graph.for_users import ForUsers
from graph.items import ServedItems
from graph.kept import Kept
from graph.preferences import MOST_WEIGHT, NEUTRAL, Preferences
from graph.search import Searcher
from graph.shelves import Shelves
from graph.store import GraphStore, Scope, StoreError

T = TypeVar("T")
_log = logging.getLogger("reelgraph.service")
RegionQuery = Annotated[
    str | None, Query(pattern="^[A-Za-z]{2,3}$", description="only what may be shown there", examples=["US"])
]
DayQuery = Annotated[Day | None, Query(description="only what may be shown that day; none: today (UTC)")]
AdultQuery = Annotated[bool, Query(description="whether adult titles count")]
StrategyQuery = Annotated[
    str | None,
    Query(
        max_length=63,
        examples=["embedding"],
        description="by which strategy (`/strategies` lists them); none: by the catalog's own, or the usual one",
    ),
]
LimitQuery = Annotated[int, Query(ge=1, le=200, description="how many at most")]
OffsetQuery = Annotated[int, Query(ge=0, le=100_000, description="how many to pass over")]


_KNOWN = 500
_KEPT_SUBSTITUTES = 50
"""An answer with room for more is not kept, so that what is kept stays small."""


@dataclass(frozen=True)
class Service:
    """Made once by `create_app`, kept in `app.state.service`."""

    settings: Settings
    store: GraphStore
    metrics: Metrics
    tracing: Tracing
    searcher: Searcher
    for_users: ForUsers
    demand: Demand
    _answers: Kept[Answer]
    _figures: Kept[dict[str, Any]]
    _known: Kept[list[str]]
    feedback: FeedbackWriter
    accumulated: frozenset[str]
    """Types of feedback whose values add up."""
    items: ServedItems
    experiments: Running
    """The experiments that run."""
    exposures: Exposures
    """What they show to whom."""
    shelves: Shelves
    """What is new and what is popular."""
    kinds: FeedbackKinds
    """What a piece of feedback says of a title."""
    probes: anyio.CapacityLimiter
    """Threads for questions about health, which must not wait for those of other requests."""

    @classmethod
    def over(cls, store: GraphStore, settings: Settings) -> Service:
        """What serves that store."""
        metrics, tracing = Metrics(store), Tracing.of(settings)

        @contextlib.contextmanager
        def stage(name: str) -> Iterator[None]:
            with metrics.stage(name), tracing.stage(name):
                yield

        answers: Kept[Answer] = Kept(store.state, settings.kept_answers)
        figures: Kept[dict[str, Any]] = Kept(store.state, 1)
        kinds = FeedbackKinds.configured(settings)
        searcher = Searcher(store, stage, kinds)
        return cls(
            settings,
            store,
            metrics,
            tracing,
            searcher,
            ForUsers(store, searcher, kinds),
            Demand(store, on=settings.count_searches),
            answers,
            figures,
            Kept(store.state, 1),
            FeedbackWriter(store),
            frozenset(type_.lower() for type_ in settings.accumulated_feedback),
            ServedItems(store, settings.items_catalog),
            Running(store),
            Exposures(store),
            Shelves(store, kinds),
            kinds,
            anyio.CapacityLimiter(2),
        )

    def search(
        self, query: str, scope: Scope, hits: int, substitutes: int, preferences: Preferences = NEUTRAL,
        strategy: str | None = None,
    ) -> tuple[Answer, bool]:  # fmt: skip
        """The answer, and whether it was kept from an earlier request."""
        made: list[Answer] = []

        def make() -> Answer:
            answer = self.searcher.search(
                query, scope, hits=hits, substitutes=substitutes, preferences=preferences, strategy=strategy
            )
            made.append(answer)
            return answer

        if hits * substitutes > _KEPT_SUBSTITUTES:
            return make(), False
        return self._answers.of((query, scope, hits, substitutes, preferences, strategy), make), not made

    def warm(self) -> None:
        """Read what the first search would have to wait for. A store that does not answer is health's to tell."""
        try:
            self.searcher.search("a", Scope(), substitutes=1)
        except StoreError as error:
            _log.warning("the store does not answer yet", extra={"fields": {"error": str(error)}})

    def close(self) -> None:
        """Write and send what is still held."""
        self.feedback.close()
        for what, one in (("counted searches", self.demand), ("answers of experiments", self.exposures)):
            try:
                one.close()
            except StoreError as error:
                _log.error("%s are lost", what, extra={"fields": {"error": str(error)}})
        self.tracing.stop()
        self.metrics.stop()

    def title_of_item(self, catalog: str | None, item: str) -> str | None:
        """The title that an item of a catalog is; catalog None: that of the service."""
        found = self.items.of(catalog).now().by_id.get(item)
        return found.title if found else None

    def figures(self) -> dict[str, Any]:
        """The graph in numbers, counted once for each version and change of offers."""
        return self._figures.of("figures", lambda: figures_of(self.store))

    def best_known(self) -> list[str]:
        """Ids of the best known titles of the graph, found once for each version and change of offers."""
        return self._known.of("known", lambda: best_known(self.store, _KNOWN))


async def service_of(request: Request) -> Service:
    """The service that this app was made for."""
    service: Service = request.app.state.service
    return service


async def scope_of(
    catalog: Annotated[
        str | None,
        Query(max_length=63, description="slug of a catalog; none: all of them together; `*`: the whole graph"),
    ] = None,
    region: RegionQuery = None,
    on: DayQuery = None,
    adult: AdultQuery = False,
) -> Scope:
    """Which titles may be answered, as the query says."""
    return Scope(catalog, region.upper() if region else None, on or today(), adult)


async def preferences_of(
    diversity: Annotated[float, Query(ge=0, le=1, description="0: the best; 1: the best that differ most")] = 0.0,
    cast: Annotated[float, Query(ge=0, le=MOST_WEIGHT, description="how much a cast in common counts")] = 1.0,
    director: Annotated[
        float, Query(ge=0, le=MOST_WEIGHT, description="how much directors and other makers count")
    ] = 1.0,
    genre: Annotated[float, Query(ge=0, le=MOST_WEIGHT, description="how much genres in common count")] = 1.0,
    era: Annotated[float, Query(ge=0, le=MOST_WEIGHT, description="how much being of one time counts")] = 1.0,
    popularity: Annotated[float, Query(ge=0, le=MOST_WEIGHT, description="how much votes count")] = 1.0,
) -> Preferences:
    """How substitutes are ranked, as the query says; 1 changes nothing, 0 takes a facet's pull away."""
    return Preferences(diversity, cast, director, genre, era, popularity)


ServiceDep = Annotated[Service, Depends(service_of)]
ScopeDep = Annotated[Scope, Depends(scope_of)]
PreferencesDep = Annotated[Preferences, Depends(preferences_of)]


def today() -> dt.date:
    """The day that is meant where none is given (UTC)."""
    return dt.datetime.now(dt.UTC).date()


class NotModified(Exception):
    """What the client holds is current: 304."""

    def __init__(self, etag: str) -> None:
        super().__init__(etag)
        self.etag = etag


def read(service: Service, request: Request, response: Response, ask: Callable[[], T]) -> T:
    """Ask the graph, all at one version, for an answer that the client may keep until the graph changes.

    Raises NotModified when the client has that answer already (If-None-Match).
    """
    held = [one.strip() for one in request.headers.get("if-none-match", "").split(",") if one.strip()]
    if held and (etag := _etag(service.store.state(), request)) in held:
        raise NotModified(etag)
    found = at_one_version(service.store, ask)
    response.headers["ETag"] = _etag(found.state, request)
    response.headers["Cache-Control"] = "no-cache"
    return found.value


def _etag(state: str, request: Request) -> str:
    """Weak, for gzip changes the bytes. An answer may depend on the day."""
    told = f"{state} {today()} {request.url.path}?{request.url.query}"
    return f'W/"{hashlib.sha256(told.encode()).hexdigest()[:20]}"'


def found_or_404(found: T | None, what: str) -> T:
    """What was found; a problem where nothing was."""
    if found is None:
        raise Problem(404, f"{what}; /search finds ids by name")
    return found
