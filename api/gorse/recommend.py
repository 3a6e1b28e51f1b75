"""Lists as Gorse's clients ask for them: for a user, for a session, beside an item, the newest and the best liked."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any

from api.gorse.asked import Asked, Refused
from api.gorse.feedback import Row, _row, insert
from graph.feedback_kinds import Says
from graph.gorse import duration, inside
from graph.history import CLOCKS_APART, Event, in_order
from graph.lists import Scored
from graph.store import GraphStore

_POPULAR, _LATEST = "popular", "latest"
_BESIDE = ("neighbors", "similar")
_POSITIVE_DECAY, _READ_DECAY = 0.8, 0.6
"""What a seen item's score is multiplied by where seen ones come back, as Gorse has it."""


@dataclass(frozen=True)
class _Known:
    """What a user said, as `graph.history` has it, of ids alone: of each title that they did not dislike, the newest
    first; disliked ones; all seen.
    """

    says: Mapping[str, Says]
    disliked: frozenset[str]
    seen: frozenset[str]

    @property
    def liked(self) -> list[str]:
        """Titles they like, the newest first."""
        return [title for title, says in self.says.items() if says == "liked"]


def _known(asked: Asked, user: str) -> _Known:
    latest, says = time.time() + CLOCKS_APART, asked.backing.kinds.of
    told, liked, disliked = list[tuple[float, str]](), set[str](), set[str]()
    for title, type_, value, when in _said(asked.store, inside(user)):
        if when is None or when <= latest:
            said = says(type_, value)
            told.append((_NEVER if when is None else -when, title))
            if said == "liked":
                liked.add(title)
            elif said == "disliked":
                disliked.add(title)
    told.sort()
    ordered = dict.fromkeys(title for _, title in told)
    kept: dict[str, Says] = {title: "liked" if title in liked else "seen" for title in ordered if title not in disliked}
    return _Known(kept, frozenset(disliked), frozenset(ordered))


def _said(store: GraphStore, user: str) -> Iterable[tuple[str, str, float | None, int | None]]:
    """Title, type, value and seconds of what a user said; as rows where the store has them at hand."""
    at_hand = getattr(store, "user_feedback", None)
    if at_hand is not None:
        rows: Iterable[tuple[str, str, float | None, int | None]] = at_hand(user)
        return rows
    table = store.neighbours([user], ["RATED"], "out", properties=("value", "timestamp"))
    return zip(*(table.column(name).to_pylist() for name in ("neighbour", "key", "value", "timestamp")), strict=True)


_NEVER = float("inf")


async def recommend(asked: Asked) -> Any:
    """GET /recommend/{user-id}[/{category}]."""
    import anyio.to_thread

    backing = asked.backing
    quick = backing.quick
    found = _recommended(asked) if quick else await anyio.to_thread.run_sync(_recommended, asked)
    if (type_ := asked.one("write-back-type")) and found:
        user = asked.names[0]
        later = duration(asked.one("write-back-delay") or "0")
        if asked.store.get_nodes("User", [user], []).num_rows:
            when, nanos = divmod(time.time_ns() + later, 10**9)
            rows: list[Row] = [(type_, user, id_, 0.0, when, nanos or None, None) for id_, _ in found]
            await insert(backing, rows, "add")
    elif asked.one("write-back-delay"):
        duration(asked.one("write-back-delay"))
    return _scored(asked, found)


def _recommended(asked: Asked) -> Scored:
    user, *category = asked.names
    n, offset = asked.page()
    backing = asked.backing
    known = _known(asked, user)
    back: dict[str, float] | None = None
    if backing.options.replacement:
        back = {title: _POSITIVE_DECAY if said == "liked" else _READ_DECAY for title, said in known.says.items()}
    categories = [*category, *asked.all("category")]
    return backing.lists.recommended(known.says, known.seen, categories, n + offset, back=back)[offset:]


