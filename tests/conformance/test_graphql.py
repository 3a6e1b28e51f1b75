"""GraphQL on the small graph, on every engine: the answers are written by hand from its rows, the calls are counted."""

from __future__ import annotations

from collections import Counter

import pytest

from api.graphql.batches import Sources
from api.graphql.limits import Limits
from api.graphql.router import GraphQLQuery, execute
from api.graphql.schema import make_schema
from graph.search import Searcher
from graph.store import StoreDamaged

READS = ("get_nodes", "neighbours", "degrees", "scan_nodes", "scan_relationships", "offered", "search_text")


class Counting:
    """A store that notes each reading call: its name, and the label or types."""

    def __init__(self, store):
        self._store = store
        self.calls = []

    def __getattr__(self, name):
        found = getattr(self._store, name)
        if name not in READS:
            return found

        def call(*given, **options):
            about = given[1] if name == "neighbours" else given[0] if given else None
            self.calls.append((name, tuple(about) if isinstance(about, list) else about))
            return found(*given, **options)

        return call


@pytest.fixture(scope="module")
def schema():
    return make_schema(Limits())


@pytest.fixture
def asked(small, schema):
    """A query, and variables by name → what it found, without an error; and the calls that it took."""
    counting = Counting(small)
    sources = Sources.over(counting, Searcher(counting))

    def ask(query, **variables):
        counting.calls.clear()
        result = execute(schema, sources, GraphQLQuery(query=query, variables=variables))
        assert result.errors is None, result.errors
        return result.data, list(counting.calls)

    return ask


@pytest.fixture
def refused(small, schema):
    """A query → the messages of its errors."""
    sources = Sources.over(small, Searcher(small))

    def ask(query, **variables):
        result = execute(schema, sources, GraphQLQuery(query=query, variables=variables))
        return [str(error.original_error or error.message) for error in result.errors or ()]

    return ask


def nodes(connection):
    return [edge["node"] for edge in connection["edges"]]


def test_each_level_of_a_query_is_one_batch(asked) -> None:
    query = """{ titles(filter: {genres: {all: ["Drama"]}}, first: 5) { edges { node {
        id genres { name }
        credits(roles: [ACTED_IN, DIRECTED], first: 6) { edges { role characters node {
            name credits(roles: [DIRECTED], first: 3) { edges { node { id genres { name } keywords { name } } } } } } }
    } } } }"""
    asked(query)  # the columns that the filter needs are read once a version, here
    data, calls = asked(query)
    assert calls == [
        ("get_nodes", "Title"),
        # of the titles: genres one way, people the other
        ("neighbours", ("IN_GENRE",)),
        ("neighbours", ("ACTED_IN", "DIRECTED")),
        ("get_nodes", "Person"),
        # of the people: what orders their titles, then those of the page
        ("neighbours", ("DIRECTED",)),
        ("get_nodes", "Title"),
        ("get_nodes", "Title"),
        # of their titles; the genres of the first ones are known by now
        ("neighbours", ("HAS_KEYWORD", "IN_GENRE")),
    ]
    titles = {title["id"]: title for title in nodes(data["titles"])}
    assert list(titles) == ["tt02", "tt06", "tt01", "tt04", "item:1"]
    assert titles["tt02"]["genres"] == [{"name": "Animation"}, {"name": "Drama"}]
    edges = titles["tt01"]["credits"]["edges"]
    assert [(edge["role"], edge["characters"], edge["node"]["name"]) for edge in edges] == [
        ("ACTED_IN", ["Captain", "Old Captain"], "Bo Lund"),
        ("ACTED_IN", ["Mara"], "Dana Voss"),
        ("ACTED_IN", None, "Bo Lund"),
        ("DIRECTED", None, "Ada Brook"),
    ]
    assert nodes(edges[3]["node"]["credits"]) == [
        {"id": "tt04", "genres": [{"name": "Drama"}], "keywords": []},
        {"id": "tt09", "genres": [], "keywords": [{"name": "sea"}]},
        {"id": "tt01", "genres": [{"name": "Crime"}, {"name": "Drama"}], "keywords": [{"name": "sea"}]},
    ]


def test_the_number_of_calls_does_not_grow_with_the_titles(asked) -> None:
    query = """query($first: Int!) { titles(first: $first) { edges { node { id
        credits(first: 5) { edges { node { name } } } alternateTitles { title } offers { itemId catalog { name } }
        episodes { edges { node { title } } } series { node { title } } } } } }"""
    asked(query, first=1)
    one, all_ = (asked(query, first=first) for first in (1, 11))
    assert len(nodes(all_[0]["titles"])) == 11
    assert len(all_[1]) <= len(one[1]) + 3  # tt02 has neither episodes nor a series: three calls fewer
    assert max(Counter(all_[1]).values()) <= 2


def test_what_a_query_has_read_it_does_not_read_again(asked) -> None:
    query = '{ a: title(id: "tt01") { title genres { name } } b: title(id: "tt01") { startYear genres { name } } }'
    data, calls = asked(query)
    assert (data["a"]["title"], data["b"]["startYear"]) == ("The Glass Harbour", 1995)
    assert calls == [("get_nodes", "Title"), ("neighbours", ("IN_GENRE",))]


