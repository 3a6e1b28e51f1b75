from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.match import CHOICES, UNKNOWN_BELOW, Match, choices, decide, match
from graph.store import TextHit
from graph.text import TitleIndex

# id, text, type, votes, year, kind
NAMES = [
    ("matrix", "The Matrix", "primary", 2_200_000, 1999, "movie"),
    ("matrix-tv", "Matrix", "primary", 1_200, 1993, "tvSeries"),
    ("reloaded", "The Matrix Reloaded", "primary", 670_000, 2003, "movie"),
    ("toy", "Toy Story", "primary", 1_100_000, 1995, "movie"),
    ("toy-namesake", "Toy Story", "primary", 30, 2011, "short"),
    ("toy3", "Toy Story 3", "primary", 950_000, 2010, "movie"),
    ("lotr1", "The Lord of the Rings: The Fellowship of the Ring", "primary", 2_220_000, 2001, "movie"),
    ("lotr2", "The Lord of the Rings: The Two Towers", "primary", 1_970_000, 2002, "movie"),
    ("lotr78", "The Lord of the Rings", "primary", 38_000, 1978, "movie"),
    ("rocky", "Rocky", "primary", 690_000, 1976, "movie"),
    ("rocky2", "Rocky II", "primary", 250_000, 1979, "movie"),
    ("rocky3", "Rocky III", "primary", 230_000, 1982, "movie"),
    ("ocean", "Ocean's Eleven", "primary", 670_000, 2001, "movie"),
    ("ocean60", "Ocean's Eleven", "primary", 26_000, 1960, "movie"),
    ("dune", "Dune: Part One", "primary", 1_070_000, 2021, "movie"),
    ("dune", "Dune", "original", 1_070_000, 2021, "movie"),
    ("dune84", "Dune", "primary", 190_000, 1984, "movie"),
    ("2012", "2012", "primary", 400_000, 2009, "movie"),
    ("1917", "1917", "primary", 700_000, 2019, "movie"),
    ("br", "Blade Runner", "primary", 880_000, 1982, "movie"),
    ("br2049", "Blade Runner 2049", "primary", 760_000, 2017, "movie"),
    ("2001", "2001: A Space Odyssey", "primary", 760_000, 1968, "movie"),
    ("ww84", "Wonder Woman 1984", "primary", 320_000, 2020, "movie"),
    ("ww", "Wonder Woman", "primary", 710_000, 2017, "movie"),
    ("amelie", "Amélie", "primary", 820_000, 2001, "movie"),
    ("amelie", "Le fabuleux destin d'Amélie Poulain", "original", 820_000, 2001, "movie"),
    ("spirited", "Spirited Away", "primary", 900_000, 2001, "movie"),
    ("spirited", "千と千尋の神隠し", "original", 900_000, 2001, "movie"),
    ("solaris", "Солярис", "original", 100_000, 1972, "movie"),
    ("solaris", "Solaris", "primary", 100_000, 1972, "movie"),
    ("seven", "Se7en", "primary", 2_000_000, 1995, "movie"),
    ("seven", "Seven", "alternate", 2_000_000, 1995, "movie"),
    ("et", "E.T. the Extra-Terrestrial", "primary", 460_000, 1982, "movie"),
    ("eternals", "Eternals", "primary", 430_000, 2021, "movie"),
    ("shawshank", "The Shawshank Redemption", "primary", 3_000_000, 1994, "movie"),
    ("interstellar", "Interstellar", "primary", 2_500_000, 2014, "movie"),
    ("empire", "Star Wars: Episode V - The Empire Strikes Back", "primary", 1_500_000, 1980, "movie"),
    ("pride", "Pride & Prejudice", "primary", 350_000, 2005, "movie"),
    ("havre", "Le Havre", "primary", 25_000, 2011, "movie"),
    ("twin-a", "Night Train", "primary", 9_000, 1998, "movie"),
    ("twin-b", "Night Train", "primary", 7_000, 2009, "movie"),
    ("ep", "Pilot", "primary", 5_000, 2008, "tvEpisode"),
    ("pilot", "Pilot", "primary", 4_000, 2001, "movie"),
    ("obscure", "The Gladstone Ledger", "primary", 3, 1951, "short"),
]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> TitleIndex:
    folder: Path = tmp_path_factory.mktemp("names")
    columns = dict(
        zip(("id", "text", "type", "votes", "year", "kind"), map(list, zip(*NAMES, strict=True)), strict=True)
    )
    nothing = pl.lit(None, pl.String)
    frame = pl.DataFrame(columns).with_columns(region=nothing, language=nothing, adult=pl.lit(False))
    TitleIndex.build(folder, iter([frame]))
    return TitleIndex.open(folder)


