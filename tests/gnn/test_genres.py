from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from gnn.config import ConfigError
from gnn.encoders import PACKAGES
from gnn.genre_figures import Drawn, Said, for_macro, for_micro, interval, macro, micro
from gnn.genre_network import train
from gnn.genres_evaluation import tell_genres
from gnn.prepare import NotInstalled
from gnn.title_texts import Texts
from graph.store import GraphStore, open_store
from graph.tables import finish_tables, rows_to_table, write_table

TRUTH = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [1, 0, 0]], bool)
WORDS = {"Horror": ("night", "blood", "house"), "Comedy": ("wedding", "holiday", "uncle"), "War": ("general", "front")}


def by_hand(said: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """Micro and macro F1 by their definitions."""
    both = [(int((s & t).sum()), int(s.sum()), int(t.sum())) for s, t in zip(said.T, truth.T, strict=True)]
    hits, calls, pairs = (sum(column) for column in zip(*both, strict=True))
    each = [2 * h / (c + p) for h, c, p in both if c + p]
    return 2 * hits / (calls + pairs), sum(each) / len(each)


def test_f1_is_that_of_the_books() -> None:
    said = np.array([[1, 1, 0], [1, 0, 0], [0, 1, 0], [0, 0, 0]], bool)
    hits, both = (part.sum(0) for part in Said(list("abcd"), said, TRUTH).counts)
    assert (float(micro(hits, both)), float(macro(hits, both))) == pytest.approx(by_hand(said, TRUTH))
    assert by_hand(said, TRUTH) == pytest.approx((2 * 3 / 9, (4 / 5 + 1 / 2) / 2))


def test_thresholds_are_the_best_there_are() -> None:
    chance = np.random.default_rng(0)
    truth = chance.random((40, 3)) < [0.6, 0.3, 0.1]
    scores = np.round(0.6 * truth + chance.random((40, 3)), 1).astype(np.float32)  # with ties
    limits = for_macro(scores, truth)
    for genre in range(3):
        reached = by_hand((scores >= limits)[:, [genre]], truth[:, [genre]])[0]
        possible = [by_hand((scores[:, [genre]] >= at), truth[:, [genre]])[0] for at in np.unique(scores)]
        assert reached == pytest.approx(max(possible))
    together = by_hand(scores >= for_micro(scores, truth), truth)[0]
    assert together >= by_hand(scores >= limits, truth)[0]
    for genre in range(3):  # none of them alone could be better
        for at in np.unique(scores):
            other = for_micro(scores, truth)
            other[genre] = at
            assert by_hand(scores >= other, truth)[0] <= together + 1e-9


def test_a_genre_that_no_title_has_is_never_said() -> None:
    scores = np.random.default_rng(0).random((4, 3)).astype(np.float32)
    assert for_macro(scores, TRUTH)[2] == np.inf
    assert for_micro(scores, TRUTH)[2] == np.inf


def test_intervals_hold_all_of_a_titles_rows_together() -> None:
    chance = np.random.default_rng(0)
    said, truth = chance.random((300, 2)) < 0.5, chance.random((300, 2)) < 0.5
    once = Said([f"t{row}" for row in range(300)], said, truth)
    hits, both = once.counts
    drawn = Drawn(once.titles)
    wide = micro(drawn.sums(hits), drawn.sums(both))
    assert interval(0.5, wide)["low"] < float(micro(hits.sum(0), both.sum(0))) < interval(0.5, wide)["high"]
    # The same rows three times over tell nothing more: the interval must not shrink.
    thrice = Drawn([*once.titles] * 3)
    again = micro(thrice.sums(np.tile(hits, (3, 1))), thrice.sums(np.tile(both, (3, 1))))
    assert again.std() == pytest.approx(wide.std(), rel=0.01)


def test_a_network_learns_what_vectors_say_and_leaves_others_random_numbers_alone() -> None:
    import torch

    chance = np.random.default_rng(0)
    vectors = chance.normal(size=(600, 8)).astype(np.float32)
    truth = vectors[:, :3] > 0.5
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    network, again, other = (train(vectors[:400], truth[:400], vectors[400:500], truth[400:500], s) for s in (0, 0, 1))
    assert torch.equal(before, torch.random.get_rng_state())
    scores = network.scores(vectors[500:])
    assert np.array_equal(scores, again.scores(vectors[500:]))
    assert not np.array_equal(scores, other.scores(vectors[500:]))
    assert by_hand(scores > 0.5, truth[500:])[0] > 0.85


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> GraphStore:
    """Titles whose genre is in one of their words, beside words that say nothing."""
    chance, folder = np.random.default_rng(0), tmp_path_factory.mktemp("named")
    rows: dict[str, list[dict[str, Any]]] = {"Title": [], "Genre": [{"id": genre} for genre in WORDS], "IN_GENRE": []}
    for number in range(400):
        genre = list(WORDS)[number % 3]
        words = [str(chance.choice(WORDS[genre])), f"thing{chance.integers(200)}"]
        rows["Title"].append({"id": f"tt{number:04}", "kind": "movie", "title": " ".join(words)})
        rows["IN_GENRE"].append({"head": f"tt{number:04}", "tail": genre})
    for name, listed in rows.items():
        write_table(folder / "tables", name, [rows_to_table(name, listed)])
    store = open_store(f"embedded:{folder / 'store'}", create=True)
    store.load_tables(finish_tables(folder / "tables", []))
    return store


def test_the_table_says_what_names_are_worth_and_what_a_leak_is(named: GraphStore) -> None:
    found = tell_genres(named, [0, 1])
    assert json.loads(json.dumps(found)) == found
    assert (found["judged"], found["compared_with"], found["left_out"]) == (80, "title-words", {})
    row = {one["strategy"]: one for one in found["strategies"]}
    for one in row.values():
        assert one["micro"]["low"] <= one["micro"]["mean"] <= one["micro"]["high"]
    assert row["frequent"]["micro"]["mean"] < 0.6
    assert row["title-words"]["micro"]["mean"] > 0.9
    assert row["sentence"]["micro"]["mean"] > 0.9
    assert row["sentence-leak"]["micro"]["mean"] > 0.95
    assert row["doc2vec-leak"]["micro"]["mean"] > row["doc2vec"]["micro"]["mean"]
    assert [name for name, one in row.items() if one["leak"]] == ["doc2vec-leak", "sentence-leak"]
    assert row["sentence"]["cost"]["train_seconds"] >= 0
    assert "micro_difference" not in row["title-words"]
    assert set(row["sentence"]["genres"]) == set(WORDS)
    assert sum(part["questions"] for part in row["sentence"]["slices"]["words"].values()) == 80


def test_honest_rows_never_read_the_genres_of_judged_titles(named: GraphStore, monkeypatch: pytest.MonkeyPatch) -> None:
    import gnn.genres_evaluation as module

    names = ["title-words", "doc2vec", "doc2vec-leak"]
    seen: dict[str, list[Any]] = {name: [] for name in names}
    real = module._said

    def kept(asked: Any, valid: Any, judged: Any) -> Any:
        seen[names[sum(map(len, seen.values())) % 3]].append((judged.copy(), asked))
        return real(asked, valid, judged)

    monkeypatch.setattr(module, "_said", kept)
    tell_genres(named, [0], names)
    texts = seen["doc2vec"][0][1].texts
    judged = seen["doc2vec"][0][1].judged
    has = texts.has.copy()
    has[judged] = np.roll(has[judged], 1, axis=1)  # the genres of judged titles are others now
    monkeypatch.setattr(module, "title_texts", lambda _: Texts(texts.ids, texts.titles, texts.genres, has))
    tell_genres(named, [0], names)
    for name, (first, second) in seen.items():
        assert np.array_equal(first[0], second[0]) != (name == "doc2vec-leak"), name


def test_names_and_packages_that_are_not_there_are_said(named: GraphStore, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="there is no way 'words' to tell genres; there are frequent, title-words"):
        tell_genres(named, names=["words"])
    import gnn.prepare

    real = gnn.prepare.importlib.util.find_spec
    monkeypatch.setattr(gnn.prepare.importlib.util, "find_spec", lambda name: None if name == "torch" else real(name))
    found = tell_genres(named, [0])
    assert [one["strategy"] for one in found["strategies"]] == ["frequent", "title-words"]
    assert found["left_out"]["sentence"] == "needs torch: pip install 'reelgraph[train]'"
    with pytest.raises(NotInstalled, match="torch must be installed"):
        tell_genres(named, [0], ["sentence"])
    assert all("torch" in packages for packages in PACKAGES.values())


def test_a_graph_with_too_few_genres_is_said(tmp_path: Any) -> None:
    store = open_store(f"embedded:{tmp_path / 'store'}", create=True)
    write_table(tmp_path / "tables", "Title", [rows_to_table("Title", [{"id": "tt1", "title": "One"}])])
    store.load_tables(finish_tables(tmp_path / "tables", []))
    with pytest.raises(ConfigError, match=r"0 titles of .* have a genre, and 100 are the least"):
        tell_genres(store, names=["frequent"])
