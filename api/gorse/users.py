"""Users as Gorse's clients write and read them."""

from __future__ import annotations

from typing import Any

from api.gorse import cursors
from api.gorse.asked import Asked, Refused, text
from graph import users
from graph.gorse import check_labels, inside, outside
from graph.users import User


def insert_user(asked: Asked) -> Any:
    """POST /user."""
    return _inserted(asked, [asked.object()])


def insert_users(asked: Asked) -> Any:
    """POST /users."""
    return _inserted(asked, asked.objects())


def _inserted(asked: Asked, told: list[dict[str, Any]]) -> Any:
    made = [_user(one) for one in told]
    if made:
        asked.store.upsert_nodes("User", [one.row() for one in made])
    return {"RowAffected": len(made)}


def _user(told: dict[str, Any]) -> User:
    check_labels(told.get("labels"))
    return User(inside(text(told, "UserId")), told.get("labels"), text(told, "Comment") or None)


def get_user(asked: Asked) -> Any:
    """GET /user/{user-id}."""
    (id_,) = asked.names
    found = users.user(asked.store, id_)
    if found is None:
        raise Refused(404, f"{id_}: user not found")
    return _shown(found)


def patch_user(asked: Asked) -> Any:
    """PATCH /user/{user-id}."""
    (id_,) = asked.names
    told = asked.object()
    check_labels(told.get("labels"))
    comment = text(told, "Comment")
    old = users.user(asked.store, id_)
    if old is not None:
        labels = told["labels"] if told.get("labels") is not None else old.labels
        said = comment or None if told.get("comment") is not None else old.comment
        asked.store.upsert_nodes("User", [User(id_, labels, said).row()])
    return {"RowAffected": 1}


def delete_user(asked: Asked) -> Any:
    """DELETE /user/{user-id}: the user's feedback goes too."""
    users.delete(asked.store, asked.names[0])
    return {"RowAffected": 1}


def get_users(asked: Asked) -> Any:
    """GET /users."""
    n = asked.number("n", asked.backing.default_n)
    after = cursors.read(asked.one("cursor"), 1)
    rows: list[dict[str, Any]] = []
    for batch in asked.store.scan_nodes("User"):
        ids = batch.column("id").to_pylist()
        if after and inside(after[0]) >= ids[-1]:
            continue
        start = sum(id_ <= inside(after[0]) for id_ in ids) if after else 0
        rows += batch.slice(start, n + 1 - len(rows)).to_pylist()
        if len(rows) > n:
            break
    page = [_shown(User.of_row(row)) for row in rows[:n]]
    return {"Cursor": cursors.made(page[-1]["UserId"]) if len(rows) > n and page else "", "Users": page}


def _shown(one: User) -> dict[str, Any]:
    return {"UserId": outside(one.id), "Labels": one.labels, "Comment": one.comment or ""}
