"""Evidence drawn: what stands in the picture, where, and that it is the same each time."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from xml.etree import ElementTree as ET

import pytest

from graph.explain import Evidence, explain
from graph.picture import Shape, picture
from graph.store import GraphStore

_NS = "{http://www.w3.org/2000/svg}"
TOY_STORY, BUGS_LIFE = "tt0114709", "tt0120623"


def boxes(svg: str) -> dict[str, tuple[str, float, float]]:
    """Text of each box → what it is, and where its middle is."""
    found = {}
    for group in ET.fromstring(svg).iter(f"{_NS}g"):  # noqa: S314
        rect = group.find(f"{_NS}rect")
        assert rect is not None
        x, y, width, height = (float(rect.attrib[name]) for name in ("x", "y", "width", "height"))
        found[group.findtext(f"{_NS}title") or ""] = (group.attrib["data-label"], x + width / 2, y + height / 2)
    return found


def test_paths_of_one_step_stand_in_rows_between_the_two(sample: GraphStore) -> None:
    evidence = explain(sample, TOY_STORY, BUGS_LIFE, limit=8)
    drawn = boxes(picture(sample, TOY_STORY, BUGS_LIFE, evidence))
    start, end = drawn.pop("Toy Story (1995)"), drawn.pop("A Bug's Life (1998)")
    assert drawn["John Lasseter"][0] == "Person"
    assert drawn["Animation"][0] == "Genre"
    assert len({x for _, x, _ in drawn.values()}) == 1
    assert all(start[1] < x < end[1] for _, x, _ in drawn.values())
    rows = [y for _, _, y in drawn.values()]
    assert all(later - earlier >= 40 for earlier, later in itertools.pairwise(rows))


@pytest.mark.parametrize("shape", ["wide", "tall"])
def test_a_picture_is_well_formed_says_what_it_shows_and_keeps_within_its_frame(
    sample: GraphStore, shape: Shape
) -> None:
    evidence = explain(sample, TOY_STORY, BUGS_LIFE, limit=8)
    drawing = ET.fromstring(picture(sample, TOY_STORY, BUGS_LIFE, evidence, shape=shape))  # noqa: S314
    assert drawing.attrib["role"] == "img"
    assert drawing.findtext(f"{_NS}title") == "How Toy Story (1995) and A Bug's Life (1998) are joined"
    assert drawing.findtext(f"{_NS}desc") == "; ".join(one.text for one in evidence)
    _, _, width, height = map(float, drawing.attrib["viewBox"].split())
    assert (width == 340) is (shape == "tall")
    for rect in drawing.iter(f"{_NS}rect"):
        x, y, wide, high = (float(rect.attrib[name]) for name in ("x", "y", "width", "height"))
        assert x >= 0
        assert y >= 0
        assert x + wide <= width
        assert y + high <= height


def test_from_the_top_everything_stands_below_each_other(sample: GraphStore) -> None:
    evidence = explain(sample, TOY_STORY, BUGS_LIFE, limit=8)
    drawn = list(boxes(picture(sample, TOY_STORY, BUGS_LIFE, evidence, shape="tall")).values())
    heights = sorted(y for _, _, y in drawn)
    assert all(later - earlier >= 50 for earlier, later in itertools.pairwise(heights))


def test_viewers_names_and_what_joins_two_directly_are_drawn_too(sample: GraphStore) -> None:
    evidence = [
        Evidence("name", 1.0, "another “Toy Story” title", (TOY_STORY, BUGS_LIFE)),
        Evidence("people", 0.9, "the same people", (TOY_STORY, BUGS_LIFE), ("nm0005124",)),
        Evidence("part", 0.8, "a part again, now played by another", (TOY_STORY, BUGS_LIFE), ("nm1", "nm2")),
        Evidence("viewers", 0.5, "liked by viewers of Up", (), ("tt1049413",)),
        Evidence("path", 0.4, "episode", (TOY_STORY, "EPISODE_OF", BUGS_LIFE)),
    ]
    drawn = boxes(picture(sample, TOY_STORY, BUGS_LIFE, evidence))
    assert drawn["Up (2009)"][0] == "Title"
    assert drawn["names alike"][0] == drawn["episode of"][0] == ""
    assert drawn["the same people"][0] == drawn["a part played again"][0] == ""


def test_texts_are_escaped(sample: GraphStore) -> None:
    told = picture(sample, TOY_STORY, BUGS_LIFE, [Evidence("viewers", 1.0, "<b>&</b>", (), ("<i>&",))])
    assert "&lt;b&gt;&amp;&lt;/b&gt;" in told
    assert boxes(told)["<i>&"][0] == ""


def test_without_evidence_the_picture_says_so(sample: GraphStore) -> None:
    drawing = picture(sample, TOY_STORY, BUGS_LIFE, [])
    assert "Nothing in the graph joins them." in drawing
    assert len(boxes(drawing)) == 2


def test_the_drawing_does_not_depend_on_how_python_hashes(sample: GraphStore) -> None:
    script = (
        "from graph.store import open_store; from graph.explain import explain; from graph.picture import picture; "
        f"s = open_store({sample.url!r}); "
        f"print(picture(s, {TOY_STORY!r}, {BUGS_LIFE!r}, explain(s, {TOY_STORY!r}, {BUGS_LIFE!r})))"
    )
    drawn = {
        subprocess.run(
            [sys.executable, "-c", script], check=True, capture_output=True, env={**os.environ, "PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(drawn) == 1
