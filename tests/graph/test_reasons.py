"""Reasons are true: without what a reason names the score is lower; nothing that may not be shown is named."""

from __future__ import annotations

import copy
import datetime as dt
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from graph.content import ContentReader, kernel
from graph.explain import Evidence, check
from graph.foldin import CONTENT, VECTORS, WEIGHTS, FoldIn, loudness, vectors_of
from graph.reads import Answers, Read
from graph.schema import CREDITS
from graph.search import Searcher
from graph.store import WHOLE_GRAPH, GraphStore, Provenance, Scope, open_store
from graph.substitutes import Ranking, Substitute
from loaders.load import load_sample
from tests.graph.conftest import Stored, random_tables

DAY = dt.date(2026, 11, 21)
NODES = {"IN_GENRE": "Genre", "HAS_KEYWORD": "Keyword"} | dict.fromkeys(CREDITS, "Person")


def nodes(store: GraphStore) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for batch in store.scan_nodes("Title") for row in batch.to_pylist()}


def publish(store: GraphStore, seed: int) -> None:
    """Vectors as viewers' likes might make them: any weights at all, so that many parts of a score are negative."""
    ids, chance = list(nodes(store)), np.random.default_rng(seed)
    reader = ContentReader(store, ids[::2])
    weights = chance.normal(0.3, 1, (len(reader.landmarks), 6)).astype(np.float32)
    made = Provenance("learned", "Substitutes", 6, store.info().graph_hash, "2026-01-01T00:00:00+00:00")
    store.set_embeddings(WEIGHTS, reader.landmarks.ids, weights, made)
    store.set_embeddings(VECTORS, ids, FoldIn(reader, weights, 0.0).vectors(ids), made, amend=True)


@pytest.fixture(
    scope="module", params=["sample", "sample, learned", "random", "random, learned 1", "random, learned 2"]
)
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GraphStore]:
    folder: Path = tmp_path_factory.mktemp("reasons")
    store = open_store(f"embedded:{folder / 'store'}", create=True)
    if request.param.startswith("sample"):
        load_sample(store)
    else:
        seed = request.param[-1] == "2"
        store.load_tables(random_tables(folder / "tables", random.Random(int(seed))), None, vectors_of)
    if "learned" in request.param:
        publish(store, int(request.param[-1] == "2"))
    yield store
    store.close()


SCOPES = [Scope("north", "US", DAY), Scope("a", on=DAY), Scope(on=DAY), Scope(WHOLE_GRAPH, on=DAY)]


@dataclass(frozen=True)
class Given:
    """A reason, and where it was given."""

    asked: str
    one: Substitute
    scope: Scope
    reason: Evidence


def answers(store: GraphStore, scope: Scope, asked: Sequence[str], k: int = 5) -> dict[str, list[Substitute]]:
    searcher = Searcher(store)
    return {id_: searcher.similar(id_, scope, k) for id_ in asked}


@pytest.fixture(scope="module")
def given(store: GraphStore) -> list[Given]:
    slugs = {id_ for batch in store.scan_nodes("Catalog", []) for id_ in batch.column("id").to_pylist()}
    asked = list(nodes(store))[::3]
    return [
        Given(id_, one, scope, reason)
        for scope in SCOPES
        if scope.catalog in (*slugs, None, WHOLE_GRAPH)
        for id_, found in answers(store, scope, asked).items()
        for one in found
        for reason in one.evidence
    ]


class Lacking:
    """A store in which nothing leads to one node any more: for reading a title as if it lacked that."""

    def __init__(self, store: GraphStore, label: str, id_: str) -> None:
        self._store, self._node = store, (label, id_)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def gather(self, wanted: Sequence[Read]) -> Answers:
        return Answers(cast(GraphStore, self), wanted)

    def neighbours(self, ids: Sequence[str], types: Sequence[str], direction: Any, **more: Any) -> pa.Table:
        table = self._store.neighbours(ids, types, direction, **more)
        label, id_ = self._node
        if {NODES.get(type_) for type_ in types} != {label}:
            return table
        return table.filter(pc.not_equal(table.column("neighbour").cast(pa.string()), id_))


