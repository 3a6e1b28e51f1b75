"""Knowledge-graph embeddings: any PyKEEN model by its name, as a Scorer.

DistMult, ComplEx, TransE and RotatE score through gnn/forms.py, one matrix product for many candidates; every other
model through PyKEEN's own `score_t` and `score_h`. The weights are PyKEEN's in all cases, so its evaluator, its
predictions and its hyper-parameter search work on `Kge.model`.
"""

from __future__ import annotations

import difflib
import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from pykeen.models import Model, RotatE, model_resolver
from pykeen.nn.representation import Embedding
from pykeen.triples import CoreTriplesFactory, KGInfo
from torch import Tensor

from gnn.config import ConfigError, RunConfig
from gnn.forms import Side, form
from gnn.scorer import Arrays
from gnn.triples import Ids, Vocabulary

# Real numbers in one of a model's own: what `dimension` is divided by.
_WIDTHS = {"ComplEx": 2, "RotatE": 2, "QuatE": 4}
# PyKEEN's defaults follow each paper's first code: unit-length entities, soft constraints. Our loop regularises on its
# own, and cross entropy needs lengths that can grow.
_OPTIONS: dict[str, dict[str, Any]] = {
    "DistMult": {"entity_constrainer": None, "regularizer": None, "entity_initializer": "xavier_normal_",
                 "relation_initializer": "xavier_normal_"},
    "ComplEx": {"regularizer": None, "entity_initializer": "xavier_normal_", "relation_initializer": "xavier_normal_"},
    "TransE": {"entity_constrainer": None, "scoring_fct_norm": 2, "entity_initializer": "xavier_normal_",
               "relation_initializer": "xavier_normal_"},
    "RotatE": {"entity_initializer": "xavier_normal_"},
}  # fmt: skip
_GRAPH_MODELS = ("CompGCN", "NodePiece", "RGCN", "InductiveNodePiece", "InductiveNodePieceGNN")


def nearest(name: str, names: Iterable[str]) -> str:
    """End of an error about an unknown name: the nearest ones, or all of them."""
    known = {known.lower(): known for known in names}
    near = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.5)
    return f"; did you mean {' or '.join(known[one] for one in near)}?" if near else f"; there are {', '.join(names)}"


