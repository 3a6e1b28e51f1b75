"""Charts are drawn here: scales, axes and marks as SVG text, for pages that need no network and no library.

Colours come from the page around them (CSS variables of `graph.report`), and each mark says in a <title> what it is, so
that a pointer or a screen reader finds the number behind it. All lengths are px.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

LETTER = 7.0
"""Mean width of a letter at 12 px."""


@dataclass(frozen=True)
class Scale:
    """From values low…high to px start…end; log: by powers of ten, low above 0."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """The px of a value; what lies outside is put on the edge."""
        low, high, own = (self._of(one) for one in (self.low, self.high, value))
        share = 0.5 if high == low else min(max((own - low) / (high - low), 0), 1)
        return round(self.start + share * (self.end - self.start), 2)

    def _of(self, value: float) -> float:
        return math.log10(max(value, 1e-12)) if self.log else value

    def ticks(self, most: int = 6) -> list[float]:
        """Round values inside, at most so many."""
        if self.log:
            first, last = math.ceil(self._of(self.low) - 1e-9), math.floor(self._of(self.high) + 1e-9)
            apart = max(1, math.ceil((last - first + 1) / most))
            return [10.0**power for power in range(first, last + 1, apart)]
        span = self.high - self.low
        if span <= 0:
            return [self.low]
        raw = span / most
        unit = 10.0 ** math.floor(math.log10(raw))
        step = next(unit * times for times in (1, 2, 5, 10) if unit * times >= raw * 0.999)
        first = math.ceil(self.low / step - 1e-9)
        count = math.floor(self.high / step + 1e-9) - first + 1
        return [round((first + place) * step, 10) for place in range(count)]


def short(value: float) -> str:
    """A number for an axis: 0.05, 12, 3k, 2M."""
    size = abs(value)
    for bound, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if size >= bound:
            unit = 1e3 if letter == "k" else bound
            return f"{value / unit:g}{letter}"
    if size >= 1000:
        return f"{value:,.0f}"
    return f"{value:.10f}".rstrip("0") if 0 < size < 1e-3 else f"{value:g}"


def text(x: float, y: float, words: str, *, anchor: str = "start", kind: str = "", turn: bool = False) -> str:
    """Words at a place. kind: a CSS class (`muted`, `strong`). turn: upwards."""
    turned = f' transform="rotate(-90 {x:g} {y:g})"' if turn else ""
    class_ = f' class="{kind}"' if kind else ""
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}"{class_}{turned}>{escape(words)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, kind: str = "grid", told: str = "") -> str:
    """A line of a kind: `grid`, `axis`, or a mark's."""
    ends = f'x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}"'
    return f'<line class="{kind}" {ends}>{_told(told)}</line>' if told else f'<line class="{kind}" {ends}/>'


def rect(x: float, y: float, width: float, height: float, told: str, *, kind: str = "bar", style: str = "") -> str:
    """A box that says what it is."""
    own = f" style={quoteattr(style)}" if style else ""
    size = f'x="{x:g}" y="{y:g}" width="{max(width, 0):g}" height="{max(height, 0):g}"'
    return f'<rect class="{kind}" {size}{own}>{_told(told)}</rect>'


def dot(x: float, y: float, told: str, *, radius: float = 4, kind: str = "dot", style: str = "") -> str:
    """A dot that says what it is."""
    own = f" style={quoteattr(style)}" if style else ""
    return f'<circle class="{kind}" cx="{x:g}" cy="{y:g}" r="{radius:g}"{own}>{_told(told)}</circle>'


def _told(words: str) -> str:
    return f"<title>{escape(words)}</title>" if words else ""


def across(scale: Scale, top: float, bottom: float, name: str, *, most: int = 6) -> str:
    """A horizontal axis with lines upwards, and what it measures below."""
    parts = []
    for value in scale.ticks(most):
        x = scale(value)
        parts += [line(x, top, x, bottom), text(x, bottom + 16, short(value), anchor="middle", kind="muted")]
    middle = (scale.start + scale.end) / 2
    return "".join([*parts, text(middle, bottom + 34, name, anchor="middle", kind="muted")])


def upright(scale: Scale, left: float, right: float, name: str, *, most: int = 5) -> str:
    """A vertical axis with lines to the right, and what it measures above."""
    parts = []
    for value in scale.ticks(most):
        y = scale(value)
        parts += [line(left, y, right, y), text(left - 7, y + 4, short(value), anchor="end", kind="muted")]
    return "".join([*parts, text(left - 7, min(scale.start, scale.end) - 10, name, kind="muted")])


def svg(width: float, height: float, parts: Sequence[str], told: str) -> str:
    """A drawing that says as a whole what it shows."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img" '
        f'style="max-width:{width:g}px" aria-label={quoteattr(told)}>{"".join(parts)}</svg>'
    )


def width_of(words: str) -> float:
    """About how wide words are at 12 px: letters of East Asia count twice."""
    return LETTER * sum(2 if ord(letter) > 0x2E80 else 1 for letter in words)
