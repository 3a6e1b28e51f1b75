"""The command `predict`: what a title or person probably lacks, and where a graph looks wrong."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from graph.terminal import JsonOption, StoreOption, opened, out, print_json

_RUNS = Path("runs")


def predict(
    id_: Annotated[str | None, typer.Argument(metavar="[ID]", help="A title's or person's IMDb id.")] = None,
    relation: Annotated[
        str | None, typer.Option(metavar="TYPE", help="IN_GENRE, DIRECTED, ACTED_IN, EPISODE_OF, …")
    ] = None,
    audit: Annotated[
        bool, typer.Option("--audit", help="The whole graph instead: suspicious absences and doubtful edges.")
    ] = False,
    titles: Annotated[int, typer.Option(min=0, help="--audit: the best-known titles, this many; 0: all.")] = 2000,
    run: Annotated[
        str | None, typer.Option(metavar="RUN", help="A run's name or folder. Default: the published one.")
    ] = None,
    runs: Annotated[Path, typer.Option("--runs", metavar="DIR", help="Where the run folders are.")] = _RUNS,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 10,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Predict missing genres, credits or series of a title, or missing titles of a person.

    Known ones are left out. Example: reelgraph predict tt0114709 --relation IN_GENRE
    """
    if audit == (id_ is not None) or (id_ is not None and relation is None):
        raise typer.BadParameter("give an id and --relation, or --audit alone (with --relation: that one only)")
    from gnn.predict import Predictor, default_run
    from gnn.runs import open_run

    with opened(store) as graph:
        named = None if run is None else Path(run) if (Path(run) / "run.json").exists() else runs / run
        predictor = Predictor(default_run(runs, graph) if named is None else open_run(named), graph)
        if id_ is None:
            _audit(predictor, limit, [relation] if relation else None, titles, as_json)
            return
        found = predictor.predict(id_, relation or "", limit)
    if as_json:
        listed = [one.as_dict() for one in found]
        print_json({"id": id_, "relation": relation, "run": predictor.run.name, "predictions": listed})
        return
    _table(("probability", "id", "name"), [(f"{one.probability:.3f}", one.id, one.name) for one in found])
    if not found:
        out.print("Nothing is left to predict: all that could be are there already.")


def _audit(predictor: object, limit: int, relations: list[str] | None, titles: int, as_json: bool) -> None:
    from gnn.doubts import audit_edges
    from gnn.predict import Predictor

    if not isinstance(predictor, Predictor):
        raise TypeError(f"{predictor!r} is no Predictor")
    found = audit_edges(predictor, limit, relations=relations, titles=titles)
    if as_json:
        print_json({"run": predictor.run.name, **found.as_dict()})
        return
    for heading, suspects in (
        ("Absent, and should perhaps be there", found.absences),
        ("There, and should perhaps not be", found.edges),
    ):
        out.print(Text(f"{heading} ({found.titles:,} titles looked at):", style="bold"))
        rows = [(f"{s.probability:.3g}", s.head_name, s.relation, s.tail_name, f"{s.head} {s.tail}") for s in suspects]
        _table(("probability", "head", "relation", "tail", "ids"), rows)


def _table(columns: Iterable[str], rows: Iterable[tuple[str, ...]]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in columns:
        table.add_column(column, justify="right" if column == "probability" else "left")
    for row in rows:
        table.add_row(*map(Text, row))
    out.print(table)