class Scores:
    """A score as a sum over landmarks, computed again from what is published and from the graph."""

    def __init__(self, store: GraphStore) -> None:
        folded = FoldIn.published(store)
        assert folded is not None
        self._store, self._folded = store, folded
        self._rows: dict[tuple[str, ...], Any] = {}

    def parts(self, asked: str, other: str, without: tuple[str, str] | None = None) -> Any:
        """(landmarks,): what each carries of the score of `other`, the asked title read with or without a node."""
        key = (asked, *(without or ()))
        if key not in self._rows:
            reader = copy.copy(self._folded.reader)
            if without is not None:
                reader._store = Lacking(self._store, *without)  # type: ignore[assignment]
            title = reader.read([asked])
            self._rows[key] = kernel(title, reader.landmarks)[0] * loudness(title, self._folded.fame)
        ((vector,)) = self._store.get_embeddings(VECTORS, [other])[1]
        return self._rows[key].astype(np.float64) * (self._folded.weights.astype(np.float64) @ vector)

    def contributed(self, asked: str, other: str, reason: Evidence) -> bool:
        """Whether the score is lower without what a reason names."""
        whole = self.parts(asked, other).sum()
        if reason.kind == "viewers":
            place = self._folded.reader.landmarks.ids.index(reason.via[0])
            without = np.delete(self.parts(asked, other), place).sum()
        else:
            without = self.parts(asked, other, (NODES[reason.path[1]], reason.path[2])).sum()
        return bool(whole > 0 and without < whole)


def tried(given: list[Given]) -> list[Given]:
    """Those that name something of the score; what belongs to a series is looked up (test_siblings.py)."""
    scored = [one for one in given if one.reason.kind in ("viewers", "path")]
    return [one for one in scored if one.reason.kind == "viewers" or one.reason.path[1] in NODES]


def test_without_what_a_reason_names_the_score_is_lower(store: GraphStore, given: list[Given]) -> None:
    scores, reasons = Scores(store), tried(given)
    assert len(reasons) > 100
    untrue = [one for one in reasons if not scores.contributed(one.asked, one.one.id, one.reason)]
    assert not untrue


def test_reasons_that_were_swapped_are_found_out(store: GraphStore, given: list[Given]) -> None:
    scores, chance = Scores(store), random.Random(0)
    paths = [one for one in given if one.reason.kind == "path" and len(one.reason.path) == 5]
    paths = [one for one in paths if one.reason.path[1] in NODES]
    swapped = 0
    for one, other in zip(paths, chance.sample(paths, len(paths)), strict=True):
        asked, there, _, here, last = one.reason.path
        untrue = replace(one.reason, path=(asked, there, other.reason.path[2], here, last))
        if check(store, untrue):
            continue  # by chance another thing that the two share
        swapped += 1
        types, direction = (CREDITS, "in") if there in CREDITS else ([there], "out")
        held = store.neighbours([asked], types, direction).column("neighbour").to_pylist()  # type: ignore[arg-type]
        assert untrue.path[2] in held or not scores.contributed(asked, last, untrue)
    assert swapped > 50
    for one in paths[:30]:  # and a title whose viewers did not carry the score
        parts = scores.parts(one.asked, one.one.id)
        least = scores._folded.reader.landmarks.ids[int(np.argmin(parts))]
        untrue = replace(one.reason, kind="viewers", path=(), via=(least,))
        assert scores.contributed(one.asked, one.one.id, untrue) == (parts.min() > 0)


def test_every_reason_walks(store: GraphStore, given: list[Given]) -> None:
    assert all(check(store, one.reason) for one in given)
    for one in given:
        if one.reason.kind == "viewers":
            assert one.reason.via[0] not in (one.asked, one.one.id)
        else:
            assert (one.reason.path[0], one.reason.path[-1]) == (one.asked, one.one.id)
            assert one.reason.path[2::2] or one.reason.via or one.reason.kind == "name"


def test_at_most_three_the_weightiest_first_and_none_twice(store: GraphStore, given: list[Given]) -> None:
    held: dict[tuple[str, str, Scope], list[Evidence]] = {}
    for one in given:
        held.setdefault((one.asked, one.one.id, one.scope), []).append(one.reason)
    assert Counter(map(len, held.values())).keys() <= {1, 2, 3}
    for reasons in held.values():
        weights = [reason.weight for reason in reasons]
        assert weights == sorted(weights, reverse=True)
        assert min(weights) > 0
        assert len({(reason.path, reason.via) for reason in reasons}) == len(reasons)


