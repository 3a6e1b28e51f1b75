"""`reelgraph recommend`, and --diversity and --weight of the commands that answer with titles."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import reelgraph
from graph.store import open_store
from loaders.load import load_sample

TOY_STORY, MATRIX = "tt0114709", "tt0133093"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = f"embedded:{tmp_path_factory.mktemp('command') / 'store'}"
    with contextlib.closing(open_store(url, create=True)) as store:
        load_sample(store)
    return url


@pytest.fixture
def run(url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """A command through `reelgraph.main`: exit code, standard output, standard error."""
    before = [(number, signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM)]

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["reelgraph", *arguments, "--store", url])
        with pytest.raises(SystemExit) as left:
            reelgraph.main()
        return (int(left.value.code or 0), *capsys.readouterr())

    yield run
    for number, handler in before:
        signal.signal(number, handler)


def answer(run: Run, *arguments: str) -> Any:
    code, out, err = run(*arguments, "--json")
    assert (code, err) == (0, "")
    return json.loads(out)


def test_recommend_as_json(run: Run) -> None:
    asked = ["recommend", TOY_STORY, MATRIX, "--catalog", "north", "--region", "US", "--on", "2026-11-21", "--k", "4"]
    found = answer(run, *asked)
    assert list(found) == ["titles", "catalog", "region", "on", "versions", "strategy", "items"]
    assert (found["titles"], found["catalog"], found["on"]) == ([TOY_STORY, MATRIX], "north", "2026-11-21")
    assert len(found["items"]) == 4
    assert all(item["item_id"].startswith("N") for item in found["items"])
    assert [item["evidence"][0]["kind"] for item in found["items"]] == ["liked"] * 4
    assert {item["evidence"][0]["via"][0] for item in found["items"]} <= {TOY_STORY, MATRIX}
    assert answer(run, *asked, "--diversity", "0.6")["items"][0]["id"] == found["items"][0]["id"]


def test_recommend_for_people_to_read(run: Run) -> None:
    code, out, err = run("recommend", TOY_STORY, "--everything", "--limit", "3")
    assert (code, err) == (0, "")
    assert len(re.findall(r"tt\d{7}", out)) == 3
    assert "because you named Toy Story" in " ".join(out.split())


def test_weights_and_diversity_change_what_is_answered(run: Run) -> None:
    plain = [one["id"] for one in answer(run, "similar", TOY_STORY, "--everything")["similar"]]
    for options in (["--diversity", "0.8"], ["--weight", "era=4", "--weight", "popularity=0"]):
        found = answer(run, "similar", TOY_STORY, "--everything", *options)["similar"]
        assert len(found) == 10
        assert [one["id"] for one in found] != plain
    neutral = answer(run, "similar", TOY_STORY, "--everything", "--weight", "cast=1", "--diversity", "0")
    assert [one["id"] for one in neutral["similar"]] == plain
    searched = answer(run, "search", "toy story", "--catalog", "south", "--weight", "genre=4")["hits"][0]
    assert [one["id"] for one in searched["substitutes"]] != [
        one["id"] for one in answer(run, "search", "toy story", "--catalog", "south")["hits"][0]["substitutes"]
    ]


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("recommend tt9999999", r"no title 'tt9999999' .*; find its id by its name: reelgraph search NAME"),
        ("recommend tt0114709 --catalog nope", r"no catalog 'nope'; there are: north, south"),
        (f"recommend {' '.join(f'tt{n:07}' for n in range(101))}", r"101 titles are named; name from 1 to 100"),
        ("recommend tt0114709 --weight fame=2", r"no facet 'fame'; there are cast, director, genre, era, popularity"),
        ("similar tt0114709 --weight cast=9", r"weight of cast is 9; it must be from 0 to 4"),
        ("similar tt0114709 --diversity 2", r"--diversity: diversity is 2; it must be from 0 to 1"),
        (
            "similar tt0114709 --diversity 1 --strategy fold-in",
            r"--strategy: .*'fold-in' follows no preferences",
        ),
        ("search toy story --weight cast", r"'' is no weight of cast; write a number, as in cast=2"),
    ],
)
def test_what_was_given_wrongly_is_one_line_and_exit_code_2(run: Run, command: str, says: str) -> None:
    code, out, err = run(*command.split())
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert re.search(says, err)
