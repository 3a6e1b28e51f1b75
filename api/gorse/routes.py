"""Every address of Gorse's contract, and what answers it."""

from __future__ import annotations

from typing import Any

from api.gorse import feedback, items, recommend, users
from api.gorse.app import Route
from api.gorse.asked import Asked
from api.keys import Role
from graph.store import StoreError


def live(asked: Asked) -> Any:
    """GET /health/live: that the service runs, and how its store is."""
    return _health(asked)


def ready(asked: Asked) -> Any:
    """GET /health/ready: 503 while the store does not answer."""
    told = _health(asked)
    asked.status = 200 if told["Ready"] else 503
    return told


def _health(asked: Asked) -> dict[str, Any]:
    fault = None
    try:
        asked.store.ping()
    except StoreError as error:
        fault = type(error).__name__
    return {
        "Ready": fault is None, "DataStoreError": fault, "CacheStoreError": None, "DataStoreConnected": fault is None,
        "CacheStoreConnected": True,
    }  # fmt: skip


def routes() -> dict[tuple[str, str], Route]:
    """(method, address) → how it is answered. What tells of users needs a key that may write."""
    everything = feedback.Everything()
    listed: list[tuple[str, str, Any, Role, bool]] = [
        ("POST", "/user", users.insert_user, "write", False),
        ("POST", "/users", users.insert_users, "write", False),
        ("GET", "/users", users.get_users, "write", False),
        ("GET", "/user/{user-id}", users.get_user, "write", True),
        ("PATCH", "/user/{user-id}", users.patch_user, "write", False),
        ("DELETE", "/user/{user-id}", users.delete_user, "write", False),
        ("GET", "/user/{user-id}/feedback", feedback.of_user, "write", True),
        ("GET", "/user/{user-id}/feedback/{feedback-type}", feedback.of_user, "write", True),
        ("GET", "/user/{user-id}/neighbors", recommend.user_neighbors, "read", False),
        ("POST", "/item", items.insert_item, "write", False),
        ("POST", "/items", items.insert_items, "write", False),
        ("GET", "/items", items.get_items, "read", False),
        ("GET", "/item/{item-id}", items.get_item, "read", True),
        ("PATCH", "/item/{item-id}", items.patch_item, "write", False),
        ("DELETE", "/item/{item-id}", items.delete_item, "write", False),
        ("PUT", "/item/{item-id}/category/{category}", items.put_category, "write", False),
        ("DELETE", "/item/{item-id}/category/{category}", items.delete_category, "write", False),
        ("GET", "/item/{item-id}/feedback", feedback.of_item, "write", False),
        ("GET", "/item/{item-id}/feedback/{feedback-type}", feedback.of_item, "write", False),
        ("GET", "/item/{item-id}/neighbors", recommend.neighbors, "read", True),
        ("POST", "/feedback", feedback.post_feedback, "write", False),
        ("PUT", "/feedback", feedback.put_feedback, "write", False),
        ("GET", "/feedback", everything.page, "write", False),
        ("GET", "/feedback/{feedback-type}", everything.page, "write", False),
        ("GET", "/feedback/{user-id}/{item-id}", feedback.of_both, "write", True),
        ("DELETE", "/feedback/{user-id}/{item-id}", feedback.delete_both, "write", False),
        ("GET", "/feedback/{feedback-type}/{user-id}/{item-id}", feedback.one, "write", True),
        ("DELETE", "/feedback/{feedback-type}/{user-id}/{item-id}", feedback.delete_one, "write", False),
        ("GET", "/recommend/{user-id}", recommend.recommend, "read", True),
        ("GET", "/recommend/{user-id}/{category}", recommend.recommend, "read", True),
        ("POST", "/session/recommend", recommend.session, "read", True),
        ("POST", "/session/recommend/{category}", recommend.session, "read", True),
        ("GET", "/latest", recommend.latest, "read", True),
        ("GET", "/latest/{category}", recommend.latest, "read", True),
        ("GET", "/non-personalized/{name}", recommend.non_personalized, "read", True),
        ("GET", "/item-to-item/{name}/{item-id}", recommend.item_to_item, "read", True),
        ("GET", "/user-to-user/{name}/{user-id}", recommend.user_neighbors, "read", False),
        ("GET", "/collaborative-filtering/{user-id}", recommend.collaborative, "read", True),
        ("GET", "/collaborative-filtering/{user-id}/{category}", recommend.collaborative, "read", True),
        ("GET", "/health/live", live, "read", False),
        ("GET", "/health/ready", ready, "read", False),
    ]
    return {(method, path): Route(path, handler, role, quick) for method, path, handler, role, quick in listed}
