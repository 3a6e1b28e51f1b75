"""Vectors in Neo4j: writing them (in the form of `neo4j_slots`), and the indexes that search them.

An index holds the titles that have one label: all (`Title`), those that any catalog offers (`Offered`), and those of
one catalog (`Catalog_3`) where it offers more than an exact pass is good for. A search in a catalog asks an index of
nothing else, so a small share of the titles costs no recall, and there may be any number of catalogs. It orders; the
products that are answered are worked out here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graph.store import Provenance
from graph.stores.neo4j_connection import LOAD_SECONDS, Connection
from graph.stores.neo4j_releases import Release
from graph.stores.neo4j_slots import Slot, Vectors, longest_of, stored, with_room
from graph.stores.rows import check_name
from graph.stores.statements import filled, text

EXACT_TITLES = 500
"""Up to so many titles of a label are compared one by one; an index of more answers ten times as soon."""
_BATCH = 1_000


def write_slot(
    connection: Connection, release: Release, name: str, ids: Sequence[str], vectors: Vectors, made: Provenance,
    beat: Callable[[float], None],
) -> Slot:  # fmt: skip
    """Write vectors into the slot of that name that is not current, and index them; `beat`: told how far it is."""
    check_name(name)
    current = release.vectors.get(name)
    place = f"{name}_b" if current is not None and current.property == f"{name}_a" else f"{name}_a"
    for name_of_index, _ in connection.read(text("schema/vector_indexes")):
        if name_of_index.startswith(f"{place}_"):
            connection.alone(filled(text("schema/drop_index"), index=name_of_index))
    connection.alone(text("queries/clear_vectors"), {"slot": place})
    longest = with_room(longest_of(vectors))
    rows = stored(vectors, longest).tolist()
    for start in range(0, len(ids), _BATCH):
        batch = list(zip(ids[start : start + _BATCH], rows[start : start + _BATCH], strict=True))
        connection.write(text("queries/write_vectors"), {"rows": batch, "slot": place}, LOAD_SECONDS)
        beat((start + len(batch)) / len(ids))
    slot = Slot(place, made, longest)
    return Slot(place, made, longest, tuple(index(connection, slot)))


def index(connection: Connection, slot: Slot) -> list[str]:
    """Make the indexes of a slot that are worth it, wait for them, and say of which labels they are."""
    ((titles, offered),) = connection.read(text("queries/sizes"))
    sizes = {"Title": titles, "Offered": offered}
    sizes |= {f"Catalog_{number}": count for number, count in connection.read(text("queries/catalogs"))}
    labels = [label for label, size in sizes.items() if size > EXACT_TITLES]
    for label in labels:
        statement = filled(text("schema/vectors"), index=f"{slot.property}_{label}", label=label, slot=slot.property)
        connection.alone(statement.replace("$dimension", str(int(slot.provenance.dimension) + 1)))
    if labels:
        connection.alone(text("schema/await"), {"seconds": int(LOAD_SECONDS)})
    return labels


def ranked(rows: Sequence[tuple[str, Sequence[float]]], vector: Vectors, k: int) -> list[tuple[str, float]]:
    """The k rows [id, vector as stored] with the largest products, equal ones by id."""
    if not rows:
        return []
    held = sorted(rows, key=lambda row: row[0])
    products: Any = np.array([row[1][:-1] for row in held], np.float32) @ vector.astype(np.float32)
    order = np.argsort(-products, kind="stable")[:k]
    return [(held[place][0], float(products[place])) for place in order]
