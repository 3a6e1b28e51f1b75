"""Which title of the graph is each item of a catalog? Names, years, kinds and people decide; doubt goes to a review.

An item and a title are compared when one of their names is the same once case, accents, punctuation, articles and
the spelling of numerals are gone. What they share then gives the confidence, 0 to 1:

    match            what agrees                                                                  confidence
    tconst, review   the catalog or a reviewer names the title                                          1
    title+year       the best known or original name, and the year                                    .98
    alternate+year   a name in another country, or the item's name in parentheses, and the year   .94–.96
    title+people     the name and a person; the year is unknown, or two or three years away       .90–.93
    title+year±1     the name, and the year but for one                                               .91
    title            a long name (12 letters), no year / a short one, no year                     .86, .78
    title            the year is two or three away; more: another work, unless a person is shared   .60, .75
    alternate+year   only what one name has on one side of a colon or dash is the other name      .54–.58
    fuzzy+year       a long name but for a letter or two (95 of 100), the year, no other number       .87
    fuzzy+year       a similar name (from 82 of 100), the year but for one                        .40–.75

`alternate` in place of `title`: .02 less for a name of the title from elsewhere, .02 for the item's second name; a
name that agrees only without articles, spaces or the spelling of numerals: .07. A shared person lifts the confidence
to .95 at least where the years agree within one; people on both sides and none shared: .10 less. A kind close to the
one asked for (a TV film for a film): .01; another one (a series for a film), or an episode or a game when the item
does not say that it is one: .20. Several titles that fit nearly equally well: the one with more votes, for .04 to .25
less. From `SURE` on a match counts, from `SUGGEST` on it is a suggestion for a person to review.
"""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from rapidfuzz import fuzz, process

from graph.names import name_keys, normalised
from graph.schema import CREDITS
from graph.tables import table_path
from loaders.table_files import imdb_id


class CatalogError(Exception):
    """A catalog or its review cannot be used: the file and row, the cause and the way out."""


SURE: Final = 0.85
SUGGEST: Final = 0.30
RUNNERS_UP: Final = 3
_FUZZY_FROM, _FUZZY_SURE, _LONG = 82, 95, 12
_DOMINANT = 5  # times as many credits as the next person of that name

ITEM_SCHEMA: Final = pl.Schema(
    {
        "item_id": pl.String(),
        "tconst": pl.String(),
        "title": pl.String(),
        "year": pl.Int64(),
        "kind": pl.String(),
        "genres": pl.List(pl.String()),
        "people": pl.List(pl.String()),
        "regions": pl.List(pl.String()),
        "available_from": pl.Date(),
        "available_until": pl.Date(),
        "poster_url": pl.String(),
        "pinned": pl.Int64(),
        "boost": pl.Float64(),
    }
)
"""The columns of a catalog once it is read; `people` are `role:Name` or a name."""

_SUGGESTION = pl.Struct({"id": pl.String, "title": pl.String, "year": pl.Int64, "confidence": pl.Float64})

KIND_GROUPS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("movie", "tvMovie", "short", "tvShort", "video", "tvSpecial"), "film"),
    **dict.fromkeys(("tvSeries", "tvMiniSeries"), "series"),
    **dict.fromkeys(("tvEpisode", "tvPilot"), "episode"),
    **dict.fromkeys(("videoGame", "musicVideo"), "other"),
}
"""IMDb's kinds, and which of them a catalog may take for one another."""

_YEAR = re.compile(r"\s*\((\d{4})(?:\s*[-–—]\s*(?:\d{4})?)?\)\s*$")
_PARENTHESES = re.compile(r"\s*\(([^()]*)\)\s*$")
_MOVED_ARTICLE = re.compile(
    r"^(.*\S),\s+(the|an?|le|la|les|l'|un|une|das|der|die|ein|eine|el|los|las|una|il|lo|gli|i|o|os|as|uma|um|de|het|een"
    r"|den|det|en|ett)$",
    re.IGNORECASE,
)
_KNOWN_AS = re.compile(r"^a\.?k\.?a\.?:?\s+", re.IGNORECASE)


def split_title(text: str) -> tuple[str, int | None, list[str]]:
    """`Matrix, The (1999)` → (`The Matrix`, 1999, []); names in parentheses come third, the articles in front."""
    year = None
    if found := _YEAR.search(text):
        text, year = text[: found.start()], int(found[1])
    others: list[str] = []
    while (found := _PARENTHESES.search(text)) and found.start():
        text = text[: found.start()]
        others[:0] = [_article_first(_KNOWN_AS.sub("", found[1].strip()))]
    return _article_first(text.strip()), year, [name for name in others if name]


