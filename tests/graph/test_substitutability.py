"""How good a best substitute is said to be: the curve by itself, in a store, and in an answer."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from graph.foldin import CONTENT, VECTORS, WEIGHTS
from graph.search import Searcher
from graph.store import WHOLE_GRAPH, GraphStore, Provenance, Scope, open_store
from graph.substitutability import CONTENT_COEFFICIENTS, POOR, Curve, bars, coefficients_of, facts_of
from loaders.load import load_sample
from reelgraph import app

TOY_STORY = "tt0114709"
CHANCE = np.random.default_rng(0)
REFERENCES = CHANCE.normal(size=(600, 4)).astype(np.float32)
CURVE = Curve((-1.0, 3.0, 1.5, 0.5), REFERENCES)
Few = st.lists(st.floats(-1e4, 1e4, width=32), min_size=2, max_size=12)


@given(products=Few, asked=st.lists(st.floats(-100, 100, width=32), min_size=4, max_size=4))
def test_a_larger_product_is_never_worse(products: list[float], asked: list[float]) -> None:
    said = CURVE.of(np.array([asked], np.float32), np.array([sorted(products)], np.float32))[0]
    assert ((said >= 0) & (said <= 1)).all()
    assert (np.diff(said) >= 0).all()


def test_a_row_of_products_is_as_many_single_ones() -> None:
    asked, products = CHANCE.normal(size=(3, 4)).astype(np.float32), CHANCE.random((3, 5)).astype(np.float32)
    said = CURVE.of(asked, products)
    assert said.shape == (3, 5)
    for column in range(5):
        assert CURVE.of(asked, products[:, column]) == pytest.approx(said[:, column])


def test_the_curve_is_the_one_that_is_written() -> None:
    asked = np.array([[2, 0, 0, 0]], np.float32)
    positive = Curve(CURVE.coefficients, np.abs(REFERENCES))
    bar = float(np.sort(np.abs(REFERENCES[:, 0]) * 2)[-50])  # the fiftieth best of six hundred
    assert bars(positive.references, asked) == pytest.approx([bar])
    for times, logit in ((1, -1.0), (2, -1.0 + 1.5 * np.log(2)), (0.5, -1.0 - 3 * np.log(2)), (1e9, -1.0 + 1.5 * 3)):
        said = positive.of(asked, np.array([bar * times], np.float32))[0]
        assert said == pytest.approx(1 / (1 + np.exp(-(logit + 0.5 * np.log(2)))), rel=1e-5)


def test_of_fewer_references_the_bar_is_the_same_share() -> None:
    asked = np.array([[1, 0], [-1, 0]], np.float32)
    few = np.array([[3, 0], [2, 0], [5, 0]], np.float32)
    assert bars(few, asked).tolist() == [5, 1e-6]  # the first of three
    many = np.stack([np.arange(1, 257), np.zeros(256)], 1).astype(np.float32)
    assert bars(many, asked[:1]).tolist() == [256 - 24]  # the 25th of 256, as the 50th of 512
    assert bars(np.vstack([many, many + np.array([256, 0])]).astype(np.float32), asked[:1]).tolist() == [512 - 49]
    assert bars(np.empty((0, 2), np.float32), asked[:1]).tolist() == [1e-6]


def test_coefficients_survive_as_facts() -> None:
    facts = facts_of((1, -2.5, 3, 4))
    assert coefficients_of(facts) == (1, -2.5, 3, 4)
    assert coefficients_of({name: value for name, value in facts.items() if not name.endswith("length")}) is None
    assert coefficients_of({}) is None


@pytest.fixture
def writable(tmp_path: Path, sample: GraphStore) -> Iterator[GraphStore]:
    """A copy of the sample."""
    shutil.copytree(sample.url.partition(":")[2], tmp_path / "store")
    store = open_store(f"embedded:{tmp_path / 'store'}")
    yield store
    store.close()


def publish(store: GraphStore, facts: dict[str, float], model: str = "Substitutes") -> None:
    """The store's own vectors once more, with facts, as if they had been learned."""
    held = store.info().embeddings[VECTORS]
    made = Provenance("learned", model, held.dimension, held.graph_hash, held.made)
    for name, told in ((WEIGHTS, made), (VECTORS, replace(made, facts=facts))):
        ids, rows = store.get_embeddings(name)
        store.set_embeddings(name, ids, rows, told, amend=name == VECTORS)


