"""Commands that bring data in: download, load."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from rich.table import Table
from rich.text import Text

from graph.foldin import VECTORS, WEIGHTS
from graph.store import GraphStore
from graph.terminal import JsonOption, StoreOption, err, opened, out, print_json, progress
from loaders.bulk import BulkOption, ParallelismOption, RoleOption, bulk_of, through
from loaders.download import IMDB_FILES, IMDB_URL, LICENCE_NOTICE, download
from loaders.options import (
    AlternatesOption,
    CatalogFilesOption,
    CreditsOption,
    FeedbackOption,
    KeepAdultOption,
    KindsOption,
    TextsOption,
    VotesOption,
    choices_of,
)

if TYPE_CHECKING:
    import pyarrow as pa

    from loaders.catalog import CatalogReport
    from loaders.feedback import FeedbackReport
    from loaders.load import Loaded
    from loaders.texts import TextsReport

_RUNS = Path("runs")


class Followed(Protocol):
    """What was done with new titles after a load: a line to print (`str`), and the same as plain data."""

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""


AfterLoad = Callable[[GraphStore, Path, Callable[[str, float], None]], Sequence[Followed]]
"""Gives new titles of a store the vectors that others carry. Takes the folder of the runs and what to tell progress.
What it cannot do it says in its answer."""


def register(app: typer.Typer, after_load: AfterLoad | None = None) -> None:
    """Add these commands to the command line. after_load: called when a load has made a new version of the graph."""
    app.command("download")(download_)
    app.command("load", context_settings={"obj": after_load})(load_)


def rated_in(path: Path, store: GraphStore) -> pa.Table:
    """Feedback of a file on titles of a store, without loading it; see loaders.feedback."""
    from loaders.feedback import rated_in as read

    return read(path, store)


def download_(
    folder: Annotated[Path, typer.Argument(help="Where the files go.")],
    url: Annotated[str, typer.Option(help="Where they are published.")] = IMDB_URL,
    as_json: JsonOption = False,
) -> None:
    """Fetch IMDb's published files, checked; only what has changed.

    Resumes where it was broken off. Shows IMDb's terms.
    """
    err.print(Text(LICENCE_NOTICE), soft_wrap=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=err, disable=not err.is_terminal) as bar:
        tasks = {name: bar.add_task(name, start=True, total=None) for name in IMDB_FILES}
        done = download(
            folder,
            base_url=url,
            progress=lambda name, have, whole: bar.update(tasks[name], completed=have, total=whole),
        )
    if as_json:
        print_json([{"file": str(one.path), "kept": one.kept, "bytes": one.size} for one in done])
        return
    for one in done:
        line = f"{'unchanged' if one.kept else 'fetched':10} {one.size:>15,} bytes  {one.path}"
        out.print(Text(line), soft_wrap=True)
    out.print(Text(f"Next: reelgraph load --imdb {folder}"), soft_wrap=True)


def load_(
    context: typer.Context,
    imdb: Annotated[
        str | None,
        typer.Option(
            metavar="DIR", help="Folder of IMDb's TSV files, gzipped or not; with Spark also s3://BUCKET/DIR."
        ),
    ] = None,
    catalog: CatalogFilesOption = None,
    feedback: FeedbackOption = None,
    texts: TextsOption = None,
    kinds: KindsOption = None,
    min_votes: VotesOption = 0,
    adult: KeepAdultOption = True,
    credits: CreditsOption = None,  # noqa: A002
    alternates: AlternatesOption = True,
    engine: Annotated[str, typer.Option(help="What reads IMDb's files: polars or spark.")] = "polars",
    master: Annotated[
        str | None, typer.Option(metavar="URL", help="Where Spark runs. Default: local[*], all cores of this machine.")
    ] = None,
    runs: Annotated[
        Path, typer.Option("--runs", metavar="DIR", help="Where the run folders are, for the vectors of new titles.")
    ] = _RUNS,
    bulk: BulkOption = None,
    iam_role: RoleOption = None,
    parallelism: ParallelismOption = "HIGH",
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Load IMDb's files, catalogs, feedback and texts into the graph.

    Makes a new version of the graph and swaps it in when it is complete; until then the old one answers. Without
    IMDb's files the rest is matched to the titles that the graph holds. Where titles carry published vectors, new
    titles are folded in, from the runs that the vectors come from.

    Example: reelgraph load --imdb imdb/ --catalog films.csv:north --min-votes 100
    """
    from loaders.catalog import CatalogFile
    from loaders.load import load

    if imdb is None and not (catalog or feedback or texts):
        raise typer.BadParameter(
            "name IMDb's files (--imdb DIR), a catalog (--catalog FILE), feedback (--feedback FILE) or texts "
            "(--texts FILE), or several of these"
        )
    if master is not None and engine != "spark":
        raise typer.BadParameter("--master says where Spark runs; add --engine spark")
    choices = choices_of(kinds, min_votes, adult, credits, alternates)
    files = [CatalogFile.of(text) for text in catalog or ()]
    with opened(store, create=True) as graph:
        before = graph.info().version
        put = bulk_of(graph, bulk, iam_role, parallelism)
        with progress("Loading") as report:
            loaded = load(
                graph,
                imdb=imdb,
                catalogs=files,
                feedback=feedback or (),
                texts=texts,
                choices=choices,
                engine=engine,
                master=master,
                progress=report,
                load_tables=through(graph, put),
            )
        job = put.done if put else None
        if not as_json:
            show_loaded(loaded)
            if job:
                out.print(Text(str(job)), soft_wrap=True)
        followed = _follow(context.obj, graph, runs) if loaded.version != before else ()
    if as_json:
        told = loaded.as_dict() | {"folded_in": [one.as_dict() for one in followed]}
        print_json(told | ({"bulk": asdict(job)} if job else {}))
        return
    for one in followed:
        out.print(Text(str(one)), soft_wrap=True)