def match_items(items: pl.DataFrame, folder: Path, decisions: Mapping[str, str] | None = None) -> pl.DataFrame:
    """Match items to the titles in a folder of graph tables (no manifest needed; alternate names and credits may lack).

    items: `item_id` and any other columns of `ITEM_SCHEMA`, one row an item. decisions: item id → tconst, `own` or
    `skip`, as `read_review` gives them; a tconst that the graph lacks counts as undecided.
    Returns the items' columns and `title_id` (null when none fits), `match`, `confidence`, `status` (sure, unsure,
    none, own, skip), `runners_up` (ids) and `suggestions` (structs id, title, year, confidence; best first).
    """
    items = _complete(items)
    rows = items.with_row_index("row").with_columns(_item_years(items))
    pairs = _score(_candidates(_item_names(rows), folder), rows, folder)
    named = _named(rows, folder, decisions or {})
    if near := _fuzzy(_unsettled(rows.join(named, on="row", how="anti"), pairs), folder):
        pairs = pl.concat([pairs, _score(pl.DataFrame(near, schema=_PAIR, orient="row"), rows, folder)])
        pairs = pairs.sort("score", descending=True).unique(["row", "id"], keep="first", maintain_order=True)
    best = rows.select("row").join(_best(pairs), on="row", how="left")
    best = best.join(named, on="row", how="left", suffix="_named")
    is_named = pl.col("match_named").is_not_null()
    best = best.with_columns(
        pl.when(is_named).then(f"{column}_named").otherwise(column).alias(column)
        for column in ("title_id", "match", "confidence")
    )
    status = (
        pl.when(pl.col("decision").is_in(["own", "skip"])).then("decision")
        .when(pl.col("title_id").is_null()).then(pl.lit("none"))
        .when(pl.col("confidence") >= SURE).then(pl.lit("sure"))
        .otherwise(pl.lit("unsure"))
    )  # fmt: skip
    return (
        rows.join(best, on="row", how="left", maintain_order="left")
        .with_columns(status=status, confidence=pl.col("confidence").fill_null(0.0))
        .with_columns(pl.col("runners_up", "suggestions").fill_null([]))
        .select(*items.columns, "title_id", "match", "confidence", "status", "runners_up", "suggestions")
    )


def write_review(path: Path, matched: pl.DataFrame, decisions: Mapping[str, str] | None = None) -> int:
    """Write the unsure items of `match_items` for a person to decide; returns how many. Decisions made stay in it.

    CSV that spreadsheets open (UTF-8 with a mark): item_id, title, year, `decision` to fill in (a suggested tconst or
    any other, `own`: IMDb does not have it, `skip`: leave it out), then each suggestion and what it is.
    """
    made = decisions or {}
    header = ["item_id", "title", "year", "decision"]
    header += [name for n in range(1, RUNNERS_UP + 2) for name in (f"suggested_{n}", f"about_{n}")]
    unsure = 0
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(header)
    listed = (pl.col("status") == "unsure") | pl.col("item_id").is_in(list(made))
    for row in matched.filter(listed).iter_rows(named=True):
        unsure += row["status"] == "unsure"
        cells = [row["item_id"], row["title"], row["year"], made.get(row["item_id"], "")]
        for hit in row["suggestions"]:
            cells += [hit["id"], f"{hit['title']} ({hit['year'] or '?'}), {hit['confidence']:.2f}"]
        writer.writerow(cells)
    writer.writerows([item_id, "", "", made[item_id]] for item_id in made.keys() - set(matched["item_id"]))
    partial = path.with_name(path.name + ".part")
    try:
        partial.write_text(text.getvalue(), "utf-8-sig", newline="")
        partial.replace(path)
    except OSError as error:
        raise CatalogError(f"{path} cannot be written: {error}; name another file for the review") from None
    return unsure