def test_published_is_the_curve_of_the_current_vectors(writable: GraphStore) -> None:
    first = Curve.published(writable)
    assert first is not None
    assert first.coefficients == CONTENT_COEFFICIENTS
    landmarks = writable.get_embeddings(WEIGHTS)[0]
    assert (first.references == writable.get_embeddings(VECTORS, landmarks)[1]).all()
    publish(writable, facts_of((1, 2, 3, 4)))
    second = Curve.published(writable)
    assert second is not None
    assert second.coefficients == (1, 2, 3, 4)
    publish(writable, {})  # a run of an earlier version
    assert Curve.published(writable) is None


def test_there_is_no_curve_without_vectors_of_one_run(tmp_path: Path, writable: GraphStore) -> None:
    empty = open_store(f"embedded:{tmp_path / 'empty'}", create=True)
    assert Curve.published(empty) is None
    empty.close()
    ids, rows = writable.get_embeddings(VECTORS)
    other = replace(writable.info().embeddings[VECTORS], run="another")
    writable.set_embeddings(VECTORS, ids, rows, other)
    assert Curve.published(writable) is None
    assert Searcher(writable).search(TOY_STORY, Scope("north")).hits[0].substitutability is None


def offer(store: GraphStore, slug: str, ids: list[str]) -> Scope:
    store.upsert_nodes("Catalog", [{"id": slug, "name": slug}])
    store.upsert_relationships("OFFERS", [{"head": slug, "tail": id_, "item_id": id_} for id_ in ids])
    return Scope(slug)


