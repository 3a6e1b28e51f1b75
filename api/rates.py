"""How much one client may ask: moving windows by the `limits` library, in memory or in Redis."""

from __future__ import annotations

import logging
import math
import time
from dataclasses import dataclass
from typing import Any

import anyio
import limits
from limits.errors import ConfigurationError, StorageError
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import MovingWindowRateLimiter

from api.settings import ServeError, Settings

DEFAULT = "100/second;3000/minute"
WRONG_KEYS = limits.parse("10/minute")
"""Wrong keys from one address; the environment's key, which a person may have chosen, is not compared beyond them."""
_NONE = "none"
_log = logging.getLogger("reelgraph.rates")


@dataclass(frozen=True)
class Rates:
    """Counts requests by who made them. Where Redis does not answer, nothing is limited and the log says so."""

    _windows: MovingWindowRateLimiter
    _items: tuple[limits.RateLimitItem, ...]
    _always: bool
    _threads: anyio.CapacityLimiter | None

    @classmethod
    def of(cls, settings: Settings) -> Rates:
        """As the settings say. Raises ServeError where that cannot be."""
        text = settings.rate_limit or DEFAULT
        try:
            items = () if text == _NONE else tuple(limits.parse_many(text))
        except ValueError:
            raise ServeError(
                f"REELGRAPH_RATE_LIMIT={text!r} is no limit; write it as {DEFAULT}, or {_NONE} for no limit"
            ) from None
        always = settings.rate_limit is not None
        if settings.rate_store is None:
            return cls(MovingWindowRateLimiter(MemoryStorage()), items, always, None)
        storage = _redis(settings.rate_store.get_secret_value())
        return cls(MovingWindowRateLimiter(storage), items, always, anyio.CapacityLimiter(8))

    async def request(self, who: str, *, needs_key: bool) -> int | None:
        """Count a request; the seconds to wait where it is one too many. Without keys, only by a limit that was set."""
        if not needs_key and not self._always:
            return None
        return await self._hit(self._items, who)

    async def wrong_key(self, address: str) -> int | None:
        """Count a wrong key from an address; the seconds to wait where it is one too many."""
        return await self._hit((WRONG_KEYS,), "wrong", address)

    async def may_guess(self, address: str) -> bool:
        """Whether an address has not sent too many wrong keys."""
        return bool(await self._ask(self._windows.test, True, WRONG_KEYS, "wrong", address))

    async def _hit(self, items: tuple[limits.RateLimitItem, ...], *who: str) -> int | None:
        for item in items:
            if not await self._ask(self._windows.hit, True, item, *who):
                stats = await self._ask(self._windows.get_window_stats, None, item, *who)
                return max(1, math.ceil(stats.reset_time - time.time())) if stats else 1
        return None

    async def _ask(self, what: Any, otherwise: Any, *arguments: Any) -> Any:
        if self._threads is None:
            return what(*arguments)
        try:
            return await anyio.to_thread.run_sync(what, *arguments, limiter=self._threads)
        except StorageError as error:
            cause = type(error.storage_error).__name__  # its text may hold the address with its password
            _log.error("rates are not counted", extra={"fields": {"error": cause}})
            return otherwise


def _redis(url: str) -> Any:
    try:
        import redis  # noqa: F401
    except ImportError:
        raise ServeError(
            "REELGRAPH_RATE_STORE is set, and Redis needs an extra: pip install 'reelgraph[redis]'"
        ) from None
    try:
        if not url.startswith("redis"):
            raise ConfigurationError
        storage = storage_from_string(url, wrap_exceptions=True, socket_timeout=1, socket_connect_timeout=1)
        there = storage.check()
    except (ConfigurationError, StorageError, ValueError):
        raise ServeError("REELGRAPH_RATE_STORE is no address of a Redis; write it as redis://HOST:6379/0") from None
    if not there:
        raise ServeError("the Redis of REELGRAPH_RATE_STORE does not answer; start it, or leave the setting out")
    return storage