def test_a_title_with_all_that_the_graph_says(asked) -> None:
    data, _ = asked(
        """{ title(id: "tt02") { id kind title originalTitle startYear endYear runtimeMinutes isAdult averageRating
        numVotes posterUrl text alternateTitles { title region language types } genres { name } keywords { name }
        offers { itemId regions availableFrom availableUntil confidence catalog { slug name } }
        credits(roles: [WROTE]) { totalCount edges { role ordering category characters job node { id birthYear } } } }
        }"""
    )
    title = data["title"]
    written, offers, names = (title.pop(name) for name in ("credits", "offers", "alternateTitles"))
    assert title == {
        "id": "tt02", "kind": "movie", "title": "Paper Lanterns", "originalTitle": "紙の灯籠", "startYear": 2001,
        "endYear": None, "runtimeMinutes": 125, "isAdult": False, "averageRating": 8.6, "numVotes": 90000,
        "posterUrl": None, "text": None, "genres": [{"name": "Animation"}, {"name": "Drama"}], "keywords": [],
    }  # fmt: skip
    assert names == [
        {"title": "Бумажные фонари", "region": "RU", "language": "ru", "types": ["imdbDisplay", "dvd"]},
        {"title": "Faroles de papel", "region": "ES", "language": None, "types": None},
    ]
    anytime = {"availableFrom": None, "availableUntil": None}
    assert offers == [
        {"itemId": "n2", "regions": None, **anytime, "confidence": 0.9,
         "catalog": {"slug": "north", "name": "North Stream"}},
        {"itemId": "s2", "regions": ["ES"], **anytime, "confidence": 1.0, "catalog": {"slug": "south", "name": None}},
    ]  # fmt: skip
    writer = {"role": "WROTE", "category": None, "characters": None, "node": {"id": "nm3", "birthYear": None}}
    assert written == {
        "totalCount": 2,
        "edges": [writer | {"ordering": 2, "job": "screenplay"}, writer | {"ordering": 3, "job": "story"}],
    }


def test_the_titles_of_a_person_in_order_and_in_a_catalog(asked) -> None:
    query = """query($order: TitleOrder, $catalog: String, $region: String, $on: Date, $adult: Boolean!) {
        person(id: "nm1") { credits(roles: [DIRECTED], order: $order, catalog: $catalog, region: $region, on: $on,
        adult: $adult) { edges { node { id } } } knownFor { id } } }"""

    def ids(**asked_for):
        data, _ = asked(query, **{"adult": False} | asked_for)
        assert [title["id"] for title in data["person"]["knownFor"]] == ["tt01", "tt04"]
        return [node["id"] for node in nodes(data["person"]["credits"])]

    assert ids() == ["tt04", "tt09", "tt01"]
    assert ids(order={"by": "VOTES"}) == ["tt01", "tt04", "tt09"]
    assert ids(order={"by": "TITLE", "descending": False}) == ["tt09", "tt04", "tt01"]
    assert ids(order={"by": "RATING", "descending": False}, adult=True) == ["tt05", "tt04", "tt09", "tt01"]
    assert ids(catalog="north", on="2026-03-09", region="us") == ["tt04", "tt01"]
    assert ids(catalog="north", on="2026-03-10", region="us") == ["tt01"]


def test_episodes_in_order_with_guests(asked) -> None:
    data, _ = asked(
        """{ title(id: "tt06") { episodes { totalCount edges { season episode node { title
        series { season episode node { title } }
        credits(roles: [ACTED_IN], guests: true) { edges { characters node { name } } } } } }
        none: episodes(season: 2) { totalCount } } }"""
    )
    assert data["title"]["none"] == {"totalCount": 0}
    first, second = data["title"]["episodes"]["edges"]
    assert (first["season"], first["episode"], first["node"]["title"]) == (1, 1, "Slack Tide")
    assert (second["season"], second["episode"], second["node"]["title"]) == (1, None, "Low Water")
    assert first["node"]["series"] == {"season": 1, "episode": 1, "node": {"title": "Tide Tables"}}
    assert first["node"]["credits"]["edges"] == [{"characters": ["Doctor"], "node": {"name": "Dana Voss"}}]


