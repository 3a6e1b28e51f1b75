"""Searches, substitutes, reasons and paths as GraphQL shows them."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import strawberry

from api.graphql.batches import Batches, Info
from api.graphql.groups import Genre, Keyword
from api.graphql.inputs import First, capped
from api.graphql.people import Person
from api.graphql.titles import Title
from graph import explain as reasons
from graph.schema import RELATIONSHIPS
from graph.search import Answer, Hit
from graph.store import Scope
from graph.substitutes import Substitute as Answered

Node = Annotated[Title | Person | Genre | Keyword, strawberry.union("Node", description="What a path leads over.")]


async def node_of(info: Info, label: str, id_: str) -> Title | Person | Genre | Keyword:
    """The node of a label and id."""
    if label == "Title":
        return await Title.load(info, id_)
    if label == "Person":
        return await Person.load(info, id_)
    return Genre(name=id_) if label == "Genre" else Keyword(name=id_)
