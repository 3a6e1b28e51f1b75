"""docs/results.md: every strategy of every task on the same real data, each row with the command that made it.

make results                             all of it: about an hour of one processor core
python -m benchmarks.results --only recommend-ml-100k-time --only rating
python -m benchmarks.results --write     the page again, from what was judged

Stores, runs and results are kept in --folder; a result that is there is made anew only when it is named with --only,
or all are with --fresh. The data are those of REELGRAPH_DATA;
nothing of them is in the page but figures.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.movielens import hundred_thousand, latest
from benchmarks.series import keywords_of
from gnn.evaluation_markdown import as_markdown
from gnn.evaluation_page import as_page
from graph.settings import GraphSettings

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""One thread each: waiting threads would count as processor time."""
ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "results.md"
_HEAD = """# Results

Every strategy of every task on the same data and split, as `make results` makes it: each table stands below the command
that printed it, and each row names the option that makes it alone. What the figures are:
[substitutes](out-of-catalog.md), [recommendations](recommendations.md), [link prediction](training.md).

Intervals are 95%, by bootstrap; a difference is paired, question by question. *train s* and *ms* are processor time of
one thread, until a strategy can answer and for a question asked in batches, on a machine that others were using, too;
work that several strategies share counts for each. *MB* are the arrays that it holds beside the graph. Rows that need a
run of a model count the time on the clock of its training.

{states}

MovieLens' data and IMDb's are not in here; [benchmarks/movielens.py](../benchmarks/movielens.py) and
[benchmarks/results.py](../benchmarks/results.py) say how the stores were made from them.
"""


@dataclass(frozen=True)
class Piece:
    """A table. title: its heading; store: a name in STORES; options: of `reelgraph evaluate`.

    runs: the configurations whose runs it judges, or some of its rows need.
    """

    title: str
    store: str
    options: Sequence[str]
    runs: Sequence[str] = ()


STORES: Mapping[str, str] = {
    "imdb-24k": "imdb-24k with the ratings of ml-latest-small and TMDB's keywords as texts",
    "ml-latest-small": "imdb-24k and all films of ml-latest-small, as a catalog",
    "ml-100k": "imdb-24k and all films of ml-100k, as a catalog; films by name and year",
}
PIECES: Mapping[str, Piece] = {
    "substitutes": Piece("Substitutes, any rating", "imdb-24k", ["--task", "substitutes"], ["complex"]),
    "substitutes-4": Piece(
        "Substitutes, ratings of 4 and more", "imdb-24k", ["--task", "substitutes", "--likes-from", "4"], ["complex"]
    ),
    **{
        f"recommend-{store}-{split}": Piece(
            f"Recommendations on {store}, split {split}", store, ["--task", "recommend", "--split", split]
        )
        for store in ("ml-latest-small", "ml-100k") for split in ("time", "random", "newcomers", "cold")
    },
    "retrieval": Piece(
        "Retrieval on ml-100k, 80/20 at random: what is found in the first 100", "ml-100k", ["--task", "retrieval"]
    ),
    "rating": Piece("Ratings on ml-100k, 80/20 at random", "ml-100k", ["--task", "rating"]),
    "genres": Piece("Genres from the name of a title", "imdb-24k", ["--task", "genres"]),
    "link-prediction": Piece(
        "Links: the graph, Nations and UMLS", "imdb-24k", ["--task", "link-prediction"], ["complex", "nations", "umls"]
    ),
}  # fmt: skip


