"""A page of charts and tables in one HTML file: its style is in it, it has no script, and it asks for nothing else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

_STYLE = """
:root{color-scheme:light dark;--paper:#fdfcfa;--ink:#1d1b18;--muted:#6d6860;--grid:#e7e3dc;--hot:#a8320a;--bar:#40698f;
--c0:#1f5fa8;--c1:#c8550a;--c2:#00795c;--c3:#b23f8c;--c4:#8f7400;--c5:#2f9ac4;--c6:#7a1f1f;--c7:#5b3fa8}
@media (prefers-color-scheme:dark){:root{--paper:#191816;--ink:#ece8e1;--muted:#a19a8f;--grid:#33302c;--hot:#ff9d5c;
--bar:#7ba7d0;--c0:#79b0f2;--c1:#f59a55;--c2:#4cc7a2;--c3:#e58cc7;--c4:#d6bb45;--c5:#74c9ec;--c6:#e58a8a;--c7:#b39cf0}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1040px;padding:36px 24px 72px;background:var(--paper);color:var(--ink);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
h1{font-size:1.7rem;line-height:1.2;margin:0 0 .3em;text-wrap:balance}h2{font-size:1.15rem;margin:2.6em 0 .2em}
p{margin:.3em 0;max-width:72ch}.lead,.note,figcaption{color:var(--muted)}.note,figcaption{font-size:.86rem}
figure{margin:10px 0 0;overflow-x:auto}svg{display:block;width:100%;min-width:720px;height:auto;font-size:12px}
svg text{fill:var(--ink)}svg .muted{fill:var(--muted)}svg .strong{font-weight:700}
svg .name{stroke:var(--paper);stroke-width:3px;stroke-linejoin:round;paint-order:stroke}
.grid{stroke:var(--grid)}.join{stroke:var(--muted);stroke-width:1.5;opacity:.5}.bar{fill:var(--bar)}
.range{stroke-width:2;opacity:.75}.curve{fill:none;stroke-width:2}.dot{stroke:var(--paper);stroke-width:1}
.dot:hover,.cell:hover,.bar:hover{stroke:var(--ink);stroke-width:1.5}.thin .dot{stroke-width:0;opacity:.7}
table{border-collapse:collapse;font-size:.86rem;margin:12px 0;font-variant-numeric:tabular-nums}
.wide{overflow-x:auto}
th,td{padding:4px 12px 4px 0;text-align:left;white-space:nowrap;border-bottom:1px solid var(--grid)}
th{color:var(--muted);font-weight:500;vertical-align:bottom}td.number,th.number{text-align:right}
th.number{white-space:normal}td small{display:block;color:var(--muted);font-weight:400}
td.words{white-space:normal;min-width:12em}tr.strong td{font-weight:650}
code{font:.86em ui-monospace,SFMono-Regular,Menlo,monospace;overflow-wrap:anywhere}
.legend{display:flex;flex-wrap:wrap;gap:4px 18px;font-size:.86rem;margin:8px 0 0;max-width:none}
.legend i{display:inline-block;width:10px;height:10px;border-radius:50%;margin-right:6px;background:currentColor}
""" + "".join(
    f".dot.c{n}{{fill:var(--c{n})}}.range.c{n},.curve.c{n}{{stroke:var(--c{n})}}.legend .c{n}{{color:var(--c{n})}}"
    for n in range(8)
)
_INTERVAL = re.compile(r"^(\S+) (\[\S+, \S+\])$")
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def page(title: str, lead: str, sections: Sequence[str]) -> str:
    """An HTML document. lead: plain words below the title; sections: HTML."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body><main><h1>{escape(title)}</h1>"
        f'<p class="lead">{escape(lead)}</p>{"".join(sections)}</main></body></html>\n'
    )


def section(title: str, drawn: str, *, note: str = "", above: str = "") -> str:
    """A heading, a chart or table, and below it what to see in it; nothing where nothing is drawn. above: HTML."""
    if not drawn:
        return ""
    told = f"<figcaption>{escape(note)}</figcaption>" if note else ""
    return f"<section><h2>{escape(title)}</h2>{above}<figure>{drawn}{told}</figure></section>"


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, words: int = 1, strong: str = "") -> str:
    """Rows of text. words: so many columns from the left are words, the others numbers. strong: first cell of a row.

    An interval in brackets behind a number stands below it, so that more columns fit beside each other.
    """

    def cells(row: Sequence[str], tag: str) -> str:
        kinds = (_cell(place, words) for place in range(len(row)))
        texts = (_INTERVAL.sub(r"\1<small>\2</small>", escape(cell)) for cell in row)
        return "".join(f"<{tag}{kind}>{text}</{tag}>" for kind, text in zip(kinds, texts, strict=True))

    marks = (' class="strong"' if row[0] == strong else "" for row in rows)
    body = "".join(f"<tr{mark}>{cells(row, 'td')}</tr>" for mark, row in zip(marks, rows, strict=True))
    return f'<div class="wide"><table><thead><tr>{cells(header, "th")}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(place: int, words: int) -> str:
    """A cell's class: the first is never wrapped, other words may be."""
    return ' class="number"' if place >= words else ' class="words"' if place else ""