def session(asked: Asked) -> Any:
    """POST /session/recommend[/{category}]: for somebody whose feedback stands in the body."""
    told = asked.objects() if asked.json() is not None else None
    if told is None:
        raise Refused(400, "the body must be a list")
    n, offset = asked.page()
    backing = asked.backing
    items = backing.items.now()
    events = []
    for type_, _, item, value, seconds, *_ in map(_row, told):
        found = items.by_id.get(item)
        if found is not None:
            events.append(Event(found.title, type_, value, seconds, backing.kinds.of(type_, value)))
    said = in_order(events)
    found_ = backing.lists.session(said.liked, said.titles, asked.names, n + offset)[offset:]
    return [{"Id": id_, "Score": score} for id_, score in found_]


def neighbors(asked: Asked) -> Any:
    """GET /item/{item-id}/neighbors."""
    return _beside(asked, asked.names[0])


def item_to_item(asked: Asked) -> Any:
    """GET /item-to-item/{name}/{item-id}."""
    name, item = asked.names
    return _beside(asked, item) if name in _BESIDE else []


def _beside(asked: Asked, item: str) -> Any:
    n, offset = asked.page()
    backing = asked.backing
    found = backing.items.now().by_id.get(item)
    if found is None:
        return []
    most = min(n + offset, backing.options.cache_size)
    listed = backing.lists.neighbours(found.title, _seen(asked), asked.all("category"), most)
    _say_when(asked)
    return [{"Id": id_, "Score": score} for id_, score in listed[offset:][:n]]


def _seen(asked: Asked) -> Sequence[str]:
    user = asked.one("user-id")
    return tuple(_known(asked, user).seen) if user else ()


def _say_when(asked: Asked) -> None:
    asked.answer_headers["Last-Modified"] = formatdate(asked.backing.lists.counted or time.time(), usegmt=True)


def latest(asked: Asked) -> Any:
    """GET /latest[/{category}]."""
    n, offset = asked.page()
    found = asked.backing.lists.latest(_seen(asked), [*asked.names, *asked.all("category")], n + offset)
    return [{"Id": id_, "Score": score} for id_, score in found[offset:]]


def non_personalized(asked: Asked) -> Any:
    """GET /non-personalized/{name}: `popular` and `latest` are there."""
    name = asked.names[0]
    if name not in (_POPULAR, _LATEST):
        asked.page()
        return []
    n, offset = asked.page()
    lists = asked.backing.lists
    make = lists.popular if name == _POPULAR else lists.latest
    found = make(_seen(asked), asked.all("category"), n + offset)
    _say_when(asked)
    return [{"Id": id_, "Score": score} for id_, score in found[offset:]]


def collaborative(asked: Asked) -> Any:
    """GET /collaborative-filtering/{user-id}[/{category}]: what others like who like the same."""
    user, *category = asked.names
    n, offset = asked.page()
    known = _known(asked, user)
    found = asked.backing.lists.alike(known.liked, known.seen, [*category, *asked.all("category")], n + offset)
    return [{"Id": id_, "Score": score} for id_, score in found[offset:]]


def user_neighbors(asked: Asked) -> Any:
    """GET /user/{user-id}/neighbors and /user-to-user/{name}/{user-id}: who likes the same (Jaccard)."""
    *name, user = asked.names
    n, offset = asked.page()
    if name and name[0] not in _BESIDE:
        return []
    backing = asked.backing
    mine = _known(asked, user).liked[:_LIKES]
    table = asked.store.neighbours(list(mine), ["RATED"], "in", properties=["value"])
    shared: dict[str, set[int]] = {}
    for row in table.to_pylist():
        if row["neighbour"] != user and backing.kinds.of(row["key"], row["value"]) == "liked":
            shared.setdefault(row["neighbour"], set()).add(row["source"])
    degrees = asked.store.degrees(list(shared), ["RATED"], "out").tolist()
    scores = {
        other: len(same) / max(len(mine) + degree - len(same), 1)
        for (other, same), degree in zip(shared.items(), degrees, strict=True)
    }
    ranked = sorted(scores.items(), key=lambda one: (-one[1], one[0]))[: backing.options.cache_size]
    return [{"Id": id_, "Score": score} for id_, score in ranked[offset:][:n]]


_LIKES = 100


def _scored(asked: Asked, found: Scored) -> Any:
    if asked.headers.get("x-api-version") == "2":
        return [{"Id": id_, "Score": score} for id_, score in found]
    return [id_ for id_, _ in found]
