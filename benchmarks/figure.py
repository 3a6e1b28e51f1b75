"""What a benchmark prints: figures with their limits, the same as a table and as JSON."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """One number. `limit` is the largest that passes, the smallest where `more` is better; None: only for information.

    floor: what the same would cost with nothing but the physics, in words.
    """

    name: str
    measured: float
    unit: str = ""
    limit: float | None = None
    more: bool = False
    floor: str = ""

    @property
    def passed(self) -> bool:
        if self.limit is None:
            return True
        return self.measured >= self.limit if self.more else self.measured <= self.limit

    def cells(self) -> tuple[str, str, str, str, str]:
        """Figure, measured, limit, whether it passed, floor."""
        if self.limit is None:
            return self.name, _number(self.measured, self.unit), "", "", self.floor
        limit = f"{'≥' if self.more else '≤'} {_number(self.limit, self.unit)}"
        return self.name, _number(self.measured, self.unit), limit, "pass" if self.passed else "FAIL", self.floor


def _number(value: float, unit: str) -> str:
    text = f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"
    return f"{text} {unit}".rstrip() if unit != "×" else f"{text}×"


def table(figures: Sequence[Figure]) -> str:
    """Figures as lines of text, their columns aligned."""
    rows = [("figure", "measured", "limit", "", "floor"), *(figure.cells() for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
                     for row in rows)  # fmt: skip


def parser(doc: str | None) -> argparse.ArgumentParser:
    """The options that every benchmark has."""
    made = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--titles", type=int, default=1_000_000, help="how many to invent without --data")
    made.add_argument("--data", type=Path, help="a ready data set: a folder of IMDb's TSV files")
    made.add_argument("--store", type=Path, help="a store loaded from it; made there when it is not there yet")
    made.add_argument("--json", action="store_true", help="print the figures as JSON")
    return made


def run(options: argparse.Namespace, measure: Callable[[argparse.Namespace], Sequence[Figure]]) -> int:
    """Measure, print, and give the exit code: 1 when a limit is missed."""
    figures = measure(options)
    if options.json:
        print(json.dumps([asdict(figure) | {"passed": figure.passed} for figure in figures], indent=1))
    else:
        print(table(figures))
    return 0 if all(figure.passed for figure in figures) else 1
