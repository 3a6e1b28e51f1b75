"""Users: who they are, what they said, all of it as one document, and gone without a trace."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field, field_validator

from api.labels import are_labels, is_text
from api.problems import Problem, responses
from api.service import LimitQuery, OffsetQuery, ServiceDep
from graph import users
from graph.feedback_kinds import Condition, KindError, Says
from graph.schema import fits
from graph.users import User

UserPath = Annotated[str, Path(min_length=1, max_length=200, description="the service's own id", examples=["u1"])]
router = APIRouter(tags=["users"])


class UserBody(BaseModel):
    """What a service says of a user."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra={"examples": [{"labels": ["kids"]}]})

    labels: Any = Field(default=None, description="of any form")
    comment: str | None = Field(default=None, max_length=2_000)

    labels_are = field_validator("labels")(are_labels)
    comment_is = field_validator("comment")(is_text)


class UserAnswer(BaseModel):
    """A user."""

    id: str = Field(examples=["u1"])
    labels: Any = None
    comment: str | None = None
    feedback: int = Field(description="how many pieces of feedback there are", examples=[12])


class UsersAnswer(BaseModel):
    """Several users."""

    users: list[UserAnswer]


class Told(BaseModel):
    """A piece of feedback as it was told."""

    title: str = Field(examples=["tt0114709"])
    type: str = Field(examples=["watch"])
    value: float | None = None
    time: str | None = Field(default=None, examples=["2026-11-30T20:15:00Z"])
    updated: str | None = None
    comment: str | None = None
    name: str | None = Field(default=None, examples=["Toy Story"])


class Said(Told):
    """A piece of feedback, and what it means."""

    says: Says = Field(description="what it counts as, by the settings", examples=["liked"])


class SaidAnswer(BaseModel):
    """What a user said, the newest first."""

    user: str = Field(examples=["u1"])
    total: int = Field(examples=[1])
    feedback: list[Said]


class ExportedUser(BaseModel):
    """A user as they were put."""

    id: str
    labels: Any = None
    comment: str | None = None


class ExportedSaid(Told):
    """A piece of feedback with all that is kept of it."""

    user: str
    events: list[str] | None = Field(default=None, description="ids of the last events, where values add up")


class ExportedShown(BaseModel):
    """What an arm of an experiment showed a user."""

    experiment: str
    arm: str | None = None
    titles: list[str] | None = None
    strategy: str | None = None
    graph: str | None = None
    run: str | None = None
    time: str


class Export(BaseModel):
    """All that is known of a user."""

    user: ExportedUser
    feedback: list[ExportedSaid]
    shown: list[ExportedShown] = Field(description="what experiments have shown")


class Removed(BaseModel):
    """What was taken back."""

    removed: int = Field(description="how many pieces of feedback", examples=[1])


class Deleted(BaseModel):
    """What went."""

    id: str
    feedback: int = Field(description="pieces of feedback that went with the user")


@router.get("/users", response_model=UsersAnswer, responses=responses(422, 503))
def some_users(
    service: ServiceDep,
    id: Annotated[  # noqa: A002
        list[Annotated[str, Path(min_length=1, max_length=200)]] | None,
        Query(max_length=100, description="these alone, where they are there; none: the first", examples=[["u1"]]),
    ] = None,
    limit: LimitQuery = 50,
) -> Any:
    """Users by their ids, or the first ones that there are."""
    found = users.named(service.store, id) if id else users.first(service.store, limit)
    counts = service.store.degrees([one.id for one in found], ["RATED"], "out").tolist() if found else []
    return {"users": [_told(one, count) for one, count in zip(found, counts, strict=True)]}


@router.get("/users/{id}", response_model=UserAnswer, responses=responses(404, 422, 503))
def get_user(service: ServiceDep, id: UserPath) -> Any:  # noqa: A002
    """A user."""
    return _answer(service, _found(service, id))


@router.put("/users/{id}", response_model=UserAnswer, responses=responses(422, 503, 507))
def put_user(service: ServiceDep, id: UserPath, body: UserBody) -> Any:  # noqa: A002
    """Make a user, or say anew what is known of one; feedback stays."""
    made = User(_text(id), body.labels, body.comment)
    service.store.upsert_nodes("User", [made.row()])
    return _answer(service, made)