def test_a_catalog_of_unrelated_titles_has_less_than_a_full_one(writable: GraphStore) -> None:
    searcher = Searcher(writable)
    vector = writable.get_embeddings(VECTORS, [TOY_STORY])[1][0]
    ranked = [id_ for id_, _ in writable.search_vector(VECTORS, vector, 10**6) if id_ != TOY_STORY]
    scopes = [offer(writable, "far", ranked[-5:]), offer(writable, "half", ranked[len(ranked) // 3 :]),
              offer(writable, "full", ranked)]  # fmt: skip
    said = [searcher.search(TOY_STORY, scope).hits[0].substitutability for scope in scopes]
    assert None not in said
    far, half, full = said
    assert far < half < full  # type: ignore[operator]
    assert far < POOR < full  # type: ignore[operator]
    # One more title never lowers it, whichever that is.
    for extra in (ranked[0], ranked[50], ranked[-10]):
        offer(writable, "far", [extra])
        after = searcher.search(TOY_STORY, scopes[0]).hits[0].substitutability
        assert after is not None
        assert after >= far  # type: ignore[operator]


def test_it_is_that_of_the_largest_product_in_scope(sample: GraphStore) -> None:
    curve = Curve.published(sample)
    assert curve is not None
    scope = Scope("north")
    offered = [id_ for id_ in sample.offered(scope).column("id").to_pylist() if id_ != TOY_STORY]
    vector = sample.get_embeddings(VECTORS, [TOY_STORY])[1]
    largest = np.array([(sample.get_embeddings(VECTORS, offered)[1] @ vector[0]).max()], np.float32)
    expected = float(curve.of(vector, largest)[0])
    for substitutes in (0, 1, 5):
        hit = Searcher(sample).search(TOY_STORY, scope, substitutes=substitutes).hits[0]
        assert hit.substitutability == pytest.approx(expected, rel=1e-5)
        plain = hit.as_dict()
        assert plain["substitutability"] == round(expected, 2)
        assert list(plain)[-3:] == ["match", "substitutability", "substitutes"]


def test_a_title_of_the_catalog_is_not_its_own_substitute(writable: GraphStore) -> None:
    vector = writable.get_embeddings(VECTORS, [TOY_STORY])[1]
    nearest = writable.search_vector(VECTORS, vector[0], 3)
    worst = nearest[-1][0]
    scope = offer(writable, "two", [TOY_STORY, worst])
    hit = Searcher(writable).search(TOY_STORY, scope).hits[0]
    assert hit.in_catalog
    curve = Curve.published(writable)
    assert curve is not None
    product = dict(nearest)[worst]
    assert hit.substitutability == pytest.approx(float(curve.of(vector, np.array([product], np.float32))[0]), rel=1e-5)
    assert worst != TOY_STORY


def test_nothing_to_offer_is_nothing_good_and_what_is_not_known_is_null(writable: GraphStore) -> None:
    searcher = Searcher(writable)
    nothing = offer(writable, "nothing", [])
    assert searcher.search(TOY_STORY, nothing).hits[0].substitutability == 0
    alone = offer(writable, "alone", [TOY_STORY])
    assert searcher.search(TOY_STORY, alone).hits[0].substitutability == 0
    # A title that was written by itself has no vector, so hand weights answer.
    writable.upsert_nodes("Title", [{"id": "item:new", "kind": "movie", "title": "Quite New"}])
    hit = searcher.search("item:new", Scope(WHOLE_GRAPH)).hits[0]
    assert hit.substitutes
    assert hit.substitutability is None
    assert hit.as_dict()["substitutability"] is None
    assert searcher.search(TOY_STORY, offer(writable, "new", ["item:new"])).hits[0].substitutability is None


def test_people_have_titles_and_no_substitutability(sample: GraphStore) -> None:
    hit = Searcher(sample).search("tom hanks", Scope(WHOLE_GRAPH)).hits[0]
    assert hit.match.label == "Person"
    assert "substitutability" not in hit.as_dict()


def test_a_poor_best_is_said_to_be_poor(writable: GraphStore) -> None:
    vector = writable.get_embeddings(VECTORS, [TOY_STORY])[1][0]
    ranked = [id_ for id_, _ in writable.search_vector(VECTORS, vector, 10**6) if id_ != TOY_STORY]
    offer(writable, "far", ranked[-5:])
    offer(writable, "full", ranked)
    run = CliRunner().invoke
    far = run(app, ["search", TOY_STORY, "--catalog", "far", "--store", writable.url])
    assert "Not in this catalog. The closest it has, a poor match:" in far.stdout
    full = run(app, ["search", TOY_STORY, "--catalog", "full", "--store", writable.url])
    assert "Not in this catalog. The closest it has:" in full.stdout
    said = json.loads(run(app, ["search", TOY_STORY, "--catalog", "full", "--store", writable.url, "--json"]).stdout)
    value = said["hits"][0]["substitutability"]
    assert POOR < value <= 1
    assert f"substitutability {value:.2f}" in full.stdout


def test_vectors_that_were_written_before_there_were_facts_still_open(writable: GraphStore) -> None:
    root = Path(writable.url.partition(":")[2])
    for path in root.glob("versions/*/embeddings/*.json"):
        plain = json.loads(path.read_text("utf-8"))
        assert plain.pop("facts") == {}
        size = path.stat().st_size
        path.write_text(json.dumps(plain).ljust(size), "utf-8")  # as long as it was: a shorter file is a damaged one
    old = open_store(writable.url)
    assert old.info().embeddings[VECTORS].model == CONTENT
    assert old.info().embeddings[VECTORS].facts == {}
    old.close()


def test_titles_that_a_load_brings_keep_the_curve(writable: GraphStore) -> None:
    facts = facts_of((1, 2, 3, 4))
    publish(writable, facts)
    load_sample(writable)
    assert dict(writable.info().embeddings[VECTORS].facts) == facts