def test_never_genres_alone_where_a_person_contributed(store: GraphStore, given: list[Given]) -> None:
    scores, held = Scores(store), {(one.asked, one.one.id): one.one for one in given}
    alone = [pair for pair, one in held.items() if all("IN_GENRE" in reason.path for reason in one.evidence)]
    assert alone or store.info().embeddings[VECTORS].model != CONTENT
    for asked, other in alone:
        table = store.neighbours([asked, other], CREDITS, "in")
        people: list[set[str]] = [set(), set()]
        for source, person in zip(*(table.column(name).to_pylist() for name in ("source", "neighbour")), strict=True):
            people[source].add(person)
        whole = scores.parts(asked, other).sum()
        for person in people[0] & people[1]:
            assert 1 - scores.parts(asked, other, ("Person", person)).sum() / whole < 0.006


def test_no_adult_title_is_named_unless_asked_for(store: GraphStore, given: list[Given]) -> None:
    adult = {id_ for id_, row in nodes(store).items() if row["is_adult"]}
    for one in given:
        assert one.one.id not in adult
        assert not adult & ({*one.reason.path, *one.reason.via} - {one.asked})


def test_viewers_are_those_of_titles_that_may_be_shown(store: GraphStore, given: list[Given]) -> None:
    viewers = [one for one in given if one.reason.kind == "viewers"]
    learned = store.info().embeddings[VECTORS].model != CONTENT
    assert bool(viewers) == learned
    offered = {scope: set(store.offered(scope).column("id").to_pylist()) for scope in {one.scope for one in viewers}}
    assert all(one.reason.via[0] in offered[one.scope] for one in viewers)


def test_k_whenever_k_exist_in_scope_alone(store: GraphStore) -> None:
    slugs = {id_ for batch in store.scan_nodes("Catalog", []) for id_ in batch.column("id").to_pylist()}
    for scope in (*SCOPES, Scope(WHOLE_GRAPH, on=DAY, adult=True), Scope("a", "US", DAY), Scope("empty", on=DAY)):
        if scope.catalog not in (*slugs, None, WHOLE_GRAPH):
            continue
        may = set(store.offered(scope).column("id").to_pylist())
        for id_, found in answers(store, scope, list(nodes(store))[::20], 400).items():
            assert sorted(one.id for one in found) == sorted(may - {id_})
            assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)


def test_the_same_question_has_the_same_answer(store: GraphStore) -> None:
    for scope in SCOPES[2:]:
        asked = list(nodes(store))[::10]
        assert answers(store, scope, asked) == answers(store, scope, asked)


def test_titles_without_a_vector_come_last_in_any_scope(store: GraphStore) -> None:
    ids = sorted(nodes(store))
    held, rows = store.get_embeddings(VECTORS, ids[:20])
    made = store.info().embeddings[VECTORS]
    version = store.info().version
    store.set_embeddings(VECTORS, held, np.array(rows), made)
    try:
        folded = FoldIn.published(store)
        assert folded is not None
        may = set(store.offered(Scope(WHOLE_GRAPH)).column("id").to_pylist())
        found = Ranking(store, folded).rank(held[0], Scope(WHOLE_GRAPH), 400)
        assert found is not None
        assert {one.id for one in found} == may - {held[0]}
        assert Ranking(store, folded).rank(ids[20], Scope(WHOLE_GRAPH), 400) is None
        assert Searcher(store).similar(ids[20], Scope(WHOLE_GRAPH), 5)
    finally:
        store.rollback(version)


def test_the_score_of_what_nobody_would_want_stays_small(stored: Stored) -> None:
    store = stored({"Title": [{"id": "a", "title": "Harbour"}, {"id": "b", "title": "Quartz"}]})
    made = Provenance("learned", "Substitutes", 1, store.info().graph_hash, "2026-01-01T00:00:00+00:00")
    for name in (WEIGHTS, VECTORS):
        store.set_embeddings(name, ["a", "b"], np.array([[1], [-0.5]], np.float32), made)
    (one,) = Searcher(store).similar("a", Scope(WHOLE_GRAPH), 5)
    assert (one.id, one.score, one.evidence) == ("b", -0.5, ())
