"""Models by name: their scores are PyKEEN's, whichever way they are computed."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch

from gnn.config import ConfigError, parse_config
from gnn.kge import Kge, build
from gnn.triples import Vocabulary

VOCABULARY = Vocabulary(tuple(f"Title:{n}" for n in range(40)), ("ACTED_IN", "DIRECTED", "IN_GENRE"))
TRIPLES = torch.tensor([[1, 0, 5], [2, 1, 6], [3, 2, 7], [7, 1, 9]])
OURS = ("DistMult", "ComplEx", "TransE", "RotatE")
OTHERS = ("SimplE", "TuckER", "MuRE", "BoxE", "CP", "QuatE", "ConvE")


def model(name: str, *, reciprocal: bool = False, **options: object) -> Kge:
    raw = {"model": {"name": name, "dimension": 16, "options": options}, "training": {"reciprocal": reciprocal}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # PyKEEN's, about its own defaults
        return build(parse_config(raw), VOCABULARY)


@pytest.mark.parametrize("reciprocal", [False, True])
@pytest.mark.parametrize("name", [*OURS, *OTHERS])
def test_scores_are_those_of_pykeen(name: str, reciprocal: bool) -> None:
    kge = model(name, reciprocal=reciprocal)
    heads, relations, tails = TRIPLES.unbind(1)
    with torch.no_grad():
        theirs_t = kge.model.predict_t(torch.stack([heads, relations], 1))
        theirs_h = kge.model.predict_h(torch.stack([relations, tails], 1))
        theirs = kge.model.predict_hrt(TRIPLES)[:, 0]
    torch.testing.assert_close(kge.tails(heads, relations), theirs_t, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(kge.heads(relations, tails), theirs_h, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(kge.triples(TRIPLES), theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", OURS)
def test_some_candidates_score_as_among_all(name: str) -> None:
    kge, among = model(name), torch.tensor([3, 1, 30])
    heads, relations, tails = TRIPLES.unbind(1)
    torch.testing.assert_close(kge.tails(heads, relations, among), kge.tails(heads, relations)[:, among])
    torch.testing.assert_close(kge.heads(relations, tails, among), kge.heads(relations, tails)[:, among])


def test_a_norm_other_than_2_is_taken() -> None:
    kge = model("TransE", scoring_fct_norm=1)
    heads, relations, tails = TRIPLES.unbind(1)
    torch.testing.assert_close(kge.tails(heads, relations).gather(1, tails[:, None])[:, 0], kge.triples(TRIPLES))


@pytest.mark.parametrize("name", OURS)
def test_state_goes_from_one_model_to_another(name: str) -> None:
    first, second = model(name), model(name)
    state = {key: array + 1 for key, array in first.state().items()}
    second.load_state(state)
    assert all(np.array_equal(array, state[key]) for key, array in second.state().items())
    with pytest.raises(ValueError, match=r"should be \(40, 16\) and is \(2, 2\)"):
        second.load_state({key: np.zeros((2, 2), np.float32) for key in state})


def test_vectors_have_the_configured_dimension_with_real_parts_first() -> None:
    kge = model("ComplEx")
    vectors = kge.entity_vectors()
    numbers = kge.model.entity_representations[0](None).detach()
    assert vectors.shape == (40, 16)
    assert kge.dimension == 16
    assert np.array_equal(vectors[:, :8], numbers.real.numpy())
    assert np.array_equal(vectors[:, 8:], numbers.imag.numpy())


def test_the_same_seed_gives_the_same_weights() -> None:
    assert np.array_equal(model("RotatE").entity_vectors(), model("RotatE").entity_vectors())


def test_what_cannot_be_built_is_said() -> None:
    with pytest.raises(ConfigError, match=r"no model 'CompleX2'; did you mean ComplEx"):
        model("CompleX2")
    with pytest.raises(ConfigError, match=r"ComplEx cannot be built with .*depth"):
        model("ComplEx", depth=3)
    with pytest.raises(ConfigError, match="needs a multiple of 2, not 15"):
        build(parse_config({"model": {"name": "ComplEx", "dimension": 15}}), VOCABULARY)
    with pytest.raises(ConfigError, match="DistMultLiteral cannot be built"):
        model("DistMultLiteral")
