"""Names of titles that do not exist: what a search must not pretend to know."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from rapidfuzz import process
from rapidfuzz.distance import Levenshtein


def _words(text: str) -> list[str]:
    return text.split()


_FIRST = _words(
    "amber broken cardboard copper crooked distant drowned eleventh endless faded feral frozen gilded hollow "
    "imaginary jagged lonesome magnetic marble midnight murky nameless orphaned paper pewter quiet reluctant "
    "rusted scarlet seventh silver sleepless stolen tangled unfinished velvet wandering whispering wooden"
)
_SECOND = _words(
    "accordion alibi almanac aquarium archipelago beekeeper bicycle caravan cartographer chandelier clockmaker "
    "compass corridor dovecote dynasty elevator estuary ferryman gazebo glacier harvest inkwell jigsaw kiln "
    "lantern ledger lighthouse locksmith marmalade meridian mosaic notary orchard parachute pendulum quarry "
    "reservoir sawmill signalman sundial tambourine trellis umbrella viaduct weathervane windmill xylophone "
    "zeppelin"
)
_SYLLABLES = _words("ba bre cor da dru el fen gar ho il jo kra lu mer nor ol pir qua ris sta tor ul ven wex yar zel")
_SHORTEST = 3  # letters in which an invented name differs from each that exists, at least


def invented(names: Sequence[str], rng: random.Random, count: int) -> Iterator[str]:
    """Names unlike any given: words of real titles put together anew, invented phrases, words that are none.

    Each differs from every real name by more than two letters, and never are all its words those of one real name:
    either could as well be that name, misspelt or cut short.
    """
    words = [re.findall(r"[^\W_]+", name.casefold()) for name in names]
    real = ["".join(each) for each in words]
    having: dict[str, set[int]] = {}
    for at, each in enumerate(words):
        for word in each:
            having.setdefault(word, set()).add(at)
    often = Counter(word for each in words for word in each)
    known = [word for word in often.elements() if len(word) > 3]
    made: set[str] = set()
    while len(made) < count:
        text = rng.choice((_of_words, _phrase, _phrase, _no_words))(rng, known)
        own = re.findall(r"[^\W_]+", text.casefold())
        whole = "".join(own)
        if text in made or len(set(own)) < len(own) or set.intersection(*(having.get(word, set()) for word in own)):
            continue
        if process.extractOne(whole, real, scorer=Levenshtein.distance, score_cutoff=_SHORTEST - 1):
            continue
        made.add(text)
        yield text


def _of_words(rng: random.Random, known: list[str]) -> str:
    chosen = rng.choices(known, k=rng.choice((2, 3, 3, 4)))
    return ("The " if rng.random() < 0.3 else "") + " ".join(chosen).title()


def _phrase(rng: random.Random, _known: list[str]) -> str:
    first, second, third = rng.choice(_FIRST), *rng.sample(_SECOND, 2)
    forms = (
        f"The {first} {second}",
        f"{first} {second}",
        f"The {second} of the {third}",
        f"{second} and {third}",
        f"The {second}'s {third}",
        f"{rng.choice(_FIRST)} {first} {second}",
    )
    return rng.choice(forms).title().replace("'S", "'s")


def _no_words(rng: random.Random, _known: list[str]) -> str:
    words = ("".join(rng.choices(_SYLLABLES, k=rng.choice((2, 3)))) for _ in range(rng.choice((1, 2, 2))))
    return " ".join(words).title()
