"""Document vectors as strategies for substitutes: fitted as `configs/doc2vec*.toml`, `configs/sentence*.toml` train."""

from __future__ import annotations

from collections.abc import Mapping

from gnn.documents import Options, documents
from gnn.encoders import DOC2VEC, PACKAGES, SENTENCE, WIDTH
from gnn.prepare import needs
from gnn.strategy import Entry, Learning, Strategy
from gnn.vector_strategies import ByVectors, lacks_packages

VERSIONS: Mapping[str, tuple[str, Options, int]] = {
    "doc2vec": (DOC2VEC, Options(), 64),
    "doc2vec-genres": (DOC2VEC, Options(filter=0.5), 64),
    "sentence": (SENTENCE, Options(), WIDTH),
    "sentence-genres": (SENTENCE, Options(filter=0.5), WIDTH),
}
"""By name, the model, options and dimension that the configuration of that name has."""


def document_entry(name: str, about: str) -> Entry:
    """The strategy of one of VERSIONS. Fitting it raises ConfigError for too few titles, NotInstalled."""
    model, options, dimension = VERSIONS[name]

    def fit(given: Learning) -> Strategy:
        needs(*PACKAGES[model])
        found = documents(given.store, model, options, dimension, given.seed, given.progress)
        if found.spared:
            given.meter.elsewhere(f"{name}: embedding", found.spared)
        return ByVectors(found.ids, found.vectors)

    return Entry(fit, about, lacks=lambda _: lacks_packages(*PACKAGES[model]))
