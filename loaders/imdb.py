"""IMDb's seven TSV files → graph tables: the entry.

Each file is put into Parquet as it is (`loaders.tsv`, `loaders.engines`), then judged row by row (`loaders.imdb_rows`):
a row is kept, or it has a reason why not, and the report counts both, so that rows read = rows kept + rows dropped.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from graph.schema import CREDITS
from graph.store import Progress
from graph.tables import MANIFEST, table_path
from loaders.engines import Engine, open_engine
from loaders.imdb_files import CREW, FILES, KINDS, Choices, FileReport, LoadReport
from loaders.imdb_rows import load_alternates, load_credits, load_episodes, load_people, load_titles
from loaders.imdb_run import Run
from loaders.parts import is_made, put_together
from loaders.tsv import LoadError

__all__ = ["FILES", "KINDS", "Choices", "FileReport", "LoadError", "LoadReport", "imdb_tables", "make_tables"]

_TABLES = (
    "Title", "Person", "Genre", "AlternateTitle", *CREDITS, "KNOWN_FOR", "IN_GENRE", "ALSO_KNOWN_AS", "EPISODE_OF",
)  # fmt: skip
_STAGING = 0.4  # of the whole, for the progress


def imdb_tables(
    source: Path | str,
    target: Path,
    choices: Choices = Choices(),  # noqa: B008 - it is frozen
    *,
    engine: str = "polars",
    master: str | None = None,
    progress: Progress | None = None,
) -> LoadReport:
    """Make graph tables of IMDb's files (`NAME.tsv` or `NAME.tsv.gz`) in a folder; the manifest is the caller's.

    source: a folder, to Spark also a URL; or what loaders/spark_job.py made of one, whose tables are then taken over
    as they are. master: where Spark runs. Only title.basics must be there; credits need name.basics too. Invalid UTF-8
    is replaced by U+FFFD and counted.
    The tables come into `target` when all are made; until then it stays as it was. Intermediate files, about as large
    as the unpacked TSVs, lie in a hidden folder beside `target` and are always removed.
    Raises LoadError for input that cannot be loaded, EngineFailed when Spark fails.
    """
    progress = progress or (lambda _what, _part: None)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as staging:
        folder = Path(staging)
        if is_made(source):
            report = put_together(Path(source), folder / "tables", progress)
        else:
            with open_engine(engine, folder, master) as runner:
                report = make_tables(runner, str(source), choices, progress)
        _put_in_place(folder / "tables", target)
    return report


def make_tables(runner: Engine, source: str, choices: Choices, progress: Progress) -> LoadReport:
    """Have an engine make graph tables of IMDb's files; it knows where they go. Raises as `imdb_tables` does."""
    there = runner.find(source, list(FILES))
    if "title.basics" not in there:
        raise LoadError(f"{source} holds no title.basics.tsv or .tsv.gz; get it from https://datasets.imdbws.com")
    unused = _unused(there, choices)
    files = {name: runner.open(where, FILES[name]) for name, where in there.items() if name not in unused}
    if choices.min_votes and "title.ratings" not in files:
        raise LoadError(f"min_votes needs title.ratings.tsv.gz, which {source} does not hold")
    run = Run(runner, choices, files, progress)
    _run_steps(run)
    return LoadReport(
        tuple(run.reports),
        tuple(name for name in FILES if name not in there),
        tuple(unused),
        {name: run.counts[name] for name in _TABLES if name in run.counts},
        [tsv.source for tsv in files.values()],
    )


def _unused(there: Mapping[str, str], choices: Choices) -> list[str]:
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


def _put_in_place(made: Path, target: Path) -> None:
    target.mkdir(exist_ok=True)
    # A manifest that vouched for other tables, and tables of a load with other choices, must not survive.
    (target / MANIFEST).unlink(missing_ok=True)
    for name in _TABLES:
        path = table_path(target, name)
        path.unlink(missing_ok=True)
        if table_path(made, name).exists():
            path.parent.mkdir(exist_ok=True)
            table_path(made, name).replace(path)
