"""The kinds of charts that pages of this project have, each from plain numbers to SVG (`graph.drawing`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import numpy.typing as npt

from graph.drawing import Scale, across, dot, line, rect, short, svg, text, upright, width_of

_WIDE, _ROW = 960, 24
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 16, 28, 46
COLOURS = 8
"""So many colours a page has: the classes c0 … c7."""


@dataclass(frozen=True)
class Point:
    """A dot of a scatter chart. group: which colour; name: written beside it, where there is room; told: its title."""

    x: float
    y: float
    told: str
    group: int = 0
    name: str = ""
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Range:
    """A figure with its interval, in a row of `ranges`. group: which colour; low, high: None where there is none."""

    mean: float
    low: float | None
    high: float | None
    group: int
    told: str


def bars(counts: Mapping[int, int], name: str, told: str, height: float = 260) -> str:
    """A bar for each whole number from the first to the last: how many there are."""
    if not counts:
        return ""
    first, last = min(counts), max(counts)
    x = Scale(first, last + 1, _LEFT, _WIDE - _RIGHT)
    y = Scale(0, max(counts.values()), height - _BOTTOM, _TOP)
    step = x(first + 1) - x(first)
    drawn = [
        rect(x(key), y(count), step - min(1, step / 5), y.start - y(count), f"{key}: {count:,}")
        for key, count in sorted(counts.items())
    ]
    years = replaced(across(x, y.start, y.start, name, most=14), {short(one): str(round(one)) for one in x.ticks(14)})
    return svg(_WIDE, height, [upright(y, _LEFT, _WIDE - _RIGHT, "titles"), *drawn, years], told)


def replaced(drawn: str, words: Mapping[str, str]) -> str:
    """An axis whose numbers are names: 1,990 is a year."""
    for old, new in words.items():
        drawn = drawn.replace(f">{old}<", f">{new}<")
    return drawn


def heat(
    values: npt.NDArray[np.float64], rows: Sequence[str], columns: Sequence[str], told: str, *,
    words: Sequence[Sequence[str]], size: float = 26, wide: float | None = None, turned: bool = True,
) -> str:  # fmt: skip
    """A box for each pair, the darker the larger: (rows, columns) of 0 to 1. words: what each box says.

    turned: the columns' names stand upright.
    """
    left = 12 + max((width_of(row) for row in rows), default=0)
    across_ = wide or size
    top = 14 + (max((width_of(column) for column in columns), default=0) if turned else 14)
    parts = []
    for place, column in enumerate(columns):
        x = left + (place + 0.5) * across_
        parts.append(text(x + 4, top - 6, column, kind="muted", turn=True) if turned
                     else text(x, top - 8, column, kind="muted", anchor="middle"))  # fmt: skip
    for row, name in enumerate(rows):
        parts.append(text(left - 7, top + (row + 0.5) * size + 4, name, anchor="end", kind="muted"))
        for place, value in enumerate(values[row].tolist()):
            if value > 0:
                strength = 8 + 92 * min(value, 1)
                style = f"fill:color-mix(in oklab, var(--hot) {strength:.0f}%, var(--paper))"
                box = (left + place * across_, top + row * size, across_ - 1, size - 1)
                parts.append(rect(*box, words[row][place], kind="cell", style=style))
    return svg(left + across_ * len(columns) + _RIGHT, top + size * len(rows) + 10, parts, told)


def scatter(
    points: Sequence[Point], x_name: str, y_name: str, told: str, *, log: tuple[bool, bool] = (False, False),
    bare: bool = False, height: float = 420, width: float = _WIDE, radius: float = 5,
) -> str:  # fmt: skip
    """Dots by two numbers. log: which axes are by powers of ten. bare: the numbers mean nothing, so no axes."""
    if not points:
        return ""
    sides = [[one.x for one in points], [one.y for one in points]]
    sides[1] += [one for point in points for one in (point.low, point.high) if one is not None]
    (x_low, x_high), (y_low, y_high) = (_spread(own, by_ten) for own, by_ten in zip(sides, log, strict=True))
    x = Scale(x_low, x_high, 8 if bare else _LEFT, width - 90 if not bare else width - 8, log[0])
    y = Scale(y_low, y_high, height - (8 if bare else _BOTTOM), 8 if bare else _TOP, log[1])
    parts = [] if bare else [upright(y, _LEFT, width - _RIGHT, y_name), across(x, _TOP, y.start, x_name)]
    parts += [line(x(one.x), y(one.low), x(one.x), y(one.high), f"range c{one.group % COLOURS}")
              for one in points if one.low is not None and one.high is not None]  # fmt: skip
    parts += [dot(x(one.x), y(one.y), one.told, radius=radius, kind=f"dot c{one.group % COLOURS}") for one in points]
    return svg(width, height, [*parts, *_names(points, x, y, width)], told)


def _spread(values: Sequence[float], by_ten: bool) -> tuple[float, float]:
    """From where to where an axis goes: a little beyond its values."""
    low, high = min(values), max(values)
    if by_ten:
        low, high = max(low, 1e-9), max(high, 1e-9)
        return low / 1.5, high * 1.5
    room = 0.05 * (high - low) or abs(high) * 0.05 or 1
    return low - room, high + room


def _names(points: Sequence[Point], x: Scale, y: Scale, width: float) -> list[str]:
    """Names beside their dots, each where no other stands yet, and where no dot does if there is such a place.

    Those of the first group choose first, then the highest. Where all is taken, a name is left to the dot's title.
    """
    taken: list[tuple[float, float, float]] = []
    dots = [(x(one.x) - 6, x(one.x) + 6, y(one.y) + 4) for one in points]
    made = []
    for one in sorted(points, key=lambda point: (point.group > 0, -point.y)):
        if not one.name:
            continue
        wide = width_of(one.name)
        places = [
            (x(one.x) + 8 if side > 0 else x(one.x) - 8 - wide, y(one.y) + shift)
            for side in (1, -1) for shift in (4, -8, 16)
        ]  # fmt: skip
        places = [(left, high) for left, high in places if left >= 0 and left + wide <= width]
        free = [place for place in places if _free(*place, wide, taken)]
        if free:
            left, high = next((place for place in free if _free(*place, wide, dots)), free[0])
            taken.append((left, left + wide, high))
            made.append(text(left, high, one.name, kind="name"))
    return made


def _free(left: float, height: float, wide: float, taken: Sequence[tuple[float, float, float]]) -> bool:
    """Whether a name fits between what is there: from, to, height of its line."""
    return all(left > b or left + wide < a or abs(height - h) > 11 for a, b, h in taken)


def ranges(
    rows: Sequence[tuple[str, Sequence[Range]]],
    name: str,
    told: str,
    *,
    strong: str = "",
    joined: bool = False,
    whole: bool = True,
) -> str:
    """A row for each name: its figures as dots with their intervals. strong: the row that stands out.

    joined: a line from the least to the greatest of a row, which shows how far apart its dots are. whole: from 0 on.
    """
    if not rows:
        return ""
    left = 16 + max(width_of(row) for row, _ in rows)
    every = [one for _, own in rows for figure in own for one in (figure.mean, figure.low, figure.high)
             if one is not None]  # fmt: skip
    low, high = min(every, default=0.0), max(every, default=1.0)
    low = min(low, 0.0) if whole else low - 0.05 * (high - low or 1)
    x = Scale(low, high + 0.03 * (high - low or 1), left, _WIDE - _RIGHT)
    bottom = _TOP + _ROW * len(rows)
    parts = [across(x, _TOP - 6, bottom, name)]
    for place, (row, own) in enumerate(rows):
        middle = _TOP + (place + 0.5) * _ROW
        parts.append(text(left - 9, middle + 4, row, anchor="end", kind="strong" if row == strong else ""))
        if joined and own:
            means = [one.mean for one in own]
            parts.append(line(x(min(means)), middle, x(max(means)), middle, "join"))
        for one in own:
            if one.low is not None and one.high is not None and not joined:
                parts.append(line(x(one.low), middle, x(one.high), middle, f"range c{one.group}", one.told))
            parts.append(dot(x(one.mean), middle, one.told, kind=f"dot c{one.group}"))
    return svg(_WIDE, bottom + _BOTTOM, parts, told)


def curves(
    series: Mapping[str, Sequence[tuple[float, float]]], x_name: str, y_name: str, told: str, height: float = 380
) -> str:
    """Falling curves by powers of ten on both axes, a colour each."""
    known = {name: [(x, y) for x, y in points if x > 0 and y > 0] for name, points in series.items()}
    known = {name: points for name, points in known.items() if points}
    if not known:
        return ""
    (x_low, x_high), (y_low, y_high) = (
        _spread([point[axis] for points in known.values() for point in points], True) for axis in (0, 1)
    )
    x = Scale(x_low, x_high, _LEFT, _WIDE - _RIGHT, log=True)
    y = Scale(y_low, y_high, height - _BOTTOM, _TOP, log=True)
    parts = [upright(y, _LEFT, _WIDE - _RIGHT, y_name, most=7), across(x, _TOP, y.start, x_name)]
    for place, points in enumerate(known.values()):
        path = " ".join(f"{x(a):g},{y(b):g}" for a, b in points)
        parts.append(f'<polyline class="curve c{place % COLOURS}" points="{path}"/>')
    return svg(_WIDE, height, parts, told)


def legend(names: Sequence[str]) -> str:
    """Which colour is what, as HTML."""
    keys = "".join(f'<span><i class="c{place % COLOURS}"></i>{escape(name)}</span>' for place, name in enumerate(names))
    return f'<p class="legend">{keys}</p>'
