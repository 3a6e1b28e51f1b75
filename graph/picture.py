"""Evidence as a picture: the paths between two titles or people, laid out by networkx, drawn as SVG.

The picture says the same in words (`<title>`, `<desc>`), takes its colours from the page around it (CSS variables, each
with a fallback), and is the same each time: layers are steps from the start, rows follow the order of the evidence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from xml.sax.saxutils import escape, quoteattr

from graph.explain import Evidence
from graph.schema import RELATIONSHIPS
from graph.store import GraphStore

Shape = Literal["wide", "tall"]

_WORDS = {
    "DIRECTED": "directed", "ACTED_IN": "acted in", "WROTE": "wrote", "COMPOSED": "music for", "SHOT": "shot",
    "EDITED": "edited", "PRODUCED": "produced", "DESIGNED": "designed", "CAST": "cast", "SEEN_IN_ARCHIVE": "seen in",
    "IN_GENRE": "genre", "HAS_KEYWORD": "about", "EPISODE_OF": "episode of", "": "",
}  # fmt: skip
_VIEWERS = ("its viewers", "like")
_OF_SIBLINGS = {"name": "names alike", "people": "the same people", "part": "a part played again"}
_TEXT, _SMALL = 15, 12  # px: letters
_BOX, _ROW, _LAYER = 38, 56, 330  # px: a box's height, from row to row, from layer to layer
_FLAT = 92  # px beside a box on which the words stand
_TALL, _RAIL = 340, 16  # px: the picture's width for a phone, and where its two vertical lines stand
_LETTER = 0.56  # mean width of a letter, of its height
_LONGEST = 25


@dataclass(frozen=True)
class _Node:
    """A box: its centre and width in px, its text, and what it is (a label; none: words alone)."""

    x: float
    y: float
    width: float
    text: str
    label: str | None
    words: str = ""

    @property
    def left(self) -> float:
        return self.x - self.width / 2

    @property
    def right(self) -> float:
        return self.x + self.width / 2


def picture(store: GraphStore, start: str, end: str, evidence: Sequence[Evidence], *, shape: Shape = "wide") -> str:
    """The evidence between two nodes as an SVG document. shape: from left to right; or, for a phone, from the top.

    From the top, where a chain of several people joins the two, the first such chain alone is drawn.
    """
    paths = [_path(one, start, end) for one in evidence]
    chain = next((path for path in paths if len(path) > 5), None)
    if shape == "tall" and chain:
        paths = [chain]
    labels = _labels(store, start, end, paths)
    graph = _graph(start, end, paths)
    draw = _wide if shape == "wide" else _tall
    width, height, drawn = draw(graph, start, end, labels)
    title = f"How {labels[start][1]} and {labels[end][1]} are joined"
    told = "; ".join(one.text for one in evidence) or "Nothing in the graph joins them."
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" role="img" '
        f'aria-labelledby="evidence-title evidence-text" class="evidence-picture {shape}" '
        f'color="var(--ink, #1c1a17)" font-family="var(--sans, sans-serif)">'
        f'<title id="evidence-title">{escape(title)}</title><desc id="evidence-text">{escape(told)}</desc>{drawn}</svg>'
    )


def _path(one: Evidence, start: str, end: str) -> tuple[str, ...]:
    """A reason as ids and types by turns, from the start to the end, whichever way it was told.

    What joins the two directly becomes words between them.
    """
    if one.kind == "viewers":
        return (start, _VIEWERS[0], one.via[0], _VIEWERS[1], end)
    if len(one.path) == 2:
        return (start, "", _OF_SIBLINGS[one.kind], "", end)
    path = one.path if one.path[0] == start else one.path[::-1]
    return (start, "", _WORDS[path[1]], "", end) if len(path) == 3 else path


def _labels(
    store: GraphStore, start: str, end: str, paths: Sequence[Sequence[str]]
) -> Mapping[str, tuple[str | None, str]]:
    """id → what it is and how it is called; a title with its year."""
    ids = list(dict.fromkeys([start, end, *(id_ for path in paths for id_ in path[::2])]))
    made: dict[str, tuple[str | None, str]] = {id_: (None, id_) for id_ in ids}
    for path in paths:
        made |= {id_: (RELATIONSHIPS[type_].tail, id_) for type_, id_ in zip(path[1::2], path[2::2], strict=True)
                 if type_ in ("IN_GENRE", "HAS_KEYWORD") and id_ not in (start, end)}  # fmt: skip
    for row in store.get_nodes("Person", ids, ["name"]).to_pylist():
        made[row["id"]] = "Person", row["name"] or row["id"]
    for row in store.get_nodes("Title", ids, ["title", "start_year"]).to_pylist():
        year = f" ({row['start_year']})" if row["start_year"] else ""
        made[row["id"]] = "Title", (row["title"] or row["id"]) + year
    return made


def _graph(start: str, end: str, paths: Sequence[Sequence[str]]) -> Any:
    """Nodes with their layer, edges with the words for them; in the order of the paths."""
    import networkx as nx  # takes half a second, which a service that is to be ready has not

    last = max((len(path) // 2 for path in paths), default=2)
    graph = nx.DiGraph()
    graph.add_node(start, layer=0)
    for path in paths:
        inner = path[2:-2:2]
        for place, id_ in enumerate(inner, 1):
            if id_ not in graph:
                graph.add_node(id_, layer=round(place * last / (len(inner) + 1)))
        for near, type_, far in zip(path[::2], path[1::2], path[2::2], strict=False):
            if not graph.has_edge(near, far):
                graph.add_edge(near, far, words=_WORDS.get(type_, type_))
    graph.add_node(end, layer=last)
    return graph


def _layers(graph: Any) -> dict[int, list[str]]:
    layers: dict[int, list[str]] = {}
    for id_, layer in graph.nodes(data="layer"):
        layers.setdefault(layer, []).append(id_)
    return dict(sorted(layers.items()))


def _wide(graph: Any, start: str, end: str, labels: Mapping[str, tuple[str | None, str]]) -> tuple[float, float, str]:
    """Layers from left to right; boxes of a layer are equally wide."""
    import networkx as nx

    layers = _layers(graph)
    # Layers given as lists: as a node attribute networkx would gather them in sets, in another order each time.
    laid = nx.multipartite_layout(graph, subset_key=layers, align="vertical", scale=1)
    rows = max(len(layer) for layer in layers.values())
    steps = {layer: step for step, layer in enumerate(layers)}
    nodes = {}
    width = 0.0
    for layer, ids in layers.items():
        wide = max(_width(labels[id_][1]) for id_ in ids)
        centre = width + wide / 2
        width += wide + (_LAYER - 110 if steps[layer] < len(steps) - 1 else 0)
        for id_ in ids:
            nodes[id_] = _Node(centre, float(laid[id_][1]), wide, labels[id_][1], labels[id_][0])
    height = rows * _ROW + 12.0
    low, high = (edge(float(y) for _, y in laid.values()) for edge in (min, max))
    for id_, node in nodes.items():
        share = (node.y - low) / (high - low) if high > low else 0.5
        nodes[id_] = _Node(node.x + 1, 26 + share * (height - 52), node.width, node.text, node.label)
    drawn = [
        _curve(nodes[a], nodes[b], words, from_end=a == start, to_end=b == end)
        for a, b, words in graph.edges(data="words")
    ]
    return width + 2, height, "".join([*drawn, *(_box(node, id_ in (start, end)) for id_, node in nodes.items())])


def _curve(near: _Node, far: _Node, words: str, *, from_end: bool, to_end: bool) -> str:
    """A curve between two boxes, flat beside the one in between, where its words stand."""
    x1, x2 = near.right, far.left
    flat1, flat2 = (0 if from_end else _FLAT), (0 if to_end else _FLAT)
    bend = (x2 - x1 - flat1 - flat2) / 2
    start, end = x1 + flat1, x2 - flat2
    line = (
        f"M{x1:.1f} {near.y:.1f}h{flat1}"
        f"C{start + bend:.1f} {near.y:.1f} {end - bend:.1f} {far.y:.1f} {end:.1f} {far.y:.1f}h{flat2}"
    )
    at = (x2 - _FLAT / 2, far.y) if from_end or not to_end else (x1 + _FLAT / 2, near.y)
    return _line(line) + _word(*at, words)


def _tall(graph: Any, start: str, end: str, labels: Mapping[str, tuple[str | None, str]]) -> tuple[float, float, str]:
    """One box under the other. Several short paths leave by the line on the left and arrive by that on the right."""
    import networkx as nx

    order = [id_ for ids in _layers(graph).values() for id_ in ids]
    laid = nx.multipartite_layout(graph, subset_key=dict(enumerate([id_] for id_ in order)), align="horizontal")
    step = _ROW + 6
    low = min(float(y) for _, y in laid.values())
    gap = (max(float(y) for _, y in laid.values()) - low) / max(len(order) - 1, 1)
    nodes = {}
    for id_ in order:
        both = [words for _, _, words in [*graph.in_edges(id_, "words"), *graph.out_edges(id_, "words")]]
        label, text = labels[id_]
        wide = _TALL - 2 if id_ in (start, end) else min(max(_width(text), 150), 250)
        y = 24 + step * ((float(laid[id_][1]) - low) / gap if gap else 0)
        nodes[id_] = _Node(_TALL / 2, y, wide, text, label, " · ".join(dict.fromkeys(filter(None, both))))
    star = graph.nodes[end]["layer"] == 2
    drawn = []
    for a, b, words in graph.edges(data="words"):
        near, far = nodes[a], nodes[b]
        if not star:
            drawn.append(_line(f"M{near.x} {near.y:.1f}V{far.y:.1f}") + _word(near.x, (near.y + far.y) / 2, words))
        elif a == start:
            drawn.append(_line(f"M{_RAIL} {near.y:.1f}V{far.y - 14:.1f}q0 14 14 14H{far.left:.1f}"))
        else:
            drawn.append(_line(f"M{near.right:.1f} {near.y:.1f}H{_TALL - _RAIL - 14}q14 0 14 14V{far.y:.1f}"))
    boxes = [_box(node, id_ in (start, end), words=star) for id_, node in nodes.items()]
    return _TALL, step * (len(order) - 1) + 48, "".join([*drawn, *boxes])


def _width(text: str) -> float:
    return min(len(text), _LONGEST) * _TEXT * _LETTER + 28


def _line(d: str) -> str:
    return f'<path d="{d}" fill="none" stroke="var(--edge, #8b8475)" stroke-width="1.25"/>'


def _word(x: float, y: float, words: str) -> str:
    """Words on a line, which is cut out behind them."""
    wide = len(words) * _SMALL * _LETTER + 10
    return words and (
        f'<rect x="{x - wide / 2:.1f}" y="{y - 9:.1f}" width="{wide:.1f}" height="18" fill="var(--paper, #fff)"/>'
        + _text(x, y + 4, words, _SMALL, "var(--soft, #5f594f)")
    )


def _text(x: float, y: float, text: str, size: int, fill: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="middle" font-size="{size}" fill="{fill}">{escape(text)}</text>'


def _box(node: _Node, ends: bool, *, words: bool = False) -> str:
    """A title has corners, a person is round, words alone have no box; the two that were asked for are filled."""
    fill, ink = (
        ("var(--ink, #1c1a17)", "var(--paper, #fff)") if ends else ("var(--raised, #fff)", "var(--ink, #1c1a17)")
    )
    if node.label is None:
        fill, ink = "var(--paper, #fff)", "var(--soft, #5f594f)"
    second = node.words if words and not ends else ""
    high = _BOX + (8 if second else 0)
    round_ = {"Title": 3, "Person": high / 2}.get(node.label or "", 9)
    stroke = 'stroke="var(--edge, #8b8475)"' if node.label and not ends else ""
    short = node.text if len(node.text) <= _LONGEST else node.text[: _LONGEST - 1].rstrip() + "…"
    return (
        f"<g data-label={quoteattr(node.label or '')}><title>{escape(node.text)}</title>"
        f'<rect x="{node.left:.1f}" y="{node.y - high / 2:.1f}" width="{node.width:.1f}" height="{high}" '
        f'rx="{round_:g}" fill="{fill}" {stroke}/>'
        + _text(node.x, node.y + (-2 if second else 5), short, _TEXT, ink)
        + (_text(node.x, node.y + 15, second, _SMALL, "var(--soft, #5f594f)") if second else "")
        + "</g>"
    )