def first(index: TitleIndex, query: str) -> Match:
    return match(index.search, query, 5)[0]


@pytest.mark.parametrize(
    ("query", "id_"),
    [
        ("toy story", "toy"),
        ("toy story 3", "toy3"),
        ("matrix", "matrix"),
        ("the matrix", "matrix"),
        ("Matrix, The", "matrix"),
        ("teh matrix", "matrix"),
        ("the matrix reloded", "reloaded"),
        ("lord of the rings", "lotr1"),
        ("lord of the rings 1978", "lotr78"),
        ("two towers", "lotr2"),
        ("Rocky 2", "rocky2"),
        ("rocky two", "rocky2"),
        ("ROCKY II", "rocky2"),
        ("rocky iii", "rocky3"),
        ("rocky", "rocky"),
        ("ocean's 11", "ocean"),
        ("oceans eleven", "ocean"),
        ("oceans elven", "ocean"),
        ("ocean's eleven 1960", "ocean60"),
        ("dune", "dune"),
        ("dune 1984", "dune84"),
        ("Dune (1984)", "dune84"),
        ("Dune (1985)", "dune84"),
        ("dune 2020", "dune"),
        ("2012", "2012"),
        ("1917", "1917"),
        ("blade runner", "br"),
        ("blade runner 2049", "br2049"),
        ("blade runner 1982", "br"),
        ("2001 a space odyssey", "2001"),
        ("wonder woman 1984", "ww84"),
        ("wonder woman 2017", "ww"),
        ("amelie", "amelie"),
        ("amelie poulain", "amelie"),
        ("千と千尋の神隠し", "spirited"),
        ("千と千尋", "spirited"),
        ("солярис", "solaris"),
        ("solyaris", "solaris"),
        ("se7en", "seven"),
        ("seven", "seven"),
        ("e.t.", "et"),
        ("et", "et"),
        ("shawshenk redemtion", "shawshank"),
        ("redemption shawshank", "shawshank"),
        ("shawshank", "shawshank"),
        ("intersteler", "interstellar"),
        ("the empire strikes back", "empire"),
        ("pride and prejudice", "pride"),
        ("le havre", "havre"),
        ("pilot", "pilot"),
        ("gladstone ledger", "obscure"),
    ],
)
def test_the_title_that_is_meant_comes_first(index: TitleIndex, query: str, id_: str) -> None:
    assert first(index, query).id == id_


def test_each_title_comes_once_with_the_name_that_fits_best(index: TitleIndex) -> None:
    found = match(index.search, "seven", 10)
    assert [each.id for each in found].count("seven") == 1
    assert (found[0].text, found[0].type) == ("Seven", "alternate")


@pytest.mark.parametrize("query", ["toy story", "the shawshank redemption", "Amélie", "rocky 2", "blade runner 2049"])
def test_a_well_known_name_is_sure(index: TitleIndex, query: str) -> None:
    found = match(index.search, query, 5)
    assert found[0].confidence >= 0.95
    assert decide(found) == "found"


@pytest.mark.parametrize("query", ["qwertz uiop", "asdfgh", "zzzz", "xyzzy plugh foo bar", "1", "\U0001f600"])
def test_nonsense_is_unknown(index: TitleIndex, query: str) -> None:
    found = match(index.search, query, 5)
    assert not found or found[0].confidence <= found[0].fit < UNKNOWN_BELOW
    assert decide(found) == "unknown"


@pytest.mark.parametrize("query", ["teh matrix", "intersteler", "shawshenk redemtion", "shawshank"])
def test_a_slip_is_less_sure_but_found(index: TitleIndex, query: str) -> None:
    found = match(index.search, query, 5)
    in_full = match(index.search, found[0].text, 5)[0]
    assert 0.6 < found[0].confidence < in_full.confidence
    assert in_full.id == found[0].id
    assert decide(found) == "found"


@pytest.mark.parametrize(
    ("query", "verdict"),
    [
        ("night train", "ambiguous"),
        ("night train 2009", "found"),
        ("night train 1998", "found"),
        ("dune", "found"),
        ("dune 1984", "found"),
        ("ocean's eleven", "found"),
        ("", "unknown"),
        ("   ", "unknown"),
    ],
)
def test_verdicts(index: TitleIndex, query: str, verdict: str) -> None:
    assert decide(match(index.search, query, 5)) == verdict


@pytest.mark.parametrize(("votes", "verdict"), [(1_000, "ambiguous"), (3_000, "ambiguous"), (5_000, "found")])
def test_equal_names_are_ambiguous_unless_one_has_four_times_the_votes(votes: int, verdict: str) -> None:
    assert decide(match(answering([hit("a", "Same", votes), hit("b", "Same", 1_000)]), "same", 5)) == verdict


