"""Triples: the graph as models of link prediction see it, (head, relation, tail) over numbered entities.

They come from a store, through its protocol alone, or from a folder of text files, as the field's benchmarks do.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from gnn.buckets import Bucket, buckets
from gnn.config import GraphConfig
from gnn.known import Known
from gnn.numbering import Numbering, Parts, compact
from graph.schema import NODES, RELATIONSHIPS
from graph.store import GraphStore

Ids = npt.NDArray[np.int64]

_ROWS_AT_ONCE = 4_000_000


class TriplesError(Exception):
    """Triples that cannot be had: the relation or file, why not, and what to do."""


@dataclass(frozen=True)
class Vocabulary:
    """What the numbers stand for. An entity of the graph is `Label:id` ("Title:tt0114709"), a bucket `year:1990`."""

    entities: tuple[str, ...]
    relations: tuple[str, ...]

    @cached_property
    def entity_numbers(self) -> dict[str, int]:
        """Name of an entity → its number."""
        return {name: number for number, name in enumerate(self.entities)}

    @cached_property
    def relation_numbers(self) -> dict[str, int]:
        """Name of a relation → its number."""
        return {name: number for number, name in enumerate(self.relations)}


@dataclass(frozen=True)
class Split:
    """Triples for training, for choosing (valid) and for the final figure (test): each (n, 3) int64, no row twice.

    cold: entities (numbers) whose triples were held out on purpose. kind: how the split was made, in words.
    Negatives are triples that somebody checked to be false, where the data come with such.
    """

    vocabulary: Vocabulary
    train: Ids
    valid: Ids
    test: Ids
    kind: str = "as given"
    cold: Ids = field(default_factory=lambda: np.empty(0, np.int64))
    valid_negatives: Ids = field(default_factory=lambda: np.empty((0, 3), np.int64))
    test_negatives: Ids = field(default_factory=lambda: np.empty((0, 3), np.int64))

    @property
    def everything(self) -> Ids:
        """All known triples: what the filter of the evaluation leaves out."""
        return np.concatenate([self.train, self.valid, self.test])

    @cached_property
    def known(self) -> Known:
        """All known triples, to look up what a query's answers are; made once."""
        return Known(self.everything, len(self.vocabulary.entities), len(self.vocabulary.relations))

    @cached_property
    def data_hash(self) -> str:
        """One short name for exactly these triples and this split: 16 hexadecimal digits."""
        digest = hashlib.sha256()
        for names in (self.vocabulary.entities, self.vocabulary.relations):
            digest.update("\0".join(names).encode())
        for part in (self.train, self.valid, self.test):
            digest.update(np.ascontiguousarray(part).tobytes())
        return digest.hexdigest()[:16]


def unique_rows(triples: Ids) -> Ids:
    """Triples without repetitions, in the order in which each comes first: (n, 3) → (m, 3)."""
    if not len(triples):
        return triples
    order = np.lexsort(triples.T[::-1])
    ordered = triples[order]
    new = np.append(True, (ordered[1:] != ordered[:-1]).any(axis=1))
    # lexsort is stable, so the first of equals in the order is the first in the triples.
    return cast(Ids, triples[np.sort(order[new])])


def graph_triples(store: GraphStore, config: GraphConfig) -> tuple[Vocabulary, Ids]:
    """The triples of a graph, ordered and each once, and what their numbers stand for.

    Entities are the nodes that occur in a triple, label by label and by id, then the buckets. Adult titles are in.
    Relations that the default lists and the graph lacks are left out; raises TriplesError for one that was asked for.
    """
    asked = config.relations != GraphConfig().relations
    _check_names(config.relations)
    numbering = Numbering(store)
    found: Parts = {}
    for type_ in config.relations:
        parts: Parts = {}
        for name, head, tail in _relation(store, type_, config.roles, numbering):
            parts.setdefault(name, []).append((head, tail))
        found |= dict(sorted(parts.items()))
        if asked and not parts:
            raise TriplesError(
                f"the graph has no {type_} relationships: take {type_} out of graph.relations, or load them"
            )
    if config.feedback:
        found["LIKES"] = [_likes(store, config.feedback_from, numbering)]
    for name, property_, bucket in buckets(config):
        found[name] = [_literals(store, property_, bucket, numbering)]
    if not found:
        raise TriplesError("the graph has none of the relations in graph.relations; `reelgraph info` says what it has")
    entities, relations, triples = compact(found, numbering.names())
    return Vocabulary(tuple(entities), tuple(relations)), triples


def _check_names(relations: Sequence[str]) -> None:
    for type_ in relations:
        if type_ == "RATED":
            raise TriplesError("graph.relations: RATED is asked for by graph.feedback = true, with a least value")
        if type_ not in RELATIONSHIPS:
            near = difflib.get_close_matches(type_.upper(), RELATIONSHIPS, n=2, cutoff=0.5)
            hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(RELATIONSHIPS)}"
            raise TriplesError(f"graph.relations: the graph knows no {type_!r}; {hint}")


def _relation(store: GraphStore, type_: str, roles: bool, numbering: Numbering) -> Iterator[tuple[str, Ids, Ids]]:
    """(relation, heads, tails) of one relationship type; several when its roles count as relations."""
    kind = RELATIONSHIPS[type_]
    by_role = roles and any(property_.name == "category" for property_ in kind.properties)
    for table in _tables(store.scan_relationships(type_, ["category"] if by_role else [])):
        head, tail = _ends(table, type_, numbering)
        if not by_role:
            yield type_, head, tail
            continue
        category = pc.dictionary_encode(table.column("category").combine_chunks(), null_encoding="encode")
        codes = category.indices.to_numpy()
        for code, role in enumerate(category.dictionary.to_pylist()):
            yield f"{type_}:{role}" if role else type_, head[codes == code], tail[codes == code]


