"""One step from many nodes of the embedded store: relationships of several types as one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from graph.schema import RELATIONSHIPS, arrow_schema, is_live
from graph.store import Direction
from graph.stores.columns import Columns, Positions
from graph.stores.live import Live
from graph.stores.titles import Titles, holding

Mask = npt.NDArray[np.bool_]

_NO_PROPERTIES = pa.table({})


@dataclass(slots=True)
class Step:
    """Relationships found of one type: for each one the place of its source, its neighbour and its properties.

    The neighbour is a position among the nodes of the label `far`, or, with `names`, a place in these.
    """

    type: str
    far: str
    source: Positions
    neighbour: Positions
    properties: pa.Table = field(default_factory=lambda: _NO_PROPERTIES)
    names: pa.Array | None = None
    inside: Mask | None = None


def neighbours(
    columns: Columns,
    titles: Titles,
    live: Live,
    ids: Sequence[str],
    types: Sequence[str],
    direction: Direction,
    only: Mask | None,
    mark: Mask | None,
    properties: Sequence[str],
) -> pa.Table:
    """As `GraphStore.neighbours` promises; `only` keeps, `mark` marks neighbours that are titles, by their position."""
    positions: dict[str, Positions] = {}
    steps = []
    for type_ in types:
        kind = RELATIONSHIPS[type_]
        near, far = (kind.head, kind.tail) if direction == "out" else (kind.tail, kind.head)
        masks = (only, mark) if far == "Title" else (None, None)
        if is_live(type_):
            found = live.neighbours(type_, ids, direction, properties)
            steps.append(_live_step(titles, type_, far, found, *masks))
            continue
        if near not in positions:
            positions[near] = columns.nodes(near).positions(ids)
        steps.append(_step(columns, type_, far, positions[near], direction, *masks, properties))
    return _assemble(columns, steps, mark is not None, properties)


def _step(
    columns: Columns,
    type_: str,
    far: str,
    positions: Positions,
    direction: Direction,
    only: Mask | None,
    mark: Mask | None,
    properties: Sequence[str],
) -> Step:
    edges = columns.edges(type_)
    source, node, slots = edges.step(positions, direction)
    if only is not None:
        keep = only[node]
        source, node, slots = source[keep], node[keep], slots[keep]
    inside = None if mark is None else mark[node]
    if not properties or not len(node):
        return Step(type_, far, source, node, inside=inside)
    return Step(type_, far, source, node, edges.properties(slots, direction, ["key", *properties]), inside=inside)


def _live_step(
    titles: Titles, type_: str, far: str, table: pa.Table, only: Mask | None, mark: Mask | None
) -> Step:  # fmt: skip
    if only is not None:
        table = table.filter(pa.array(_inside(titles, table, only)))
    inside = None if mark is None else _inside(titles, table, mark)
    code, names = _ascending(table.column("neighbour").combine_chunks())
    source = table.column("source").to_numpy()
    return Step(type_, far, source, code, table.drop(["source", "neighbour"]), names, inside)


def _ascending(values: pa.Array) -> tuple[Positions, pa.Array]:
    """Each value as a place among the distinct ones, and these, ascending."""
    encoded = values.dictionary_encode()
    order = pc.sort_indices(encoded.dictionary)
    place = np.empty(len(order), np.int32)
    place[order.to_numpy()] = np.arange(len(order), dtype=np.int32)
    return place[encoded.indices.to_numpy()], encoded.dictionary.take(order)


def _inside(titles: Titles, table: pa.Table, mask: Mask) -> Mask:
    """Of which rows the neighbour is a title that the mask has: (rows,)."""
    return holding(mask, titles.positions(table.column("neighbour").to_pylist()))


def _assemble(columns: Columns, steps: Sequence[Step], marked: bool, properties: Sequence[str]) -> pa.Table:
    """One table of several steps' relationships."""
    found = [step for step in steps if len(step.source)]
    code, names = _names(columns, found)
    source = np.concatenate([step.source for step in found]) if found else np.empty(0, np.int32)
    types = np.repeat(np.arange(len(found), dtype=np.int32), [len(step.source) for step in found])
    made = {
        "source": pa.array(source, pa.int32()),
        "type": pa.DictionaryArray.from_arrays(types, pa.array([step.type for step in found], pa.string())),
        "neighbour": pa.DictionaryArray.from_arrays(pa.array(code, pa.int32()), names),
    }
    if marked:
        parts = [np.ones(len(step.source), bool) if step.inside is None else step.inside for step in found]
        made["inside"] = pa.array(np.concatenate(parts) if parts else np.empty(0, bool))
    if properties:
        for name in ("key", *properties):
            made[name] = _column(steps, name)
    return pa.table(made)


def _names(columns: Columns, steps: Sequence[Step]) -> tuple[npt.NDArray[np.int32], pa.Array]:
    """Each relationship's neighbour as a place among the distinct ids, and these ids, each once."""
    codes: dict[int, npt.NDArray[np.int32]] = {}
    names: list[pa.Array] = []
    before = 0
    for far in dict.fromkeys(step.far for step in steps):
        same = [place for place, step in enumerate(steps) if step.far == far and step.names is None]
        if same:
            distinct, code = _distinct(np.concatenate([steps[place].neighbour for place in same]))
            end = 0
            for place in same:
                start, end = end, end + len(steps[place].source)
                codes[place] = code[start:end] + np.int32(before)
            names.append(columns.nodes(far).ids(distinct))
            before += len(distinct)
    for place, step in enumerate(steps):
        if step.names is not None:
            codes[place] = step.neighbour + np.int32(before)
            names.append(step.names)
            before += len(step.names)
    if not steps:
        return np.empty(0, np.int32), pa.array([], pa.string())
    code = np.concatenate([codes[place] for place in range(len(steps))])
    if len(names) == 1:
        return code, names[0]
    # Nodes of two labels may have the same id: "Drama" is a genre and a keyword.
    merged, distinct_names = _ascending(pa.concat_arrays(names))
    return merged[code], distinct_names


def _distinct(positions: Positions) -> tuple[Positions, npt.NDArray[np.int32]]:
    """What np.unique with return_inverse gives, at half its price: sorting numbers is cheaper than sorting places."""
    both = (positions.astype(np.int64) << 32) | np.arange(len(positions))
    both.sort()
    ordered = (both >> 32).astype(np.int32)
    first = np.empty(len(ordered), bool)
    first[:1] = True
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    code = np.empty(len(ordered), np.int32)
    code[both & 0xFFFFFFFF] = first.cumsum(dtype=np.int32) - 1
    return ordered[first], code


def _column(steps: Sequence[Step], name: str) -> pa.ChunkedArray:
    """A property over all steps; null (for `key`: '') where a type has none of that name."""
    if name == "key":
        type_ = pa.string()
    else:
        schemas = [arrow_schema(step.type) for step in steps]
        type_ = next((s.field(name).type for s in schemas if name in s.names), pa.null())
    missing = pa.scalar("" if name == "key" else None, type_)
    chunks = []
    for step in steps:
        if name in step.properties.column_names:
            chunks += step.properties.column(name).chunks
        else:
            chunks.append(pa.repeat(missing, len(step.source)))
    return pa.chunked_array(chunks, type_)