def reelgraph(*arguments: object) -> bytes:
    """Run a command of this checkout; returns what it printed."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | dict.fromkeys(_THREADS, "1")
    typed = [sys.executable, "-m", "reelgraph", *map(str, arguments)]
    return subprocess.run(typed, check=True, stdout=subprocess.PIPE, env=environment, cwd=ROOT).stdout


def made_store(name: str, folder: Path, data: Path) -> Path:
    """A store of STORES, loaded where it is not there yet."""
    store, source = folder / f"store-{name}", folder / f"source-{name}"
    if (store / "manifest.json").exists():
        return store
    source.mkdir(parents=True, exist_ok=True)
    given: list[object] = ["load", "--store", f"embedded:{store}", "--imdb", data / "imdb-24k"]
    if name == "imdb-24k":
        given += ["--feedback", data / "ml-latest-small", "--texts", keywords_of(data / "tmdb-movies", source)]
    else:
        items, feedback = latest(data / name) if name == "ml-latest-small" else hundred_thousand(data / name)
        items.write_csv(source / "movielens.csv")
        feedback.with_columns(catalog=pl.lit("movielens")).write_csv(source / "feedback.csv")
        given += ["--catalog", source / "movielens.csv", "--feedback", source / "feedback.csv"]
    reelgraph(*given)
    return store


def made_run(config: str, store: Path, folder: Path) -> None:
    """A run of a configuration, trained where it is not there yet."""
    if not (folder / "runs" / config / "metrics.json").exists():
        path = ROOT / "configs" / f"{config}.toml"
        reelgraph("train", path, "--store", f"embedded:{store}", "--runs", folder / "runs")


def judged(name: str, folder: Path, data: Path, *, fresh: bool) -> None:
    """Judge a piece, and keep what came out."""
    piece = PIECES[name]
    store = made_store(piece.store, folder, data)
    given: list[object] = [*piece.options, "--store", f"embedded:{store}", "--runs", folder / "runs", "--json"]
    for config in piece.runs:
        made_run(config, store, folder)
    if "substitutes" in piece.options:
        given += ["--embedding", piece.runs[0]]
    found = json.loads(reelgraph("evaluate", *given, *(["--fresh"] if fresh else [])))
    path = folder / f"{name}.json"
    path.with_suffix(".partial").write_text(json.dumps(found), "utf-8")
    path.with_suffix(".partial").replace(path)
    path.with_suffix(".html").write_text(as_page(found), "utf-8")


def page(results: Mapping[str, Mapping[str, Any]]) -> str:
    """docs/results.md from the result of each piece that is there, in the order of PIECES."""
    parts = [_HEAD.format(states=_states(results))]
    for name, piece in PIECES.items():
        if name in results:
            text = as_markdown(results[name], level=2).split("\n", 1)[1]
            parts.append(f"## {piece.title}\n\nThe store: {STORES[piece.store]}.\n{text}")
    return "\n".join(parts)


def _states(results: Mapping[str, Mapping[str, Any]]) -> str:
    """Which states of the code judged what, and what none has judged."""
    of: dict[str, list[str]] = {}
    for name, piece in PIECES.items():
        if name in results:
            of.setdefault(results[name]["hashes"]["code"], []).append(piece.title)
    if len(of) == 1:
        said = [f"One state of the code judged all of it: `{next(iter(of))}` (`hashes.code` in `--json`)."]
    else:
        said = ["Several states of the code (`hashes.code` in `--json`) judged it; tables of one are to be compared:\n"]
        said += [f"- `{code}`: {'; '.join(titles)}" for code, titles in of.items()]
    if absent := [piece.title for name, piece in PIECES.items() if name not in results]:
        said.append(f"\nNot judged yet: {'; '.join(absent)}.")
    return "\n".join(said)


def main() -> None:
    """Judge what is asked for, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=PIECES, help="judge this one (again); repeatable")
    parser.add_argument("--write", action="store_true", help="judge nothing; write the page from what is there")
    parser.add_argument("--fresh", action="store_true", help="judge again what the cache of evaluations has, too")
    parser.add_argument("--folder", type=Path, default=GraphSettings().cache / "results", help="where all is kept")
    given = parser.parse_args()
    folder = given.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    asked = given.only or [name for name in PIECES if given.fresh or not (folder / f"{name}.json").exists()]
    for name in () if given.write else asked:
        print(name, flush=True)
        judged(name, folder, GraphSettings().data.resolve(), fresh=given.fresh)
    files = {name: folder / f"{name}.json" for name in PIECES}
    there = {name: json.loads(path.read_text("utf-8")) for name, path in files.items() if path.exists()}
    PAGE.write_text(page(there), "utf-8")


if __name__ == "__main__":
    main()
