"""An evaluation in words and as a Markdown table, whatever the task; what the page has of it, too."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gnn.evaluation_tasks import Setting
from gnn.printed import COST, costs, interval, number

_SILENT = {"task", "runs"}


def as_markdown(found: Mapping[str, Any], *, level: int = 1) -> str:
    """A heading of that level, what was judged and how to judge it again, the table, and the slices of the default.

    Each row names the option that makes it alone; the command above makes all of them.
    """
    header, rows = rows_of(found)
    header = [*header, "made by"]
    rows = [[*row, f"`… --strategy {row[0]}`"] for row in rows]
    parts = ["#" * level + f" {heading(found)}", lead(found), f"```\n$ {command(found)}\n```", _table(header, rows, 2)]
    parts += [f"- {name}: left out; {why}" for name, why in found["left_out"].items()]
    return "\n\n".join([*parts, *_slices(found)]) + "\n"


def heading(found: Mapping[str, Any]) -> str:
    """What the page is called."""
    return f"Task {found['task']}"


def lead(found: Mapping[str, Any]) -> str:
    """What was judged, on what, when, against what."""
    setting = found.get("setting", {})
    told = [f"On {found['data']}" + (f" ({Path(setting['data']).name})" if setting.get("data") else "")]
    told += [
        f"{key} {', '.join(map(str, found[key])) if isinstance(found[key], list) else found[key]}"
        for key in ("hidden", "split", "part", "draws", "seeds") if found.get(key)
    ]  # fmt: skip
    if found["compared_with"]:
        told.append(f"differences are paired, to {found['compared_with']}")
    if found.get("judged_at"):
        told.append(f"judged {found['judged_at'][:10]}")
    return "; ".join(told) + "."


def command(found: Mapping[str, Any]) -> str:
    """What to type so that all of this is judged again: options that are not the default ones."""
    setting = found.get("setting", {})
    plain = Setting(str(found["task"])).as_dict()
    typed = ["reelgraph", "evaluate", "--task", str(found["task"])]
    for name, value in setting.items():
        if name in _SILENT or value == plain[name] or value is None:
            continue
        option = {"strategies": "strategy", "seeds": "seed"}.get(name, name).replace("_", "-")
        if value is True:
            typed.append(f"--{option}")
            continue
        for one in value if isinstance(value, (list, tuple)) else [value]:
            typed += [
                f"--{option}",
                Path(one).name if name == "data" else f"{one:g}" if isinstance(one, float) else str(one),
            ]
    return shlex.join(typed)


def rows_of(found: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """The table: header, and a row for each strategy: figures with intervals, the paired difference, what it costs."""
    figures, default = found["figures"], found["compared_with"]
    first = next(iter(figures))
    compared = [f"{figures[first]} − {default}"] if default else []
    header = ["strategy", "what it is", *figures.values(), *compared, *COST]
    rows = [
        [
            one["strategy"], one["about"], *(_figure(one.get(name)) for name in figures),
            *([_figure(one.get(f"{first}_difference"), "+")] if default else []),
            *costs(one.get("cost") or dict.fromkeys(("train_seconds", "query_ms", "bytes"))),
        ]
        for one in found["strategies"]
    ]  # fmt: skip
    return header, rows


def _figure(figure: Mapping[str, Any] | None, sign: str = "") -> str:
    if figure is None or figure["mean"] is None:
        return ""
    return number(figure["mean"], f"{sign}.3f") if figure["low"] is None else interval(figure, sign)


def _slices(found: Mapping[str, Any]) -> list[str]:
    """By what is drawn: a table each, a column a part."""
    made = []
    for by, words in found.get("by", {}).items():
        of = [one for one in found["strategies"] if by in one.get("slices", {})]
        if not of:
            continue
        parts = of[0]["slices"][by]
        name = next((one for one in found["figures"] if one in next(iter(parts.values()))), None)
        if name is None:
            continue
        header = ["strategy", *(f"{part} ({own['questions']:,})" for part, own in parts.items())]
        rows = [
            [one["strategy"], *(_figure(one["slices"][by].get(part, {}).get(name)) for part in parts)] for one in of
        ]
        made += [f"{found['figures'][name]} by {words}:", _table(header, rows, 1)]
    return made


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], words: int) -> str:
    kinds = ["---" if place < words else "---:" for place in range(len(header))]
    cells = [header, kinds, *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)
