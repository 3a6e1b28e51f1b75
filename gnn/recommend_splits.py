"""What is known of users and what they liked next: the ways to part feedback for learning and for judging."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gnn.histories import Histories, Ints

SHARE = 0.2
FEW = 5


@dataclass(frozen=True)
class Split:
    """learned: what may be learned from. known: what is known of those asked for when they are asked for.

    users: who is asked for. liked: by user, what they liked that is not known. among: the titles that may be answered
    (None: all). A title with known feedback of a user is never among that user's answers.
    """

    name: str
    learned: Histories
    known: Histories
    users: Ints
    liked: Mapping[int, Ints]
    among: npt.NDArray[np.bool_] | None = None


def by_time(histories: Histories, share: float = SHARE) -> Split:
    """The last floor(share) of each user's likes by time are judged; known is all up to the last like before them."""
    kept = np.ones(len(histories), bool)
    liked: dict[int, Ints] = {}
    for user in range(len(histories.users)):
        start, end = histories.starts[user], histories.starts[user + 1]
        likes = start + np.flatnonzero(histories.says[start:end] > 0)
        hidden = int(share * len(likes))
        if hidden:
            liked[user] = histories.title[likes[-hidden:]]
            last = likes[-hidden - 1] if hidden < len(likes) else start - 1
            kept[last + 1 : end] = False
    known = histories.where(kept)
    return Split("by time", known, known, np.array(sorted(liked), np.int64), liked)


def by_chance(histories: Histories, seed: int, share: float = SHARE) -> Split:
    """A share of all likes, drawn by chance, is judged; all else is known. Times of what is known are as they are."""
    likes = np.flatnonzero(histories.says > 0)
    hidden = np.random.default_rng(seed).choice(likes, int(share * len(likes)), replace=False)
    kept = np.ones(len(histories), bool)
    kept[hidden] = False
    known = histories.where(kept)
    return Split("by chance", known, known, *_liked(histories, ~kept))


def newcomers(histories: Histories, seed: int, events: int = FEW) -> Split:
    """A fifth of the users is not learned from; of the known of `by_time`, so many of their newest events are."""
    split = by_time(histories)
    chosen = np.random.default_rng(seed).random(len(histories.users)) < SHARE
    known = split.known
    left = known.starts[known.user + 1] - np.arange(len(known))  # 1 for the newest
    few = known.where(~chosen[known.user] | (left <= events))
    asked = split.users[chosen[split.users]]
    return Split(
        f"newcomers, {events} events", known.where(~chosen[known.user]), few, asked,
        {user: split.liked[user] for user in asked.tolist()},
    )  # fmt: skip


def cold_titles(histories: Histories, seed: int) -> Split:
    """A fifth of the titles has no feedback to learn from; judged is who likes which of these, among these alone."""
    cold = np.random.default_rng(seed).random(len(histories.titles)) < SHARE
    hidden = cold[histories.title]
    known = histories.where(~hidden)
    users, liked = _liked(histories, hidden & (histories.says > 0))
    some = known.starts[users + 1] > known.starts[users]
    users = users[some]
    return Split("cold titles", known, known, users, {user: liked[user] for user in users.tolist()}, cold)


def _liked(histories: Histories, chosen: npt.NDArray[np.bool_]) -> tuple[Ints, dict[int, Ints]]:
    one = histories.where(chosen)
    users = np.unique(one.user)
    return users, {user: one.title[one.starts[user] : one.starts[user + 1]] for user in users.tolist()}