def read_review(path: Path) -> dict[str, str]:
    """The decisions in a review file: item id → tconst, `own` or `skip`. CatalogError names what cannot be read."""
    try:
        # Only ids and decisions are read back; a spreadsheet that saved the titles in another encoding does no harm.
        text = path.read_text("utf-8-sig", errors="replace")
    except OSError as error:
        raise CatalogError(f"{path} cannot be read: {error}") from None
    header = text.partition("\n")[0]
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=header.count))
    if not {"item_id", "decision"} <= set(reader.fieldnames or ()):
        raise CatalogError(f"{path} has no columns item_id and decision; keep the header as it was written")
    decisions = {}
    for row in reader:
        given = (row["decision"] or "").strip()
        if not given:
            continue
        decision = given.lower() if given.lower() in {"own", "skip"} else imdb_id(given)
        if decision is None:
            raise CatalogError(
                f"{path}, row {reader.line_num}: decision {given!r} is neither an IMDb id (tt0114709) nor own nor skip"
            )
        decisions[(row["item_id"] or "").strip()] = decision
    return decisions


def decisions_about(items: pl.DataFrame, path: Path) -> tuple[dict[str, str], dict[str, str]]:
    """The decisions of a review file (none while it does not exist), apart from those about items that are gone."""
    # A spreadsheet takes 007 for a number and saves 7.
    bare: dict[str, list[str]] = defaultdict(list)
    ids = set(items["item_id"])
    for item_id in ids:
        bare[item_id.lstrip("0")].append(item_id)
    decisions, gone = {}, {}
    for item_id, decision in (read_review(path) if path.exists() else {}).items():
        meant = [item_id] if item_id in ids else bare.get(item_id, [])
        if len(meant) == 1:
            decisions[meant[0]] = decision
        else:
            gone[item_id] = decision
    return decisions, gone


def people_named(names: pl.Series, folder: Path) -> dict[str, str]:
    """Normalised name → the person meant: the only one so named, or the one with most credits by far; else absent."""
    people = _scan(folder, "Person")
    if people is None:
        return {}
    # What an earlier load made of catalogs is left out, or a second load would differ from the first.
    people = people.select(person="id", name=normalised(pl.col("name"))).filter(pl.col("name") != "")
    people = people.filter(pl.col("person").str.starts_with("person:").not_())
    namesakes = people.join(pl.LazyFrame({"name": names.unique()}), on="name", how="semi").collect(engine="streaming")
    doubtful = namesakes.filter(pl.col("name").is_duplicated()).lazy().select("person")
    counts = [pl.LazyFrame(schema={"person": pl.String})]
    for type_ in CREDITS:
        if (scan := _scan(folder, type_)) is not None:
            heads = scan.filter(pl.col("tail").str.starts_with("item:").not_()).select(person="head")
            counts.append(heads.join(doubtful, on="person", how="semi"))
    credits_ = pl.concat(counts).group_by("person").len("credits").collect(engine="streaming")
    ranked = namesakes.join(credits_, on="person", how="left").with_columns(pl.col("credits").fill_null(0))
    ranked = ranked.sort("credits", "person", descending=[True, False])
    best = ranked.group_by("name").agg(
        pl.col("person").first(),
        first=pl.col("credits").first(),
        second=pl.col("credits").get(1, null_on_oob=True),
    )
    clear = pl.col("second").is_null() | (pl.col("first") >= _DOMINANT * pl.col("second").clip(1))
    return dict(best.filter(clear).select("name", "person").iter_rows())


def _article_first(name: str) -> str:
    found = _MOVED_ARTICLE.match(name)
    if not found:
        return name
    return f"{found[2]}{'' if found[2].endswith(chr(39)) else ' '}{found[1]}"


def _complete(items: pl.DataFrame) -> pl.DataFrame:
    missing = [pl.lit(None, dtype).alias(name) for name, dtype in ITEM_SCHEMA.items() if name not in items.columns]
    return items.with_columns(missing).cast({name: ITEM_SCHEMA[name] for name in ITEM_SCHEMA})


def _item_years(items: pl.DataFrame) -> pl.Series:
    """The year of each item: its own, else the one in its title."""
    years = [y if y is not None else split_title(t or "")[1] for t, y in items.select("title", "year").iter_rows()]
    return pl.Series("year_matched", years, pl.Int64)


def _item_names(rows: pl.DataFrame) -> pl.DataFrame:
    """Every name under which an item may be known: row, key, loose, second (its second name), part (see `_keyed`)."""
    names: list[tuple[int, str, bool]] = []
    for row, title in rows.select("row", "title").iter_rows():
        main, _, others = split_title(title or "")
        names.append((row, main, False))
        if others:
            # the parentheses may be part of the name
            names.append((row, f"{main} {' '.join(others)}", False))
            names += [(row, other, True) for other in others]
    frame = pl.DataFrame(names, schema={"row": pl.UInt32, "name": pl.String, "second": pl.Boolean}, orient="row")
    return pl.concat([_keyed(frame.lazy()), _keyed(frame.lazy(), parts=True)]).filter(pl.col("loose") != "").collect()


