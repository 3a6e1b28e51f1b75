"""Our triples as PyKEEN's data, for its own tools: pipeline, hyper-parameter search, evaluator.

from gnn.prepare import prepare
from gnn.pykeen_data import dataset

data = dataset(prepare(config, store).split)
hpo_pipeline(dataset=data, model="DistMult", n_trials=20)
"""

from __future__ import annotations

import numpy as np
import torch
from pykeen.datasets.base import EagerDataset
from pykeen.triples import TriplesFactory

from gnn.triples import Ids, Split


def dataset(split: Split, *, reciprocal: bool = False) -> EagerDataset:
    """A split as PyKEEN's `training`, `validation` and `testing`, labelled with our names; numbers stay as they are.

    So what PyKEEN trains on it has our numbers, and a run's model (`load_scorer(run).model`) can be asked by them.
    reciprocal: the training has each relation's inverse too (PyKEEN's `create_inverse_triples`).
    """
    entities, relations = split.vocabulary.entity_numbers, split.vocabulary.relation_numbers

    def part(triples: Ids, *, inverse: bool = False) -> TriplesFactory:
        return TriplesFactory(torch.from_numpy(np.ascontiguousarray(triples)), entities, relations, inverse)

    training = part(split.train, inverse=reciprocal)
    return EagerDataset(training, part(split.test), part(split.valid), metadata={"split": split.kind})
