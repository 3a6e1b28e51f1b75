"""Reading several things of one version, while another process may put a new one in its place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from graph.store import GraphStore, StoreBusy

T = TypeVar("T")
_ATTEMPTS = 5


@dataclass(frozen=True)
class Read(Generic[T]):
    """What was read, and the state that the store had before: no newer than any of it."""

    value: T
    state: str


def at_one_version(store: GraphStore, ask: Callable[[], T]) -> Read[T]:
    """What `ask` reads of the store, all of it from one version of the graph: asked again when that has changed.

    Where the store keeps versions, the current one is held meanwhile, and only one that goes (many loads later) is a
    reason to ask again. An error counts only when the version is still the same afterwards. Raises StoreBusy when
    versions follow each other faster than it can be read.
    """
    for _ in range(_ATTEMPTS):
        state = ""
        try:
            with store.held():
                state = store.state()
                value = ask()
                stayed = version_of(store.state()) == version_of(state)
        except Exception:
            if version_of(store.state()) == version_of(state):
                raise
            continue
        if stayed:
            return Read(value, state)
    raise StoreBusy(f"the graph in {store.url} changed {_ATTEMPTS} times while it was read; try again")


def version_of(state: str) -> str:
    """The version of the graph in what `GraphStore.state` says; the rest of it is about offers."""
    return state.partition("+")[0]
