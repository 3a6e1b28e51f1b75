"""Ways to tell the genres of a title from its name: plain words as a baseline, and a network on text vectors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gnn.encoders import DOC2VEC, PACKAGES, SENTENCE
from gnn.genre_figures import Floats
from gnn.title_texts import Texts

Rows = npt.NDArray[np.int64]

BASELINE = "title-words"


@dataclass(frozen=True)
class Question:
    """One seed's titles, as rows of `texts`; vectors: made once for all seeds."""

    texts: Texts
    learn: Rows
    valid: Rows
    judged: Rows
    seed: int
    vectors: Callable[[str, bool], Floats]


Answer = tuple[Floats, Floats, int]
"""Scores of the validation and of the judged titles, (n, genres); and how many bytes what said them takes."""


@dataclass(frozen=True)
class Teller:
    """A way to tell genres. model: of the text vectors, if it has some; leak: the genres are in what it reads."""

    tell: Callable[[Question], Answer]
    about: str
    packages: tuple[str, ...] = ()
    model: str | None = None
    leak: bool = False


def _frequent(asked: Question) -> Answer:
    share = asked.texts.has[asked.learn].mean(0).astype(np.float32)
    return np.tile(share, (len(asked.valid), 1)), np.tile(share, (len(asked.judged), 1)), share.nbytes


def _words(asked: Question) -> Answer:
    """Logistic regression on the words of the name, by tf-idf, one against the rest."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier

    titles = asked.texts.titles
    reader = TfidfVectorizer(sublinear_tf=True)
    learned, *others = (
        (reader.fit_transform if rows is asked.learn else reader.transform)([titles[row] for row in rows])
        for rows in (asked.learn, asked.valid, asked.judged)
    )
    truth = asked.texts.has[asked.learn]
    known = np.flatnonzero(truth.any(0) & ~truth.all(0))
    model = OneVsRestClassifier(LogisticRegression(C=1.0, solver="liblinear")).fit(learned, truth[:, known].astype(int))
    made = []
    for part in others:
        scores = np.tile(truth.mean(0).astype(np.float32), (part.shape[0], 1))
        scores[:, known] = model.predict_proba(part).reshape(part.shape[0], -1)[:, -len(known) :]
        made.append(scores)
    return made[0], made[1], 8 * len(known) * len(reader.vocabulary_)


def _network(model: str, *, leak: bool = False) -> Callable[[Question], Answer]:
    def tell(asked: Question) -> Answer:
        from gnn.genre_network import train

        vectors, has = asked.vectors(model, leak), asked.texts.has
        parts = (vectors[asked.learn], has[asked.learn], vectors[asked.valid], has[asked.valid])
        network = train(*parts, asked.seed)
        size = sum(4 * one.numel() for one in network.layers.parameters())
        return network.scores(vectors[asked.valid]), network.scores(vectors[asked.judged]), size

    return tell


def _by_vectors(model: str, about: str, *, leak: bool = False) -> Teller:
    return Teller(_network(model, leak=leak), about, PACKAGES[model], model, leak)


TELLERS: Mapping[str, Teller] = {
    "frequent": Teller(_frequent, "the most frequent genres, whatever the title"),
    BASELINE: Teller(_words, "logistic regression on the words of the title", ("sklearn",)),
    "doc2vec": _by_vectors(DOC2VEC, "Doc2Vec of the title, network"),
    "sentence": _by_vectors(SENTENCE, "sentence embedding of the title, network"),
    "doc2vec-leak": _by_vectors(DOC2VEC, "Doc2Vec of title and genres: reads its answer", leak=True),
    "sentence-leak": _by_vectors(SENTENCE, "embedding of title and genres: reads its answer", leak=True),
}
"""By name, in the order of the table."""
