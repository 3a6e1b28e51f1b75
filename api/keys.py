"""Keys of the service: made, listed and revoked in the store, which holds digests alone; and who holds a key.

A key is `rg_ID_SECRET`. The id is public: it stands in logs and names the key to revoke. The secret is 32 random bytes,
so its plain SHA-256 is enough: there is nothing to guess, and a slow hash would only slow down each request.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from pydantic import SecretStr

from graph.store import GraphStore, NotInGraph

Role = Literal["read", "write", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
"""Each may do what those before it may."""
KEPT_SECONDS = 5.0
"""How long keys are remembered: a request costs no reading of the store, a revoked key ends within this time."""
ENVIRONMENT = "environment"
NAME_LENGTH = 100
_PREFIX = "rg"


@dataclass(frozen=True)
class ApiKey:
    """A key as anybody may see it."""

    id: str
    name: str
    role: Role
    made: str


@dataclass(frozen=True)
class Holder:
    """Who asks: the id of a key, and what it may do."""

    id: str
    role: Role


def make(store: GraphStore, name: str, role: Role) -> tuple[ApiKey, str]:
    """Make a key; the second is the key itself, which is kept nowhere."""
    made = ApiKey(secrets.token_hex(6), name, role, dt.datetime.now(dt.UTC).isoformat(timespec="seconds"))
    secret = secrets.token_urlsafe(32)
    row = {"id": made.id, "name": name, "role": role, "made": made.made, "digest": _digest(secret)}
    store.upsert_nodes("ApiKey", [row])
    return made, f"{_PREFIX}_{made.id}_{secret}"


def keys(store: GraphStore) -> list[ApiKey]:
    """All keys of a store, the oldest first."""
    rows = (row for batch in store.scan_nodes("ApiKey", ["name", "role", "made"]) for row in batch.to_pylist())
    return sorted((ApiKey(**row) for row in rows), key=lambda key: (key.made, key.id))


def revoke(store: GraphStore, id_: str) -> None:
    """End a key. Raises NotInGraph when there is none of that id."""
    if not store.delete_nodes("ApiKey", [id_]):
        raise NotInGraph(f"there is no key {id_!r}; `reelgraph keys list` names them")


class Keys:
    """The keys that a service takes: those of its store, and the one of its environment.

    `refresh` reads the store where what is remembered is older than `seconds`; it may block. The rest does not.
    """

    def __init__(self, store: GraphStore, of_environment: SecretStr | None, seconds: float = KEPT_SECONDS) -> None:
        self._store, self._seconds = store, seconds
        self._own = _digest(of_environment.get_secret_value()) if of_environment else None
        self._held: Mapping[str, tuple[str, Role]] = {}
        self._read_at: float | None = None

    @property
    def stale(self) -> bool:
        """Whether the store has to be read first."""
        return self._read_at is None or time.monotonic() - self._read_at > self._seconds

    def refresh(self) -> None:
        """Read the store, unless that was done a moment ago. Raises StoreError; nobody's key is right then."""
        if not self.stale:
            return
        begun = time.monotonic()
        batches = self._store.scan_nodes("ApiKey", ["role", "digest"])
        rows = [row for batch in batches for row in batch.to_pylist()]
        self._held = {row["id"]: (row["digest"], row["role"]) for row in rows}
        self._read_at = begun

    def any(self) -> bool:
        """Whether there is a key at all."""
        return self._own is not None or bool(self._held)

    def made(self, key: str) -> Holder | None:
        """Who holds this key, if it was made in the store."""
        prefix, _, rest = key.partition("_")
        id_, _, secret = rest.partition("_")
        if prefix != _PREFIX or id_ not in self._held:
            return None
        digest, role = self._held[id_]
        return Holder(id_, role) if hmac.compare_digest(digest, _digest(secret)) else None

    def given(self, key: str) -> Holder | None:
        """The administrator of the environment, if this is their key."""
        right = self._own is not None and hmac.compare_digest(self._own, _digest(key))
        return Holder(ENVIRONMENT, "admin") if right else None


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
