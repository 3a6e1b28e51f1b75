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

import numpy as np
import polars as pl

from loaders.synthetic_world import (
    ACTRESS,
    ARTICLES,
    DIRECTOR,
    EPISODE,
    FIRST_YEAR,
    FOOTAGE,
    FOREIGN,
    GENRES,
    KINDS,
    LAST_YEAR,
    LEADS,
    MOVIE,
    NUMBERED,
    NUMBERS,
    OTHER_ROLE,
    ROLES,
    SELF,
    SPACES,
    UNCLOSED,
    WRITER,
    Floats,
    Ints,
    Mask,
    People,
    Rng,
    Titles,
    Words,
    make_credits,
    make_people,
    make_titles,
    make_vocabulary,
    make_votes,
    places_within,
    zipf,
)

Columns = dict[str, pl.Series | Ints | Floats]
Progress = Callable[[str, int, int | None], None]
CHUNK = 100_000  # titles or people written at a time: bounds memory
MINUTES = np.array([12, 42, 50, 40, 85, 8, 65, 70, 0, 98])  # typical runtimes; none for a game
JOBS = {"writer": "written by", "producer": "executive producer", "cinematographer": "director of photography"}
AKA_TYPES = (None, "imdbDisplay", "alternative", "working", "festival", "dvd", "tv", "video", "original")
AKA_TYPE_SHARES = (0.25, 0.5, 0.11, 0.05, 0.03, 0.03, 0.02, 0.01, 0.0)
AKA_NOTES = ("literal title", "informal title", "transliterated title", None)

# Region, language (missing in most of IMDb's rows) and script of alternate titles.
MARKETS = (
    "US::latin GB::latin XWW:en:latin CA:fr:accented FR::accented DE::accented ES::accented BR::accented HU::accented "
    "PL::accented RU::cyrillic UA::cyrillic BG:bg:cyrillic GR::greek JP:ja:kana JP:ja:kanji CN:cmn:kanji "
    "KR::hangul EG:ar:arabic IR::arabic"
).split()


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
    words = make_vocabulary(rngs[0], 4000 + titles // 12)
    made = make_titles(rngs[1], titles, len(words["latin"]) - 1)
    votes = make_votes(rngs[2], made.popularity)
    crowd = make_people(rngs[3], people)
    cast_list = make_credits(rngs[4], made, crowd, credits_per_title)
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


def _name(made: Titles, words: Words, rows: Ints, script: str, turn: Ints | int = 0) -> pl.Series:
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


def _both_names(made: Titles, words: Words, rows: Ints) -> tuple[pl.Series, pl.Series]:
    """Primary and original titles; the same for most."""
    latin, odd, part = _name(made, words, rows, "latin"), pl.Series(made.odd[rows]), pl.Series(made.part[rows] - 1)
    episode = pl.format("Episode #{}.{}", part // 10 + 1, part % 10 + 1)
    primary = pl.when(odd == UNCLOSED).then('"' + latin).when(odd == NUMBERED).then(episode).otherwise(latin)
    original = pl.when(odd == FOREIGN).then(_name(made, words, rows, "accented", 1)).otherwise(primary)
    return pl.select(primary).to_series(), pl.select(original).to_series()


def _basics(rng: Rng, made: Titles, words: Words) -> Iterator[Columns]:
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


def _akas(rng: Rng, made: Titles, words: Words) -> Iterator[Columns]:
    regions, languages, scripts = (
        [*(text or None for text in column), None]
        for column in zip(*(market.split(":") for market in MARKETS), strict=True)
    )
    for titles in _chunks(len(made.kind)):
        mean = (0.4 + 1.3 * made.popularity[titles]) * np.where(made.kind[titles] == EPISODE, 0.3, 1.0)
        count = rng.poisson(mean)
        rows, slot = np.repeat(titles, count), places_within(np.repeat(titles, count))
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


def _episodes(rng: Rng, made: Titles, episodes: Ints) -> Iterator[Columns]:
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
        given, family = (latin.gather(zipf(rng.random(n), len(latin) - 1)) for _ in range(2))
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


def _names(rng: Rng, words: Words, crowd: People, known_for: Ints) -> Iterator[Columns]:
    # A main role is a profession; appearing as oneself is none.
    trades = [*(None if name == "self" else name for name in ROLES), None]
    no_word = len(words["latin"]) - 1
    surnames = pl.concat([words["latin"][:-1], words["accented"][:-1]])
    for rows in _chunks(len(crowd.role)):
        n, role = len(rows), crowd.role[rows]
        given, family = zipf(rng.random(n), min(2000, no_word)), zipf(rng.random(n), no_word, 0.4)
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
