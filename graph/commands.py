"""Commands that ask the graph: search, similar, recommend, explain, info, doctor, rollback."""

from __future__ import annotations

import importlib.util
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from graph.answers import Answer, Hit
from graph.explain import Evidence, explain
from graph.for_users import ForUsers
from graph.personal import Personal
from graph.recommend import Recommendation
from graph.refreshed import refreshed
from graph.rules import Rules
from graph.search import MAX_HITS, MAX_SUBSTITUTES, Searcher
from graph.store import WHOLE_GRAPH, StoreError, StoreNotFound
from graph.substitutability import POOR
from graph.substitutes import Substitute
from graph.terminal import (
    AdultOption,
    CatalogOption,
    DayOption,
    DiversityOption,
    JsonOption,
    RegionOption,
    StoreOption,
    StrategyOption,
    WeightOption,
    opened,
    out,
    preferences_of,
    print_json,
    refused_as,
    scope_of,
)

if TYPE_CHECKING:
    from graph.figures import Figures

_EXTRAS = {"neo4j": "neo4j", "gremlin": "gremlin_python", "spark": "pyspark", "train": "torch"}


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    for command in (search, similar, recommend, explain_, info, doctor, rollback):
        app.command(command.__name__.rstrip("_"))(command)


def search(
    text: Annotated[
        list[str], typer.Argument(help="A title, person, genre or keyword, as people type it, or an IMDb id.")
    ],
    hits: Annotated[int, typer.Option(min=1, max=MAX_HITS, help="How many meanings of the text to answer.")] = 1,
    substitutes: Annotated[int, typer.Option(min=0, max=MAX_SUBSTITUTES, help="Substitutes for each of them.")] = 5,
    catalog: CatalogOption = None,
    region: RegionOption = None,
    on: DayOption = None,
    adult: AdultOption = False,
    diversity: DiversityOption = 0.0,
    weight: WeightOption = None,
    strategy: StrategyOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find a title; say whether the catalog has it, and what it has instead. Or a person, genre or keyword: its titles.

    Example: reelgraph search toy story --catalog north --region US
    """
    scope, preferences = scope_of(catalog, region, on, adult), preferences_of(diversity, weight)
    with refused_as("--weight"), opened(store) as graph:
        answer = Searcher(graph).search(
            " ".join(text), scope, hits=hits, substitutes=substitutes, preferences=preferences, strategy=strategy
        )
        bare = not any(batch.num_rows for batch in graph.scan_nodes("Catalog", []))
    if as_json:
        print_json(answer.as_dict())
        return
    show_answer(answer)
    if bare:
        out.print(
            "\nNo catalog is loaded, so nothing can be offered: reelgraph load --catalog FILE, or ask the whole graph"
        )
        out.print("with: reelgraph similar ID --everything")


def similar(
    title_id: Annotated[str, typer.Argument(metavar="ID", help="A title's IMDb id, such as tt0114709.")],
    limit: Annotated[int, typer.Option(min=1, max=MAX_SUBSTITUTES, help="How many.")] = 10,
    catalog: CatalogOption = None,
    everything: Annotated[bool, typer.Option("--everything", help="From the whole graph, not a catalog.")] = False,
    region: RegionOption = None,
    on: DayOption = None,
    adult: AdultOption = False,
    diversity: DiversityOption = 0.0,
    weight: WeightOption = None,
    strategy: StrategyOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the titles most like another one, with reasons.

    Example: reelgraph similar tt0114709 --everything --strategy embedding
    """
    scope, preferences = (
        scope_of(WHOLE_GRAPH if everything else catalog, region, on, adult),
        preferences_of(diversity, weight),
    )
    with refused_as("--weight"), opened(store) as graph:
        found = Searcher(graph).alike(title_id, scope, limit, strategy=strategy, preferences=preferences)
    if as_json:
        print_json(found.as_dict())
    else:
        out.print(_substitutes(found.titles))


def recommend(
    title_ids: Annotated[
        list[str] | None, typer.Argument(metavar="ID…", help="IMDb ids of titles that somebody likes.")
    ] = None,
    user: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="For this user, or several together; instead of titles.")
    ] = None,
    watched: Annotated[bool, typer.Option("--watched", help="Of a user: watched titles may come again.")] = False,
    limit: Annotated[int, typer.Option("--limit", "--k", min=1, max=MAX_SUBSTITUTES, help="How many.")] = 10,
    catalog: CatalogOption = None,
    everything: Annotated[bool, typer.Option("--everything", help="From the whole graph, not a catalog.")] = False,
    region: RegionOption = None,
    on: DayOption = None,
    adult: AdultOption = False,
    diversity: DiversityOption = 0.0,
    weight: WeightOption = None,
    strategy: StrategyOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Recommend titles to a user, or to somebody who likes some others, 1 to 100 of them, with reasons.

    Example: reelgraph recommend tt0113277 tt0114709 --catalog north
    """
    if bool(user) == bool(title_ids):
        raise typer.BadParameter("name titles that somebody likes, or one with --user ID", param_hint="ID…")
    scope = scope_of(WHOLE_GRAPH if everything else catalog, region, on, adult)
    preferences = preferences_of(diversity, weight)
    with refused_as("ID…"), opened(store) as graph:
        searcher = Searcher(graph)
        found: Recommendation | Personal
        if user:
            found = ForUsers(graph, searcher).recommend(
                user, scope, limit, preferences=preferences, rules=Rules(watched=watched), strategy=strategy
            )
        else:
            found = searcher.recommend(title_ids or [], scope, limit, preferences=preferences, strategy=strategy)
    if as_json:
        print_json(found.as_dict())
    else:
        out.print(_substitutes(found.items))


def explain_(
    start: Annotated[str, typer.Argument(metavar="FROM", help="Id of a title or person.")],
    end: Annotated[str, typer.Argument(metavar="TO", help="Id of another one.")],
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many paths at most.")] = 10,
    adult: AdultOption = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show how two titles or people are connected: the most telling paths first."""
    with opened(store) as graph:
        found = explain(graph, start, end, limit=limit, adult=adult)
    if as_json:
        print_json({"from": start, "to": end, "evidence": [one.as_dict() for one in found]})
        return
    if not found:
        out.print(f"Nothing connects {start} and {end} within six steps.")
    for one in found:
        out.print(Text(f"{one.weight:.2f}  {one.text}"))
        out.print(Text("      " + " ".join(one.path), style="dim"))


