from __future__ import annotations

import pytest

from graph.explain import Evidence, check, explain
from graph.store import GraphStore, NotInGraph

TOY_STORY, BUGS_LIFE, LASSETER, HANKS = "tt0114709", "tt0120623", "nm0005124", "nm0000158"


def test_two_titles_of_one_director(sample: GraphStore) -> None:
    found = explain(sample, TOY_STORY, BUGS_LIFE)
    assert (TOY_STORY, "DIRECTED", LASSETER, "DIRECTED", BUGS_LIFE) in {one.path for one in found}
    assert found[0].text == "directed by John Lasseter, like Toy Story"
    assert [one.weight for one in found] == sorted((one.weight for one in found), reverse=True)
    assert all(check(sample, one) for one in found)


def test_a_chain_where_nobody_is_shared(sample: GraphStore) -> None:
    found = explain(sample, TOY_STORY, "tt0068646")  # The Godfather
    chains = [one for one in found if len(one.path) > 5]
    assert chains
    assert all(check(sample, one) for one in found)
    assert all(len(one.path) == len(chains[0].path) for one in chains)


def test_two_people(sample: GraphStore) -> None:
    found = explain(sample, LASSETER, HANKS)
    assert found[0].path[0] == LASSETER
    assert found[0].path[-1] == HANKS
    assert len(found[0].path) == 5
    assert all(check(sample, one) for one in found)


def test_episodes_of_one_series(sample: GraphStore) -> None:
    series = "tt0903747"  # Breaking Bad
    episodes = sample.neighbours([series], ["EPISODE_OF"], "in").column("neighbour").to_pylist()
    assert explain(sample, episodes[0], episodes[1])[0].path == (
        episodes[0], "EPISODE_OF", series, "EPISODE_OF", episodes[1],
    )  # fmt: skip
    assert explain(sample, series, episodes[0])[0].path == (series, "EPISODE_OF", episodes[0])


def test_a_title_and_itself_have_nothing_to_explain(sample: GraphStore) -> None:
    assert explain(sample, TOY_STORY, TOY_STORY) == []


def test_unknown_ids_are_named(sample: GraphStore) -> None:
    with pytest.raises(NotInGraph, match="tt9999999"):
        explain(sample, TOY_STORY, "tt9999999")


@pytest.mark.parametrize(
    "path",
    [
        (TOY_STORY, "DIRECTED", HANKS, "ACTED_IN", BUGS_LIFE),
        (TOY_STORY, "DIRECTED", LASSETER, "COMPOSED", BUGS_LIFE),
        (TOY_STORY, "NO_SUCH_TYPE", LASSETER),
        (TOY_STORY,),
        (),
    ],
)
def test_a_path_that_is_not_there_fails_the_check(sample: GraphStore, path: tuple[str, ...]) -> None:
    assert not check(sample, Evidence("path", 1.0, "", path))
