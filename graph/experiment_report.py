"""What came of an experiment: of the titles that each arm has shown, the share that users liked soon afterwards.

The units are users, for what one user does hangs together: each has one share, and arms are compared by the means of
these. Intervals are Welch's (1947), which take the arms' variances as they are, not as equal.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from scipy import stats

from graph.experiments import Experiment, named
from graph.feedback_kinds import Condition, FeedbackKinds
from graph.store import GraphStore, Progress

MISMATCH = 0.001
"""A chance below which shares that came out are not those that were asked for (a sample ratio mismatch)."""
_USERS = 2_000
_LEAST_EXPECTED = 5
Counts = Callable[[str, float | None], bool]


@dataclass(frozen=True)
class Difference:
    """To the first arm: of the mean shares, with the 95% interval; None where there are fewer than two users."""

    rate: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class ArmReport:
    """One arm. users: who were shown something; answers: how often; titles: different ones, of each user; outcomes: of
    these; rate: the mean of the users' shares; any: the share of users with an outcome at all.
    """

    name: str
    share: float
    users: int
    answers: int
    titles: int
    outcomes: int
    rate: float | None
    low: float | None
    high: float | None
    any: float | None
    difference: Difference | None = None


@dataclass(frozen=True)
class Report:
    """An experiment and its arms. open: answers after which outcomes may still come. mismatch: how likely shares as
    unlike those asked for are by chance, where users are enough to tell; warnings: what to know before believing it.
    """

    experiment: Experiment
    arms: tuple[ArmReport, ...]
    open: int
    mismatch: float | None
    warnings: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return {
            "experiment": self.experiment.as_dict(), "arms": [asdict(arm) for arm in self.arms], "open": self.open,
            "mismatch": self.mismatch, "unit": "user", "interval": "95%, Welch", "warnings": list(self.warnings),
        }  # fmt: skip


@dataclass
class _Tally:
    answers: int = 0
    titles: int = 0
    outcomes: int = 0
    rates: list[float] = field(default_factory=list)


def report(
    store: GraphStore, name: str, kinds: FeedbackKinds, *, now: float | None = None, progress: Progress | None = None
) -> Report:
    """What came of an experiment up to now (seconds since 1970; None: the clock's). Raises NotInGraph."""
    one = named(store, name)
    until = time.time() if now is None else now
    tallies = {arm.name: _Tally() for arm in one.definition.arms}
    window, counts, still = one.definition.hours * 3600, _counts(one, kinds), 0
    users = sorted({
        head
        for batch in store.scan_relationships("SHOWN", [])
        for head, tail in zip(batch.column("head").to_pylist(), batch.column("tail").to_pylist(), strict=True)
        if tail == name
    })  # fmt: skip
    for start in range(0, len(users), _USERS):
        part = users[start : start + _USERS]
        for arm, shown, liked in _of_users(store, name, part, counts, until):
            tally = tallies.get(arm)
            if tally is None:
                continue
            tally.answers += len(shown)
            still += sum(when + window > until for when, _ in shown)
            times: dict[str, list[int]] = {}
            for when, titles in shown:
                for title in titles:
                    times.setdefault(title, []).append(when)
            hit = sum(
                any(when <= then <= when + window for when in whens for then in liked.get(title, ()))
                for title, whens in times.items()
            )
            tally.titles += len(times)
            tally.outcomes += hit
            if times:
                tally.rates.append(hit / len(times))
        if progress:
            progress("users", (start + len(part)) / len(users))
    arms = _arms(one, tallies)
    chance = _mismatch(arms)
    return Report(one, arms, still, chance, tuple(_warnings(one, arms, still, chance)))


def _of_users(
    store: GraphStore, name: str, users: Sequence[str], counts: Counts, until: float
) -> Iterator[tuple[str, list[tuple[int, list[str]]], dict[str, list[int]]]]:
    """Of each user the arm, what was shown when, and when each title had an outcome."""
    shown: list[list[tuple[int, list[str]]]] = [[] for _ in users]
    arms = [""] * len(users)
    for row in store.neighbours(users, ["SHOWN"], "out", properties=("arm", "titles", "timestamp")).to_pylist():
        if row["neighbour"] == name and row["timestamp"] is not None:
            arms[row["source"]] = row["arm"]
            shown[row["source"]].append((row["timestamp"], row["titles"] or []))
    liked: list[dict[str, list[int]]] = [{} for _ in users]
    for row in store.neighbours(users, ["RATED"], "out", properties=("value", "timestamp")).to_pylist():
        when = row["timestamp"]
        if when is not None and when <= until and counts(row["key"], row["value"]):
            liked[row["source"]].setdefault(row["neighbour"], []).append(when)
    yield from ((arm, answers, said) for arm, answers, said in zip(arms, shown, liked, strict=True) if answers)


def _counts(one: Experiment, kinds: FeedbackKinds) -> Counts:
    """What counts as an outcome."""
    wanted = [Condition.parse(text) for text in one.definition.outcome]
    if not wanted:
        return lambda type_, value: kinds.of(type_, value) == "liked"
    return lambda type_, value: any(condition.met(type_, value) for condition in wanted)


def _arms(one: Experiment, tallies: dict[str, _Tally]) -> tuple[ArmReport, ...]:
    made: list[ArmReport] = []
    first = np.array(tallies[one.definition.arms[0].name].rates)
    for place, arm in enumerate(one.definition.arms):
        tally = tallies[arm.name]
        rates = np.array(tally.rates)
        mean = float(rates.mean()) if len(rates) else None
        half = _half_width(rates)
        difference = None
        if place and len(rates) and len(first):
            apart = float(rates.mean() - first.mean())
            wide = _half_width(first, rates)
            difference = Difference(apart, *((None, None) if wide is None else (apart - wide, apart + wide)))
        low, high = (None, None) if mean is None or half is None else (mean - half, mean + half)
        some = float((rates > 0).mean()) if len(rates) else None
        made.append(ArmReport(
            arm.name, arm.share, len(rates), tally.answers, tally.titles, tally.outcomes, mean, low, high, some,
            difference,
        ))  # fmt: skip
    return tuple(made)


def _half_width(*samples: np.ndarray[Any, Any]) -> float | None:
    """Half of the 95% interval of a mean, or of the difference of two; None where one has fewer than two users."""
    if any(len(one) < 2 for one in samples):
        return None
    parts = [float(one.var(ddof=1)) / len(one) for one in samples]
    if sum(parts) == 0:
        return 0.0
    free = sum(parts) ** 2 / sum(part**2 / (len(one) - 1) for part, one in zip(parts, samples, strict=True))
    return float(stats.t.ppf(0.975, free)) * math.sqrt(sum(parts))


def _mismatch(arms: Sequence[ArmReport]) -> float | None:
    users = np.array([arm.users for arm in arms], np.float64)
    shares = np.array([arm.share for arm in arms])
    expected = users.sum() * shares / shares.sum()
    return float(stats.chisquare(users, expected).pvalue) if expected.min() >= _LEAST_EXPECTED else None


def _warnings(one: Experiment, arms: Sequence[ArmReport], still: int, chance: float | None) -> Iterator[str]:
    if chance is not None and chance < MISMATCH:
        yield (
            f"the arms' shares of users are not those asked for (by chance {chance:.1g}): something keeps users out of "
            "an arm, or their answers from being kept; do not believe the difference before it is found"
        )
    elif chance is None:
        yield "too few users to tell whether the arms' shares are those asked for"
    if still:
        hours = one.definition.hours
        yield f"{still:,} answers are younger than {hours:g} hours: outcomes may still come"
    if any(arm.users < 2 for arm in arms):
        yield "an arm has fewer than two users: there is no interval"
