"""Experiments: ways to recommend, each for a share of the users, compared on what these do next.

Which arm a user is in follows from the names of both alone: every worker says the same, always, and nothing is written
for it. Definitions are in the store, so that all workers see them. `graph.exposures` keeps who was shown what,
`graph.experiment_report` says what came of it.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from graph.feedback_kinds import Condition
from graph.preferences import Preferences
from graph.recounted import Recounted
from graph.rules import Rules
from graph.store import GraphStore, NotInGraph, Scope
from graph.strategy import StrategyError

LABEL = "Experiment"
MOST_ARMS = 10
KEPT_SECONDS = 5.0
"""How long a worker goes by the definitions that it has read."""
_FILE_BYTES = 65_536
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]


class ExperimentError(ValueError):
    """An experiment that cannot be: what is wrong with its definition, or which other one stands in its way."""


class ArmRules(BaseModel):
    """Rules that an arm may set (`graph.rules`)."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    per_series: int | None = Field(None, ge=0, le=1_000)
    per_director: int | None = Field(None, ge=0, le=1_000)
    explore: float | None = Field(None, ge=0, le=1)


class Arm(BaseModel):
    """One way to recommend, and the share of users who are answered by it. What it does not name is as without it.

    strategy: by which (`graph.strategies`).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    share: float = Field(gt=0, le=1)
    strategy: str | None = Field(None, min_length=1, max_length=63)
    preferences: dict[str, float] = {}
    rules: ArmRules = ArmRules()

    @field_validator("preferences")
    @classmethod
    def _can_be_followed(cls, given: dict[str, float]) -> dict[str, float]:
        known = [field.name for field in dataclasses.fields(Preferences)]
        for name in given:
            if name not in known:
                raise ValueError(f"there is no preference {name!r}; there are {', '.join(known)}")
        Preferences(**given)
        return given

    def applied(self, wanted: Preferences, rules: Rules) -> tuple[Preferences, Rules]:
        """How a request is answered in this arm: what the request itself asks for stays."""
        return _over(wanted, self.preferences), _over(rules, self.rules.model_dump(exclude_none=True))


class Definition(BaseModel):
    """An experiment as it is written down.

    catalog: only requests about it count; None: all requests. outcome: feedback that counts as one, as `rating>=4`;
    none: what counts as a like. hours: how long after a title was shown feedback on it counts. Where shares are less
    than 1 together, the other users are in no arm.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    about: str = Field("", max_length=500)
    catalog: str | None = Field(None, min_length=1, max_length=63)
    outcome: list[str] = Field([], max_length=20)
    hours: float = Field(168.0, gt=0, le=8_760)
    arms: list[Arm] = Field(min_length=2, max_length=MOST_ARMS)

    @field_validator("outcome")
    @classmethod
    def _are_conditions(cls, texts: list[str]) -> list[str]:
        for text in texts:
            Condition.parse(text)
        return texts

    @model_validator(mode="after")
    def _parts_a_whole(self) -> Definition:
        for name, count in Counter(arm.name for arm in self.arms).items():
            if count > 1:
                raise ValueError(f"{count} arms are called {name!r}; give each a name of its own")
        whole = sum(arm.share for arm in self.arms)
        if whole > 1 + 1e-9:
            raise ValueError(f"the shares of the arms are {whole:g} together; they must be 1 at most")
        return self

    def arm_of(self, user: str) -> Arm | None:
        """The arm that a user is in; None: in none."""
        digest = hashlib.sha256(f"{self.name}\0{user}".encode()).digest()
        point, below = int.from_bytes(digest[:8]) / 2**64, 0.0
        for arm in self.arms:
            below += arm.share
            if point < below:
                return arm
        return self.arms[-1] if below > 1 - 1e-9 else None

    @classmethod
    def read(cls, path: Path) -> Definition:
        """From a TOML file. Raises ExperimentError."""
        try:
            content = path.read_bytes()
            if len(content) > _FILE_BYTES:
                raise ExperimentError(
                    f"{path} is {len(content):,} bytes long; an experiment takes less than {_FILE_BYTES:,}"
                )
            return cls.checked(tomllib.loads(content.decode()), str(path))
        except OSError as error:
            raise ExperimentError(f"{path} cannot be read: {error.strerror}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ExperimentError(f"{path} is no TOML: {error}") from None

    @classmethod
    def checked(cls, told: Any, where: str) -> Definition:
        """From plain data. Raises ExperimentError naming the key at fault."""
        try:
            return cls.model_validate(told)
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(str(part) for part in first["loc"])
            said = str(first["msg"]).removeprefix("Value error, ")
            raise ExperimentError(f"{where}: {f'{key}: ' if key else ''}{said}") from None


@dataclass(frozen=True)
class Experiment:
    """An experiment of a store. began, ended: ISO 8601, UTC; ended None: it runs."""

    definition: Definition
    began: str
    ended: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return self.definition.model_dump(exclude_none=True) | {"began": self.began, "ended": self.ended}


@dataclass(frozen=True)
class Assigned:
    """The arm of an experiment that answers a user."""

    experiment: str
    arm: Arm

    def as_dict(self) -> dict[str, str]:
        """Plain data, for JSON."""
        return {"name": self.experiment, "arm": self.arm.name}


class Running:
    """The experiments that run, as they were read from the store last: no request waits for it. Safe for threads."""

    def __init__(self, store: GraphStore, seconds: float = KEPT_SECONDS) -> None:
        self._held = Recounted("experiments", lambda: [one for one in listed(store) if one.ended is None], seconds)

    def assigned(self, user: str, scope: Scope) -> Assigned | None:
        """The arm that answers a user in a scope; None: no experiment is about it, or the user is in no arm."""
        for one in self._held.now():
            if one.definition.catalog in (None, scope.catalog):
                arm = one.definition.arm_of(user)
                return Assigned(one.definition.name, arm) if arm else None
        return None


def listed(store: GraphStore) -> list[Experiment]:
    """All experiments of a store, the oldest first."""
    rows = [row for batch in store.scan_nodes(LABEL) for row in batch.to_pylist()]
    return sorted((_of_row(row) for row in rows), key=lambda one: (one.began, one.definition.name))


def named(store: GraphStore, name: str) -> Experiment:
    """One of them. Raises NotInGraph."""
    for row in store.get_nodes(LABEL, [name]).to_pylist():
        return _of_row(row)
    raise NotInGraph(f"there is no experiment {name!r}; `reelgraph experiment list` names them")


def start(store: GraphStore, definition: Definition) -> Experiment:
    """Begin an experiment. Raises NotInGraph for its catalog, ExperimentError where another one stands in its way, or
    where the store cannot answer by a strategy of an arm.
    """
    catalog = definition.catalog
    if catalog is not None and not store.get_nodes("Catalog", [catalog], []).num_rows:
        raise NotInGraph(f"there is no catalog {catalog!r} in {store.url}")
    for one in listed(store):
        other = one.definition
        if other.name == definition.name:
            raise ExperimentError(f"there is an experiment {other.name!r} already; give this one a name of its own")
        if one.ended is None and (catalog is None or other.catalog in (None, catalog)):
            raise ExperimentError(
                f"the experiment {other.name!r} runs for {other.catalog or 'all catalogs'}, and a user is in one at a "
                f"time; stop it first: reelgraph experiment stop {other.name}"
            )
    _check_strategies(store, definition)
    began = _now()
    store.upsert_nodes(LABEL, [{"id": definition.name, "definition": definition.model_dump_json(), "began": began}])
    return Experiment(definition, began)


def _check_strategies(store: GraphStore, definition: Definition) -> None:
    from graph.search import Searcher  # it takes what all searches need

    strategies, state = Searcher(store).strategies, store.state()
    for arm in definition.arms:
        try:
            strategies.chosen(arm.strategy, None, state, Preferences(**arm.preferences))
        except StrategyError as error:
            raise ExperimentError(f"the arm {arm.name!r}: {error}") from None


def stop(store: GraphStore, name: str) -> Experiment:
    """End an experiment; what was shown stays for its report. Raises NotInGraph, ExperimentError where it has ended."""
    found = named(store, name)
    if found.ended is not None:
        raise ExperimentError(f"the experiment {name!r} was stopped at {found.ended} already")
    ended = _now()
    store.upsert_nodes(LABEL, [{"id": name, "ended": ended}])
    return dataclasses.replace(found, ended=ended)


def delete(store: GraphStore, name: str) -> None:
    """Remove an experiment with all that it has shown. Raises NotInGraph."""
    if not store.delete_nodes(LABEL, [name]):
        raise NotInGraph(f"there is no experiment {name!r}; `reelgraph experiment list` names them")


def _of_row(row: dict[str, Any]) -> Experiment:
    definition = Definition.model_validate_json(row["definition"])
    return Experiment(definition, row["began"], row["ended"])


def _over(given: Any, changes: dict[str, Any]) -> Any:
    """With changes of what is as it stands by itself."""
    plain = {field.name: field.default for field in dataclasses.fields(given)}
    return dataclasses.replace(given, **{n: value for n, value in changes.items() if getattr(given, n) == plain[n]})


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
