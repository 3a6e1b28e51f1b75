"""Own titles that came after the last load, beside those of the embedded store's version.

They lie in a live table until a load takes them into its version, which then counts; so a rollback loses none of them.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from graph.stores.columns import Nodes
from graph.stores.live import OWN_TITLES, Live


def beside(
    found: pa.Table, live: Live, ids: Sequence[str], there: npt.NDArray[np.bool_], properties: Sequence[str] | None
) -> pa.Table:
    """Titles by id in the order asked for: those found in the version (`there`), and those that came since."""
    lacking = [ids[place] for place in np.flatnonzero(~there).tolist()]
    later = live.nodes(OWN_TITLES, lacking, properties)
    if not later.num_rows:
        return found
    known = set(later.column("id").to_pylist())
    places = [place for place in range(len(ids)) if there[place] or ids[place] in known]
    inside = there[places]
    order = np.empty(len(places), np.int64)
    order[inside] = np.arange(found.num_rows)
    order[~inside] = np.arange(found.num_rows, found.num_rows + later.num_rows)
    return pa.concat_tables([found, later.cast(found.schema)]).take(pa.array(order))


def later(nodes: Nodes, live: Live) -> list[str]:
    """The ids of those that the version has not, ascending."""
    ids = [id_ for batch in live.scan(OWN_TITLES, []) for id_ in batch.column("id").to_pylist()]
    return [id_ for id_, place in zip(ids, nodes.positions(ids).tolist(), strict=True) if place < 0]


def among(nodes: Nodes, live: Live, properties: Sequence[str] | None) -> Iterator[pa.RecordBatch]:
    """All titles in batches, ordered by id."""
    ids = later(nodes, live)
    rows = live.nodes(OWN_TITLES, ids, properties)
    done = 0
    for batch in nodes.scan(properties):
        last = batch.column("id")[-1].as_py()
        upto = bisect.bisect_left(ids, last)
        if upto == done:
            yield batch
            continue
        both = pa.concat_tables([pa.Table.from_batches([batch]), rows.slice(done, upto - done).cast(batch.schema)])
        yield from both.sort_by("id").combine_chunks().to_batches()
        done = upto
    if done < len(ids):
        yield from rows.slice(done).combine_chunks().to_batches()
