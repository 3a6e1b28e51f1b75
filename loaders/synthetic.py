"""An IMDb of any size that nobody has to download: seeded, invented, shaped like the published files.

Tests, demonstrations and measurements need IMDb's seven TSV files at sizes from a thousand titles to millions,
without IMDb's licence. What matters to them is kept: a few people hold many credits and a few titles most votes
(Zipf), careers lie in an era, a cast returns in a sequel, titles share names, and names come in many scripts. Every
word is invented from syllables that each script can spell, so an alternate title is a real transliteration.
File format: https://developer.imdb.com/non-commercial-datasets/
"""
# ruff: noqa: SIM905 (a list of words reads better as one line than as one line a word)

from __future__ import annotations

import gzip as gzip_format
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast
from unicodedata import lookup

import numpy as np
import polars as pl
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Rng = np.random.Generator
Words = dict[str, pl.Series]  # script → every word of the vocabulary in it; the last is null, "no word"
Columns = dict[str, pl.Series | Ints | Floats]
Progress = Callable[[str, int, int | None], None]

FIRST_YEAR, LAST_YEAR = 1900, 2026
CHUNK = 100_000  # titles or people written at a time: bounds memory

KINDS = "short tvSeries tvMiniSeries tvEpisode tvMovie tvShort tvSpecial video videoGame movie".split()
KIND_SHARES = (0.22, 0.08, 0.02, 0.10, 0.04, 0.01, 0.02, 0.08, 0.02)  # movie takes the rest
MINUTES = np.array([12, 42, 50, 40, 85, 8, 65, 70, 0, 98])  # typical runtimes; none for a game
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
JOBS = {"writer": "written by", "producer": "executive producer", "cinematographer": "director of photography"}

# Region, language (missing in most of IMDb's rows) and script of alternate titles.
MARKETS = (
    "US::latin GB::latin XWW:en:latin CA:fr:accented FR::accented DE::accented ES::accented BR::accented HU::accented "
    "PL::accented RU::cyrillic UA::cyrillic BG:bg:cyrillic GR::greek JP:ja:kana JP:ja:kanji CN:cmn:kanji "
    "KR::hangul EG:ar:arabic IR::arabic"
).split()
AKA_TYPES = (None, "imdbDisplay", "alternative", "working", "festival", "dvd", "tv", "video", "original")
AKA_TYPE_SHARES = (0.25, 0.5, 0.11, 0.05, 0.03, 0.03, 0.02, 0.01, 0.0)
AKA_NOTES = ("literal title", "informal title", "transliterated title", None)

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
class SyntheticSummary:
    """What `write_synthetic` wrote: the rows of each file (`title.crew` has one a title), and how many are sequels."""

    titles: int
    people: int
    credits: int
    akas: int
    episodes: int
    ratings: int
    sequels: int


@dataclass(frozen=True)
class _Titles:
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
class _People:
    """Main role and era (decade) of each person; `pool` lists people by role and era, most popular first, and
    `start` and `count` (roles, eras) say where in it the ones for a role in an era are."""

    role: Ints
    era: Ints
    pool: Ints
    start: Ints
    count: Ints


