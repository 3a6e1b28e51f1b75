"""The invented world behind loaders/synthetic.py: words, titles, people and who worked on what, as arrays.

Every word is made of syllables that each script can spell, so an alternate title is a real transliteration. People
and votes follow Zipf's law, careers lie in an era, and a cast returns in a sequel.
"""
# ruff: noqa: SIM905 (a list of words reads better as one line than as one line a word)

from __future__ import annotations

from dataclasses import dataclass
from typing import cast
from unicodedata import lookup

import numpy as np
import polars as pl
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Rng = np.random.Generator
Words = dict[str, pl.Series]  # script → every word of the vocabulary in it; the last is null, "no word"

FIRST_YEAR, LAST_YEAR = 1900, 2026

KINDS = "short tvSeries tvMiniSeries tvEpisode tvMovie tvShort tvSpecial video videoGame movie".split()
KIND_SHARES = (0.22, 0.08, 0.02, 0.10, 0.04, 0.01, 0.02, 0.08, 0.02)  # movie takes the rest
SHORT, SERIES, MINI_SERIES, EPISODE, MOVIE = 0, 1, 2, 3, len(KINDS) - 1
# Most frequent first: the n-th has a weight of 1 / n. Short and Adult follow from other columns.
GENRES = (
    "Drama Comedy Documentary Action Romance Thriller Horror Crime Animation Adventure Family Mystery Music Fantasy "
    "Sci-Fi Biography History Talk-Show Reality-TV Sport War Musical News Western Game-Show Film-Noir Short Adult"
).split()
SHORT_GENRE, ADULT_GENRE = 1 << GENRES.index("Short"), 1 << GENRES.index("Adult")

# In the order of IMDb's credits; then, role by role, the share of credits and of people, and what some are as well.
ROLES = (
    "actor actress self director writer producer composer cinematographer editor production_designer casting_director "
    "archive_footage"
).split()
ACTRESS, SELF, DIRECTOR, WRITER, FOOTAGE = 1, 2, 3, 4, len(ROLES) - 1
CREDIT_SHARES = (0.27, 0.19, 0.08, 0.07, 0.12, 0.11, 0.04, 0.04, 0.04, 0.02, 0.01, 0.01)
PEOPLE_SHARES = (0.28, 0.21, 0.14, 0.08, 0.09, 0.07, 0.03, 0.04, 0.03, 0.02, 0.01, 0.0)
OTHER_ROLE = np.array([5, 5, 0, 4, 3, 3, 8, 3, 3, 8, 5, 0])


# One syllable is an onset, a vowel and a coda; each script spells the same 300 syllables.
ONSETS, VOWELS, CODAS = ("", *"kstnhmrlgzdbpv"), "aiueo", ("", "n", "r", "s")
LETTERS = "kstnhmrlgzdbpvaiueo"
ALPHABETS = {"cyrillic": "кстнхмрлгздбпваиуэо", "greek": "κστνχμρλγζδβπφαιυεο", "arabic": "كستنهمرلغزدبپفايويو"}
ACCENTS = [str.maketrans(VOWELS, accented) for accented in ("áíúéó", "àîûèô", "äïüëö", "ãìùêõ", "âíúéø")]
JAPANESE, KOREAN = str.maketrans("lv", "rb"), str.maketrans("lzv", "rjb")
KANJI = "加木久毛子左之須世曽太知川天止奈仁奴根乃波比不部保末美武女毛良利留礼呂阿伊宇江於安山空海月花風雪星夢光影"
SPACES = {"kana": "・", "kanji": ""}
# What a name may begin with; numerals survive transliteration, articles do not. The last is nothing.
ARTICLES = ("The", "A", "La", "Le", "Der", "El", "An")
NUMERALS = ("3", "7", "12", "13", "21", "42", "100", "101", "300", "1917", "1984", "2001", "10,000")
LEADS = (*ARTICLES, *NUMERALS, None)
LEAD_SHARES = (0.13, 0.05, 0.02, 0.02, 0.01, 0.01, 0.01, *[0.002] * len(NUMERALS), 0.724)
# What a sequel's name may end with: nothing, "2" to "30", "II" to "XII".
NUMBERS = (None, None, *map(str, range(2, 31)), *"II III IV V VI VII VIII IX X XI XII".split())
# What may be odd in a title's names, and how often.
PLAIN, FOREIGN, UNCLOSED, NUMBERED = range(4)
ODD_SHARES = (0.79, 0.209, 0.001)


