"""What makes a number of link prediction look better than the model is, said before anyone believes it.

In FB15k four of five test triples had their inverse in training, and a rule that knows nothing else beat every model
(Toutanova and Chen 2015; Akrami et al. 2020). Here: relations that hold of the same pairs, forwards or backwards; how
many test triples such a relation gives away; and names that training never sees.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from gnn.triples import Ids, Split

_SHOWN = 8


@dataclass(frozen=True)
class Overlap:
    """Two relations that hold of the same pairs; inverse: the other holds of (tail, head).

    pairs: how many they share; share: of the one's pairs; back: of the other's. Where only one of these is large, the
    one relation says what the other says and less.
    """

    one: str
    other: str
    inverse: bool
    pairs: int
    share: float
    back: float

    def __str__(self) -> str:
        both = "turned around, " if self.inverse else ""
        return f"{self.one} and {self.other}: {both}{self.share:.0%} and {self.back:.0%} of their pairs are the same"


@dataclass(frozen=True)
class Audit:
    """What was found in a split; `str(audit)` says it in lines.

    overlaps, symmetric: relations from the threshold on, those that share most pairs first. leaked: test triples that a
    training triple gives away by such an overlap or symmetry, that is by a rule that holds that often. linked: those
    whose two ends any other training triple joins. repeated: valid or test triples that another part has, too. loops:
    triples from an entity to itself. unseen: entities of valid or test that training lacks. empty: relations without
    training triples.
    """

    train: int
    valid: int
    test: int
    entities: int
    relations: int
    threshold: float
    overlaps: tuple[Overlap, ...]
    symmetric: dict[str, float]
    leaked: int
    linked: int
    repeated: int
    loops: int
    unseen: int
    unseen_names: tuple[str, ...]
    unseen_test_triples: int
    empty: tuple[str, ...]

    @property
    def clean(self) -> bool:
        """Whether nothing makes the figures doubtful."""
        return not (self.leaked or self.repeated or self.unseen or self.empty)

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield (f"{self.train:,} training, {self.valid:,} valid and {self.test:,} test triples; "
               f"{self.entities:,} entities, {self.relations:,} relations")  # fmt: skip
        yield from (str(overlap) for overlap in self.overlaps[:_SHOWN])
        if len(self.overlaps) > _SHOWN:
            yield f"… and {len(self.overlaps) - _SHOWN:,} more such overlaps"
        if self.symmetric:
            named = [f"{name} ({share:.0%} both ways)" for name, share in list(self.symmetric.items())[:_SHOWN]]
            yield f"symmetric: {_listed(named, len(self.symmetric))}"
        if not self.overlaps and not self.symmetric:
            yield f"no two relations share {self.threshold:.0%} of their pairs, and none is symmetric"
        yield (f"{self.leaked:,} of {self.test:,} test triples are given away by these; {self.linked:,} join two ends "
               "that some training triple joins, too")  # fmt: skip
        if self.repeated:
            yield f"{self.repeated:,} valid or test triples stand in another part as well"
        if self.loops:
            yield f"{self.loops:,} triples lead from an entity to itself"
        if self.unseen:
            yield (f"{self.unseen:,} entities are only in valid or test; {self.unseen_test_triples:,} test triples "
                   f"name them, and count: {_listed(self.unseen_names, self.unseen)}")  # fmt: skip
        if self.empty:
            yield f"without a training triple: {', '.join(self.empty)}"


def _listed(names: Sequence[str], count: int) -> str:
    return ", ".join(names) + (f" and {count - len(names):,} more" if count > len(names) else "")


def audit(split: Split, threshold: float = 0.8) -> Audit:
    """Look through a split. threshold: the share of a relation's pairs from which on an overlap is reported."""
    entities, relations = len(split.vocabulary.entities), len(split.vocabulary.relations)
    if 2 * relations * entities**2 >= 2**63:
        raise ValueError(f"{entities:,} entities with {relations:,} relations are too many to audit")
    pairs, tags = _tagged(split.everything, entities, relations)
    codes, counts = _together(pairs, tags, 2 * relations)
    sizes = np.bincount(tags // 2, minlength=relations)
    overlaps, symmetric, giveaways = _overlaps(split, codes, counts, sizes, threshold)
    leaked, linked = _given_away(split, giveaways, entities, relations)
    seen = np.zeros(entities, np.bool_)
    seen[split.train[:, 0]] = seen[split.train[:, 2]] = True
    held_out = np.unique(np.concatenate([split.valid, split.test])[:, [0, 2]])
    unseen = held_out[~seen[held_out]]
    known = len(split.train) + len(split.valid) + len(split.test)
    filled = np.bincount(split.train[:, 1], minlength=relations)
    return Audit(
        train=len(split.train), valid=len(split.valid), test=len(split.test), entities=entities, relations=relations,
        threshold=threshold, overlaps=overlaps, symmetric=symmetric, leaked=leaked, linked=linked,
        repeated=known - split.known.count,
        loops=int((split.everything[:, 0] == split.everything[:, 2]).sum()),
        unseen=len(unseen), unseen_names=tuple(split.vocabulary.entities[one] for one in unseen[:_SHOWN]),
        unseen_test_triples=int((~seen[split.test[:, [0, 2]]]).any(axis=1).sum()),
        empty=tuple(split.vocabulary.relations[one] for one in np.flatnonzero(filled == 0)),
    )  # fmt: skip


def _tagged(triples: Ids, entities: int, relations: int) -> tuple[Ids, Ids]:
    """Each triple as an unordered pair of entities and a tag, 2·relation + whether the head is the larger: sorted.

    No triple comes twice, and those from an entity to itself, which every direction holds of, are left out.
    """
    head, relation, tail = triples[triples[:, 0] != triples[:, 2]].T
    pair = np.minimum(head, tail) * entities + np.maximum(head, tail)
    packed = pair * (2 * relations) + 2 * relation + (head > tail)
    packed.sort()
    packed = packed[np.diff(packed, prepend=-1) != 0]
    pairs, tags = np.divmod(packed, 2 * relations)
    return pairs, tags


def _together(pairs: Ids, tags: Ids, width: int) -> tuple[Ids, Ids]:
    """Of how many pairs two tags hold together: codes smaller tag·width + larger tag, and counts."""
    codes, rows, step = [np.empty(0, np.int64)], np.arange(len(pairs)), 1
    while True:
        # Tags of one pair stand in a row: each with the next, with the one after, until no pair is as long.
        rows = rows[rows + step < len(pairs)]
        rows = rows[pairs[rows] == pairs[rows + step]]
        if not len(rows):
            break
        codes.append(np.stack(np.unique(tags[rows] * width + tags[rows + step], return_counts=True)).T.reshape(-1))
        step += 1
    found = np.concatenate(codes).reshape(-1, 2)
    distinct, places = np.unique(found[:, 0], return_inverse=True)
    return distinct, np.bincount(places, found[:, 1], len(distinct)).astype(np.int64)


def _overlaps(
    split: Split, codes: Ids, counts: Ids, sizes: Ids, threshold: float
) -> tuple[tuple[Overlap, ...], dict[str, float], Ids]:
    """Overlaps and symmetric relations from the threshold on; and their codes, (test tag, training tag) packed."""
    relations = len(sizes)
    one, other = np.divmod(codes, 2 * relations)
    inverse = (one ^ other) & 1
    # The same two relations meet with the smaller entity first and last: both count.
    kinds, places = np.unique((one // 2 * relations + other // 2) * 2 + inverse, return_inverse=True)
    pairs = np.bincount(places, counts, len(kinds)).astype(np.int64)
    found, symmetric, giveaways = [], {}, [np.empty(0, np.int64)]
    names, width = split.vocabulary.relations, 2 * relations
    for kind, together in zip(kinds.tolist(), pairs.tolist(), strict=True):
        (a, b), backwards = divmod(kind // 2, relations), kind % 2
        # A pair on which a relation holds both ways was met once and is two of the relation's.
        share, back = (float(together * (1 + (a == b)) / sizes[end]) for end in (a, b))
        if max(share, back) < threshold:
            continue
        if a == b:
            symmetric[names[a]] = share
        else:
            found.append(Overlap(names[a], names[b], bool(backwards), together, share, back))
        tags = np.array([(2 * a + way, 2 * b + (way ^ backwards)) for way in (0, 1)])
        giveaways += [tags[:, 0] + width * tags[:, 1]] if share >= threshold else []
        giveaways += [tags[:, 1] + width * tags[:, 0]] if back >= threshold else []
    found.sort(key=lambda overlap: (-overlap.pairs, overlap.one, overlap.other))
    return tuple(found), symmetric, np.unique(np.concatenate(giveaways))


def _given_away(split: Split, giveaways: Ids, entities: int, relations: int) -> tuple[int, int]:
    """Test triples that a training triple of the same pair gives away, and those that any joins."""
    pairs, tags = _tagged(split.train, entities, relations)
    wanted, wanted_tags = _tagged(split.test, entities, relations)
    first = np.searchsorted(pairs, wanted)
    counts = np.searchsorted(pairs, wanted, "right") - first
    starts = np.cumsum(counts) - counts
    rows = np.repeat(np.arange(len(wanted)), counts)
    places = np.arange(len(rows)) + np.repeat(first - starts, counts)
    met = cast(Ids, wanted_tags[rows] * (2 * relations) + tags[places])
    itself = wanted_tags[rows] == tags[places]  # a test triple that training holds: counted as repeated
    return len(np.unique(rows[np.isin(met, giveaways)])), len(np.unique(rows[~itself]))