@pytest.mark.parametrize(
    "query", ["the quiet xylophone", "matrix of the beekeepers", "toy lighthouse", "rings of dust"]
)
def test_a_title_that_does_not_exist_is_unknown(index: TitleIndex, query: str) -> None:
    assert decide(match(index.search, query, 5)) == "unknown"


def test_an_ambiguous_text_offers_all_that_are_meant_about_as_likely(index: TitleIndex) -> None:
    found = match(index.search, "night train", 5)
    assert {each.id for each in found[: choices(found)]} == {"twin-a", "twin-b"}
    many = match(answering([hit(str(n), "Same", 1_000) for n in range(9)]), "same", 9)
    assert choices(many) == CHOICES


def test_namesakes_share_a_sure_name_and_other_names_divide_it() -> None:
    same = match(answering([hit("a", "Same", 1_000), hit("b", "Same", 900)]), "same", 2)
    assert [each.confidence > 0.9 for each in same] == [True, True]
    assert same[0].odds == 1.0 > same[1].odds > 0.9
    parts = match(answering([hit("a", "Saga: Dawn", 1_000), hit("b", "Saga: Dusk", 1_000)]), "saga", 2)
    assert 0.4 < parts[0].confidence <= 0.5 < parts[0].fit
    assert decide(same) == decide(parts) == "ambiguous"


def hit(id_: str, text: str, votes: int = 0, year: int | None = None) -> TextHit:
    return TextHit("Title", id_, text, "primary", votes, year, "movie")


def answering(hits: list[TextHit]) -> Callable[..., list[TextHit]]:
    def search(_query: str, _limit: int, *, prefix: bool = False, adult: bool = False) -> list[TextHit]:
        return hits

    return search


@pytest.mark.parametrize(("asked", "id_"), [(1984, "b"), (1985, "b"), (2021, "a"), (1950, "a")])
def test_a_year_decides_among_equal_names(asked: int, id_: str) -> None:
    search = answering([hit("a", "Dune", 900_000, 2021), hit("b", "Dune", 1_000, 1984)])
    assert match(search, f"dune {asked}", 2)[0].id == id_


def test_a_wrong_year_makes_it_less_sure() -> None:
    search = answering([hit("a", "Dune", 900_000, 2021)])
    sure, off, wrong = (match(search, f"dune {year}", 1)[0].confidence for year in (2021, 2022, 1950))
    assert sure >= off > wrong


def test_fame_decides_among_equal_names_and_not_against_a_better_one() -> None:
    equal = answering([hit("a", "Heat", 10), hit("b", "Heat", 700_000)])
    assert match(equal, "heat", 2)[0].id == "b"
    better = answering([hit("a", "Heat", 0), hit("b", "Heatwave", 3_000_000)])
    assert match(better, "heat", 2)[0].id == "a"


def test_an_episode_yields_to_a_film_of_the_same_name() -> None:
    episode = replace(hit("a", "Pilot", 1_500), kind="tvEpisode")
    assert match(answering([episode, hit("b", "Pilot", 1_000)]), "pilot", 2)[0].id == "b"


def test_a_store_is_asked_by_its_search_text(index: TitleIndex) -> None:
    class Store:
        search_text = staticmethod(index.search)

    assert match(Store(), "toy story", 1) == match(index.search, "toy story", 1)


def test_adult_is_passed_on() -> None:
    asked: list[bool] = []

    def search(_query: str, _limit: int, *, prefix: bool = False, adult: bool = False) -> list[TextHit]:
        asked.append(adult)
        return []

    match(search, "x", 1, adult=True)
    match(search, "x", 1)
    assert set(asked[: len(asked) // 2]) == {True}
    assert set(asked[len(asked) // 2 :]) == {False}


def test_no_more_than_asked_for(index: TitleIndex) -> None:
    assert len(match(index.search, "matrix", 2)) == 2
    assert match(index.search, "matrix", 0) == []
    assert match(index.search, "matrix", 2) == match(index.search, "matrix", 5)[:2]


@given(st.text() | st.text(st.characters(exclude_categories=())))
@settings(max_examples=300, deadline=None)
def test_any_text_may_be_typed(index: TitleIndex, query: str) -> None:
    found = match(index.search, query, 5)
    assert all(0 <= each.confidence <= 1 for each in found)
    assert [each.confidence for each in found] == sorted((each.confidence for each in found), reverse=True)
    assert len({each.id for each in found}) == len(found)


def test_a_long_text_is_cut(index: TitleIndex) -> None:
    assert match(index.search, "toy story " * 10_000, 5) == match(index.search, ("toy story " * 10_000)[:200], 5)
