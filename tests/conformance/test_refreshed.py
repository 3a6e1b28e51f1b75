"""What a refresh says of itself, on every engine: another machine reads it, and only one has the turn."""

from __future__ import annotations

import datetime as dt

import pytest

from graph import refreshed as module
from graph.refreshed import LABEL, RefreshRefused, refreshed, turn
from graph.store import StoreBusy, open_store


def test_nothing_is_said_before_the_first_one(store):
    assert refreshed(store) is None


def test_another_process_reads_how_far_it_is_and_how_it_went(store, tmp_path):
    other = open_store(store.url)
    with turn(store, tmp_path) as mine:
        assert mine.before is None
        mine.step("download")
        mine.step("load")
        mine.note(files='{"imdb a": "1 \\" 2"}', fresh=module.now_text())
        seen = refreshed(other)
        assert (seen.state, seen.step, seen.problem) == ("running", "load", None)
        assert str(seen).startswith(f"at load since {seen.began.isoformat()}; last done ")
    seen = refreshed(other)
    assert (seen.state, seen.step, dict(seen.files)) == ("done", "load", {"imdb a": '1 " 2'})
    assert 0 <= seen.age_seconds < 60
    other.close()
    with turn(store, tmp_path) as mine:
        assert mine.before.files == {"imdb a": '1 " 2'}
    assert refreshed(store).fresh == seen.fresh


@pytest.mark.parametrize(
    ("error", "state", "problem"),
    [(OSError("no room"), "failed", "no room"), (RefreshRefused("half is gone"), "refused", "half is gone"),
     (KeyboardInterrupt(), "failed", "interrupted"), (ValueError(), "failed", "ValueError"),
     (OSError("x" * 5_000), "failed", "x" * 1_000)],
)  # fmt: skip
def test_what_went_wrong_is_said_and_is_over_with_the_next_one(store, tmp_path, error, state, problem):
    def fail():
        with turn(store, tmp_path) as mine:
            mine.step("load")
            raise error

    with pytest.raises(type(error)):
        fail()
    seen = refreshed(store)
    assert (seen.state, seen.problem, seen.fresh) == (state, problem, None)
    assert f"{state} at load, 0 seconds ago: {problem}; never yet done" in str(seen).replace("1 sec", "0 sec")
    with turn(store, tmp_path):
        assert refreshed(store).problem is None
    assert refreshed(store).state == "done"


def test_a_second_one_elsewhere_is_refused_while_the_first_lives(store, tmp_path):
    with turn(store, tmp_path / "here") as mine:
        mine.step("load")
        with pytest.raises(StoreBusy, match=r"here process \d+\.\w+ refreshes .* at load since .*; wait"):
            turn(store, tmp_path / "there").__enter__()
        mine.step("still mine")
    with turn(store, tmp_path / "there"):
        pass


def test_who_is_silent_loses_the_turn_and_stops_at_its_next_step(store, tmp_path):
    def be_slow():
        with turn(store, tmp_path / "here") as mine:
            mine.step("load")
            long_ago = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=module.SILENT_SECONDS + 60)
            store.upsert_nodes(LABEL, [{"id": module.ID, "seen": long_ago.isoformat(timespec="seconds")}])
            assert refreshed(store).state == "broken off"
            assert "broken off at load, 6 minutes ago; go on with: reelgraph refresh" in str(refreshed(store))
            with turn(store, tmp_path / "there") as other:
                other.step("download")
            mine.step("publish")

    with pytest.raises(StoreBusy, match=r"there process .* has taken over the refresh"):
        be_slow()
    # What the first one has to say is no longer of interest.
    assert (refreshed(store).state, refreshed(store).step) == ("done", "download")


def test_it_says_that_it_lives_while_a_step_takes_long(store, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "BEAT_SECONDS", 0.05)
    with turn(store, tmp_path) as mine:
        mine.step("train")
        long_ago = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
        store.upsert_nodes(LABEL, [{"id": module.ID, "seen": long_ago.isoformat(timespec="seconds")}])
        deadline = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=30)
        while refreshed(store).state != "running":
            assert dt.datetime.now(dt.UTC) < deadline
        assert refreshed(store).step == "train"
