"""A graph's profile as a page: one HTML file, every number of it also in `reelgraph profile --json`."""

from __future__ import annotations

import numpy as np

from graph.charts import Point, bars, curves, heat, legend, scatter
from graph.profile import RATING_STEP, VOTES_STEP, Profile, Together
from graph.profile_map import Map
from graph.report import page, section, table
from graph.schema import NODES, RELATIONSHIPS

_NAMED = 60


def as_page(found: Profile) -> str:
    """One HTML file that needs nothing else."""
    counts = found.counts
    titles, people = (counts.get(label, 0) for label in ("Title", "Person"))
    lead = f"{titles:,} titles and {people:,} people; version {found.version}" + (
        f", loaded {found.made[:10]}." if found.made else "."
    )
    return page("What is in this graph", lead, [
        section("Titles a year", bars(found.years, "year of release", "Titles by year of release"),
                note="All kinds together; a series counts in the year in which it began."),
        section("Rating against votes", _ratings(found),
                note="Each box a quarter of a star by a quarter of a power of ten; the darker, the more titles (by the "
                     "root of how many)."),
        section("Genres together", _genres(found.genres), note=_genres_told(found.genres)),
        *_map(found.map),
        section("How many relationships a node has", _degrees(found), above=legend([one.of for one in found.degrees]),
                note="Of the nodes that have any: the share that has so many or more. A straight fall is a power law."),
        section("The same in numbers", _degree_table(found)),
        section("Counts", _counts(found)),
    ])  # fmt: skip


def _ratings(found: Profile) -> str:
    if not found.ratings:
        return ""
    places = [(round(rating / RATING_STEP), round(votes / VOTES_STEP), count) for rating, votes, count in found.ratings]
    (low, first), (high, last) = ([pick(one[axis] for one in places) for axis in (0, 1)] for pick in (min, max))
    values = np.zeros((high - low + 1, last - first + 1))
    words = [["" for _ in range(last - first + 1)] for _ in range(high - low + 1)]
    most = max(count for *_, count in places)
    for row, column, count in places:
        here = high - row, column - first
        values[here] = (count / most) ** 0.5
        votes, more = (round(10 ** (place * VOTES_STEP)) for place in (column, column + 1))
        stars = f"{row * RATING_STEP:g} to {(row + 1) * RATING_STEP:g} stars"
        words[here[0]][here[1]] = f"{stars}, {votes:,} to {max(more - 1, votes):,} votes: {count:,} titles"
    rows = [f"{row * RATING_STEP:g}" if row * RATING_STEP % 1 == 0 else "" for row in range(high, low - 1, -1)]
    named = {0: "1", 1: "10", 2: "100", 3: "1,000", 4: "10k", 5: "100k", 6: "1M", 7: "10M", 8: "100M"}
    powers = [column * VOTES_STEP for column in range(first, last + 1)]
    columns = [f"{named[int(one)]} votes" if one % 1 == 0 and int(one) in named else "" for one in powers]
    told = "How many titles have which rating and how many votes"
    return heat(values, rows, columns, told, words=words, size=13, wide=30, turned=False)


def _genres(found: Together) -> str:
    if len(found.genres) < 2:
        return ""
    both = np.array(found.both, np.float64)
    alone = both.diagonal().copy()
    cosine = both / np.sqrt(np.outer(alone, alone))
    np.fill_diagonal(cosine, 0)
    expected = np.outer(alone, alone) / max(found.looked_at, 1)
    words = [
        [f"{row} and {column}: {int(both[i, j]):,} titles, {both[i, j] / max(expected[i, j], 1e-9):.1f} times what "
         "chance would give" for j, column in enumerate(found.genres)] for i, row in enumerate(found.genres)
    ]  # fmt: skip
    rows = [f"{name} ({count:,})" for name, count in zip(found.genres, found.titles, strict=True)]
    shade = np.where(cosine > 0, cosine / max(cosine.max(), 1e-9), 0) ** 0.6
    return heat(shade, rows, found.genres, "Which genres titles have together", words=words, size=22)


def _genres_told(found: Together) -> str:
    return (
        f"Of {found.looked_at:,} titles. The darker, the more of the titles of either genre have both (cosine); "
        "the most frequent genres, and no genre with itself."
    )


def _map(found: Map | None) -> list[str]:
    if found is None:
        return []
    points = [
        Point(one.x, one.y, f"{one.title} ({found.groups[one.group]})", one.group, one.title if place < _NAMED else "")
        for place, one in enumerate(found.places)
    ]
    drawn = scatter(points, "", "", "A map of the best-known titles", bare=True, height=640, radius=4)
    by = "their content alone" if found.run is None else f"{found.vectors} of the run {found.run}"
    note = (
        f"The {len(points):,} best-known titles by {by}: groups by k-means in all dimensions, named by the genres that "
        f"tell them from the rest; the plane of the first two principal components has {found.shown:.0%} of the "
        "spread, so what lies together here need not be near."
    )
    return [section("A map of the best-known titles", f'<div class="thin">{drawn}</div>', note=note,
                    above=legend([f"{place + 1}. {name}" for place, name in enumerate(found.groups)]))]  # fmt: skip


def _degrees(found: Profile) -> str:
    series = {one.of: [(float(k), share) for k, share in one.shares] for one in found.degrees}
    return curves(series, "so many or more", "share of those that have any", "Degree distributions")


def _degree_table(found: Profile) -> str:
    if not found.degrees:
        return ""
    rows = [[one.of, f"{one.mean:,.1f}", f"{one.most:,}", f"{one.nodes:,}", f"{one.asked:,}"] for one in found.degrees]
    return table(["", "mean", "most", "have any", "looked at"], rows)


def _counts(found: Profile) -> str:
    meaning = {name: one.meaning for name, one in NODES.items()}
    meaning |= {name: one.meaning for name, one in RELATIONSHIPS.items()}
    rows = [[name, meaning.get(name, ""), f"{count:,}"] for name, count in found.counts.items()]
    rows += [[f"Title: {kind}", "a kind of title", f"{count:,}"] for kind, count in found.kinds.items()]
    return table(["", "what", "how many"], rows, words=2)
