"""The profile of a graph: numbers that a count by hand gives, on a page that needs nothing else."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from typer.testing import CliRunner

import reelgraph
from graph.charts import bars, heat, ranges, scatter
from graph.drawing import Scale, short
from graph.profile import Profile, profile
from graph.profile_map import _groups, _plane
from graph.profile_page import as_page
from graph.schema import CREDITS
from graph.store import GraphStore, NotInGraph, open_store
from loaders.load import load_sample


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GraphStore]:
    store = open_store(f"embedded:{tmp_path_factory.mktemp('sample')}", create=True)
    load_sample(store, viewers=True)
    yield store
    store.close()


@pytest.fixture(scope="module")
def found(sample: GraphStore) -> Profile:
    return profile(sample)


def rows(store: GraphStore) -> list[dict[str, object]]:
    return [row for batch in store.scan_nodes("Title") for row in batch.to_pylist()]


def test_years_kinds_and_ratings_are_counted(sample: GraphStore, found: Profile) -> None:
    titles = rows(sample)
    assert sum(found.years.values()) == sum(row["start_year"] is not None for row in titles)
    year = next(iter(found.years))
    assert found.years[year] == sum(row["start_year"] == year for row in titles)
    assert sum(found.kinds.values()) == len(titles)
    rated = [row for row in titles if row["average_rating"] is not None and row["num_votes"]]
    assert sum(count for *_, count in found.ratings) == len(rated) > 0
    rating, votes, count = found.ratings[len(found.ratings) // 2]
    inside = [row for row in rated if rating <= float(str(row["average_rating"])) + 1e-9 < rating + 0.25
              and votes <= np.log10(float(str(row["num_votes"]))) + 1e-9 < votes + 0.25]  # fmt: skip
    assert count == len(inside)


def test_genres_together_are_those_that_titles_have(sample: GraphStore, found: Profile) -> None:
    genres: dict[str, set[str]] = {}
    for batch in sample.scan_relationships("IN_GENRE", []):
        for row in batch.to_pylist():
            genres.setdefault(row["tail"], set()).add(row["head"])
    together = found.genres
    for i, one in enumerate(together.genres):
        assert together.titles[i] == len(genres[one])
        for j, other in enumerate(together.genres):
            assert together.both[i][j] == len(genres[one] & genres[other])
    assert list(together.titles) == sorted(together.titles, reverse=True)


def test_degrees_are_those_of_the_nodes(sample: GraphStore, found: Profile) -> None:
    ids = [id_ for batch in sample.scan_nodes("Person", []) for id_ in batch.column("id").to_pylist()]
    counts = sample.degrees(ids, list(CREDITS), "out")
    degrees = next(one for one in found.degrees if one.of == "titles of a person")
    assert (degrees.asked, degrees.nodes, degrees.most) == (len(ids), int((counts > 0).sum()), int(counts.max()))
    for k, share in degrees.shares:
        assert share == pytest.approx((counts >= k).sum() / (counts > 0).sum(), abs=1e-6)
    assert degrees.shares[0][1] == 1


def test_a_large_label_is_sampled_the_same_each_time(sample: GraphStore, found: Profile) -> None:
    few, again = profile(sample, sample=20), profile(sample, sample=20)
    assert few == again
    assert 0 < few.genres.looked_at < found.genres.looked_at
    assert few.years == found.years, "what one scan gives is of all titles"


def test_the_map_has_the_best_known_titles_with_vectors(sample: GraphStore, found: Profile) -> None:
    assert found.map is not None
    votes = {str(row["id"]): row["num_votes"] for row in rows(sample)}
    assert all(votes[place.id] for place in found.map.places)
    assert found.map.vectors == "substitute_vector"
    assert {place.group for place in found.map.places} == set(range(len(found.map.groups)))
    assert 0 < found.map.shown <= 1
    with pytest.raises(NotInGraph, match=r"no vectors 'magic'; published are: substitute_vector"):
        profile(sample, "magic")


def test_groups_and_plane_find_what_lies_apart() -> None:
    chance = np.random.default_rng(1)
    centres = np.eye(12)[:3]
    rows = np.repeat(centres, [30, 20, 10], axis=0) + chance.normal(0, 0.05, (60, 12))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    own = _groups(rows, 3)
    assert own.tolist() == [0] * 30 + [1] * 20 + [2] * 10, "numbered from the largest on"
    plane, shown = _plane(rows)
    assert shown > 0.8
    inside = np.linalg.norm(plane[:30] - plane[:30].mean(0), axis=1).max()
    assert inside < np.linalg.norm(plane[:30].mean(0) - plane[30:50].mean(0)) / 2


def test_an_empty_store_has_a_profile(tmp_path: Path) -> None:
    with contextlib.closing(open_store(f"embedded:{tmp_path / 'none'}", create=True)) as empty:
        made = profile(empty)
    assert made.years == {}
    assert made.map is None
    assert "What is in this graph" in as_page(made)


def test_the_page_is_one_file_that_fetches_nothing(found: Profile) -> None:
    text = as_page(found)
    assert "<script" not in text
    assert not re.search(r"""(?:src|href)=|url\(""", text)
    drawn = re.findall(r"<svg.*?</svg>", text)
    assert len(drawn) == 5
    for one in drawn:
        ElementTree.fromstring(one)  # noqa: S314
    genre, count = found.genres.genres[0], found.genres.titles[0]
    assert f">{genre} ({count:,})</text>" in text
    year, titles = max(found.years.items(), key=lambda item: item[1])
    assert f"<title>{year}: {titles:,}</title>" in text


def test_names_cannot_break_the_page(found: Profile) -> None:
    assert "<b>" not in heat(np.ones((1, 1)), ["<b>"], ["<b>"], "<b>", words=[["<b>"]])


def test_the_command_writes_a_page_or_json(sample: GraphStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(reelgraph.app, ["profile", "--store", sample.url])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "profile.html").read_text("utf-8").startswith("<!doctype html>")
    assert [path.name for path in tmp_path.iterdir()] == ["profile.html"]
    plain = CliRunner().invoke(reelgraph.app, ["profile", "--json", "--store", sample.url])
    assert json.loads(plain.stdout)["counts"]["Title"] == len(rows(sample))
    refused = CliRunner().invoke(reelgraph.app, ["profile", "no/page.html", "--store", sample.url])
    assert refused.exit_code == 2
    assert "there is no folder" in refused.output
    assert [path.name for path in tmp_path.iterdir()] == ["profile.html"]


def test_scales_have_round_ticks_inside() -> None:
    assert Scale(0, 1, 0, 100).ticks(5) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    assert Scale(3, 3000, 0, 100, log=True).ticks() == [10, 100, 1000]
    assert Scale(0, 10, 0, 100)(5) == 50
    assert Scale(0, 10, 0, 100)(50) == 100, "on the edge"
    assert [short(one) for one in (0.00001, 0.05, 12, 3000, 25_000, 2e6)] == [
        "0.00001",
        "0.05",
        "12",
        "3,000",
        "25k",
        "2M",
    ]


def test_charts_of_nothing_are_nothing() -> None:
    assert bars({}, "year", "told") == scatter([], "x", "y", "told") == ranges([], "x", "told") == ""