@dataclass(frozen=True)
class Titles:
    """Columns of all titles, each n long."""

    kind: Ints  # index into KINDS
    year: Ints
    end_year: Ints  # -1: none
    popularity: Floats  # 0 to 1
    adult: Mask
    genres: Ints  # a bit for each of GENRES
    like: Ints  # whose cast returns: a sequel's first part, an episode's series, else -1
    part: Ints  # place in that line, from 1
    lead: Ints  # index into LEADS
    words: Ints  # (n, 5) into the vocabulary
    number: Ints  # index into NUMBERS
    subtitle: Ints  # (n, 2) into the vocabulary
    odd: Ints  # FOREIGN original title, UNCLOSED quotation mark, NUMBERED as in "Episode #1.2", or PLAIN


@dataclass(frozen=True)
class People:
    """Main role and era (decade) of each person; `pool` lists people by role and era, most popular first, and
    `start` and `count` (roles, eras) say where in it the ones for a role in an era are."""

    role: Ints
    era: Ints
    pool: Ints
    start: Ints
    count: Ints


def zipf(u: Floats, count: Ints | int, exponent: float = 0.8) -> Ints:
    """Ranks from 0 to count - 1, rank r with a weight of 1 / (r + q)^exponent, from uniform `u` in [0, 1).

    By the inverse of the continuous distribution: no table, and `count` may differ from draw to draw. The shift q
    (Mandelbrot's) keeps the first rank from holding a tenth of a large world.
    """
    shift, power = 1 + np.asarray(count) / 2000, 1 - exponent
    low, high = shift**power, (count + shift) ** power
    ranks = ((low + u * (high - low)) ** (1 / power) - shift).astype(np.int64)
    return cast(Ints, np.clip(ranks, 0, np.asarray(count) - 1))


def make_vocabulary(rng: Rng, size: int) -> Words:
    """`size` or somewhat fewer distinct words, spelled in each script."""
    sounds = [(o, v, c) for o in range(len(ONSETS)) for v in range(5) for c in range(4)]
    latin = [ONSETS[o] + VOWELS[v] + CODAS[c] for o, v, c in sounds]
    # Closed syllables are rarer, or words cannot be pronounced.
    weights = np.array([(1.0, 0.3, 0.2, 0.2)[c] for _, _, c in sounds])
    drawn = rng.choice(len(sounds), (size, 4), p=weights / weights.sum())
    lengths = rng.choice([2, 3, 4], size, p=[0.35, 0.45, 0.2])
    spelled = {"".join(latin[s] for s in row[:n]): row[:n] for row, n in zip(drawn.tolist(), lengths, strict=True)}
    # Unicode names kana and hangul by their sound; neither has l or v before a vowel.
    kana = [f"KATAKANA LETTER {ONSETS[o].translate(JAPANESE)}{VOWELS[v]}".upper() for o, v, _ in sounds]
    hangul = [
        f"HANGUL SYLLABLE {ONSETS[o].translate(KOREAN)}{VOWELS[v]}{CODAS[c].replace('r', 'l')}".upper()
        for o, v, c in sounds
    ]
    signs = {
        "kana": [lookup(name) + ("", "ン", "ル", "ス")[c] for name, (_, _, c) in zip(kana, sounds, strict=True)],
        "hangul": [lookup(name) for name in hangul],
        "kanji": [KANJI[(5 * o + v + 7 * c) % len(KANJI)] for o, v, c in sounds],
    }
    words = {script: ["".join([sign[s] for s in row]) for row in spelled.values()] for script, sign in signs.items()}
    for script, alphabet in ALPHABETS.items():
        letters = str.maketrans(LETTERS, alphabet)
        words[script] = [word.translate(letters).capitalize() for word in spelled]
    words["greek"] = [word[:-1] + "ς" if word.endswith("σ") else word for word in words["greek"]]
    words["latin"] = [word.capitalize() for word in spelled]
    # One accented vowel a word, the first, reads like a language; all of them do not.
    first = [word[:2].translate(ACCENTS[place % 5]) for place, word in enumerate(spelled)]
    words["accented"] = [(start + word[2:]).capitalize() for start, word in zip(first, spelled, strict=True)]
    return {script: pl.Series([*column, None], dtype=pl.String) for script, column in words.items()}