def info(store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Say what the store holds: counts, degrees, genres, catalogs, versions, sizes."""
    from graph.figures import figures

    with opened(store) as graph:
        held = figures(graph)
    if as_json:
        print_json(held.as_dict())
    else:
        _show_figures(held)


def doctor(store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Check installation, settings and store.

    Exit code 1 when something is wrong; what is merely absent is not.
    """
    from graph.settings import GraphSettings

    settings = GraphSettings()
    url = store or settings.store
    checks: list[tuple[str, bool | None, str]] = [
        ("Python", sys.version_info >= (3, 11), platform.python_version()),
        ("reelgraph", True, version("reelgraph")),
    ]
    for extra, module in _EXTRAS.items():
        there = importlib.util.find_spec(module) is not None
        checks.append((f"extra {extra}", there or None, "installed" if there else f"pip install 'reelgraph[{extra}]'"))
    try:
        with opened(url) as graph:
            graph.ping()
            held = graph.info()
            checks.append(("store", True, f"{url}, version {held.version or 'none: nothing is loaded yet'}"))
            titles, offers = held.counts["Title"], held.counts["OFFERS"]
            checks.append(("titles", titles > 0 or None, f"{titles:,}; load some with: reelgraph load --imdb DIR"))
            checks.append(("offers", offers > 0 or None, f"{offers:,}; a catalog says what may be answered"))
            last = refreshed(graph)
            fresh = None if last is None else last.state in ("done", "running")
            checks.append(("refresh", fresh, str(last or "never yet; keep the graph fresh with: reelgraph refresh")))
    except StoreNotFound as error:
        checks.append(("store", None, str(error)))
    except StoreError as error:
        checks.append(("store", False, str(error)))
    fine = all(state is not False for _, state, _ in checks)
    if as_json:
        names = {True: "ok", None: "absent", False: "wrong"}
        listed = [{"check": name, "state": names[state], "detail": detail} for name, state, detail in checks]
        print_json({"ok": fine, "checks": listed, "settings": settings.model_dump(mode="json")})
    else:
        table = Table(box=None, show_header=False, pad_edge=False)
        for name, state, detail in checks:
            mark = {True: "[green]ok[/]", None: "[yellow]–[/]", False: "[red]wrong[/]"}[state]
            table.add_row(mark, name, Text(detail))
        out.print(table)
    if not fine:
        raise typer.Exit(1)


def rollback(
    to: Annotated[str | None, typer.Option(metavar="VERSION", help="This version; default: the one before.")] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Go back to the graph as it was before the last load or publish. Catalogs and feedback stay."""
    with opened(store) as graph:
        name = graph.rollback(to)
    if as_json:
        print_json({"version": name})
    else:
        out.print(f"The graph is at version {name} again.")


def show_answer(answer: Answer) -> None:
    """Print an answer for a person to read."""
    words = {
        "in_catalog": "In this catalog.",
        "out_of_catalog": "Not in this catalog. The closest it has:",
        "ambiguous": "This can mean several titles; name the year or one of these ids.",
        "unknown": "No title, person, genre or keyword of that name is known.",
    }
    first = answer.hits[0] if answer.hits else None
    line = words[answer.status]
    if first and first.match.label != "Title" and answer.status != "ambiguous":
        line = _line_of_titles(first)
    elif first and answer.status == "out_of_catalog" and first.in_catalog:
        line = "In this catalog, but not there on that day. The closest it has:"
    if first and answer.status == "out_of_catalog" and first.substitutes and _poor(first):
        line = line.replace("has:", "has, a poor match:")
    out.print(Text(line, style="bold"))
    for hit in answer.hits:
        out.print()
        out.print(_headline(hit))
        if hit.substitutes:
            out.print(_substitutes(hit.substitutes))
        elif answer.status == "out_of_catalog" and hit.match.label == "Title":
            out.print("  Nothing: no title is offered there on that day.")


def _poor(hit: Hit) -> bool:
    return hit.substitutability is not None and hit.substitutability < POOR


def _line_of_titles(hit: Hit) -> str:
    """What is answered to the name of a person, genre or keyword."""
    if hit.available:
        return f"A {hit.match.kind}; in this catalog:"
    there = "are not there on that day" if hit.in_catalog else "are not in this catalog"
    if not hit.nearest:
        return f"A {hit.match.kind}, whose titles {there}."
    names = ", ".join(near.name for near in hit.nearest[:5])
    return f"A {hit.match.kind}, whose titles {there}. The nearest who have some there: {names}."


def _headline(hit: Hit) -> Text:
    match = hit.match
    what = match.kind if match.label != "Title" else f"{match.year or 'year unknown'}, {match.kind}"
    text = Text.assemble((hit.title, "bold"), f" ({what}) ")
    how = "" if match.type == "primary" else f", {match.type} title “{match.text}”"
    good = "" if hit.substitutability is None else f", substitutability {hit.substitutability:.2f}"
    text.append(f"{match.id}, confidence {match.confidence:.2f}{how}{good}", style="dim")
    return text


def _substitutes(found: Any) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("score", justify="right")
    table.add_column("title", max_width=40)
    table.add_column("year")
    table.add_column("id", style="dim")
    table.add_column("because")
    for one in found:
        table.add_row(*_cells(one))
    return table


def _cells(one: Substitute) -> tuple[str, Text, str, str, Text]:
    return f"{one.score:.2f}", Text(one.title), str(one.start_year or ""), one.id, Text(_because(one.evidence))


def _because(evidence: Sequence[Evidence]) -> str:
    """Reasons in one line; those that end alike ("…, like Toy Story") share their end."""
    said: dict[str, list[str]] = {}
    for reason in evidence:
        head, comma, tail = reason.text.partition(", like ")
        said.setdefault(comma + tail, []).append(head)
    parts = [", ".join(heads) + tail if tail else "; ".join(heads) for tail, heads in said.items()]
    return "; ".join(parts) or "nothing in the graph joins them"


def _show_figures(held: Figures) -> None:
    info_ = held.info
    size = f", {info_.size_bytes / 1e6:,.1f} MB" if info_.size_bytes else ""
    out.print(Text(f"{info_.url}: version {info_.version or 'none'}{size}"), soft_wrap=True)
    if len(info_.versions) > 1:
        out.print(f"kept for a rollback: {', '.join(v for v in info_.versions if v != info_.version)}")
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("what", "count", "mean degree", "largest degree"):
        table.add_column(column, justify="left" if column == "what" else "right")
    for name, count in info_.counts.items():
        mean, largest = held.degrees.get(name, (None, None))
        if count:
            table.add_row(name, f"{count:,}", f"{mean:,.1f}" if mean else "", f"{largest:,}" if largest else "")
    out.print(table)
    for name, made in info_.embeddings.items():
        older = "" if made.graph_hash == info_.graph_hash else ", trained on an earlier graph"
        out.print(Text(f"vectors {name}: {made.dimension} numbers by {made.model}, run {made.run}, {made.made}{older}"))
    if held.genres:
        out.print("genres: " + ", ".join(f"{name} {count:,}" for name, count in held.genres))
    if held.catalogs:
        out.print("catalogs: " + ", ".join(f"{name} {count:,}" for name, count in held.catalogs))
