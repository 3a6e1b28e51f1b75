"""Link prediction as an answer: which genres, credits or series a title probably lacks, or titles a person lacks."""

from __future__ import annotations

import difflib
import json
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gnn.calibration import Calibration, Side, among, ask, log_shares
from gnn.runs import CALIBRATION, Run, RunError, list_runs, open_run
from gnn.title_models import TITLE_MODELS
from gnn.train import load_scorer
from gnn.triples import Ids
from graph.explain import names_of
from graph.schema import RELATIONSHIPS
from graph.store import GraphStore, NotInGraph
from graph.vectors import top

_LABELS = ("Title", "Person")


@dataclass(frozen=True)
class Prediction:
    """A node that an entity probably has this relation with. score: the model's, for one order only."""

    id: str
    name: str
    probability: float
    score: float

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data, for JSON."""
        return asdict(self) | {"probability": round(self.probability, 4), "score": round(self.score, 4)}


class Predictor:
    """A finished run's model beside the graph as it is now. Keeps both; make one and ask it often."""

    def __init__(self, run: Path | Run, store: GraphStore) -> None:
        """Raises RunError where the run is not finished, was not trained on a graph, or is not calibrated."""
        self.run = open_run(run) if isinstance(run, Path) else run
        self.store = store
        self.scorer = load_scorer(self.run)
        self.vocabulary = self.run.vocabulary()
        if not any(name.startswith("Title:") for name in self.vocabulary.entities):
            raise RunError(f"{self.run.folder} was not trained on a graph with titles; train on the store")
        self._names = pa.array(self.vocabulary.entities, pa.large_string())
        self.calibration = _calibration(self.run)
        self.ends = lru_cache(64)(self._ends)

    def predict(self, id_: str, relation: str, k: int = 10) -> list[Prediction]:
        """The k nodes that most probably stand in a relation with a title or person, those that do left out.

        The other end is found by the schema: genres of a title, people of a title, titles of a person. Candidates are
        nodes that have the relation somewhere in the graph. Raises NotInGraph for an id or relation that is not there.
        """
        number = self.number(relation)
        entity, side = self._asked(id_, relation)
        candidates = self.candidates(relation, side)
        known = self._known(id_, relation, side)
        open_ = candidates[~among(candidates, known)]
        open_ = open_[open_ != entity]
        if not len(open_) or k <= 0:
            return []
        scores = ask(self.scorer, np.array([entity]), number, side, open_)[0]
        probabilities = self.calibration.probability(relation, side, log_shares(scores))
        best = top(scores, k)
        ids = [self.id(int(open_[row])) for row in best]
        names = names_of(self.store, ids)
        return [
            Prediction(one, names[one], float(probabilities[row]), float(scores[row]))
            for one, row in zip(ids, best, strict=True)
        ]

    def number(self, relation: str) -> int:
        """A relation's number. Raises NotInGraph with the nearest names."""
        found = self.vocabulary.relation_numbers.get(relation)
        if found is None:
            near = difflib.get_close_matches(relation.upper(), self.vocabulary.relations, n=2, cutoff=0.5)
            hint = (
                f"did you mean {' or '.join(near)}?" if near else f"it learned {', '.join(self.vocabulary.relations)}"
            )
            raise NotInGraph(f"the run {self.run.name} knows no relation {relation!r}; {hint}")
        return found

    def id(self, number: int) -> str:
        """An entity's id as the graph has it; a bucket's name as it is."""
        label, _, id_ = self.vocabulary.entities[number].partition(":")
        return id_ if label in (*_LABELS, "Genre", "Keyword", "User") else self.vocabulary.entities[number]

    def candidates(self, relation: str, side: Side) -> Ids:
        """Entities that have a relation at that side somewhere in the graph as it is: sorted numbers."""
        return np.unique(self.ends(relation)[:, 2 if side == "tail" else 0])

    def _ends(self, relation: str) -> Ids:
        """The graph's triples of a relation, among entities that the run knows: (n, 3)."""
        type_ = relation.partition(":")[0]
        if type_ not in RELATIONSHIPS:
            raise NotInGraph(f"{relation} joins titles with values, not with nodes; nothing can be predicted for it")
        kind, number = RELATIONSHIPS[type_], self.number(relation)
        role = relation.partition(":")[2]
        found = [np.empty((0, 3), np.int64)]
        for batch in self.store.scan_relationships(type_, ["category"] if role else []):
            table = pa.table(batch)
            if role:
                table = table.filter(pc.equal(table.column("category"), role))
            ends = [
                self._numbers(label, table.column(end)) for label, end in ((kind.head, "head"), (kind.tail, "tail"))
            ]
            both = np.stack([ends[0], np.full(len(ends[0]), number, np.int64), ends[1]], 1)
            found.append(both[(ends[0] >= 0) & (ends[1] >= 0)])
        return np.unique(np.concatenate(found), axis=0)

    def _numbers(self, label: str, ids: pa.ChunkedArray) -> Ids:
        text = pa.large_string()
        named = pc.binary_join_element_wise(pa.scalar(label, text), ids.cast(text), pa.scalar(":", text))
        found: Ids = pc.index_in(named, value_set=self._names).fill_null(-1).to_numpy().astype(np.int64)
        return found

    def _asked(self, id_: str, relation: str) -> tuple[int, Side]:
        """The number of the title or person, and which end of the relation is asked for."""
        kind = RELATIONSHIPS.get(relation.partition(":")[0])
        for label in _LABELS:
            entity = self.vocabulary.entity_numbers.get(f"{label}:{id_}")
            if entity is None:
                continue
            if kind is None or label not in (kind.head, kind.tail):
                raise NotInGraph(f"{relation} is not a relation of a {label}, which {id_} is")
            if kind.head == kind.tail:  # an episode has a series, a series has episodes
                return entity, "head" if entity in self.candidates(relation, "tail") else "tail"
            return entity, "tail" if label == kind.head else "head"
        if any(self.store.get_nodes(label, [id_], []).num_rows for label in _LABELS):
            raise NotInGraph(
                f"{id_} has no place in the run {self.run.name}: it came later, or has none of its relations"
            )
        raise NotInGraph(f"there is no title or person {id_!r} in {self.store.url}; search for its name to find its id")

    def _known(self, id_: str, relation: str, side: Side) -> Ids:
        # Whoever acts in a title in one role is not suggested for another.
        type_ = relation.partition(":")[0]
        near = RELATIONSHIPS[type_].tail if side == "tail" else RELATIONSHIPS[type_].head
        table = self.store.neighbours([id_], [type_], "out" if side == "tail" else "in")
        return self._numbers(near, table.column("neighbour").cast(pa.string()))


def predict(run: Path | Run, store: GraphStore, id_: str, relation: str, k: int = 10) -> list[Prediction]:
    """See Predictor.predict; opens the run for this one question."""
    return Predictor(run, store).predict(id_, relation, k)


def default_run(runs: Path, store: GraphStore, name: str = "embedding") -> Run:
    """The run whose vectors the store carries, else the newest finished one that predicts links.

    Raises RunError where there is none.
    """
    published = store.info().embeddings.get(name)
    finished = [run for run in list_runs(runs) if run.state == "finished" and run.config.model.name not in TITLE_MODELS]
    for run in finished:
        if published and run.name == published.run:
            return run
    if not finished:
        raise RunError(
            f"{runs} has no finished run that predicts links; train one: reelgraph train configs/complex.toml"
        )
    return finished[-1]


def _calibration(run: Run) -> Calibration:
    path = run.folder / CALIBRATION
    try:
        return Calibration.of_dict(json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        raise RunError(f"{run.folder} has no {CALIBRATION}, so scores are no probabilities; train it again") from None
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(f"{path} cannot be read ({error}); train it again") from None