@router.patch("/users/{id}", response_model=UserAnswer, responses=responses(404, 422, 503, 507))
def patch_user(service: ServiceDep, id: UserPath, body: UserBody) -> Any:  # noqa: A002
    """Change what the body names, and leave the rest."""
    old = _found(service, id)
    told = body.model_fields_set
    made = User(id, body.labels if "labels" in told else old.labels, body.comment if "comment" in told else old.comment)
    service.store.upsert_nodes("User", [made.row()])
    return _answer(service, made)


@router.delete("/users/{id}", response_model=Deleted, responses=responses(404, 422, 503, 507))
def delete_user(service: ServiceDep, id: UserPath) -> Any:  # noqa: A002
    """Remove a user with everything known of them."""
    count = _count(service, _text(id))
    if not users.delete(service.store, id):
        raise _nobody(id)
    return {"id": id, "feedback": count}


@router.get("/users/{id}/feedback", response_model=SaidAnswer, responses=responses(404, 422, 503))
def user_feedback(
    service: ServiceDep,
    id: UserPath,  # noqa: A002
    type: Annotated[  # noqa: A002
        str | None, Query(max_length=200, description="only of this type, or where its value is so: `rating>=4`")
    ] = None,
    limit: LimitQuery = 50,
    offset: OffsetQuery = 0,
) -> Any:
    """What a user said, the newest first."""
    _found(service, id)
    said = users.feedback_of(service.store, [id])
    if type is not None:
        try:
            wanted = Condition.parse(type)
        except KindError as error:
            raise Problem(422, str(error)) from None
        said = [one for one in said if wanted.met(one.type, one.value)]
    said.sort(key=lambda one: (one.timestamp or 0, one.nanos or 0), reverse=True)
    page = said[offset : offset + limit]
    titles = list(dict.fromkeys(one.title for one in page))
    rows = service.store.get_nodes("Title", titles, ["title"]).to_pylist()
    names = {row["id"]: row["title"] for row in rows}
    return {
        "user": id,
        "total": len(said),
        "feedback": [
            one.as_dict() | {"name": names.get(one.title), "says": service.kinds.of(one.type, one.value)}
            for one in page
        ],
    }


@router.delete("/users/{id}/feedback/{title}", response_model=Removed, responses=responses(404, 422, 503, 507))
def delete_feedback(
    service: ServiceDep,
    id: UserPath,  # noqa: A002
    title: Annotated[str, Path(min_length=1, max_length=200, description="a title's id", examples=["tt0114709"])],
    type: Annotated[  # noqa: A002
        list[Annotated[str, Path(max_length=200)]] | None,
        Query(max_length=100, description="only of these types; none: all that was said of the title"),
    ] = None,
) -> Any:
    """Take back what a user said of a title."""
    _found(service, id)
    said = [
        one for one in users.feedback_of(service.store, [id]) if one.title == title and (not type or one.type in type)
    ]
    return {"removed": users.delete_feedback(service.store, said)}


@router.get(
    "/users/{id}/export", response_model=Export, response_model_exclude_none=True, responses=responses(404, 422, 503)
)
def export_user(service: ServiceDep, id: UserPath) -> Any:  # noqa: A002
    """Everything known of a user as one document."""
    made = users.export(service.store, _text(id))
    if made is None:
        raise _nobody(id)
    return made


def _text(id_: str) -> str:
    if "\0" in id_ or not fits(id_, "string"):
        raise Problem(422, "The id is no valid text.")
    return id_


def _found(service: ServiceDep, id_: str) -> User:
    found = users.user(service.store, _text(id_))
    if found is None:
        raise _nobody(id_)
    return found


def _nobody(id_: str) -> Problem:
    return Problem(404, f"there is no user {id_!r}; a user is made by PUT /users/{{id}}, or by feedback")


def _count(service: ServiceDep, id_: str) -> int:
    return int(service.store.degrees([id_], ["RATED"], "out")[0])


def _answer(service: ServiceDep, one: User) -> dict[str, Any]:
    return _told(one, _count(service, one.id))


def _told(one: User, feedback: int) -> dict[str, Any]:
    return {"id": one.id, "labels": one.labels, "comment": one.comment, "feedback": feedback}
