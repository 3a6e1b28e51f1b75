"""How evaluations are printed: aligned columns, figures with their intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.text import Text

from graph.terminal import out


def say(line: str) -> None:
    """A line, never cut."""
    out.print(Text(line), soft_wrap=True)


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Aligned columns, never cut: a log is read as well as a terminal."""
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    for row in (header, *rows):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        out.print(Text(line, style="dim" if row is header else ""), soft_wrap=True)


def interval(figure: Mapping[str, float], sign: str = "") -> str:
    """`.123 [.101, .145]`; sign "+" for differences."""
    low, mean, high = (number(figure[name], f"{sign}.3f") for name in ("low", "mean", "high"))
    return f"{mean} [{low}, {high}]"


def number(value: float, form: str = ".3f") -> str:
    """A figure without its leading nought."""
    text = f"{value:{form}}"
    return text if abs(value) >= 1 else text.replace("0.", ".", 1)


COST = ("train s", "ms", "MB")
"""Headings of `costs`."""


def costs(cost: Mapping[str, float | None]) -> list[str]:
    """Processor time to learn and of a question, megabytes held; nothing where it is unknown."""
    size = cost["bytes"]
    figures = cost["train_seconds"], cost["query_ms"], None if size is None else size / 1e6
    return [
        "" if one is None else "0" if one < 5e-4 else f"{one:.2g}" if one < 10 else f"{one:,.0f}" for one in figures
    ]