def _keyed(names: pl.LazyFrame, parts: bool = False) -> pl.LazyFrame:
    """Names → key and loose, by which they are joined; or what stands on either side of their colons and dashes."""
    if parts:
        split = pl.col("name").str.replace_all(r" [-–—] ", ": ").str.split(": ")
        names = names.filter(pl.col("name").str.contains(r": | [-–—] ")).with_columns(name=split)
        names = names.explode("name", empty_as_null=True).filter(pl.col("name").str.len_chars() >= 5)
    keyed = names.with_columns(key=normalised(pl.col("name"))).with_columns(loose=name_keys(pl.col("key")))
    return keyed.drop("name").with_columns(part=pl.lit(parts))


def _scan(folder: Path, name: str) -> pl.LazyFrame | None:
    path = table_path(folder, name)
    return pl.scan_parquet(path) if path.exists() else None


def _titles(folder: Path) -> pl.LazyFrame:
    # A catalog's own titles are no answer: matched to them, a second load would differ from the first.
    return pl.scan_parquet(table_path(folder, "Title")).filter(pl.col("id").str.starts_with("item:").not_())


_PAIR = pl.Schema({"row": pl.UInt32, "id": pl.String, "less": pl.Float64, "alternate": pl.Boolean, "ratio": pl.Float64})


def _candidates(names: pl.DataFrame, folder: Path) -> pl.DataFrame:
    """Pairs of an item and a title that share a name: the columns of `_PAIR`, one row a pair."""
    wanted = names.lazy().select("loose").unique()
    titles = _titles(folder)
    original = titles.filter(pl.col("original_title") != pl.col("title")).select("id", name="original_title")
    primary = titles.select("id", name="title")
    known = [
        keyed.join(wanted, on="loose", how="semi").with_columns(elsewhere=pl.lit(False))
        for keyed in (_keyed(primary), _keyed(original), _keyed(primary, parts=True))
    ]
    alternates, links = _scan(folder, "AlternateTitle"), _scan(folder, "ALSO_KNOWN_AS")
    if alternates is not None and links is not None:
        found = _keyed(alternates.select(tail="id", name="title")).join(wanted, on="loose", how="semi")
        found = found.join(links.select("tail", id="head"), on="tail").select("id", "key", "loose", "part")
        known.append(found.with_columns(elsewhere=pl.lit(True)))
    second, elsewhere, part = pl.col("second"), pl.col("elsewhere"), pl.col("part") | pl.col("part_right")
    return (
        names.lazy()
        .join(pl.concat(known, how="diagonal_relaxed"), on="loose")
        .filter((pl.col("part") & pl.col("part_right")).not_())
        .select(
            "row",
            "id",
            less=0.02 * second + 0.02 * elsewhere + 0.07 * (pl.col("key") != pl.col("key_right")) + 0.40 * part,
            alternate=second | elsewhere | part,
            ratio=pl.lit(None, pl.Float64),
        )
        .sort("less")
        .unique(["row", "id"], keep="first", maintain_order=True)
        .collect(engine="streaming")
        .cast(_PAIR)
    )


def _score(pairs: pl.DataFrame, rows: pl.DataFrame, folder: Path) -> pl.DataFrame:
    """Pairs and what else agrees: row, id, title, year, match, confidence, and score, which ranks an item's titles."""
    titles = _titles(folder).select(
        "id", "title", "start_year", "end_year", found_kind="kind", votes=pl.col("num_votes").fill_null(0)
    )
    titles = titles.join(pl.LazyFrame({"id": pairs["id"].unique()}), on="id", how="semi")
    wanted = rows.select(
        "row", "kind", year="year_matched", long=name_keys(normalised(pl.col("title"))).str.len_chars() >= _LONG
    )
    facts = pairs.join(titles.collect(engine="streaming"), on="id").join(wanted, on="row")
    facts = facts.with_columns(shared=_shared_people(facts, rows, folder), gap=_gap(), off=_kind_off())
    by_name = pl.when(pl.col("alternate")).then(pl.lit("alternate")).otherwise(pl.lit("title"))
    name = pl.when(pl.col("ratio").is_not_null()).then(pl.lit("fuzzy")).otherwise(by_name)
    gap, shared = pl.col("gap"), pl.col("shared").fill_null(False)
    agrees = pl.when(gap == 0).then(pl.lit("+year")).when(gap == 1).then(pl.lit("+year±1"))
    votes = 0.02 * (pl.col("votes") + 100).log(10)  # a few votes more say nothing
    return (
        facts.with_columns(confidence=(_base() - pl.col("less") - pl.col("off")).clip(0, 1))
        .with_columns(
            score=pl.col("confidence") + votes + 0.1 * shared,
            match=name + agrees.when(shared).then(pl.lit("+people")).otherwise(pl.lit("")),
        )
        .select("row", "id", "title", pl.col("start_year").alias("year"), "match", "confidence", "score")
    )