def write_synthetic(
    folder: Path,
    *,
    titles: int,
    seed: int = 0,
    people: int | None = None,
    credits_per_title: float = 10.0,
    gzip: bool = True,
    progress: Progress | None = None,
) -> SyntheticSummary:
    """Write the seven IMDb files of an invented catalog into `folder`, replacing files of the same name.

    `titles` counts episodes too; `people` is 1.2 a title unless given. The same arguments give the same content on
    the same numpy. `progress` is told (file, rows done, rows in all or None). Memory is 1.6 kB a title.
    Raises ValueError for a size that cannot be made, OSError when the folder cannot be written.
    """
    people = max(20, titles * 6 // 5) if people is None else people
    if titles < 20 or people < 20 or credits_per_title < 0:
        raise ValueError(
            f"cannot invent {titles} titles and {people} people with {credits_per_title} credits a title: "
            "give 20 titles, 20 people and 0 credits, or more"
        )
    folder.mkdir(parents=True, exist_ok=True)
    # Each part has random numbers of its own: a change to one leaves the others as they were.
    rngs = [np.random.default_rng([seed, part]) for part in range(10)]
    words = _vocabulary(rngs[0], 4000 + titles // 12)
    made = _make_titles(rngs[1], titles, len(words["latin"]) - 1)
    votes = _make_votes(rngs[2], made.popularity)
    crowd = _make_people(rngs[3], people)
    cast_list = _make_credits(rngs[4], made, crowd, credits_per_title)
    rated, episodes = np.flatnonzero(votes), np.flatnonzero(made.kind == EPISODE)

    average = np.clip(rngs[2].normal(6.6, 1.3, len(rated)), 1, 10)
    ratings: Columns = {"tconst": _ids("tt", rated), "averageRating": average, "numVotes": votes[rated]}

    def save(name: str, rows: int | None, chunks: Iterator[Columns]) -> int:
        return _write_file(folder / (f"{name}.tsv.gz" if gzip else f"{name}.tsv"), rows, chunks, gzip, progress)

    save("title.basics", titles, _basics(rngs[5], made, words))
    akas = save("title.akas", None, _akas(rngs[6], made, words))
    save("title.crew", titles, _crew(titles, *cast_list))
    save("title.episode", len(episodes), _episodes(rngs[7], made, episodes))
    save("title.principals", len(cast_list[0]), _principals(rngs[8], words, *cast_list))
    save("title.ratings", len(rated), iter([ratings]))
    save("name.basics", people, _names(rngs[9], words, crowd, _known_for(cast_list[0], cast_list[2], votes, people)))
    sequels = int(((made.like >= 0) & (made.kind == MOVIE)).sum())
    return SyntheticSummary(titles, people, len(cast_list[0]), akas, len(episodes), len(rated), sequels)


def _zipf(u: Floats, count: Ints | int, exponent: float = 0.8) -> Ints:
    """Ranks from 0 to count - 1, rank r with a weight of 1 / (r + q)^exponent, from uniform `u` in [0, 1).

    By the inverse of the continuous distribution: no table, and `count` may differ from draw to draw. The shift q
    (Mandelbrot's) keeps the first rank from holding a tenth of a large world.
    """
    shift, power = 1 + np.asarray(count) / 2000, 1 - exponent
    low, high = shift**power, (count + shift) ** power
    ranks = ((low + u * (high - low)) ** (1 / power) - shift).astype(np.int64)
    return cast(Ints, np.clip(ranks, 0, np.asarray(count) - 1))


def _vocabulary(rng: Rng, size: int) -> Words:
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


def _make_titles(rng: Rng, n: int, no_word: int) -> _Titles:
    counts = [round(share * n) for share in KIND_SHARES]
    kind = rng.permutation(np.repeat(np.arange(len(KINDS)), [*counts, n - sum(counts)])).astype(np.int64)
    length = rng.choice(np.arange(1, 6), n, p=[0.12, 0.38, 0.3, 0.14, 0.06])
    words = np.full((n, 5), no_word, dtype=np.int64)
    for column in range(5):
        # A name of a single word is seldom a frequent word.
        word = np.where(length == 1, rng.integers(0, no_word, n), _zipf(rng.random(n), no_word))
        words[:, column] = np.where(column < length, word, no_word)
    genres, weights = np.where(kind == SHORT, SHORT_GENRE, 0), 1 / np.arange(1, len(GENRES) - 1)
    for share in (0.97, 0.6, 0.4):
        genre = rng.choice(len(weights), n, p=weights / weights.sum())
        genres |= np.where((rng.random(n) < share) & (np.bitwise_count(genres) < 3), 1 << genre, 0)
    odd = rng.choice(len(ODD_SHARES), n, p=ODD_SHARES)
    made = _Titles(
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


def _follow(rng: Rng, made: _Titles, no_word: int) -> None:
    """Give episodes their series and some movies a first part; popular ones have more of them."""
    movies, episodes = np.flatnonzero(made.kind == MOVIE), np.flatnonzero(made.kind == EPISODE)
    follows = rng.random(len(movies)) < 0.06
    sequels, firsts, series = movies[follows], movies[~follows], np.flatnonzero(made.kind == SERIES)
    like, part, year = made.like, made.part, made.year
    for followers, heads, exponent in ((sequels, firsts, 0.6), (episodes, series, 0.8)):
        by_popularity = heads[np.argsort(-made.popularity[heads], kind="stable")]
        like[followers] = by_popularity[_zipf(rng.random(len(followers)), len(heads), exponent)]
    part[sequels], part[episodes] = _places(like[sequels]) + 2, _places(like[episodes]) + 1
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


def _repeat(rng: Rng, made: _Titles) -> None:
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


def _places(groups: Ints) -> Ints:
    """For each entry how many equal ones stand before it."""
    order = np.argsort(groups, kind="stable")
    places = np.empty(len(groups), dtype=np.int64)
    places[order] = np.arange(len(groups)) - np.searchsorted(groups[order], groups[order])
    return places


def _make_votes(rng: Rng, popularity: Floats) -> Ints:
    """Votes of each title, 0 for the 30% without a rating: Zipf by popularity, with noise, 5 at least as on IMDb."""
    rated = round(0.7 * len(popularity))
    order = np.argsort(-(popularity + rng.normal(0, 0.05, len(popularity))), kind="stable")[:rated]
    votes = np.zeros(len(popularity), dtype=np.int64)
    votes[order] = 5 * (rated / np.arange(1, rated + 1)) ** 0.95 * np.exp(rng.normal(0.2, 0.3, rated))
    votes[order] = np.maximum(votes[order], 5)
    return votes


def _make_people(rng: Rng, people: int) -> _People:
    role = rng.choice(len(ROLES), people, p=PEOPLE_SHARES).astype(np.int64)
    era, eras = (_years(rng, people) - FIRST_YEAR) // 10, (LAST_YEAR - FIRST_YEAR) // 10 + 1
    pool = np.lexsort((rng.random(people), era, role))
    count = np.bincount(role * eras + era, minlength=len(ROLES) * eras).reshape(len(ROLES), eras)
    start = (np.cumsum(count) - count.ravel()).reshape(count.shape)
    # Few people leave gaps: then the role's people of any era, then anyone.
    of_role = count.sum(axis=1, keepdims=True)
    start = np.where(count > 0, start, np.where(of_role > 0, start[:, :1], 0))
    count = np.where(count > 0, count, np.where(of_role > 0, of_role, people))
    return _People(role, era, pool, start, count)


def _make_credits(rng: Rng, made: _Titles, crowd: _People, mean: float) -> tuple[Ints, Ints, Ints]:
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
    rank = _zipf(rng.random(total) ** (1 + made.popularity[title]), crowd.count.ravel()[place])
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


def _chunks(total: int, size: int = CHUNK) -> Iterator[Ints]:
    for begin in range(0, max(total, 1), size):
        yield np.arange(begin, min(begin + size, total))


def _ids(prefix: str, numbers: Ints) -> pl.Series:
    """IMDb's ids of things counted from 0: `tt0000001`; missing where negative."""
    text = pl.lit(prefix) + (pl.Series(numbers) + 1).cast(pl.String).str.zfill(7)
    return pl.select(pl.when(pl.Series(numbers) >= 0).then(text)).to_series()


def _pick(values: Sequence[str | None] | pl.Series, indices: Ints) -> pl.Series:
    return pl.Series("", values, dtype=pl.String).gather(indices)


def _known(values: Ints, known: Mask) -> pl.Series:
    """The values as integers, missing where not known."""
    return pl.select(pl.when(pl.Series(known)).then(pl.Series(values))).to_series()


def _joined(columns: Sequence[pl.Series], separator: str) -> pl.Series:
    """Row by row the values that are there, joined; missing where none is."""
    text = pl.concat_str(columns, separator=separator, ignore_nulls=True)
    return pl.select(pl.when(text != "").then(text)).to_series()


def _name(made: _Titles, words: Words, rows: Ints, script: str, turn: Ints | int = 0) -> pl.Series:
    """The names of the titles in `rows`, spelled in `script`; another `turn` gives other words, a translation."""
    spelling, no_word = words[script], len(words[script]) - 1
    shift = np.broadcast_to(np.asarray(turn), rows.shape)[:, None] * 7919
    latin, space = script in ("latin", "accented"), SPACES.get(script, " ")

    def spelled(table: Ints) -> list[pl.Series]:
        turned = np.where(table < no_word, (table + shift) % no_word, no_word)
        return [spelling.gather(turned[:, column]) for column in range(turned.shape[1])]

    lead = _pick(LEADS if latin else [*[None] * len(ARTICLES), *LEADS[len(ARTICLES) :]], made.lead[rows])
    name = _joined([lead, *spelled(made.words[rows])], space)
    numbered = _joined([name, _pick(NUMBERS, made.number[rows])], " ")
    return _joined([numbered, _joined(spelled(made.subtitle[rows]), space)], ": ")


def _both_names(made: _Titles, words: Words, rows: Ints) -> tuple[pl.Series, pl.Series]:
    """Primary and original titles; the same for most."""
    latin, odd, part = _name(made, words, rows, "latin"), pl.Series(made.odd[rows]), pl.Series(made.part[rows] - 1)
    episode = pl.format("Episode #{}.{}", part // 10 + 1, part % 10 + 1)
    primary = pl.when(odd == UNCLOSED).then('"' + latin).when(odd == NUMBERED).then(episode).otherwise(latin)
    original = pl.when(odd == FOREIGN).then(_name(made, words, rows, "accented", 1)).otherwise(primary)
    return pl.select(primary).to_series(), pl.select(original).to_series()


def _basics(rng: Rng, made: _Titles, words: Words) -> Iterator[Columns]:
    masks, genre_set = np.unique(made.genres, return_inverse=True)
    sets = [",".join(sorted(g for bit, g in enumerate(GENRES) if mask >> bit & 1)) or None for mask in masks.tolist()]
    for rows in _chunks(len(made.kind)):
        primary, original = _both_names(made, words, rows)
        minutes = (MINUTES[made.kind[rows]] * np.exp(rng.normal(0, 0.2, len(rows)))).astype(np.int64)
        yield {
            "tconst": _ids("tt", rows),
            "titleType": _pick(KINDS, made.kind[rows]),
            "primaryTitle": primary,
            "originalTitle": original,
            "isAdult": made.adult[rows].astype(np.int64),
            "startYear": _known(made.year[rows], rng.random(len(rows)) < 0.98),
            "endYear": _known(made.end_year[rows], made.end_year[rows] >= 0),
            "runtimeMinutes": _known(minutes, (minutes >= 1) & (rng.random(len(rows)) < 0.7)),
            "genres": _pick(sets, genre_set[rows]),
        }


def _akas(rng: Rng, made: _Titles, words: Words) -> Iterator[Columns]:
    regions, languages, scripts = (
        [*(text or None for text in column), None]
        for column in zip(*(market.split(":") for market in MARKETS), strict=True)
    )
    for titles in _chunks(len(made.kind)):
        mean = (0.4 + 1.3 * made.popularity[titles]) * np.where(made.kind[titles] == EPISODE, 0.3, 1.0)
        count = rng.poisson(mean)
        rows, slot = np.repeat(titles, count), _places(np.repeat(titles, count))
        original = (slot == 0) & (rng.random(len(rows)) < 0.35)
        market = np.where(original, len(MARKETS), rng.integers(0, len(MARKETS), len(rows)))
        turn = np.where(rng.random(len(rows)) < 0.4, market + 2, 0)
        parts = [(np.flatnonzero(original), _both_names(made, words, rows[original])[1])]
        for script in words:
            here = np.flatnonzero(np.array([other == script for other in scripts])[market])
            parts.append((here, _name(made, words, rows[here], script, turn[here])))
        order = np.argsort(np.concatenate([here for here, _ in parts]))
        kind, note = rng.choice(len(AKA_TYPES), len(rows), p=AKA_TYPE_SHARES), rng.integers(0, 100, len(rows))
        yield {
            "titleId": _ids("tt", rows),
            "ordering": slot + 1,
            "title": pl.concat([names for _, names in parts]).gather(order),
            "region": _pick(regions, market),
            "language": _pick(languages, market),
            "types": _pick(AKA_TYPES, np.where(original, len(AKA_TYPES) - 1, kind)),
            "attributes": _pick(AKA_NOTES, np.where(original, 3, np.minimum(note, 3))),
            "isOriginalTitle": original.astype(np.int64),
        }


def _crew(n: int, title: Ints, role: Ints, person: Ints) -> Iterator[Columns]:
    for rows in _chunks(n):
        begin, end = np.searchsorted(title, [rows[0], rows[-1] + 1])
        columns: Columns = {"tconst": _ids("tt", rows)}
        for name, wanted in (("directors", DIRECTOR), ("writers", WRITER)):
            here = begin + np.flatnonzero(role[begin:end] == wanted)
            lists = pl.DataFrame({"title": title[here], "person": _ids("nm", person[here])})
            joined = lists.group_by("title", maintain_order=True).agg(pl.col("person").str.join(","))
            every = pl.DataFrame({"title": rows})
            columns[name] = every.join(joined, on="title", how="left", maintain_order="left")["person"]
        yield columns


def _episodes(rng: Rng, made: _Titles, episodes: Ints) -> Iterator[Columns]:
    part, known = made.part[episodes] - 1, rng.random(len(episodes)) < 0.9
    yield {
        "tconst": _ids("tt", episodes),
        "parentTconst": _ids("tt", made.like[episodes]),
        "seasonNumber": _known(part // 10 + 1, known),
        "episodeNumber": _known(part % 10 + 1, known),
    }


def _principals(rng: Rng, words: Words, title: Ints, role: Ints, person: Ints) -> Iterator[Columns]:
    latin, jobs = words["latin"], [*(JOBS.get(name) for name in ROLES), None]
    for rows in _chunks(len(title), 10 * CHUNK):
        n, roles = len(rows), role[rows]
        given, family = (latin.gather(_zipf(rng.random(n), len(latin) - 1)) for _ in range(2))
        # JSON within a TSV: two characters, and quotation marks that JSON escapes, are the traps of this column.
        style = np.searchsorted([0.7, 0.73, 0.74], rng.random(n))
        opened, between = _pick(['["', '["', '["\\"', None], style), _pick([" ", '","', '\\" ', None], style)
        character = pl.concat_str(opened, given, between, family, pl.lit('"]'))
        oneself = pl.when(pl.Series(np.isin(roles, (SELF, FOOTAGE)))).then(pl.lit('["Self"]'))
        characters = pl.when(pl.Series(roles <= ACTRESS)).then(character).otherwise(oneself)
        yield {
            "tconst": _ids("tt", title[rows]),
            "ordering": rows - np.searchsorted(title, title[rows]) + 1,
            "nconst": _ids("nm", person[rows]),
            "category": _pick(ROLES, roles),
            "job": _pick(jobs, np.where(rng.random(n) < 0.3, roles, len(ROLES))),
            "characters": pl.select(characters).to_series(),
        }


def _known_for(title: Ints, person: Ints, votes: Ints, people: int) -> Ints:
    """(people, 4): the titles with most votes among a person's credits, -1 where there are fewer."""
    by_votes = np.argsort(-votes, kind="stable")
    rank = np.empty_like(by_votes)
    rank[by_votes] = np.arange(len(votes))
    pairs = np.unique(person * len(votes) + rank[title])
    owner = pairs // len(votes)
    place = np.arange(len(pairs)) - np.searchsorted(owner, owner)
    best = np.full((people, 4), -1, dtype=np.int64)
    best[owner[place < 4], place[place < 4]] = by_votes[pairs[place < 4] % len(votes)]
    return best


def _names(rng: Rng, words: Words, crowd: _People, known_for: Ints) -> Iterator[Columns]:
    # A main role is a profession; appearing as oneself is none.
    trades = [*(None if name == "self" else name for name in ROLES), None]
    no_word = len(words["latin"]) - 1
    surnames = pl.concat([words["latin"][:-1], words["accented"][:-1]])
    for rows in _chunks(len(crowd.role)):
        n, role = len(rows), crowd.role[rows]
        given, family = _zipf(rng.random(n), min(2000, no_word)), _zipf(rng.random(n), no_word, 0.4)
        surname = surnames.gather(family + no_word * (rng.random(n) < 0.1))
        second = _pick(trades, np.where(rng.random(n) < 0.3, OTHER_ROLE[role], len(ROLES)))
        third = _pick(["soundtrack", "miscellaneous", "stunts", None], np.minimum(rng.integers(0, 15, n), 3))
        birth = FIRST_YEAR + 10 * crowd.era[rows] - rng.integers(15, 50, n)
        death, is_known = birth + rng.integers(35, 100, n), rng.random(n) < 0.35
        yield {
            "nconst": _ids("nm", rows),
            "primaryName": _joined([words["latin"].gather(given), surname], " "),
            "birthYear": _known(birth, is_known),
            "deathYear": _known(death, is_known & (death < LAST_YEAR)),
            "primaryProfession": _joined([_pick(trades, role), second, third], ","),
            "knownForTitles": _joined([_ids("tt", known_for[rows, place]) for place in range(4)], ","),
        }


def _write_file(path: Path, rows: int | None, chunks: Iterator[Columns], gzip: bool, progress: Progress | None) -> int:
    """Write the chunks as one TSV the way IMDb does (no quoting, `\\N` for missing) and return its rows."""
    done, part = 0, path.with_name(f"{path.name}.part")
    with part.open("wb") as raw:
        # No name and no time in the gzip header: equal content, equal file.
        packed = gzip_format.GzipFile("", "wb", compresslevel=1, fileobj=raw, mtime=0) if gzip else None
        out = cast(BinaryIO, packed or raw)
        for number, columns in enumerate(chunks):
            frame, head = pl.DataFrame(columns), number == 0
            frame.write_csv(
                out, include_header=head, separator="\t", null_value="\\N", quote_style="never", float_precision=1
            )
            done += len(frame)
            if progress:
                progress(path.name, done, rows)
        if packed:
            packed.close()
    part.replace(path)
    return done
