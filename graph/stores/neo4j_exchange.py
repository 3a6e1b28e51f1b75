"""One exchange with Neo4j: any number of reads as one statement, of which there are few different ones.

A server plans a statement that it has not seen, which takes longer than to answer it: seconds, for a long one. So the
text must not depend on how many reads there are. Reads of the same Cypher are the rows of one list, and the statement
has each distinct piece once, in alphabetical order. A read whose ids another one finds stands in one piece with it. All
values are in one parameter, a map: a server also plans anew for lists of another length that are parameters themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from graph import reads
from graph.reads import Read
from graph.schema import fits
from graph.stores import neo4j_reads
from graph.stores.neo4j_reads import Piece
from graph.stores.statements import text

_FINDING = (reads.Text, reads.Nearest, reads.Neighbours)


@dataclass
class _Row:
    """A read, and those whose ids it finds: their places among the reads asked (None: asked for its ids alone)."""

    places: list[int | None]
    pieces: list[Piece]
    taken: str = ""

    def cypher(self) -> str:
        """The rows' common text, of a row `p`: it returns the number of the row and the value of each piece."""
        lines = list[str]()
        for place, piece in enumerate(self.pieces):
            if place == 1:
                lines.append(self.taken.replace("<FROM>", "r0").replace("<ROWS>", "ids0"))
            body = piece.cypher.replace("<IDS>", "ids0" if place else "$ids").replace("<ROWS>", f"r{place}")
            lines.append("CALL (*) {\n" + body.replace("$", f"p.r{place}.") + "\n}")
        values = "".join(f", r{place}" for place in range(len(self.pieces)))
        return "\n".join([*lines, f"RETURN [p.row{values}] AS value"])

    def parameters(self, row: int) -> dict[str, Any]:
        made: dict[str, Any] = {"row": row}
        for place, piece in enumerate(self.pieces):
            made[f"r{place}"] = dict(piece.parameters)
            if piece.ids is not None:
                # What is no text cannot be sent, and no node is called so.
                made[f"r{place}"]["ids"] = [id_ if fits(id_, "string") else "" for id_ in piece.ids]
        return made


@dataclass
class Exchange:
    """A statement, its parameters, and which of its values answers which read."""

    asked: Sequence[Read]
    rows: list[list[_Row]] = field(default_factory=list)
    statement: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, asked: Sequence[Read], pieces: Sequence[Piece] | None = None) -> Exchange:
        """The exchange that answers these reads. pieces: their Cypher, where it is not that of `neo4j_reads.piece`."""
        groups: dict[str, list[_Row]] = {}
        for row in _rows(asked, pieces or [neo4j_reads.piece(read) for read in asked]):
            groups.setdefault(row.cypher(), []).append(row)
        made = cls(asked, [groups[cypher] for cypher in sorted(groups)])
        lines = [
            f"CALL () {{\nUNWIND $p.g{at} AS p\nCALL (p) {{\n{cypher}\n}}\nRETURN collect(value) AS g{at}\n}}"
            for at, cypher in enumerate(sorted(groups))
        ]
        made.statement = "\n".join([*lines, "RETURN " + ", ".join(f"g{at}" for at in range(len(lines)))])
        made.parameters = {
            "p": {f"g{at}": [row.parameters(n) for n, row in enumerate(rows)] for at, rows in enumerate(made.rows)}
        }
        return made

    def values(self, answered: Sequence[Any]) -> list[Any]:
        """The value of each read asked, of the row that the statement answered."""
        values: list[Any] = [None] * len(self.asked)
        for rows, group in zip(self.rows, answered, strict=True):
            for number, *own in group:
                for place, value in zip(rows[number].places, own, strict=True):
                    if place is not None:
                        values[place] = value
        return values


def _rows(asked: Sequence[Read], pieces: Sequence[Piece]) -> list[_Row]:
    """The reads as rows: those that take ids from another one with that one."""
    place_of = {id(read): place for place, read in enumerate(asked)}
    following: dict[int, list[int]] = {}
    sources: dict[int, Read] = {}
    for place, read in enumerate(asked):
        source = getattr(read, "ids", None)
        if isinstance(source, _FINDING):
            following.setdefault(id(source), []).append(place)
            sources[id(source)] = source
    made = []
    for source_id, source in sources.items():
        followers = sorted(following[source_id], key=lambda place: pieces[place].cypher)
        at = place_of.get(source_id)
        first = neo4j_reads.piece(source) if at is None else pieces[at]
        taken = text(f"queries/found_{type(source).__name__.lower()}")
        made.append(_Row([at, *followers], [first, *(pieces[place] for place in followers)], taken))
    apart = {place for row in made for place in row.places}
    return made + [_Row([place], [piece]) for place, piece in enumerate(pieces) if place not in apart]