def _follow(after_load: AfterLoad | None, graph: GraphStore, runs: Path) -> Sequence[Followed]:
    """Give new titles their vectors, where titles carry any."""
    if after_load is None or not graph.info().embeddings.keys() - {VECTORS, WEIGHTS}:
        return ()
    with progress("Folding in") as report:
        return after_load(graph, runs, report)


def show_loaded(loaded: Loaded) -> None:
    """Print what a load did, for a person to read."""
    if loaded.imdb:
        table = Table(box=None, pad_edge=False, header_style="dim")
        for column in ("file", "rows read", "kept", "left out"):
            table.add_column(column, justify="right" if column in ("rows read", "kept") else "left")
        for one in loaded.imdb.files:
            why = ", ".join(f"{count:,} {reason}" for reason, count in one.dropped.items() if count)
            table.add_row(one.file, f"{one.rows:,}", f"{one.kept:,}", Text(why))
        out.print(table)
        for one in loaded.imdb.files:
            for reason, count in one.repaired.items():
                out.print(Text(f"{one.file}: {count:,} mended: {reason}"))
        if loaded.imdb.missing:
            out.print(Text(f"not there: {', '.join(loaded.imdb.missing)}"))
    for catalog in loaded.catalogs:
        _show_catalog(catalog)
    for file in loaded.feedback:
        _show_feedback(file)
    if loaded.texts:
        _show_texts(loaded.texts)
    shown = ("Title", "Person", "AlternateTitle", "OFFERS", "RATED")
    counts = ", ".join(f"{loaded.counts[name]:,} {name}" for name in shown if loaded.counts.get(name))
    out.print(f"Version {loaded.version}: {counts or 'as it was'}")


def _show_catalog(report: CatalogReport) -> None:
    sure = sum(report.matched.values())
    ways = ", ".join(f"{count:,} by {way}" for way, count in report.matched.items())
    out.print(Text(f"Catalog {report.slug}: {report.items:,} items, {sure:,} matched ({ways})"))
    if report.own:
        out.print(f"  {report.own:,} own productions: titles of their own")
    if report.unsure:
        out.print(Text(f"  {report.unsure:,} unsure: decide in {report.review}, then load the catalog again"))
    if report.unknown_tconsts:
        out.print(f"  {report.unknown_tconsts:,} ids are not in the graph; matched by title where possible")


def _show_feedback(report: FeedbackReport) -> None:
    kept = f"{report.kept:,} kept, of {report.users:,} users on {report.titles:,} titles"
    out.print(Text(f"Feedback {report.file}: {report.rows:,} rows, {kept}"), soft_wrap=True)
    unknown = f"on {report.unknown_ids:,} titles that the graph lacks, such as {', '.join(report.examples)}"
    left = {
        unknown: report.unknown,
        "with an item id that stands for several titles: name its catalog in a column `catalog`": report.ambiguous,
        **report.malformed,
        "repeated: a later row counts": report.repeated,
        "older than what the graph has": report.outdated,
    }
    _show_counts(left, report.repaired)


def _show_texts(report: TextsReport) -> None:
    kept = f"{report.kept:,} kept: {report.texts:,} texts, {report.keywords:,} different keywords"
    out.print(Text(f"Texts {report.file}: {report.rows:,} rows, {kept}"), soft_wrap=True)
    unknown = f"on titles that the graph lacks, such as {', '.join(report.examples)}"
    _show_counts({unknown: report.unknown, **report.malformed, "repeated: a later row counts": report.repeated}, {})


def _show_counts(left: Mapping[str, int], mended: Mapping[str, int]) -> None:
    for what, counts in (("left out", left), ("mended", mended)):
        for reason, count in counts.items():
            if count:
                out.print(Text(f"  {count:,} {what}: {reason}"), soft_wrap=True)