def build(config: RunConfig, vocabulary: Vocabulary, triples: Ids | None = None) -> Kge:
    """A fresh model as configured, on the configured device; the same seed gives the same weights.

    triples: training triples, for the few PyKEEN models that look at the graph; shared, not copied.
    Raises ConfigError naming the nearest model, or the option that the model does not take.
    """
    class_ = _class(config.model.name)
    name = class_.__name__
    info: KGInfo = KGInfo(len(vocabulary.entities), len(vocabulary.relations), config.training.reciprocal)
    if name in _GRAPH_MODELS and triples is not None:
        info = CoreTriplesFactory(torch.from_numpy(triples), len(vocabulary.entities), len(vocabulary.relations),
                                  config.training.reciprocal)  # fmt: skip
    width = _WIDTHS.get(name, 1)
    if config.model.dimension % width:
        raise ConfigError(f"model.dimension: {name} needs a multiple of {width}, not {config.model.dimension}")
    options: dict[str, Any] = {"embedding_dim": config.model.dimension // width}
    if config.training.loop == "shared":
        options |= _OPTIONS.get(name, {})
    options |= config.model.options
    logging.getLogger("pykeen").setLevel(logging.ERROR)  # its advice is about its own pipeline
    try:
        model = class_(triples_factory=info, random_seed=config.seed, **options)
        return Kge(model.to(config.training.device))
    except (TypeError, ValueError, KeyError, AttributeError, AssertionError) as error:
        raise ConfigError(
            f"model: PyKEEN's {name} cannot be built with {options} and "
            f"reciprocal = {str(config.training.reciprocal).lower()}: {error}"
        ) from None


def _class(name: str) -> type[Model]:
    """PyKEEN's class of that name, upper or lower case."""
    try:
        return model_resolver.lookup(name)
    except KeyError:
        names = sorted(class_.__name__ for class_ in model_resolver)
        raise ConfigError(f"model.name: PyKEEN has no model {name!r}{nearest(name, names)}") from None


def _table(model: Model, of: str) -> Tensor:
    """The one table of an entity's or a relation's weights."""
    return cast("Sequence[Embedding]", getattr(model, of))[0]._embeddings.weight


class Kge:
    """A PyKEEN model as a Scorer. With reciprocal relations, heads are found as tails of the inverse relation."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.reciprocal = bool(model.use_inverse_triples)
        norm = getattr(getattr(model, "interaction", None), "p", 2.0)
        self.form = form(type(model).__name__, norm)
        self.dimension = self.entity_vectors().shape[1] if self.form is None else self.entities.shape[1]

    @property
    def entities(self) -> Tensor:
        """Weights of a model that has a form: (entities, d) real numbers."""
        return _table(self.model, "entity_representations")

    @property
    def relations(self) -> Tensor:
        """Weights of a model that has a form: (relations, e). Reciprocal: relation r is row 2r, its inverse 2r + 1."""
        return _table(self.model, "relation_representations")

    def asked(self, relations: Tensor, side: Side) -> tuple[Tensor, Side]:
        """Rows of the relation weights, and the side that the form is asked for."""
        if not self.reciprocal:
            return relations, side
        return 2 * relations + (side == "head"), "tail"

    @torch.no_grad()
    def tails(self, heads: Tensor, relations: Tensor, among: Tensor | None = None) -> Tensor:
        """See Scorer."""
        return self._many(heads, relations, "tail", among)

    @torch.no_grad()
    def heads(self, relations: Tensor, tails: Tensor, among: Tensor | None = None) -> Tensor:
        """See Scorer."""
        return self._many(tails, relations, "head", among)

    @torch.no_grad()
    def triples(self, hrt: Tensor) -> Tensor:
        """See Scorer."""
        self.model.eval()
        device = self.model.device
        heads, relations, tails = hrt.to(device).unbind(1)
        rows, side = self.asked(relations, "tail")
        if self.form is None:
            return self.model.score_hrt(torch.stack([heads, rows, tails], 1))[:, 0]
        query = self.form.query(self.entities[heads], self.relations[rows], side)
        return self.form.pairs(query, self.entities[tails])

    def _many(self, known: Tensor, relations: Tensor, side: Side, among: Tensor | None) -> Tensor:
        self.model.eval()
        device = self.model.device
        rows, asked = self.asked(relations.to(device), side)
        known, among = known.to(device), None if among is None else among.to(device)
        if self.form is None:
            return self.whole(known, rows, asked, among)
        query = self.form.query(self.entities[known], self.relations[rows], asked)
        return self.form.pool(query, self.entities if among is None else self.entities[among])

    def whole(self, known: Tensor, rows: Tensor, side: Side, among: Tensor | None) -> Tensor:
        """PyKEEN's own scores of many candidates, with a gradient: (b,), (b,) → (b, n)."""
        if side == "tail":
            return self.model.score_t(torch.stack([known, rows], 1), tails=among)
        return self.model.score_h(torch.stack([rows, known], 1), heads=among)

    @torch.no_grad()
    def entity_vectors(self) -> npt.NDArray[np.float32]:
        """See Scorer. A model of several representations an entity gives them one after the other."""
        self.model.eval()
        parts: list[Tensor] = []
        for representation in cast("Iterable[Embedding]", self.model.entity_representations):
            rows = representation(None)
            rows = rows.reshape(len(rows), -1)  # biases are (n,), matrices (n, d, d)
            parts += [rows.real, rows.imag] if rows.is_complex() else [rows]
        joined = torch.cat(parts, 1) if len(parts) > 1 else parts[0]
        return cast("npt.NDArray[np.float32]", joined.float().cpu().numpy().copy())

    @torch.no_grad()
    def settle(self) -> None:
        """Make the trained weights what PyKEEN's own model means by them; our scores stay.

        Our RotatE turns by a relation's direction alone, so its length drifts; PyKEEN's takes it to be 1.
        """
        if isinstance(self.model, RotatE):
            for representation in self.model.relation_representations:
                representation.post_parameter_update()  # type: ignore[no-untyped-call]

    def state(self) -> Arrays:
        """See Scorer. On the CPU the arrays are the parameters' own memory: copy to keep."""
        return {name: tensor.detach().cpu().numpy() for name, tensor in self.model.state_dict().items()}

    def load_state(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        """See Scorer."""
        for name, tensor in self.model.state_dict().items():
            found = state[name].shape if name in state else "nothing"
            if found != tuple(tensor.shape):
                raise ValueError(
                    f"parameter {name} should be {tuple(tensor.shape)} and is {found}; another model's state?"
                )
            tensor.copy_(torch.from_numpy(np.array(state[name])))
