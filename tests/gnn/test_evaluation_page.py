"""The page and the Markdown of an evaluation say what the evaluation says, and need nothing else."""

from __future__ import annotations

import re
import shlex
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest
import typer

import reelgraph
from gnn.evaluation_cache import judged
from gnn.evaluation_markdown import as_markdown, command
from gnn.evaluation_page import as_page
from gnn.evaluation_tasks import Given, Setting, task
from graph.store import GraphStore

NAMES = ("random", "popularity", "fold-in-series")


@pytest.fixture(scope="module")
def found(viewed: GraphStore, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    setting = Setting("substitutes", strategies=NAMES, seeds=(0, 1), hidden=20)
    return judged(task("substitutes"), Given(setting, lambda: viewed), tmp_path_factory.mktemp("kept"))


class Whole(HTMLParser):
    """Which tags are open at the end, and everything that would be fetched."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "br"):
            self.open.append(tag)
        self.fetched += [str(value) for name, value in attrs if name in ("src", "href", "data", "action")]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_needs_no_network(found: dict[str, Any]) -> None:
    page, parser = as_page(found), Whole()
    parser.feed(page)
    assert parser.open == []
    assert parser.fetched == []
    assert "<script" not in page
    assert "url(" not in page
    for drawn in re.findall(r"<svg.*?</svg>", page):
        ElementTree.fromstring(drawn)  # noqa: S314
    titles = re.findall(r"<h2>(.*?)</h2>", page)
    assert titles == [
        "All strategies", "NDCG@10", "overlap", "NDCG@10 against milliseconds a question",
        "NDCG@10 against seconds to train", "NDCG@10 against megabytes held",
        "NDCG@10 by popularity of the title asked for, by votes", "NDCG@10 by likes that the title asked for has",
    ]  # fmt: skip


def test_the_page_says_the_figures(found: dict[str, Any]) -> None:
    page = as_page(found)
    for one in found["strategies"]:
        mean, low, high = (one["ndcg"][name] for name in ("mean", "low", "high"))
        assert f"<title>{one['strategy']}: NDCG@10: {mean:.3f} [{low:.3f}, {high:.3f}]</title>" in page
    assert page.count('<tr class="strong"><td>fold-in-series</td>') == 1
    assert page.count("]</small></td>") == len(NAMES) * 4 + len(NAMES) - 1, "intervals stand below their figures"


def test_what_a_graph_is_called_cannot_break_the_page(found: dict[str, Any]) -> None:
    row = found["strategies"][0] | {"strategy": "<img src=x>", "about": "<script>1</script>"}
    page = as_page(found | {"strategies": [row, *found["strategies"][1:]]})
    assert "<img" not in page
    assert "<script" not in page


def test_markdown_has_a_row_a_strategy_with_what_made_it(found: dict[str, Any]) -> None:
    text = as_markdown(found)
    rows = [line for line in text.split("\n\nNDCG@10 by")[0].splitlines() if line.startswith("| ")][2:]
    assert [row.split(" | ")[0] for row in rows] == [f"| {name}" for name in NAMES]
    assert all(row.endswith(f"`… --strategy {name}` |") for row, name in zip(rows, NAMES, strict=True))
    columns = {line.count(" | ") for line in rows}
    assert len(columns) == 1
    served = next(one for one in found["strategies"] if one["strategy"] == "fold-in-series")
    assert f"{served['ndcg']['mean']:.3f}".lstrip("0") in rows[-1]


def test_the_command_that_is_printed_is_one(found: dict[str, Any]) -> None:
    typed = shlex.split(command(found | {"setting": found["setting"] | {"data": "/secret/ml-latest-small"}}))
    assert "/secret/ml-latest-small" not in typed, "a page tells no paths of this machine"
    assert typed[:2] == ["reelgraph", "evaluate"]
    own = typer.main.get_command(reelgraph.app).commands["evaluate"]  # type: ignore[attr-defined]
    parsed = own.make_context("evaluate", typed[2:], resilient_parsing=True).params
    assert parsed["strategy"] == list(NAMES) or tuple(parsed["strategy"]) == NAMES
    assert list(parsed["seed"]) == [0, 1]
    assert parsed["hidden"] == 20