def _gap() -> pl.Expr:
    """Years between item and title; an item asked for as a series may carry the year of a later season."""
    year, start = pl.col("year"), pl.col("start_year")
    running = (pl.col("kind") == "tvSeries") & (year > start) & (year <= pl.col("end_year").fill_null(9999))
    return pl.when(running.fill_null(False)).then(1).otherwise((year - start).abs())


def _kind_off() -> pl.Expr:
    kind, found = pl.col("kind"), pl.col("found_kind")
    group, found_group = kind.replace_strict(KIND_GROUPS, default=None), found.replace_strict(KIND_GROUPS, default=None)
    stranger = pl.when(kind.is_null()).then(found_group.is_in(["episode", "other"])).otherwise(group != found_group)
    return pl.when(stranger).then(0.20).when(kind != found).then(0.01).otherwise(0.0)


def _base() -> pl.Expr:
    """The confidence before deductions, as the table at the top of this file has it."""
    gap, shared, ratio = pl.col("gap"), pl.col("shared"), pl.col("ratio")
    by_year = (
        pl.when(gap == 0).then(0.98).when(gap == 1).then(0.91)
        .when(gap <= 3).then(0.60).when(gap > 3).then(0.25)
        .when(pl.col("long")).then(0.86).otherwise(0.78)
    )  # fmt: skip
    twin = (ratio >= _FUZZY_SURE) & pl.col("long") & (gap == 0)
    near = pl.when(twin).then(0.87).otherwise(0.45 + (ratio - _FUZZY_FROM) / (100 - _FUZZY_FROM) * 0.30 - 0.05 * gap)
    base = pl.when(ratio.is_null()).then(by_year).otherwise(near)
    lifted = (
        pl.when((gap <= 1) & ratio.is_null()).then(pl.max_horizontal(base, pl.lit(0.95)))
        .when((gap <= 1) & (ratio >= 88)).then(0.90)
        .when(ratio.is_not_null()).then(base)
        .when(gap.is_null()).then(0.93)
        .when(gap <= 3).then(0.90)
        .otherwise(0.75)
    )  # fmt: skip
    return pl.when(shared).then(lifted).when(shared.not_()).then(base - 0.10).otherwise(base)


def _shared_people(pairs: pl.DataFrame, rows: pl.DataFrame, folder: Path) -> pl.Series:
    """For each pair whether a person is on both sides; null when either side names nobody."""
    named = rows.select("row", "people").explode("people", empty_as_null=True).drop_nulls()
    named = named.with_columns(name=normalised(pl.col("people").str.replace(r"^.*:", "")))
    asked = pairs.join(named, on="row", how="semi").select("id").unique().lazy()
    credits_ = [
        scan.select(person="head", id="tail").join(asked, on="id", how="semi")
        for type_ in CREDITS
        if (scan := _scan(folder, type_)) is not None
    ]
    people = _scan(folder, "Person")
    if people is None or not credits_ or named.is_empty():
        return pl.Series("shared", [None] * pairs.height, pl.Boolean)
    credited = pl.concat(credits_).unique().collect(engine="streaming")
    names = people.select(person="id", name=normalised(pl.col("name")))
    names = names.join(credited.lazy().select("person").unique(), on="person", how="semi")
    of_title = credited.join(names.collect(engine="streaming"), on="person").select("id", "name").unique()
    both = pairs.select("row", "id").join(named, on="row").join(of_title, on=["id", "name"], how="semi")
    known = pairs.select("row", "id").join(named, on="row", how="semi").join(of_title, on="id", how="semi")
    marks = known.unique().join(both.unique(["row", "id"]).select("row", "id", yes=True), on=["row", "id"], how="left")
    marks = marks.select("row", "id", shared=pl.col("yes").fill_null(False))
    return pairs.join(marks, on=["row", "id"], how="left", maintain_order="left")["shared"]


