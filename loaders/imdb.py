"""IMDb's seven TSV files → graph tables: the entry.

Each file is put into Parquet as it is (`loaders.tsv`, `loaders.engines`), then judged row by row (`loaders.imdb_rows`):
a row is kept, or it has a reason why not, and the report counts both, so that rows read = rows kept + rows dropped.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pyarrow.parquet as pq

from graph.schema import CREDITS
from graph.store import Progress
from graph.tables import MANIFEST, Source, table_path
from loaders.engines import open_engine
from loaders.imdb_files import CREW, FILES, KINDS, Choices, FileReport, LoadReport
from loaders.imdb_rows import load_alternates, load_credits, load_episodes, load_people, load_titles
from loaders.imdb_run import Run
from loaders.tsv import LoadError, open_tsv

__all__ = ["FILES", "KINDS", "Choices", "FileReport", "LoadError", "LoadReport", "imdb_tables"]

_TABLES = (
    "Title", "Person", "Genre", "AlternateTitle", *CREDITS, "KNOWN_FOR", "IN_GENRE", "ALSO_KNOWN_AS", "EPISODE_OF",
)  # fmt: skip
_STAGING = 0.4  # of the whole, for the progress


def imdb_tables(
    source: Path,
    target: Path,
    choices: Choices = Choices(),  # noqa: B008 - it is frozen
    *,
    engine: str = "polars",
    progress: Progress | None = None,
) -> LoadReport:
    """Make graph tables of IMDb's files (`NAME.tsv` or `NAME.tsv.gz`) in a folder; the manifest is the caller's.

    Only title.basics must be there; credits need name.basics too. Invalid UTF-8 is replaced by U+FFFD and counted.
    The tables come into `target` when all are made; until then it stays as it was. Intermediate files, about as large
    as the unpacked TSVs, lie in a hidden folder beside `target` and are always removed.
    Raises LoadError for input that cannot be loaded.
    """
    runner = open_engine(engine)
    there = _find(source)
    files = {name: open_tsv(path, FILES[name]) for name, path in there.items() if name not in _unused(there, choices)}
    if choices.min_votes and "title.ratings" not in files:
        raise LoadError(f"min_votes needs title.ratings.tsv.gz, which {source} does not hold")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as staging:
        run = Run(runner, Path(staging), choices, files, progress or (lambda _what, _part: None))
        _run_steps(run)
        counts = _put_in_place(run.tables, target)
    return LoadReport(
        tuple(run.reports),
        tuple(name for name in FILES if name not in there),
        tuple(_unused(there, choices)),
        counts,
        [Source.of(tsv.path) for tsv in files.values()],
    )


def _find(source: Path) -> dict[str, Path]:
    if not source.is_dir():
        raise LoadError(f"{source} is not a folder; give the one that holds title.basics.tsv.gz")
    files = {}
    for name in FILES:
        there = [path for path in (source / f"{name}.tsv", source / f"{name}.tsv.gz") if path.is_file()]
        if there:
            # With both there, the newer one is the one that was meant.
            files[name] = max(there, key=lambda path: path.stat().st_mtime)
    if "title.basics" not in files:
        raise LoadError(f"{source} holds no title.basics.tsv or .tsv.gz; get it from https://datasets.imdbws.com")
    return files


def _unused(there: Mapping[str, Path], choices: Choices) -> list[str]:
    """The files that are there and of no use: with these choices, or because credits and names need each other."""
    credited = {"title.principals"} if choices.credits else set()
    if set(CREW) & set(choices.credits):
        credited.add("title.crew")
    if not ("name.basics" in there and credited & set(there)):
        credited = set()
    used = {"title.basics", "title.ratings", "title.episode"} | credited
    used |= ({"name.basics"} if credited else set()) | ({"title.akas"} if choices.alternates else set())
    return [name for name in there if name not in used]


def _run_steps(run: Run) -> None:
    run.stage(_STAGING)
    steps: list[tuple[str, str, Callable[[Run], None]]] = [
        ("title.basics", "titles", load_titles),
        ("name.basics", "credits", load_credits),
        ("name.basics", "people", load_people),
        ("title.akas", "alternate titles", load_alternates),
        ("title.episode", "episodes", load_episodes),
    ]
    for number, (file, what, step) in enumerate(steps):
        if file in run.files:
            run.progress(what, _STAGING + (1 - _STAGING) * number / len(steps))
            step(run)
    run.progress("done", 1.0)


def _put_in_place(made: Path, target: Path) -> dict[str, int]:
    counts = {}
    target.mkdir(exist_ok=True)
    # A manifest that vouched for other tables, and tables of a load with other choices, must not survive.
    (target / MANIFEST).unlink(missing_ok=True)
    for name in _TABLES:
        path = table_path(target, name)
        path.unlink(missing_ok=True)
        if table_path(made, name).exists():
            path.parent.mkdir(exist_ok=True)
            table_path(made, name).replace(path)
            counts[name] = int(pq.read_metadata(path).num_rows)
    return counts
