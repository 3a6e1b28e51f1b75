"""What was made of the graph and may be used again until the graph changes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

V = TypeVar("V")


class Kept(Generic[V]):
    """The last few values by key, forgotten when `token` says something else than before. Safe for threads.

    token: what differs whenever a value must be made again, such as `GraphStore.state`. A value is made by the first
    thread that asks for it; others that ask meanwhile wait, and where it fails each tries for itself. What was made
    while the token changed is not kept.
    """

    def __init__(self, token: Callable[[], str], most: int) -> None:
        self._token, self._most = token, most
        self._held: OrderedDict[Hashable, Future[V]] = OrderedDict()
        self._of = ""
        self._lock = threading.Lock()

    def of(self, key: Hashable, make: Callable[[], V], token: str | None = None) -> V:
        """The value of that key, made where it is not kept. Raises what `make` raises.

        token: what `token` says, where the caller has just asked.
        """
        token = self._token() if token is None else token
        with self._lock:
            if token != self._of:
                self._held, self._of = OrderedDict(), token
            held = self._held
            there = held.get(key)
            value: Future[V] = there or Future()
            held[key] = value
            held.move_to_end(key)
            while len(held) > self._most:
                held.popitem(last=False)
        if there is None:
            return self._make(held, key, value, token, make)
        return there.result() if there.exception() is None else make()

    def _make(
        self, held: OrderedDict[Hashable, Future[V]], key: Hashable, value: Future[V], token: str, make: Callable[[], V]
    ) -> V:
        kept = False
        try:
            made = make()
        except BaseException as error:
            value.set_exception(error)
            raise
        else:
            value.set_result(made)
            kept = self._token() == token
            return made
        finally:
            with self._lock:
                if not kept and held.get(key) is value:
                    del held[key]
