"""The items of a catalog, one by one: put, changed, hidden and withdrawn while the service runs."""

from __future__ import annotations

import bisect
import dataclasses
import json
import time
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field, field_validator

from api.labels import are_labels, is_text
from api.problems import Problem, responses
from api.routes.catalogs import SlugPath
from api.schemas_catalogs import Boost, Pinned
from api.service import LimitQuery, ServiceDep
from graph.item_titles import Meant
from graph.items import Item
from graph.schema import fits

ItemPath = Annotated[str, Path(min_length=1, max_length=200, description="the catalog's own id", examples=["17"])]
Category = Annotated[str, Field(min_length=1, max_length=200)]
router = APIRouter(tags=["items"])
edits = APIRouter(tags=["items"])


class ItemBody(BaseModel):
    """What a catalog says of an item."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={"examples": [{"categories": ["family"], "labels": {"title": "Toy Story", "year": 1995}}]},
    )

    hidden: bool = Field(default=False, description="in no list for now")
    categories: list[Category] | None = Field(default=None, max_length=200)
    labels: Any = Field(default=None, description="of any form; `imdb`, or `title` and `year`, say which title it is")
    comment: str | None = Field(default=None, max_length=2_000)
    time: int | None = Field(default=None, ge=0, le=2**40, description="when it came, seconds since 1970; none: now")
    pinned: Pinned = None
    boost: Boost = None

    labels_are = field_validator("labels")(are_labels)
    comment_is = field_validator("comment")(is_text)

    @field_validator("categories")
    @classmethod
    def _are_texts(cls, names: list[str] | None) -> list[str] | None:
        for name in names or ():
            is_text(name)
        return names


class ItemAnswer(BaseModel):
    """An item, and the title of the graph that it is."""

    id: str = Field(examples=["17"])
    title: str = Field(description="an id of the graph; `item:ID` where IMDb has none", examples=["tt0114709"])
    hidden: bool
    categories: list[str] | None = None
    labels: Any = None
    comment: str | None = None
    time: int | None = None
    pinned: int | None = None
    boost: float | None = None


class ItemsAnswer(BaseModel):
    """A page of items by id. next: to be sent as `after` for the next page; none at the end."""

    items: list[ItemAnswer]
    next: str | None = None


@router.get("/catalogs/{slug}/items", response_model=ItemsAnswer, responses=responses(422, 503))
def list_items(
    service: ServiceDep,
    slug: SlugPath,
    after: Annotated[str | None, Query(max_length=200, description="only ids after this one")] = None,
    limit: LimitQuery = 50,
) -> Any:
    """The items of a catalog, by id, hidden ones too; none where there is no such catalog."""
    ordered = service.items.of(slug).now().ordered
    start = 0 if after is None else bisect.bisect_right(ordered, after, key=lambda one: one.id)
    page = ordered[start : start + limit]
    more = start + limit < len(ordered)
    return {"items": [_answer(one) for one in page], "next": page[-1].id if more else None}


@router.get("/catalogs/{slug}/items/{id}", response_model=ItemAnswer, responses=responses(404, 422, 503))
def get_item(service: ServiceDep, slug: SlugPath, id: ItemPath) -> Any:  # noqa: A002
    """An item."""
    return _answer(_found(service, slug, id))


@edits.put("/catalogs/{slug}/items/{id}", response_model=ItemAnswer, responses=responses(422, 503, 507))
def put_item(service: ServiceDep, slug: SlugPath, id: ItemPath, body: ItemBody) -> Any:  # noqa: A002
    """Make an item, or say anew what is known of one. The catalog is made where it is not there yet.

    A new item is the title that its id (`tt…`) or its labels name, where the graph has it and no other item of the
    catalog is it; else a title of its own, `item:ID`, which counts at once and is found by name after the next load.
    """
    if "\0" in id or not fits(id, "string"):
        raise Problem(422, "The id is no valid text.")
    items = service.items.of(slug)
    seconds = int(time.time()) if body.time is None else body.time
    made = Item(
        id, "", body.hidden, _categories(body), _labels(body), body.comment, seconds, None, body.pinned, body.boost
    )
    items.put([made], {id: Meant.of_labels(body.labels)}, placed=True)
    return _answer(_found(service, slug, id))


@edits.patch("/catalogs/{slug}/items/{id}", response_model=ItemAnswer, responses=responses(404, 422, 503, 507))
def patch_item(service: ServiceDep, slug: SlugPath, id: ItemPath, body: ItemBody) -> Any:  # noqa: A002
    """Change what the body names, and leave the rest."""
    old, told = _found(service, slug, id), body.model_fields_set
    given = {
        "hidden": body.hidden, "categories": _categories(body), "labels": _labels(body), "comment": body.comment,
        "pinned": body.pinned, "boost": body.boost,
    }  # fmt: skip
    changes: dict[str, Any] = {name: value for name, value in given.items() if name in told}
    if "time" in told:
        changes |= {"timestamp": body.time, "nanos": None}
    new = dataclasses.replace(old, **changes)
    service.items.of(slug).change(new)
    return _answer(new)


@edits.delete("/catalogs/{slug}/items/{id}", response_model=ItemAnswer, responses=responses(404, 422, 503, 507))
def delete_item(service: ServiceDep, slug: SlugPath, id: ItemPath) -> Any:  # noqa: A002
    """Withdraw an item. Where no other catalog offers its title, what users said of it goes too."""
    old = _found(service, slug, id)
    service.items.of(slug).delete(id)
    return _answer(old)


def _found(service: ServiceDep, slug: str, id_: str) -> Item:
    found = service.items.of(slug).now().by_id.get(id_)
    if found is None:
        raise Problem(404, f"there is no item {id_!r} in the catalog {slug!r}")
    return found


def _categories(body: ItemBody) -> tuple[str, ...] | None:
    return None if body.categories is None else tuple(body.categories)


def _labels(body: ItemBody) -> str | None:
    return None if body.labels is None else json.dumps(body.labels, ensure_ascii=False)


def _answer(one: Item) -> dict[str, Any]:
    return {
        "id": one.id, "title": one.title, "hidden": one.hidden, "categories": one.categories,
        "labels": None if one.labels is None else json.loads(one.labels), "comment": one.comment,
        "time": one.timestamp, "pinned": one.pinned, "boost": one.boost,
    }  # fmt: skip
