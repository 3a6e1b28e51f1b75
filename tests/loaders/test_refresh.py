"""A graph that is kept as the published files are: what is fetched, loaded, refused, and left alone."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from graph.refreshed import RefreshRefused, refreshed
from graph.store import GraphStore, StoreBusy, open_store
from loaders.catalog import CatalogFile
from loaders.download import DownloadError
from loaders.imdb import Choices, LoadError
from loaders.load import ASIDE, load
from loaders.refresh import Outcome, refresh
from loaders.wanted import Wanted
from tests.servers import published as server
from tests.servers.published import Published, rows

NEW, SAME = 200, 304


class NoVectors:
    """Nothing to train; counts how often it was asked."""

    def __init__(self) -> None:
        self.asked, self.wanted, self.is_due = 0, "nothing", False
        self.done: Sequence[Any] = ()

    def settled(self) -> str:
        return self.wanted

    def due(self, _store: GraphStore) -> bool:
        return self.is_due

    def renew(self, _store: GraphStore, step: Callable[[str], None], _progress: object) -> Sequence[Any]:
        self.asked += 1
        step("fold in")
        return self.done


class Job:
    """A refresh of one store from one server, with what each call may change."""

    def __init__(self, store: GraphStore, published: Published, folder: Path) -> None:
        self.store, self.published, self.vectors = store, published, NoVectors()
        self.folder = folder
        self.given: dict[str, Any] = {}

    def __call__(self, **options: Any) -> Outcome:
        self.published.take()
        wanted = Wanted(self.folder, **{"url": self.published.url} | self.given)
        return refresh(self.store, wanted, self.vectors, **options)

    def titles(self) -> int:
        return self.store.info().counts["Title"]


@pytest.fixture
def published(tmp_path: Path) -> Iterator[Published]:
    with server.published(tmp_path / "published") as made:
        made.put(rows(60))
        yield made


@pytest.fixture
def job(published: Published, tmp_path: Path) -> Iterator[Job]:
    store = open_store(f"embedded:{tmp_path / 'store'}", create=True)
    yield Job(store, published, tmp_path / "imdb")
    store.close()


def test_the_first_one_loads_and_a_second_one_does_nothing(job: Job) -> None:
    first = job()
    assert first.loaded is not None
    assert (job.published.take(), job.titles(), first.version) == ([NEW] * 7, 60, "000001")
    state, seen = job.store.state(), refreshed(job.store)
    second = job()
    assert (job.published.take(), second.loaded, second.vectors, job.vectors.asked) == ([SAME] * 7, None, (), 1)
    assert (job.store.state(), second.version, second.after.state) == (state, "000001", "done")
    assert seen is not None
    assert seen.fresh is not None
    assert second.after.fresh is not None
    assert second.after.fresh >= seen.fresh
    assert second.as_dict()["loaded"] is None


def test_what_has_changed_is_loaded_and_the_last_good_version_stays(job: Job) -> None:
    job()
    job.published.put(rows(61))
    done = job()
    assert sorted(job.published.take()) == [NEW] * 5 + [SAME] * 2
    assert done.as_dict()["fetched"] == [
        "title.akas.tsv.gz", "title.basics.tsv.gz", "title.crew.tsv.gz", "title.principals.tsv.gz",
        "title.ratings.tsv.gz",
    ]  # fmt: skip
    assert (job.titles(), done.version) == (61, "000002")
    job.store.rollback()
    assert job.titles() == 60
    # Whoever went back wants it so, until there are new files.
    assert (job().loaded, job.titles()) == (None, 60)
    job.published.put(rows(61, votes=1))
    assert (job().loaded is not None, job.titles()) == (True, 61)


def test_catalogs_and_feedback_that_it_was_not_told_of_stay(job: Job, tmp_path: Path) -> None:
    job()
    (tmp_path / "north.csv").write_text("item_id,tconst,title\nn1,tt0000001,Film 1\nn2,,Our own\n", "utf-8")
    load(job.store, catalogs=[CatalogFile.of(f"{tmp_path / 'north.csv'}:north")])
    job.store.upsert_nodes("User", [{"id": "u"}])
    job.store.upsert_relationships("RATED", [{"head": "u", "tail": "tt0000001", "key": "like", "type": "like"}])
    job.published.put(rows(61))
    job()
    counts = job.store.info().counts
    assert (counts["Title"], counts["OFFERS"], counts["RATED"]) == (62, 2, 1)


def test_a_catalog_that_has_changed_is_loaded_without_the_graph(job: Job, tmp_path: Path) -> None:
    films, seen = tmp_path / "north.csv", tmp_path / "seen.csv"
    films.write_text("item_id,tconst,title\nn1,tt0000001,Film 1\nn2,,Filn 22\n", "utf-8")
    seen.write_text("user_id,tconst,rating\nu1,tt0000003,5\n", "utf-8")
    job.given = {"catalogs": [CatalogFile.of(f"{films}:north")], "feedback": [seen]}
    job()
    assert job().loaded is None
    films.write_text("item_id,tconst,title\nn1,tt0000002,Film 2\nn2,,Filn 22\n", "utf-8")
    done = job()
    assert done.loaded is not None
    assert (done.loaded.imdb, len(done.loaded.catalogs), done.loaded.feedback) == (None, 1, [])
    offers = [row["tail"] for batch in job.store.scan_relationships("OFFERS", []) for row in batch.to_pylist()]
    assert "tt0000002" in offers
    seen.write_text("user_id,tconst,rating\nu1,tt0000003,5\nu2,tt0000003,4\n", "utf-8")
    done = job()
    assert done.loaded is not None
    assert (done.loaded.catalogs, len(done.loaded.feedback), job.store.info().counts["RATED"]) == ([], 1, 2)
    assert job().loaded is None


def test_a_decision_about_a_doubtful_item_is_something_new(job: Job, tmp_path: Path) -> None:
    films = tmp_path / "north.csv"
    films.write_text("item_id,title,year\nn2,Flim 22,1972\n", "utf-8")
    job.given = {"catalogs": [CatalogFile.of(f"{films}:north")]}
    job()
    review = tmp_path / "north.review.csv"
    assert job().loaded is None
    header, *lines = review.read_text("utf-8").splitlines()
    place = header.split(",").index("decision")
    cells = [line.split(",") for line in lines]
    cells[0][place] = "tt0000022"
    review.write_text("\n".join([header, *map(",".join, cells)]) + "\n", "utf-8")
    assert job().loaded is not None
    offers = [row["tail"] for batch in job.store.scan_relationships("OFFERS", []) for row in batch.to_pylist()]
    assert offers == ["tt0000022"]
    assert job().loaded is None


def test_other_choices_are_something_new(job: Job) -> None:
    job()
    job.given = {"choices": Choices(alternates=False)}
    assert job().loaded is not None
    assert job.store.info().counts["AlternateTitle"] == 0
    assert job().loaded is None


def test_files_that_have_lost_titles_are_refused_and_the_store_stays(job: Job) -> None:
    job()
    state = job.store.state()
    lost = rows(60)
    lost["title.basics"] = rows(80)["title.basics"][2:]  # 20 others do not make up for them
    job.published.put(lost)
    with pytest.raises(RefreshRefused, match=r"lack 2 of its 60 titles, such as tt0000001, .* than 2\.0% .*--force"):
        job()
    seen = refreshed(job.store)
    assert seen is not None
    assert (seen.state, seen.step, job.store.state(), job.titles()) == ("refused", "load", state, 60)
    assert not list(job.folder.glob(f"{ASIDE}*"))
    with pytest.raises(RefreshRefused):  # the same files the next day
        job()
    assert job(lose_at_most=0.04).after.state == "done"
    job.published.put(rows(3))
    with pytest.raises(RefreshRefused):
        job()
    assert (job(force=True).after.state, job.titles()) == ("done", 3)


def test_so_are_files_that_have_lost_credits(job: Job) -> None:
    job()
    job.published.put(rows(60, cast=10))
    with pytest.raises(RefreshRefused, match=r"lack .* of its 1,200 ACTED_IN; more than"):
        job()
    assert job.store.info().counts["ACTED_IN"] == 1200


def test_a_graph_that_was_loaded_by_hand_is_guarded_too(job: Job, tmp_path: Path) -> None:
    job()
    fresh = open_store(f"embedded:{tmp_path / 'by-hand'}", create=True)
    load(fresh, imdb=job.folder)
    job.published.put(rows(30))
    job.store, old = fresh, job.store
    with pytest.raises(RefreshRefused, match="30 of its 60 titles"):
        job()
    fresh.close()
    job.store = old


def test_files_that_others_put_there(job: Job, tmp_path: Path) -> None:
    job.given = {"url": None}
    with pytest.raises(LoadError, match=r"holds no title\.basics"):
        job()
    for path in job.published.folder.iterdir():
        shutil.copy2(path, job.folder)
    assert (job().loaded is not None, job.titles()) == (True, 60)
    assert (job().loaded, job.published.take()) == (None, [])
    job.published.put(rows(61))
    for path in job.published.folder.iterdir():
        shutil.copy2(path, job.folder)
    assert (job().loaded is not None, job.titles()) == (True, 61)
    (job.folder / "title.akas.tsv.gz").unlink()
    assert (job().loaded is not None, job.store.info().counts["AlternateTitle"]) == (True, 0)


def test_a_server_that_fails_leaves_the_graph_and_is_said(job: Job) -> None:
    job()
    away = job.published.folder / "title.crew.tsv.gz"
    away.rename(away.with_suffix(".away"))
    with pytest.raises(DownloadError, match="404"):
        job()
    seen = refreshed(job.store)
    assert seen is not None
    assert (seen.state, seen.step, job.titles()) == ("failed", "download", 60)
    assert "404" in str(seen.problem)
    away.with_suffix(".away").rename(away)
    assert job().after.problem is None


def test_one_folder_is_for_one_refresh_at_a_time(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    from loaders import refresh as module

    with module._held(job.folder), pytest.raises(StoreBusy, match=r"another refresh \(process \d+\) is at work in "):
        job()
    assert refreshed(job.store) is None
    job()


def test_vectors_are_asked_when_the_graph_has_changed_or_something_else_is_wanted(job: Job) -> None:
    job()
    job.vectors.wanted = "more"
    job()
    job()
    assert job.vectors.asked == 2
    job.vectors.is_due = True
    job()
    assert job.vectors.asked == 3


class Said:
    """What a set of vectors says of itself."""

    def __init__(self, problem: str | None, refused: bool) -> None:
        self.problem, self.refused = problem, refused

    def as_dict(self) -> dict[str, Any]:
        return {"problem": self.problem}


@pytest.mark.parametrize(("refused", "state", "asked"), [(True, "refused", 1), (False, "failed", 2)])
def test_what_vectors_lack_is_said_and_tried_again_where_that_may_help(
    job: Job, refused: bool, state: str, asked: int
) -> None:
    job.vectors.done = [Said(None, False), Said("it is worse", refused)]
    done = job()
    assert (done.after.state, done.after.problem) == (state, "it is worse")
    assert (done.after.fresh is not None) == refused
    assert job.titles() == 60
    job.vectors.done = []
    assert job().after.state == "done"
    assert job.vectors.asked == asked


def test_what_a_killed_one_left_is_cleared_away(job: Job) -> None:
    (job.folder / f"{ASIDE}x" / "tables").mkdir(parents=True)
    job()
    assert not list(job.folder.glob(f"{ASIDE}*"))
