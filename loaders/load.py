"""The load from end to end: IMDb's files, catalogs, feedback and texts → graph tables → a store."""

from __future__ import annotations

import contextlib
import errno
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from graph.exports.parquet import export_parquet
from graph.schema import NODES, RELATIONSHIPS, is_live
from graph.store import GraphStore, Progress, StoreFull
from graph.tables import Source, finish_tables, table_path
from graph.tastes_foldin import vectors_after_load
from loaders.catalog import CatalogFile, CatalogReport, add_catalogs
from loaders.feedback import FeedbackReport, add_feedback
from loaders.feedback_rows import FeedbackFile, read_feedback
from loaders.imdb import KINDS, Choices, LoadError, LoadReport, imdb_tables
from loaders.own import drop_unoffered, keep_own, own_content, taken
from loaders.texts import TextsFile, TextsReport, add_texts, read_texts

ASIDE = "reelgraph-load-"
"""How the folder of a load's temporary files begins."""
_BULK = [name for name in (*NODES, *RELATIONSHIPS) if not is_live(name)]


@dataclass(frozen=True)
class Loaded:
    """What a load did: the version it made, rows by table, and a report on each thing that was loaded."""

    version: str
    counts: dict[str, int]
    imdb: LoadReport | None
    catalogs: Sequence[CatalogReport]
    feedback: Sequence[FeedbackReport] = ()
    texts: TextsReport | None = None

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data, for JSON."""
        return {
            "version": self.version,
            "counts": self.counts,
            "imdb": asdict(self.imdb) if self.imdb else None,
            "catalogs": [asdict(catalog) for catalog in self.catalogs],
            "feedback": [asdict(file) for file in self.feedback],
            "texts": asdict(self.texts) if self.texts else None,
        }


def load_sample(store: GraphStore, *, viewers: bool = False) -> Loaded:
    """Load the sample that comes with the project: some 260 titles, typed in by hand, and two small catalogs.

    viewers: also six invented viewers and what they watched.
    """
    with as_file(files("loaders") / "sample") as sample:
        catalogs = [CatalogFile(sample / f"catalog-{slug}.csv", slug, slug.capitalize()) for slug in ("north", "south")]
        feedback = [sample / "viewers.csv"] if viewers else []
        choices = Choices(kinds=frozenset(KINDS))
        return load(store, imdb=sample, catalogs=catalogs, feedback=feedback, choices=choices)


def load(
    store: GraphStore,
    *,
    imdb: Path | str | None = None,
    catalogs: Sequence[CatalogFile] = (),
    feedback: Sequence[Path] = (),
    texts: Path | None = None,
    choices: Choices | None = None,
    engine: str = "polars",
    master: str | None = None,
    scratch: Path | None = None,
    check: Callable[[Path], None] | None = None,
    progress: Progress | None = None,
    load_tables: Callable[..., str] | None = None,
) -> Loaded:
    """Load IMDb's files, catalogs, feedback and texts, or some of these, into a store.

    Without IMDb's files the others are matched to the titles that the store holds. With them the graph is made anew;
    catalogs that the store holds already, their own titles, texts and all feedback stay. engine and master: what runs
    the transforms of IMDb's files, and where. scratch: where temporary files lie. check: is given the folder of the
    graph tables that IMDb's files made, with own titles, before anything is written; what it raises ends the load.
    load_tables: in place of the store's own. Raises LoadError, EngineFailed, CatalogError or StoreError; then the
    store is as it was.
    """
    report: Progress = progress or (lambda _what, _share: None)
    # The first of these loads parts of numpy from within Polars, which panics when it is interrupted right there.
    pl.Series([0]).to_numpy()
    info = store.info()
    if imdb is None and not info.counts["Title"]:
        raise LoadError(f"{store.url} holds no titles that anything could be matched to; name IMDb's files as well")
    with _room(scratch), tempfile.TemporaryDirectory(prefix=ASIDE, dir=scratch) as aside:
        staging, folder = Path(aside), Path(aside) / "tables"
        # What users write themselves comes first: a fault in it shows before the graph is made.
        heard, told = _read(feedback, texts, staging, report)
        made, sources = None, [Source(**source) for source in info.details.get("sources", ())]
        if imdb is not None:
            share = _part(report, 0.0, 0.45)
            made = imdb_tables(imdb, folder, choices or Choices(), engine=engine, master=master, progress=share)
            sources = made.sources
            keep_own(store, folder)
            if check is not None:
                check(folder)
        elif catalogs or told:
            export_parquet(store, folder, _part(report, 0.0, 0.45), _BULK)
        report("matching", 0.45)
        before, slugs = own_content(folder), [catalog.slug for catalog in catalogs]
        held = {row["id"]: row for row in store.get_nodes("Catalog", slugs).to_pylist()}
        matched = add_catalogs(folder, catalogs, taken(store, slugs), held) if catalogs else []
        drop_unoffered(store, folder, slugs)
        same = imdb is None and _same(before, own_content(folder))
        about, new = add_texts(folder, told) if told else (None, False)
        rated = add_feedback(folder, heard, store, slugs, staging) if heard else []
        report("checking", 0.48)
        if same and not new:
            folder = _only_live(folder, staging / "live")
        read = [*(file.path for file in catalogs), *(file.path for file in heard), *([told.path] if told else [])]
        tables = finish_tables(folder, [*sources, *map(Source.of, read)])
        version = (load_tables or store.load_tables)(tables, _part(report, 0.5, 0.5), vectors_after_load)
        return Loaded(version, tables.manifest.counts, made, matched, rated, about)


def _read(
    feedback: Sequence[Path], texts: Path | None, staging: Path, report: Progress
) -> tuple[list[FeedbackFile], TextsFile | None]:
    files = []
    for number, path in enumerate(feedback):
        report(f"reading {path.name}", 0.0)
        files.append(read_feedback(path, staging / f"feedback-{number}.parquet"))
    return files, read_texts(texts, staging / "texts.parquet") if texts else None


@contextlib.contextmanager
def _room(scratch: Path | None) -> Iterator[None]:
    """Say which disk is full when it is that of the temporary files."""
    try:
        yield
    except (OSError, pl.exceptions.PolarsError, pa.ArrowException) as error:
        full = getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        if full or any(mark in str(error) for mark in ("os error 28", "os error 27", "No space left")):
            way_out = "set TMPDIR to a larger one" if scratch is None else "free some space there"
            place = scratch or tempfile.gettempdir()
            raise StoreFull(f"the disk that holds {place} is too small for temporary files; {way_out}") from error
        raise


def _part(report: Progress, start: float, share: float) -> Progress:
    return lambda what, done: report(what, start + share * done)


def _same(before: dict[str, tuple[int, pl.DataFrame]], after: dict[str, tuple[int, pl.DataFrame]]) -> bool:
    if before.keys() != after.keys():
        return False
    return all(after[name][0] == count and after[name][1].equals(rows) for name, (count, rows) in before.items())


def _only_live(folder: Path, target: Path) -> Path:
    """The live tables of a folder in one of their own: the graph itself need not be made again."""
    target.mkdir()
    for name in filter(is_live, (*NODES, *RELATIONSHIPS)):
        if table_path(folder, name).exists():
            new = table_path(target, name)
            new.parent.mkdir(parents=True, exist_ok=True)
            table_path(folder, name).rename(new)
    return target