def test_pages_of_credits_make_the_whole_list(asked, refused) -> None:
    query = """query($after: String) { title(id: "tt01") { credits(first: 2, after: $after) {
        totalCount edges { role node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }"""
    seen, after = [], None
    while True:
        page = asked(query, after=after)[0]["title"]["credits"]
        assert (page["totalCount"], page["pageInfo"]["hasPreviousPage"]) == (6, after is not None)
        seen += [(edge["role"], edge["node"]["id"]) for edge in page["edges"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert seen == [
        ("ACTED_IN", "nm2"), ("ACTED_IN", "nm4"), ("ACTED_IN", "nm2"), ("DIRECTED", "nm1"), ("COMPOSED", "nm5"),
        ("EDITED", "nm6"),
    ]  # fmt: skip
    assert asked(query, after=after)[0]["title"]["credits"]["edges"] == []
    elsewhere = asked("{ titles(first: 1) { pageInfo { endCursor } } }")[0]["titles"]["pageInfo"]["endCursor"]
    assert "cursor of another list" in refused(query, after=elsewhere)[0]
    assert "is not a cursor" in refused(query, after="tt01")[0]


def test_adult_titles_are_seen_when_asked_for(asked, refused) -> None:
    assert refused('{ title(id: "tt05") { title } }') == [
        "there is no title 'tt05'; search for its name to find its id"
    ]
    assert asked('{ title(id: "tt05", adult: true) { title } }')[0] == {"title": {"title": "Velvet Rooms"}}
    query = '{ person(id: "nm2") { credits { totalCount } with: credits(adult: true) { totalCount } } }'
    assert asked(query)[0]["person"] == {"credits": {"totalCount": 3}, "with": {"totalCount": 4}}
    query = '{ catalog(slug: "north") { titles { totalCount } with: titles(filter: {adult: true}) { totalCount } } }'
    assert asked(query)[0]["catalog"]["with"]["totalCount"] == asked(query)[0]["catalog"]["titles"]["totalCount"] + 1


def test_paths_between_nodes(asked, refused) -> None:
    query = """query($from: ID!, $to: ID!, $adult: Boolean!) { path(from: $from, to: $to, adult: $adult) {
        length text start { __typename ... on Title { id } ... on Person { id } }
        steps { relationship node { __typename ... on Title { id } ... on Person { id } ... on Genre { name } } } } }"""
    path = asked(query, **{"from": "nm2", "to": "nm1", "adult": False})[0]["path"]
    assert (path["length"], path["start"]) == (2, {"__typename": "Person", "id": "nm2"})
    assert path["steps"] == [
        {"relationship": "ACTED_IN", "node": {"__typename": "Title", "id": "tt01"}},
        {"relationship": "DIRECTED", "node": {"__typename": "Person", "id": "nm1"}},
    ]
    by_genre = asked(query, **{"from": "tt02", "to": "tt04", "adult": False})[0]["path"]
    assert [step["node"] for step in by_genre["steps"]] == [
        {"__typename": "Genre", "name": "Drama"},
        {"__typename": "Title", "id": "tt04"},
    ]
    assert asked(query, **{"from": "nm8", "to": "nm6", "adult": False})[0]["path"] is None
    assert "no title 'tt05'" in refused(query, **{"from": "tt05", "to": "tt01", "adult": False})[0]
    assert asked(query, **{"from": "tt05", "to": "nm1", "adult": True})[0]["path"]["length"] == 1


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ('{ title(id: "tt99") { title } }', "there is no title 'tt99'; search for its name to find its id"),
        ('{ person(id: "tt01") { name } }', "there is no person 'tt01'; search for the name to find the id"),
        ('{ genre(name: "drama") { name } }', "there is no genre 'drama'; `genres` lists them"),
        ('{ catalog(slug: "east") { name } }', "there is no catalog 'east'; `catalogs` lists them"),
        ('{ search(text: "x", catalog: "east") { status } }', "there is no catalog 'east'; there are: north, south"),
        ('{ search(text: " ") { status } }', "`text` has 1 characters; it may have 1 to 300"),
        ("{ titles(first: 101) { totalCount } }", "`first` is 101; it may be 0 to 100: page on with `after`"),
        ("{ titles(first: -1) { totalCount } }", "`first` is -1; it may be 0 to 100: page on with `after`"),
        ('{ titles(filter: {kinds: ["film"]}) { totalCount } }', "there is no kind 'film'; there are: movie, short, "),
    ],
)
def test_a_mistake_is_named(refused, query, message) -> None:
    assert [text[: len(message)] for text in refused(query)] == [message]


def test_a_filter_has_twenty_conditions_at_most(refused) -> None:
    many = [{"person": "nm1"}] * 21
    query = "query($credits: [CreditInput!]) { titles(filter: {credits: $credits}) { totalCount } }"
    assert refused(query, credits=many) == ["`credits` has 21 conditions; it may have 20"]


def test_a_query_that_meets_a_new_version_is_asked_again(small) -> None:
    class Moving(Counting):
        """Says twice that the graph has changed while it was read."""

        versions = iter(["1+0"] + ["2+0"] * 2 + ["3+0"] * 50)

        def state(self):
            return next(self.versions)

    store = Moving(small)
    sources = Sources.over(store, Searcher(store))
    result = execute(make_schema(Limits()), sources, GraphQLQuery(query='{ title(id: "tt01") { title } }'))
    assert result.data == {"title": {"title": "The Glass Harbour"}}
    assert store.calls == [("get_nodes", "Title")] * 3


def test_a_store_that_fails_is_an_error_of_the_field(small) -> None:
    class Broken(Counting):
        def neighbours(self, *_given, **_options):
            raise StoreDamaged("a file is missing in /secret/place")

    sources = Sources.over(Broken(small), Searcher(small))
    result = execute(make_schema(Limits()), sources, GraphQLQuery(query='{ title(id: "tt01") { genres { name } } }'))
    assert isinstance(result.errors[0].original_error, StoreDamaged)
