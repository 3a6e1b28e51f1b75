"""The profile of the small graph, on every engine; the answers are written by hand from its rows."""

from __future__ import annotations

from graph.profile import profile
from graph.profile_page import as_page


def test_a_graph_has_the_same_profile_on_every_engine(small, rows):
    found = profile(small)
    assert found.years[1995] == 1
    assert sum(found.years.values()) == sum(row is not None for row in (one["start_year"] for one in rows["Title"]))
    genres = dict(zip(found.genres.genres, found.genres.titles, strict=True))
    assert genres == {"Drama": 6, "Crime": 1, "Animation": 1}
    drama, crime, animation = (found.genres.genres.index(name) for name in ("Drama", "Crime", "Animation"))
    assert found.genres.both[drama][crime] == found.genres.both[drama][animation] == 1
    assert found.genres.both[crime][animation] == 0
    degrees = {one.of: one for one in found.degrees}
    assert (degrees["titles of a genre"].most, degrees["titles of a genre"].nodes) == (6, 3)
    assert degrees["genres of a title"].shares == [(1, 1.0), (2, round(2 / 6, 6))]
    assert "What is in this graph" in as_page(found)
