"""What a credit says, whichever end it is seen from."""

from __future__ import annotations

from typing import Any

import strawberry

from api.graphql.inputs import Role
from api.graphql.pages import Edge, Place
from graph.schema import CREDITS
from graph.store import Row

PROPERTIES = ("ordering", "category", "characters", "job")


@strawberry.interface(description="That a person took part in a title.")
class Credit(Edge):
    role: Role
    ordering: int | None = strawberry.field(description="IMDb's order of credits in the title")
    category: str | None = strawberry.field(description="actor, actress or self; of archive footage, which")
    characters: list[str] | None = strawberry.field(description="the names of the parts")
    job: str | None = strawberry.field(description="what exactly the person did, in IMDb's words")


def fields_of(row: Row, place: Place) -> dict[str, Any]:
    """What a relationship's row says, as the fields of a credit; `id` is that of the other end."""
    said = {name: row[name] for name in PROPERTIES}
    return {"id": row["neighbour"], "place": place, "role": Role[row["type"]], **said}


def place_of(row: Row) -> Place:
    """IMDb's order of credits; the rest by role and id. No two of a node have the same place."""
    return [row["ordering"], CREDITS.index(row["type"]), row["neighbour"], row["key"]]
