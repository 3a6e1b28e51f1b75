"""Two towers, and two towers whose best are ranked anew, as recommenders to compare (`gnn/recommend_strategies.py`)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

from gnn.histories import Floats, Histories, Ints
from gnn.prepare import needs
from gnn.tower_options import TowerOptions
from graph.tower_scores import Pairs, Towers, blended, ranked
from graph.vectors import top

if TYPE_CHECKING:
    from gnn.recommend_strategies import Learning


@dataclass(frozen=True)
class ByTowers:
    """Products of the towers."""

    towers: Towers

    def score(self, known: Histories, users: Ints) -> Floats:
        """See Recommender."""
        return self.towers.scores(known.matrix(liked=True)[users])


@dataclass(frozen=True)
class ByRankedTowers:
    """The same, the best of what is not known of a user ranked by the points that they would give."""

    towers: Towers
    pairs: Pairs
    options: TowerOptions

    def score(self, known: Histories, users: Ints) -> Floats:
        """See Recommender."""
        return self.anew(self.towers.scores(known.matrix(liked=True)[users]), words(known)[users])

    def anew(self, scores: Floats, given: sp.csr_matrix) -> Floats:
        """Scores of titles, (users, titles), in the order of a ranker that knows what each user gave."""
        shortlist = shortlists(scores, given, self.options.shortlist)
        points = self.pairs.points(given, np.repeat(np.arange(len(scores)), shortlist.shape[1]), shortlist.ravel())
        worth = blended(np.take_along_axis(scores, shortlist, 1), points.reshape(shortlist.shape), self.options.weight)
        return ranked(scores, worth, shortlist)


def shortlists(scores: Floats, given: sp.csr_matrix, size: int) -> Ints:
    """The best of what each user has not had yet, (users, size) places, the best first."""
    made = scores.copy()
    made[np.repeat(np.arange(len(scores)), np.diff(given.indptr)), given.indices] = -np.inf
    return np.stack([top(own, min(size, made.shape[1])) for own in made]).astype(np.int64)


def words(known: Histories) -> sp.csr_matrix:
    """What feedback says as points: 1 liked, 0 seen, -1 disliked; what is 0 is stored, (users, titles)."""
    says = known.says.astype(np.float32)
    return sp.csr_matrix((says, (known.user, known.title)), (len(known.users), len(known.titles)))


def by_towers(given: Learning) -> ByTowers:
    """Fit ByTowers. Raises NotInstalled without torch."""
    needs("torch")
    from gnn.towers import train_towers

    likes = given.histories.matrix(liked=True)
    made = partial(train_towers, likes, given.matter.z, TowerOptions(), seed=given.seed)
    return ByTowers(given.meter.shared("towers", made))


def by_ranked_towers(given: Learning) -> ByRankedTowers:
    """Fit ByRankedTowers. Raises NotInstalled without torch."""
    needs("torch")
    from gnn.tower_ranker import train_ranker

    made = partial(train_ranker, words(given.histories), given.matter.z, TowerOptions(), seed=given.seed)
    return ByRankedTowers(by_towers(given).towers, given.meter.shared("tower ranker", made), TowerOptions())


def by_points(given: Learning) -> ByRankedTowers:
    """The same, the shortlist in the order of the ranker's points alone, as tutorials have it."""
    return replace(by_ranked_towers(given), options=TowerOptions(weight=1.0))
