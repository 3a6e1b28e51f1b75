"""Finding names: what is found and what is said of it; `graph.match` decides the final order."""

from __future__ import annotations

import pytest


@pytest.fixture
def find(small):
    """What a search finds of titles: (id, text, type, region, language)."""

    def search(query, **options):
        hits = small.search_text(query, options.pop("limit", 20), **options)
        return [(hit.id, hit.text, hit.type, hit.region, hit.language) for hit in hits if hit.label == "Title"]

    return search


@pytest.mark.parametrize(
    ("id_", "name", "kind"),
    [
        ("tt01", "The Glass Harbour", ("primary", None, None)),
        ("tt06", "Tide Tables", ("primary", None, None)),
        ("tt08", "Low Water", ("primary", None, None)),
        ("item:1", "Our House", ("primary", None, None)),
        ("tt02", "紙の灯籠", ("original", None, None)),
        ("tt03", "Зимние поезда", ("original", None, None)),
        ("tt10", "El niño perdido", ("original", None, None)),
        ("tt01", "Der gläserne Hafen", ("alternate", "DE", "de")),
        ("tt02", "Бумажные фонари", ("alternate", "RU", "ru")),
        ("tt02", "Faroles de papel", ("alternate", "ES", None)),
        ("tt10", "الطفل الضائع", ("alternate", "EG", "ar")),
    ],
)
def test_a_title_is_found_by_each_of_its_names(find, id_, name, kind):
    assert (id_, name, *kind) in find(name)


@pytest.mark.parametrize(
    ("query", "id_"),
    [
        ("the glass harbour", "tt01"),
        ("EL NINO PERDIDO", "tt10"),
        ("ЗИМНИЕ ПОЕЗДА", "tt03"),
        ("der glaserne hafen", "tt01"),
    ],
)
def test_case_and_accents_do_not_matter(find, query, id_):
    assert id_ in {hit[0] for hit in find(query)}


def test_a_hit_says_what_the_title_is(small):
    (hit,) = (hit for hit in small.search_text("Paper Lanterns", 20) if (hit.id, hit.type) == ("tt02", "primary"))
    assert (hit.label, hit.text, hit.kind, hit.year, hit.votes) == ("Title", "Paper Lanterns", "movie", 2001, 90000)


def test_a_hit_of_a_title_without_votes_and_year(small):
    (hit,) = (hit for hit in small.search_text("Winter Trains", 20) if hit.type == "primary")
    assert (hit.id, hit.kind, hit.year, hit.votes) == ("tt03", "movie", None, 0)


@pytest.mark.parametrize("name", ["Velvet Rooms", "Samtzimmer", "Salons de velours"])
def test_an_adult_title_is_found_only_when_asked_for(find, name):
    assert "tt05" not in {hit[0] for hit in find(name)}
    assert "tt05" in {hit[0] for hit in find(name, adult=True)}


def test_the_beginning_of_a_name_is_enough_when_it_may_be_a_prefix(find):
    assert "tt01" in {hit[0] for hit in find("the gla", prefix=True)}
    assert "tt02" in {hit[0] for hit in find("paper lan", prefix=True)}
    assert "tt05" not in {hit[0] for hit in find("velvet ro", prefix=True)}


@pytest.mark.parametrize("limit", [1, 2])
def test_no_more_hits_than_the_limit(small, limit):
    assert len(small.search_text("Tide", 20)) >= limit
    assert len(small.search_text("Tide", limit)) == limit


@pytest.mark.parametrize(
    "query", ["", " ", "xqzvw kkjhq", "\ud800", "\x00", "*", '"', "AND OR NOT ( [ {", "a:b^2~", "'" * 300]
)
def test_any_text_may_be_searched_for(small, query):
    assert isinstance(small.search_text(query, 5), list)


def test_nothing_is_found_by_no_text_or_by_one_that_is_nothing_like_a_name(find):
    assert find("") == []
    assert find("xqzvw kkjhq") == []


def test_an_empty_store_finds_nothing(store):
    assert store.search_text("Paper Lanterns", 5) == []


@pytest.mark.parametrize("query", ["Ada Brook", "ada brook", "ada brok", "Brook"])
def test_a_person_is_found_by_name(small, query):
    (hit,) = (hit for hit in small.search_text(query, 20) if hit.label == "Person")
    assert (hit.id, hit.text, hit.type, hit.kind, hit.year) == ("nm1", "Ada Brook", "primary", "person", None)
    assert hit.votes > 0


def test_a_person_is_found_by_the_beginning_of_the_name(small):
    assert "nm2" in {hit.id for hit in small.search_text("bo lu", 20, prefix=True)}