def _unsettled(rows: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """The items with a year and a name for which no shared name gave a fair candidate."""
    fair = pairs.filter(pl.col("confidence") >= 0.60)
    names = pl.col("title").map_elements(lambda text: split_title(text)[0], pl.String)
    asked = rows.join(fair, on="row", how="anti").filter(pl.col("year_matched").is_not_null(), pl.col("title") != "")
    return asked.select("row", "year_matched", "kind", key=normalised(names)).filter(pl.col("key") != "")


def _fuzzy(asked: pl.DataFrame, folder: Path) -> list[tuple[int, str, float, bool, float]]:
    """Titles of the same year but for one whose name is similar: rows of `_PAIR`, at most three an item."""
    if asked.is_empty():
        return []
    year = asked["year_matched"].unique()
    years = pl.LazyFrame({"start_year": pl.concat([year - 1, year, year + 1]).unique()})
    titles = _titles(folder).join(years, on="start_year", how="semi")
    if not (asked["kind"] == "tvEpisode").any():
        titles = titles.filter(pl.col("kind").ne_missing("tvEpisode"))
    known = (
        titles.select("id", "start_year", key=normalised(pl.col("title")))
        .collect(engine="streaming")
        .sort("start_year")
    )
    found = []
    for (year,), group in asked.group_by("year_matched"):
        near = known.filter(pl.col("start_year").is_between(pl.lit(year) - 1, pl.lit(year) + 1))
        choices = near["key"].to_list()
        for part in group.iter_slices(256):
            keys = part["key"].to_list()
            ratios = process.cdist(
                keys, choices, scorer=fuzz.ratio, score_cutoff=_FUZZY_FROM, dtype=np.uint8, workers=-1
            )
            for at, row in enumerate(part["row"]):
                near_ones = np.flatnonzero(ratios[at])
                for best in near_ones[np.argsort(-ratios[at, near_ones].astype(np.int16), kind="stable")][:RUNNERS_UP]:
                    ratio = float(ratios[at, best])
                    if re.findall(r"\d+", keys[at]) != re.findall(r"\d+", choices[best]):
                        ratio = min(ratio, 84.0)  # Rocky 2 is not Rocky 3
                    found.append((row, near["id"][int(best)], 0.0, False, ratio))
    return found


def _named(rows: pl.DataFrame, folder: Path, decisions: Mapping[str, str]) -> pl.DataFrame:
    """The items whose title somebody names, reviewer before catalog, and that need no matching."""
    decided = pl.col("item_id").replace_strict(dict(decisions), default=None, return_dtype=pl.String)
    asked = rows.select("row", "tconst", decision=decided).with_columns(
        title_id=pl.when(pl.col("decision").str.starts_with("tt")).then("decision").otherwise("tconst")
    )
    named = asked.filter(pl.col("decision").is_in(["own", "skip"]))
    there = _titles(folder).select("id")
    there = there.join(asked.lazy().select(id="title_id").unique(), on="id", how="semi")
    given = asked.join(named, on="row", how="anti").join(
        there.collect(engine="streaming"), left_on="title_id", right_on="id", how="semi"
    )
    how = pl.when(pl.col("decision").is_not_null()).then(pl.lit("review")).otherwise(pl.lit("tconst"))
    return pl.concat([named.with_columns(title_id=pl.lit(None, pl.String)), given]).select(
        "row", "decision", "title_id", match=how, confidence=pl.lit(1.0)
    )


def _best(pairs: pl.DataFrame) -> pl.DataFrame:
    """One row an item: its best title, less confident the closer the next one is, and the others as suggestions."""
    ranked = pairs.filter(pl.col("confidence") >= SUGGEST).sort("row", "score", "id", descending=[False, True, False])
    suggestion = pl.struct("id", "title", "year", "confidence").cast(_SUGGESTION)
    best = ranked.group_by("row", maintain_order=True).agg(
        pl.first("match", "confidence"),
        title_id=pl.first("id"),
        margin=pl.col("score").first() - pl.col("score").get(1, null_on_oob=True),
        runners_up=pl.col("id").slice(1, RUNNERS_UP),
        suggestions=suggestion.head(RUNNERS_UP + 1),
    )
    margin = pl.col("margin")
    less = pl.when(margin < 0.02).then(0.25).when(margin < 0.04).then(0.10).when(margin < 0.07).then(0.04).otherwise(0)
    return best.with_columns(confidence=(pl.col("confidence") - less).clip(0, 1).round(4)).drop("margin")
