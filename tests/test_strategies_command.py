"""`reelgraph strategies`, `reelgraph catalogs`, and --strategy of the commands that answer with titles."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from graph.catalogs import change_catalog
from graph.search import Searcher
from graph.store import NotInGraph, Scope, open_store
from graph.strategies import STRATEGIES
from loaders.load import load_sample
from reelgraph import app

TOY_STORY = "tt0114709"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = f"embedded:{tmp_path_factory.mktemp('command') / 'store'}"
    with contextlib.closing(open_store(url, create=True)) as store:
        load_sample(store)
    return url


def run(url: str, *arguments: str, code: int = 0) -> str:
    said = CliRunner().invoke(app, [*arguments, "--store", url])
    assert said.exit_code == code, said.output
    return " ".join(said.output.split())


def answer(url: str, *arguments: str) -> Any:
    return json.loads(CliRunner().invoke(app, [*arguments, "--store", url, "--json"]).stdout)


def test_all_are_listed(url: str) -> None:
    listed = {one["name"]: one for one in answer(url, "strategies")["strategies"]}
    assert listed.keys() >= STRATEGIES.keys()
    assert (listed["genres"]["available"], listed["hybrid"]["available"]) == (True, False)
    told = run(url, "strategies")
    assert all(name in told for name in STRATEGIES)
    assert "reelgraph train configs/tastes.toml" in told


def test_each_command_answers_by_it(url: str) -> None:
    with contextlib.closing(open_store(url)) as store:
        expected = [one.id for one in Searcher(store).similar(TOY_STORY, Scope("north"), 5, strategy="people")]
    own = ("--catalog", "north", "--strategy", "people")
    similar = answer(url, "similar", TOY_STORY, "--limit", "5", *own)
    assert (similar["strategy"], [one["id"] for one in similar["similar"]]) == ("people", expected)
    found = answer(url, "search", "toy story", *own)
    assert (found["strategy"], [one["id"] for one in found["hits"][0]["substitutes"]]) == ("people", expected)
    listed = answer(url, "recommend", TOY_STORY, "--limit", "5", *own)
    assert (listed["strategy"], [one["id"] for one in listed["items"]]) == ("people", expected)
    assert answer(url, "recommend", "--user", "nobody", *own)["strategy"] == "popularity"


def test_one_that_is_not_there_is_refused(url: str) -> None:
    for arguments in (("similar", TOY_STORY), ("search", "toy story"), ("recommend", TOY_STORY)):
        told = run(url, *arguments, "--strategy", "best", code=2)
        assert "there is no strategy 'best'; there are: fold-in-series, hybrid," in told


def test_a_catalog_has_its_own(tmp_path: Path) -> None:
    url = f"embedded:{tmp_path / 'store'}"
    with contextlib.closing(open_store(url, create=True)) as store:
        load_sample(store)
    assert {one["strategy"] for one in answer(url, "catalogs")["catalogs"]} == {None}
    (north,) = answer(url, "catalogs", "north", "--strategy", "genres")["catalogs"]
    assert (north["id"], north["strategy"]) == ("north", "genres")
    assert answer(url, "search", "toy story", "--catalog", "north")["strategy"] == "genres"
    assert "genres" in run(url, "catalogs")
    run(url, "catalogs", "north", "--strategy", "usual")
    assert answer(url, "search", "toy story", "--catalog", "north")["strategy"] == "fold-in-series"
    assert "there is no strategy 'best'" in run(url, "catalogs", "north", "--strategy", "best", code=2)
    assert "name both a catalog and its strategy" in run(url, "catalogs", "north", code=2)
    with contextlib.closing(open_store(url)) as store, pytest.raises(NotInGraph, match="no catalog 'west'"):
        change_catalog(store, "west", {"strategy": None})