def _tables(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Batches put together: looking ids up costs a hash table of all nodes each time."""
    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        if sum(len(one) for one in held) >= _ROWS_AT_ONCE:
            yield pa.Table.from_batches(held)
            held = []
    if held:
        yield pa.Table.from_batches(held)


def _ends(table: pa.Table, type_: str, numbering: Numbering) -> tuple[Ids, Ids]:
    kind = RELATIONSHIPS[type_]
    head, tail = numbering.numbers(kind.head, table.column("head")), numbering.numbers(kind.tail, table.column("tail"))
    there = (head >= 0) & (tail >= 0)
    if there.all():
        return head, tail
    if kind.live:  # written since the nodes were read
        return head[there], tail[there]
    raise TriplesError(f"a {type_} names a node that was not there before: the graph was loaded anew; train again")


def _likes(store: GraphStore, least: float, numbering: Numbering) -> tuple[Ids, Ids]:
    """(users, titles) of feedback with at least that value, and of `like` without any."""
    parts = []
    for table in _tables(store.scan_relationships("RATED", ["type", "value"])):
        enough = pc.greater_equal(table.column("value"), least)
        liked = pc.if_else(pc.is_null(enough), pc.equal(table.column("type"), "like"), enough)
        parts.append(_ends(table.filter(liked), "RATED", numbering))
    if not sum(len(head) for head, _ in parts):
        raise TriplesError(f"the graph has no feedback of at least {least:g}: load some, or set graph.feedback = false")
    return np.concatenate([head for head, _ in parts]), np.concatenate([tail for _, tail in parts])


def _literals(store: GraphStore, property_: str, bucket: Bucket, numbering: Numbering) -> tuple[Ids, Ids]:
    """(titles, buckets) of every title that has the property; buckets get numbers of their own."""
    table = _titles(store, property_)
    table = table.filter(pc.is_valid(table.column(property_)))
    if property_ == "num_votes":
        table = table.filter(pc.greater(table.column(property_), 0))
    if not len(table):
        raise TriplesError(f"no title of the graph has a {property_}; turn its buckets off in [graph]")
    names = bucket(table.column(property_).to_numpy().astype(np.float64))
    first = numbering.add(property_, names.dictionary)
    return numbering.numbers("Title", table.column("id")), names.indices.to_numpy().astype(np.int64) + first


def _titles(store: GraphStore, property_: str) -> pa.Table:
    schema = NODES["Title"].arrow_schema()
    return pa.Table.from_batches(
        store.scan_nodes("Title", [property_]), pa.schema([schema.field("id"), schema.field(property_)])
    )


def release_years(store: GraphStore, vocabulary: Vocabulary) -> Ids:
    """The release year of each entity that is a title: (entities,), 0 where there is none."""
    years = np.zeros(len(vocabulary.entities), np.int64)
    names = pa.array(vocabulary.entities, pa.string())
    table = _titles(store, "start_year")
    titles = pc.binary_join_element_wise("Title", table.column("id"), ":")
    places = pc.index_in(titles, value_set=names)
    there = pc.and_(pc.is_valid(places), pc.is_valid(table.column("start_year")))
    years[places.filter(there).to_numpy()] = table.column("start_year").filter(there).to_numpy()
    return years


def read_folder(folder: Path) -> Split:
    """Read train.txt, valid.txt and test.txt: head, relation and tail by tabs, a triple a line; negatives if there.

    Entities and relations are numbered by name, those that only valid or test have too (`gnn.audit` counts them).
    Raises TriplesError naming the file and the line.
    """
    parts = [_read(folder / f"{part}.txt") for part in ("train", "valid", "test")]
    given = [folder / f"{part}_negatives.txt" for part in ("valid", "test")]
    parts += [_read(path) if path.exists() else parts[0].slice(0, 0) for path in given]
    everything = pa.concat_tables(parts)
    entities = _sorted_names(everything.column("head").chunks + everything.column("tail").chunks)
    relations = _sorted_names(everything.column("relation").chunks)

    def numbers(part: pa.Table) -> Ids:
        columns = [pc.index_in(part.column(name), value_set=values)
                   for name, values in (("head", entities), ("relation", relations), ("tail", entities))]  # fmt: skip
        return unique_rows(np.stack([column.to_numpy().astype(np.int64) for column in columns], axis=1))

    train, valid, test, valid_negatives, test_negatives = map(numbers, parts)
    vocabulary = Vocabulary(tuple(entities.to_pylist()), tuple(relations.to_pylist()))
    return Split(vocabulary, train, valid, test, f"as given in {folder.name}",
                 valid_negatives=valid_negatives, test_negatives=test_negatives)  # fmt: skip


def _read(path: Path) -> pa.Table:
    names = ["head", "relation", "tail"]
    try:
        return csv.read_csv(
            path,
            csv.ReadOptions(column_names=names),
            csv.ParseOptions(delimiter="\t", quote_char=False),
            csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False),
        )
    except FileNotFoundError:
        raise TriplesError(f"there is no {path}; a folder needs train.txt, valid.txt and test.txt") from None
    except (OSError, pa.ArrowInvalid) as error:
        raise TriplesError(f"{path} cannot be read as head, relation and tail by tabs: {error}") from None


def _sorted_names(chunks: list[pa.Array]) -> pa.Array:
    return pc.unique(pa.chunked_array(chunks, pa.string())).sort()
