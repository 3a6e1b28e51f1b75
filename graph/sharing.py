"""What titles that somebody watched share with those that they brought: of many at once, in the exchanges of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from graph.explain import Evidence
from graph.facets import weighing
from graph.preferences import Preferences
from graph.reads import Asking, all_of, together
from graph.store import Scope
from graph.substitutes import Ranking


def sharing(
    ranking: Ranking, brought: Mapping[str, Sequence[str]], scope: Scope, wanted: Preferences, state: str
) -> Asking[tuple[dict[str, str], dict[str, list[Evidence]]]]:
    """The names of those that brought titles, by id; and why each that was brought is like the one that brought it.

    brought: by each title that brought any, these; none of them by two. Reasons are as `Reasons.of` has them.
    """
    if not brought:
        return {}, {}
    reasons, carriers = ranking.reasons, list(brought)
    others = [other for own in brought.values() for other in own]
    landmarks, asked, answers, *weighed = yield from together(
        reasons.landmarks_in(scope, state), reasons.asked_all(carriers), all_of(*reasons.reads(carriers, others)),
        *(weighing(ranking.folded, [one], own, wanted) for one, own in brought.items() if wanted.weighed),
    )  # fmt: skip
    found = reasons.found(brought, answers)
    names = {one.id: one.names[one.id] for one in asked}
    return names, reasons.of_all(asked, found, brought, landmarks, weighed or [None] * len(asked))