def make_titles(rng: Rng, n: int, no_word: int) -> Titles:
    """`n` titles, whose words are below `no_word`; sequels, series and remakes included."""
    counts = [round(share * n) for share in KIND_SHARES]
    kind = rng.permutation(np.repeat(np.arange(len(KINDS)), [*counts, n - sum(counts)])).astype(np.int64)
    length = rng.choice(np.arange(1, 6), n, p=[0.12, 0.38, 0.3, 0.14, 0.06])
    words = np.full((n, 5), no_word, dtype=np.int64)
    for column in range(5):
        # A name of a single word is seldom a frequent word.
        word = np.where(length == 1, rng.integers(0, no_word, n), zipf(rng.random(n), no_word))
        words[:, column] = np.where(column < length, word, no_word)
    genres, weights = np.where(kind == SHORT, SHORT_GENRE, 0), 1 / np.arange(1, len(GENRES) - 1)
    for share in (0.97, 0.6, 0.4):
        genre = rng.choice(len(weights), n, p=weights / weights.sum())
        genres |= np.where((rng.random(n) < share) & (np.bitwise_count(genres) < 3), 1 << genre, 0)
    odd = rng.choice(len(ODD_SHARES), n, p=ODD_SHARES)
    made = Titles(
        kind=kind,
        year=_years(rng, n),
        end_year=np.full(n, -1, dtype=np.int64),
        popularity=rng.random(n),
        adult=rng.random(n) < 0.01,
        genres=genres,
        like=np.full(n, -1, dtype=np.int64),
        part=np.ones(n, dtype=np.int64),
        lead=rng.choice(len(LEADS), n, p=LEAD_SHARES),
        words=words,
        number=np.zeros(n, dtype=np.int64),
        subtitle=np.full((n, 2), no_word, dtype=np.int64),
        odd=np.where((kind == EPISODE) & (rng.random(n) < 0.3), NUMBERED, odd),
    )
    _follow(rng, made, no_word)
    _repeat(rng, made)
    # Adult takes the place of other genres: no title has more than three.
    made.genres[made.adult] = ADULT_GENRE | (made.genres[made.adult] & SHORT_GENRE)
    return made


def _follow(rng: Rng, made: Titles, no_word: int) -> None:
    """Give episodes their series and some movies a first part; popular ones have more of them."""
    movies, episodes = np.flatnonzero(made.kind == MOVIE), np.flatnonzero(made.kind == EPISODE)
    follows = rng.random(len(movies)) < 0.06
    sequels, firsts, series = movies[follows], movies[~follows], np.flatnonzero(made.kind == SERIES)
    like, part, year = made.like, made.part, made.year
    for followers, heads, exponent in ((sequels, firsts, 0.6), (episodes, series, 0.8)):
        by_popularity = heads[np.argsort(-made.popularity[heads], kind="stable")]
        like[followers] = by_popularity[zipf(rng.random(len(followers)), len(heads), exponent)]
    part[sequels], part[episodes] = places_within(like[sequels]) + 2, places_within(like[episodes]) + 1
    year[episodes] = year[like[episodes]] + (part[episodes] - 1) // 10
    year[sequels] = year[like[sequels]] + (part[sequels] - 1) * rng.integers(1, 5, len(sequels))
    np.minimum(year, LAST_YEAR, out=year)
    last = year.copy()
    np.maximum.at(last, like[episodes], year[episodes])
    ended = np.flatnonzero(np.isin(made.kind, (SERIES, MINI_SERIES)) & (rng.random(len(year)) < 0.7))
    made.end_year[ended] = np.minimum(last[ended] + rng.integers(0, 6, len(ended)), LAST_YEAR)
    later = np.flatnonzero(like >= 0)
    made.adult[later], made.genres[later] = made.adult[like[later]], made.genres[like[later]]
    made.popularity[later] = (made.popularity[later] + made.popularity[like[later]]) / 2
    made.words[sequels], made.lead[sequels] = made.words[like[sequels]], made.lead[like[sequels]]
    # "Name 2", "Name II: Subtitle" or "Name: Subtitle".
    style, place = rng.random(len(sequels)), part[sequels]
    roman = np.where((style < 0.8) & (place <= 12), place + 29, 0)
    made.number[sequels] = np.where(style < 0.5, np.minimum(place, 30), roman)
    titled = sequels[style >= 0.5]
    made.subtitle[titled] = rng.integers(0, no_word, (len(titled), 2))


