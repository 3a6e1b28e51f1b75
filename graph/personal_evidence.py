"""Why a user is recommended a title: which of theirs brought most of the score, and what the two share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

from graph.explain import Evidence, called
from graph.preferences import Preferences
from graph.reads import Asking, Nodes
from graph.reasons import MOST
from graph.sharing import sharing
from graph.store import Scope
from graph.strategy import popular
from graph.substitutes import Ranking

_LEAST = 0.02
"""A title that brought a smaller share is not named."""


def evidence_of(
    ranking: Ranking | None, parts: Mapping[str, Mapping[str, float]], anybody: Mapping[str, float], scope: Scope,
    wanted: Preferences, state: str,
) -> Asking[dict[str, list[Evidence]]]:  # fmt: skip
    """For each answered title the one that brought most of its score, then what the two share.

    parts: what each title of the user's brought to each answered one; anybody: what it has whoever asks.
    Shared nodes raise the likeness of the two by the substitute vectors; where there are no such, none is named.
    """
    carriers: dict[str, list[str]] = defaultdict(list)
    shares: dict[str, float] = {}
    for other, own in parts.items():
        if not own:
            continue
        carrier = max(own, key=own.__getitem__)
        total = sum(value for value in own.values() if value > 0) + max(anybody[other], 0.0)
        if own[carrier] > _LEAST * total > 0:
            carriers[carrier].append(other)
            shares[other] = own[carrier] / total
    if ranking is not None:
        called_, paths = yield from sharing(ranking, carriers, scope, wanted, state)
    else:
        (nodes,) = yield [Nodes("Title", sorted(carriers), ["title"])]
        called_, paths = called(nodes), {}
    made: dict[str, list[Evidence]] = {other: [] if other in shares else [popular()] for other in parts}
    for carrier, others in carriers.items():
        for other in others:
            share = shares[other]
            because = Evidence("watched", share, f"because you watched {called_[carrier]}", (), (carrier,))
            own_paths = [replace(one, weight=share * one.weight) for one in paths.get(other, ()) if one.kind == "path"]
            made[other] = [because, *own_paths[: MOST - 1]]
    return made
