"""Experiments: shares by hash, what is kept of whom, and reports on outcomes whose difference is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graph import exposures
from graph.experiment_report import ArmReport, report
from graph.experiments import Assigned, Definition, ExperimentError, Running, delete, listed, named, start, stop
from graph.exports.parquet import export_parquet
from graph.exposures import Exposures, shown_to
from graph.feedback_kinds import FeedbackKinds
from graph.preferences import NEUTRAL, Preferences
from graph.rules import PLAIN, Rules
from graph.store import GraphStore, NotInGraph, Scope, StoreFull, open_store
from graph.users import delete as delete_user
from graph.users import export

KINDS = FeedbackKinds.parse(["like"], ["dismiss"])
TITLES = [f"tt{number:07}" for number in range(1, 21)]
HOUR, BEGAN = 3600, 1_790_000_000
NOW = BEGAN + 1_000 * HOUR
ARMS = [{"name": "as-is", "share": 0.7}, {"name": "varied", "share": 0.3, "preferences": {"diversity": 0.5}}]
VERSIONS = {"graph": "000001", "tastes": "run"}


def definition(name: str = "trial", **told: Any) -> Definition:
    return Definition.checked({"name": name, "arms": ARMS, "hours": 24, **told}, "here")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[GraphStore]:
    made = open_store(f"embedded:{tmp_path / 'store'}", create=True)
    made.upsert_nodes("Title", [{"id": id_, "title": id_, "kind": "movie"} for id_ in TITLES])
    made.upsert_nodes("Catalog", [{"id": "north", "name": "North"}, {"id": "south", "name": "South"}])
    yield made
    made.close()


def shown(store: GraphStore, rows: list[tuple[str, str, list[str], int]], name: str = "trial") -> None:
    """Write that users were shown titles by arms: (user, arm, titles, seconds)."""
    store.upsert_nodes("User", [{"id": user} for user in sorted({row[0] for row in rows})])
    store.upsert_relationships("SHOWN", [
        {"head": user, "tail": name, "key": str(place), "answer": str(place), "arm": arm, "titles": titles,
         "graph": "1", "timestamp": when}
        for place, (user, arm, titles, when) in enumerate(rows)
    ])  # fmt: skip


def said(store: GraphStore, *rows: tuple[str, str, str, int]) -> None:
    store.upsert_relationships("RATED", [
        {"head": user, "tail": title, "key": type_, "type": type_, "timestamp": when}
        for user, title, type_, when in rows
    ])  # fmt: skip


# Who is in which arm


def test_arms_get_their_shares_and_a_user_stays_where_they_are() -> None:
    one, count = definition(), 20_000
    arms = [one.arm_of(f"user {number}") for number in range(count)]
    assert arms == [one.arm_of(f"user {number}") for number in range(count)]
    found = Counter(arm.name for arm in arms if arm)
    for arm in one.arms:
        assert abs(found[arm.name] / count - arm.share) < 4 * np.sqrt(arm.share * (1 - arm.share) / count)
    assert sum(found.values()) == count
    first = "".join(arm.name[0] for arm in arms[:12] if arm)
    assert first == "aavavaavvava", "users have changed their arms: no release may do that"


def test_experiments_part_users_each_in_its_own_way() -> None:
    halves = [{"name": "a", "share": 0.5}, {"name": "b", "share": 0.5}]
    first, second = (definition(name, arms=halves) for name in ("one", "two"))
    same = sum(first.arm_of(f"u{n}").name == second.arm_of(f"u{n}").name for n in range(10_000))  # type: ignore[union-attr]
    assert abs(same / 10_000 - 0.5) < 0.02


def test_users_beyond_the_shares_are_in_no_arm(store: GraphStore) -> None:
    arms = [{"name": "a", "share": 0.1}, {"name": "b", "share": 0.1}]
    one = start(store, definition(arms=arms)).definition
    found = Counter(arm.name if (arm := one.arm_of(f"u{n}")) else None for n in range(10_000))
    assert abs(found[None] / 10_000 - 0.8) < 0.02
    outside = next(f"u{n}" for n in range(100) if one.arm_of(f"u{n}") is None)
    assert Running(store).assigned(outside, Scope("north")) is None


def test_what_an_arm_sets_and_a_request_asks_for() -> None:
    told = {"name": "a", "share": 0.5, "preferences": {"diversity": 0.5, "era": 2.0},
            "rules": {"explore": 0.2, "per_series": 1}}  # fmt: skip
    arm = definition(arms=[told, ARMS[1]]).arms[0]
    assert arm.applied(NEUTRAL, PLAIN) == (Preferences(diversity=0.5, era=2.0), Rules(explore=0.2, per_series=1))
    wanted, rules = Preferences(diversity=0.1), Rules(per_series=3, minutes=90)
    assert arm.applied(wanted, rules) == (
        Preferences(diversity=0.1, era=2.0), Rules(explore=0.2, per_series=3, minutes=90)
    )  # fmt: skip


# Definitions


@pytest.mark.parametrize(
    ("told", "key", "said"),
    [
        ({"arms": ARMS[:1]}, "arms", "at least 2"),
        ({"arms": [ARMS[0], {**ARMS[1], "share": 0.4}]}, "", "1.1 together"),
        ({"arms": [ARMS[0], {**ARMS[0], "share": 0.1}]}, "", "2 arms are called 'as-is'"),
        ({"arms": [ARMS[0], {"name": "x", "share": 0}]}, "arms.1.share", "greater than 0"),
        ({"arms": [ARMS[0], {**ARMS[1], "preferences": {"mood": 1}}]}, "arms.1.preferences", "no preference 'mood'"),
        ({"arms": [ARMS[0], {**ARMS[1], "preferences": {"era": 9}}]}, "arms.1.preferences", "from 0 to 4"),
        ({"arms": [ARMS[0], {**ARMS[1], "rules": {"hide": 1}}]}, "arms.1.rules.hide", "not permitted"),
        ({"arms": [ARMS[0], {**ARMS[1], "rules": {"explore": 2}}]}, "arms.1.rules.explore", "less than or equal"),
        ({"name": "Two Words"}, "name", "pattern"),
        ({"outcome": ["rating>>4"]}, "outcome", "no condition"),
        ({"hours": 0}, "hours", "greater than 0"),
        ({"colour": 1}, "colour", "not permitted"),
    ],
)
def test_what_is_no_experiment(told: dict[str, Any], key: str, said: str) -> None:
    with pytest.raises(ExperimentError, match=said) as error:
        definition(**told)
    assert str(error.value).startswith(f"here: {key}")


def test_files(tmp_path: Path) -> None:
    file = tmp_path / "trial.toml"
    file.write_text('name = "t"\n[[arms]]\nname = "a"\nshare = 0.5\n[[arms]]\nname = "b"\nshare = 0.5\n', "utf-8")
    assert [arm.name for arm in Definition.read(file).arms] == ["a", "b"]
    for content, said in ((b"name = ", "no TOML"), (b"\xff", "no TOML"), (b"#" * 70_000, "70,000 bytes")):
        file.write_bytes(content)
        with pytest.raises(ExperimentError, match=said):
            Definition.read(file)
    with pytest.raises(ExperimentError, match="cannot be read: No such file"):
        Definition.read(tmp_path / "none.toml")


# In a store


def test_one_at_a_time_for_a_catalog(store: GraphStore) -> None:
    start(store, definition("first", catalog="north"))
    start(store, definition("other", catalog="south"))
    for catalog in ("north", None):
        with pytest.raises(ExperimentError, match="reelgraph experiment stop first"):
            start(store, definition("second", catalog=catalog))
    with pytest.raises(NotInGraph, match="no catalog 'west'"):
        start(store, definition("second", catalog="west"))
    assert stop(store, "first").ended
    with pytest.raises(ExperimentError, match="stopped at"):
        stop(store, "first")
    with pytest.raises(ExperimentError, match="there is an experiment 'first' already"):
        start(store, definition("first", catalog="north"))
    start(store, definition("second", catalog="north"))
    assert [(one.definition.name, one.ended is None) for one in listed(store)] == [
        ("first", False), ("other", True), ("second", True)
    ]  # fmt: skip
    assert named(store, "other").definition == definition("other", catalog="south")
    for missing in (named, stop, delete):
        with pytest.raises(NotInGraph, match="experiment list"):
            missing(store, "nothing")


def test_an_arm_names_a_strategy_that_the_store_can_answer_by(store: GraphStore) -> None:
    def arms(**told: Any) -> list[dict[str, Any]]:
        return [ARMS[0], {"name": "other", "share": 0.3, **told}]

    with pytest.raises(ExperimentError, match=r"the arm 'other': .*'magic'"):
        start(store, definition(arms=arms(strategy="magic")))
    with pytest.raises(ExperimentError, match=r"the arm 'other': .*follows no preferences"):
        start(store, definition(arms=arms(strategy="popularity", preferences={"diversity": 0.5})))
    assert listed(store) == []
    start(store, definition(arms=arms(strategy="popularity")))
    assert named(store, "trial").definition.arms[1].strategy == "popularity"


def test_all_processes_see_it_and_only_its_catalog_counts(store: GraphStore) -> None:
    first, second = (Running(other, 0.0) for other in (store, open_store(store.url)))
    assert first.assigned("u", Scope("north")) is None
    start(store, definition(catalog="north"))
    by = second.assigned("u", Scope("north"))
    assert by is not None
    assert by.as_dict() == {"name": "trial", "arm": definition().arm_of("u").name}  # type: ignore[union-attr]
    assert second.assigned("u", Scope("south")) is second.assigned("u", Scope()) is None
    stop(store, "trial")
    assert Running(store).assigned("u", Scope("north")) is None


def test_what_is_shown_is_kept_of_users_that_are_there(store: GraphStore) -> None:
    one = start(store, definition()).definition
    store.upsert_nodes("User", [{"id": "ada"}, {"id": "bob"}])
    log, by = Exposures(store, seconds=60), Assigned("trial", one.arms[0])
    for user in ("ada", "stranger", "bob", "ada"):
        log.add(user, by, TITLES[:3], VERSIONS, "hybrid", BEGAN)
    assert shown_to(store, "ada") == [], "an answer waits for no write"
    delete_user(store, "bob")
    log.close()
    told = {"experiment": "trial", "arm": "as-is", "titles": TITLES[:3], "strategy": "hybrid", "graph": "000001",
            "run": "run", "time": "2026-09-21T14:13:20Z"}  # fmt: skip
    assert shown_to(store, "ada") == [told, told]
    assert export(store, "ada")["shown"] == [told, told]  # type: ignore[index]
    assert store.info().counts["SHOWN"] == 2
    assert not store.get_nodes("User", ["stranger", "bob"], []).num_rows


def test_a_user_goes_with_what_they_were_shown_and_so_does_an_experiment(store: GraphStore, tmp_path: Path) -> None:
    start(store, definition())
    shown(store, [("ada", "as-is", TITLES[:2], BEGAN), ("bob", "varied", TITLES[:2], BEGAN)])
    assert not {"SHOWN", "Experiment"} & set(export_parquet(store, tmp_path / "export").names)
    delete_user(store, "ada")
    assert shown_to(store, "ada") == []
    assert [arm.users for arm in report(store, "trial", KINDS, now=NOW).arms] == [0, 1]
    delete(store, "trial")
    assert store.info().counts["SHOWN"] == 0
    assert store.get_nodes("User", ["bob"], []).num_rows


def test_what_is_kept_has_bounds(store: GraphStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exposures, "MOST_A_DAY", 3)
    monkeypatch.setattr(exposures, "MOST_WAITING", 5)
    store.upsert_nodes("User", [{"id": f"u{n}"} for n in range(5)])
    one = start(store, definition()).definition
    log = Exposures(store, seconds=60)
    for user in [f"u{n}" for n in range(5) for _ in range(4)]:
        log.add(user, Assigned("trial", one.arms[0]), TITLES[:1], VERSIONS, None)
    assert log.dropped == 15
    log.close()
    assert store.info().counts["SHOWN"] == 5


def test_what_cannot_be_written_is_written_later(store: GraphStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.upsert_nodes("User", [{"id": "ada"}])
    log = Exposures(store, seconds=60)
    log.add("ada", Assigned("trial", start(store, definition()).definition.arms[0]), TITLES[:1], VERSIONS, None)

    def full(*_: Any) -> int:
        raise StoreFull("full")

    with monkeypatch.context() as patched:
        patched.setattr(store, "upsert_relationships", full)
        with pytest.raises(StoreFull):
            log.flush()
    log.close()
    assert len(shown_to(store, "ada")) == 1


# Reports


def test_outcomes_are_what_follows_within_the_hours(store: GraphStore) -> None:
    start(store, definition())
    shown(store, [
        ("ada", "as-is", TITLES[:4], BEGAN), ("ada", "as-is", TITLES[2:6], BEGAN + 100 * HOUR),
        ("bob", "varied", TITLES[:2], BEGAN), ("cat", "varied", TITLES[:2], BEGAN),
    ])  # fmt: skip
    said(
        store,
        ("ada", TITLES[0], "like", BEGAN + 24 * HOUR),  # just in time
        ("ada", TITLES[1], "like", BEGAN + 25 * HOUR),  # too late
        ("ada", TITLES[2], "like", BEGAN + 101 * HOUR),  # after the second time
        ("ada", TITLES[3], "dismiss", BEGAN + HOUR),  # no outcome
        ("ada", TITLES[4], "like", BEGAN + HOUR),  # before it was shown
        ("ada", TITLES[9], "like", BEGAN + HOUR),  # never shown
        ("bob", TITLES[0], "like", NOW + HOUR),  # is not there yet
        ("cat", TITLES[0], "like", BEGAN),
    )
    first, second = report(store, "trial", KINDS, now=NOW).arms
    assert (first.users, first.answers, first.titles, first.outcomes) == (1, 2, 6, 2)
    assert first.rate == pytest.approx(2 / 6)
    assert (second.users, second.outcomes, second.rate, second.any) == (2, 1, 0.25, 0.5)
    assert second.difference is not None
    assert (second.difference.rate, second.difference.low) == (pytest.approx(0.25 - 2 / 6), None)
    own = report(store, "trial", FeedbackKinds.parse(["dismiss"], []), now=NOW).arms[0]
    assert own.outcomes == 1


def test_a_definition_may_say_what_an_outcome_is(store: GraphStore) -> None:
    start(store, definition(outcome=["play", "dismiss"]))
    shown(store, [("ada", "as-is", TITLES[:4], BEGAN)])
    said(store, ("ada", TITLES[0], "like", BEGAN + 1), ("ada", TITLES[1], "play", BEGAN + 1))
    assert report(store, "trial", KINDS, now=NOW).arms[0].outcomes == 1


def simulated(store: GraphStore, rates: tuple[float, float], users: int, seed: int, name: str = "trial") -> None:
    """Users by the arms' own shares, each shown ten titles and liking them by their arm's rate."""
    chance, one = np.random.default_rng(seed), named(store, name).definition
    rows, likes = [], []
    for number in range(users):
        user = f"{name}{seed}-{number}"
        arm = one.arm_of(user)
        assert arm is not None
        own = chance.beta(5 * rates[arm is one.arms[1]], 5 * (1 - rates[arm is one.arms[1]]))  # people differ
        rows.append((user, arm.name, TITLES[:10], BEGAN))
        likes += [(user, title, "like", BEGAN + HOUR) for title in TITLES[:10] if chance.random() < own]
    shown(store, rows, name)
    said(store, *likes)


def test_a_known_difference_is_found_and_the_interval_holds_it(store: GraphStore) -> None:
    start(store, definition())
    simulated(store, (0.20, 0.35), 1_500, 1)
    found = report(store, "trial", KINDS, now=NOW)
    first, second = found.arms
    assert first.difference is None
    assert second.difference is not None
    assert second.difference.low < 0.15 < second.difference.high  # type: ignore[operator]
    assert second.difference.low > 0  # type: ignore[operator]
    assert second.difference.high - second.difference.low < 0.08  # type: ignore[operator]
    assert first.rate == pytest.approx(0.20, abs=0.03)
    assert found.warnings == ()
    assert found.mismatch is not None
    assert found.mismatch > 0.001


def test_intervals_hold_no_difference_as_often_as_they_say() -> None:
    """Twenty rates a sample, 400 samples of the same kind: 95% of the intervals hold 0."""
    from graph.experiment_report import _half_width

    chance = np.random.default_rng(0)
    held = 0
    for _ in range(400):
        one, other = chance.beta(1, 4, 30), chance.beta(1, 4, 20)
        held += abs(one.mean() - other.mean()) <= (_half_width(one, other) or 0)
    assert 0.92 < held / 400 < 0.98


def test_shares_that_are_not_those_asked_for_are_told(store: GraphStore) -> None:
    start(store, definition())
    rows = [(f"u{n}", "as-is" if n < 110 else "varied", TITLES[:2], BEGAN) for n in range(200)]
    shown(store, rows)
    found = report(store, "trial", KINDS, now=NOW)
    assert [arm.users for arm in found.arms] == [110, 90]
    assert found.mismatch is not None
    assert found.mismatch < 0.001
    assert "shares of users are not those asked for" in found.warnings[0]
    assert found.as_dict()["warnings"] == list(found.warnings)


def test_open_windows_and_nobody(store: GraphStore) -> None:
    start(store, definition())
    found = report(store, "trial", KINDS, now=NOW)
    assert [arm.rate for arm in found.arms] == [None, None]
    assert "too few users" in found.warnings[0]
    shown(store, [("ada", "as-is", TITLES[:2], NOW - HOUR), ("bob", "varied", TITLES[:2], NOW - 30 * HOUR)])
    found = report(store, "trial", KINDS, now=NOW)
    assert found.open == 1
    assert any("1 answers are younger than 24 hours" in one for one in found.warnings)
    assert all(isinstance(arm, ArmReport) for arm in found.arms)
