"""What is held out of training: some triples, all titles from a year on, or nearly all that is known of some titles.

The parts never share a triple and together are all triples. The same seed gives the same split.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gnn.config import SplitConfig
from gnn.triples import Ids, Split, TriplesError, Vocabulary

_Mask = npt.NDArray[np.bool_]
_TITLE = "Title:"


def split(vocabulary: Vocabulary, triples: Ids, config: SplitConfig, years: Ids | None = None) -> Split:
    """Part (n, 3) triples, no row twice, into training, valid and test.

    years: (entities,) release years, 0 where unknown (`triples.release_years`); needed for a split by year.
    Raises TriplesError when a part would be empty that should not be, with the setting to change.
    """
    generator = np.random.default_rng(config.seed)
    entities = len(vocabulary.entities)
    cold = np.empty(0, np.int64)
    if config.kind == "random":
        test, valid = _random(triples, config, entities, generator)
        kind = f"random: {config.test:g} test, {config.valid:g} valid, seed {config.seed}"
    elif config.kind == "year":
        test, valid, cold = _by_year(vocabulary, triples, config, years, generator)
        kind = f"titles from {config.year} on are test, {config.valid:g} of the rest valid, seed {config.seed}"
    else:
        test, valid, cold = _cold(vocabulary, triples, config, generator)
        kind = f"cold titles: {config.test:g} test, {config.valid:g} valid, {config.shown:g} of their triples shown, "
        kind += f"seed {config.seed}"
    train = ~(test | valid)
    for part, mask, wanted in (("test", test, config.test or config.kind == "year"), ("valid", valid, config.valid),
                               ("train", train, True)):  # fmt: skip
        if wanted and not mask.any():
            raise TriplesError(f"the split ({kind}) leaves no {part} triple of {len(triples):,}; change [split]")
    # In random order, so that the first thousand of a part are a fair sample of it.
    held = [triples[generator.permutation(np.flatnonzero(mask))] for mask in (valid, test)]
    return Split(vocabulary, triples[train], held[0], held[1], kind, cold)


def _random(triples: Ids, config: SplitConfig, entities: int, generator: np.random.Generator) -> tuple[_Mask, _Mask]:
    """Test and valid: the first in a random order, without those that training needs to know all names."""
    order = generator.permutation(len(triples))
    free = order[~_needed(triples[order], entities)]
    tested = min(round(config.test * len(triples)), len(free))
    test, valid = np.zeros((2, len(triples)), np.bool_)
    test[free[:tested]] = True
    valid[free[tested : tested + round(config.valid * len(triples))]] = True
    return test, valid


def _needed(triples: Ids, entities: int) -> _Mask:
    """Triples that are the last, in this order, in which an entity or a relation occurs: (n,) bool."""
    needed = np.zeros(len(triples), np.bool_)
    names = np.concatenate([triples[:, [0, 2]], triples[:, 1:2] + entities], axis=1)
    last = np.full(int(names.max(initial=-1)) + 1, -1, np.int64)
    rows = np.arange(len(triples))
    for column in names.T:
        # Where a number comes several times, the largest row counts.
        np.maximum.at(last, column, rows)
    needed[last[last >= 0]] = True
    return needed


def _by_year(
    vocabulary: Vocabulary, triples: Ids, config: SplitConfig, years: Ids | None, generator: np.random.Generator
) -> tuple[_Mask, _Mask, Ids]:
    """Every triple of a title from that year on is test; valid is drawn from the others."""
    if years is None or not years.any():
        raise TriplesError("a split by year needs the titles' years, and a store gives them; a folder does not")
    late = years >= config.year
    test = late[triples[:, 0]] | late[triples[:, 2]]
    rest = np.flatnonzero(~test)
    order = generator.permutation(rest)
    free = order[~_needed(triples[order], len(vocabulary.entities))]
    valid = np.zeros(len(triples), np.bool_)
    valid[free[: round(config.valid * len(rest))]] = True
    return test, valid, np.flatnonzero(late)


def _cold(
    vocabulary: Vocabulary, triples: Ids, config: SplitConfig, generator: np.random.Generator
) -> tuple[_Mask, _Mask, Ids]:
    """Titles drawn for test and valid: of each one's triples at least `shown` stays, the others are held out.

    A triple between a test title and a valid one is test; a title's own order is random.
    """
    titles = np.flatnonzero([name.startswith(_TITLE) for name in vocabulary.entities])
    if not len(titles):
        raise TriplesError("a split by cold titles needs entities named Title:…; those of a folder have none")
    drawn = generator.permutation(titles)
    tested, validated = round(config.test * len(titles)), round(config.valid * len(titles))
    part = np.zeros(len(vocabulary.entities), np.int8)
    part[drawn[tested : tested + validated]], part[drawn[:tested]] = 1, 2
    ends = triples[:, [0, 2]]
    # Whose the triple is: the end that is cold, the test title where both are.
    owner = np.where(part[ends[:, 0]] >= part[ends[:, 1]], ends[:, 0], ends[:, 1])
    held = part[owner] * ~_shown(owner, part[owner] > 0, config.shown, generator)
    return held == 2, held == 1, np.sort(drawn[: tested + validated])


def _shown(owner: Ids, cold: _Mask, share: float, generator: np.random.Generator) -> _Mask:
    """Which triples stay: of each owner's a random share, rounded up."""
    shown = np.zeros(len(owner), np.bool_)
    rows = generator.permutation(np.flatnonzero(cold))
    rows = rows[np.argsort(owner[rows], kind="stable")]
    counts = np.unique(owner[rows], return_counts=True)[1]
    place = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    shown[rows[place < np.repeat(np.ceil(share * counts - 1e-9), counts)]] = True
    return shown
