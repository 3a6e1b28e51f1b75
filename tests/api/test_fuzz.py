"""Whatever is typed into a search is answered, and the next one is answered as before."""

from __future__ import annotations

import contextlib
import json
import unicodedata
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from api.routes.search import QUERY_LENGTH

STATUSES = {"in_catalog", "out_of_catalog", "ambiguous", "unknown"}
SYNTAX = {
    "lucene": '+title:toy^9 AND -"story"~2 OR (kind:[a TO z}) NOT _exists_:x /[a-z]*(a+)+$/ toy~ st?ry* \\ && || !',
    "tantivy": "title:IN [a b c] *:* -* \"unclosed (((( title:\"a\"* ^0.5 > 3 {a TO *} [* TO b]",
    "regular expression": "(a|aa)+$ ^(([a-z])+.)+[A-Z]([a-z])+$ .{1,32000} \\1 (?<=x)",
    "cypher": "'}) MATCH (n) DETACH DELETE n // toy RETURN n; CALL db.labels() LOAD CSV FROM 'file:///x' AS l",
    "gremlin": "').drop().iterate(); g.V().has('title','toy story').sideEffect{System.exit(1)}",
    "sql": "toy'; DROP TABLE \"Search\"; -- \" OR 1=1 UNION SELECT * FROM sqlite_master /* */ \x00",
    "graphql": '{ __schema { types { name } } } # """ $x: String! @include(if: true)',
    "html": "<script>alert(1)</script><img src=x onerror=alert(1)>&lt;\"'`{{7*7}}${7*7}<!--",
    "format": "%s%n%x{0}{0.__class__}$(reboot)`reboot`\r\nSet-Cookie: a=b\r\n\r\n../../../etc/passwd",
    "digits": "9" * 300, "spaces": " " * 300, "quotes": '"' * 300, "stars": "*" * 300, "minus": "-" * 300,
    "combining": "a" + "\u0301" * 299, "zero width": "\u200b\u200d\ufeff" * 100, "bidi": "\u202e\u2066toy story",
    "ligatures": "\ufdfa" * 300, "hangul": "\u1112\u1161\u11ab" * 100, "regional": "\U0001f1fa" * 300,
    "families": "\U0001f468\u200d\U0001f469\u200d\U0001f467" * 60, "words": "a " * 150, "long word": "toystory" * 37,
}  # fmt: skip


ADDRESS_LENGTH = 65_535 - len("/search?q=")


@pytest.fixture
def right(client: httpx.Client) -> Iterator[None]:
    """After it all the service answers what it answered before."""
    before = answer(client, "toy story")
    yield
    assert answer(client, "toy story")["hits"] == before["hits"]
    assert before["hits"][0]["id"] == "tt0114709"


def answer(client: httpx.Client, text: str) -> Any:
    got = client.get("/search", params={"q": text, "substitutes": 1})
    assert got.status_code == 200, got.text
    assert got.json()["query"] == text
    assert got.json()["status"] in STATUSES
    return got.json()


def get(client: httpx.Client, address: str) -> tuple[int, bytes]:
    """Status and body, of an address that may be longer than httpx sends."""
    with contextlib.closing(HTTPConnection(client.base_url.host, client.base_url.port, timeout=60)) as connection:
        connection.request("GET", address)
        answered = connection.getresponse()
        return answered.status, answered.read()


def planes() -> Iterator[tuple[int, str]]:
    """For each of Unicode's 17 planes a text of what is in it, surrogates excepted, which are no text."""
    for plane in range(17):
        first = plane << 16
        points = [
            *range(first, first + 0x10000, 0x10000 // 150 + 1),
            first,
            first + 0xFFFD,
            first + 0xFFFE,
            first + 0xFFFF,
        ]
        yield plane, "".join(chr(point) for point in points if not 0xD800 <= point <= 0xDFFF)


@pytest.mark.parametrize(("plane", "text"), list(planes()))
def test_every_plane_of_unicode(client: httpx.Client, right: None, plane: int, text: str) -> None:
    assert {ord(one) >> 16 for one in text} == {plane}
    answer(client, text[:QUERY_LENGTH])
    answer(client, f"toy {text[:100]} story")
    answer(client, unicodedata.normalize("NFD", text)[:QUERY_LENGTH])


def test_control_characters(client: httpx.Client, right: None) -> None:
    for point in (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, 0xFEFF, 0xFFF9, 0xE0001):
        answer(client, f"toy{chr(point)}story")
        answer(client, chr(point))


@pytest.mark.parametrize("name", SYNTAX)
def test_syntax_of_engines_is_only_text(client: httpx.Client, right: None, name: str) -> None:
    answer(client, SYNTAX[name][:QUERY_LENGTH])
    answer(client, f"toy story {SYNTAX[name]}"[:QUERY_LENGTH])


@pytest.mark.parametrize("size", [QUERY_LENGTH + 1, 5_000, 60_000, 100_000])
@pytest.mark.parametrize("letter", ["a", "*", "\u0301", "\U0001f1fa", "\x00"])
def test_a_long_text_is_refused_before_anything_is_searched(
    client: httpx.Client, right: None, monkeypatch: pytest.MonkeyPatch, size: int, letter: str
) -> None:
    def never(*_arguments: Any, **_named: Any) -> Any:
        raise AssertionError("it was searched for")

    text = letter * size
    with monkeypatch.context() as patched:
        patched.setattr("api.service.Service.search", never)
        status, body = get(client, f"/search?q={quote(text)}")
        if len(quote(text)) > ADDRESS_LENGTH:  # then not even the address is read
            assert (status, body) == (400, b"Invalid HTTP request received.")
        else:
            assert (status, json.loads(body)["errors"][0]["where"]) == (422, "query.q")
        assert len(body) < 1000


def test_half_characters_and_bytes_that_are_no_text(client: httpx.Client, right: None) -> None:
    for raw in ("%ED%A0%80", "%FF%FE", "%C0%80", "%", "%zz", "toy%00story", "%F4%90%80%80"):
        got = client.get(f"/search?q={raw}")
        assert got.status_code == 200, raw
        assert got.json()["status"] in STATUSES
    got = client.post(
        "/graphql", content=b'{"query": "{ search(query: \\"\\ud800\\") { status } }"}',
        headers={"Content-Type": "application/json"},
    )  # fmt: skip
    assert got.status_code in {200, 422}


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@example("\U0010ffff")
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=QUERY_LENGTH))
def test_any_text(client: httpx.Client, right: None, text: str) -> None:
    answer(client, text)


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from([*'+-&|!(){}[]^"~*?:\\/<>=;,.\'`$#@%_', " AND ", " OR ", "NOT ", "toy", "story", " "]),
                min_size=1, max_size=60).map("".join))  # fmt: skip
def test_any_mixture_of_operators(client: httpx.Client, right: None, text: str) -> None:
    answer(client, text[:QUERY_LENGTH])


def test_other_places_that_take_text(client: httpx.Client, right: None) -> None:
    for text in [*SYNTAX.values(), "\x00", "\U0010ffff" * 50]:
        cut = text[:63]
        for path, parameters in (
            ("/search", {"q": "toy story", "catalog": cut}), ("/titles", {"id": text[:200]}),
            ("/explain", {"from": text[:200], "to": "tt0114709"}), ("/titles/tt0114709/similar", {"strategy": cut}),
        ):  # fmt: skip
            got = client.get(path, params=parameters)
            assert got.status_code in {200, 404, 422}, (path, text)
        assert get(client, f"/people/{quote(cut, safe='')}")[0] in {307, 404, 422}