def _repeat(rng: Rng, made: Titles) -> None:
    """Remakes and coincidences: the name of another title, in another year."""
    alone = np.setdiff1d(np.flatnonzero(made.like < 0), made.like)
    again = rng.random(len(alone)) < 0.03
    twins, sources = alone[again], rng.choice(alone[~again], int(again.sum()))
    made.words[twins], made.lead[twins] = made.words[sources], made.lead[sources]
    same = twins[made.year[twins] == made.year[sources]]
    made.year[same] = np.where(made.year[same] > FIRST_YEAR + 10, made.year[same] - 10, made.year[same] + 10)
    made.end_year[same] = -1


def _years(rng: Rng, n: int) -> Ints:
    """Years of release, denser the later: half of them in the last quarter of the span."""
    return LAST_YEAR - ((LAST_YEAR - FIRST_YEAR + 1) * rng.random(n) ** 2.2).astype(np.int64)


def places_within(groups: Ints) -> Ints:
    """For each entry how many equal ones stand before it."""
    order = np.argsort(groups, kind="stable")
    places = np.empty(len(groups), dtype=np.int64)
    places[order] = np.arange(len(groups)) - np.searchsorted(groups[order], groups[order])
    return places


def make_votes(rng: Rng, popularity: Floats) -> Ints:
    """Votes of each title, 0 for the 30% without a rating: Zipf by popularity, with noise, 5 at least as on IMDb."""
    rated = round(0.7 * len(popularity))
    order = np.argsort(-(popularity + rng.normal(0, 0.05, len(popularity))), kind="stable")[:rated]
    votes = np.zeros(len(popularity), dtype=np.int64)
    votes[order] = 5 * (rated / np.arange(1, rated + 1)) ** 0.95 * np.exp(rng.normal(0.2, 0.3, rated))
    votes[order] = np.maximum(votes[order], 5)
    return votes


def make_people(rng: Rng, people: int) -> People:
    """A main role and an era for each, by their shares."""
    role = rng.choice(len(ROLES), people, p=PEOPLE_SHARES).astype(np.int64)
    era, eras = (_years(rng, people) - FIRST_YEAR) // 10, (LAST_YEAR - FIRST_YEAR) // 10 + 1
    pool = np.lexsort((rng.random(people), era, role))
    count = np.bincount(role * eras + era, minlength=len(ROLES) * eras).reshape(len(ROLES), eras)
    start = (np.cumsum(count) - count.ravel()).reshape(count.shape)
    # Few people leave gaps: then the role's people of any era, then anyone.
    of_role = count.sum(axis=1, keepdims=True)
    start = np.where(count > 0, start, np.where(of_role > 0, start[:, :1], 0))
    count = np.where(count > 0, count, np.where(of_role > 0, of_role, people))
    return People(role, era, pool, start, count)


def make_credits(rng: Rng, made: Titles, crowd: People, mean: float) -> tuple[Ints, Ints, Ints]:
    """Title, role and person of each credit, in the order of title.principals; `mean` credits a title."""
    wanted = rng.poisson(mean * (0.4 + 1.2 * made.popularity))
    wanted = np.where((made.kind == MOVIE) & (made.like >= 0), wanted[made.like], wanted)
    first = np.cumsum(wanted) - wanted
    title = np.repeat(np.arange(len(wanted)), wanted)
    total, slot = len(title), np.arange(len(title)) - first[title]
    role = rng.choice(len(ROLES), total, p=CREDIT_SHARES).astype(np.int64)
    role[(slot == 0) & (rng.random(total) < 0.7)] = DIRECTOR
    # Nobody is archive footage by trade, and some direct what they write.
    trade = np.where((rng.random(total) < 0.12) | (role == FOOTAGE), OTHER_ROLE[role], role)
    era = np.clip((made.year[title] + rng.normal(0, 6, total) - FIRST_YEAR) // 10, 0, crowd.start.shape[1] - 1)
    place = trade * crowd.start.shape[1] + era.astype(np.int64)
    # Popular titles have popular people: a power above 1 pushes the draw to the first ranks.
    rank = zipf(rng.random(total) ** (1 + made.popularity[title]), crowd.count.ravel()[place])
    person = crowd.pool[crowd.start.ravel()[place] + rank]
    like = made.like[title]
    returns = np.flatnonzero((like >= 0) & (slot < wanted[like]) & (rng.random(total) < 0.6))
    earlier = first[like[returns]] + slot[returns]
    role[returns], person[returns] = role[earlier], person[earlier]
    # Nobody is credited twice for one role of one title.
    billed = title * len(ROLES) + role
    keep = np.sort(np.unique(billed * len(crowd.pool) + person, return_index=True)[1])
    keep = keep[np.argsort(billed[keep], kind="stable")]
    return title[keep], role[keep], person[keep]
