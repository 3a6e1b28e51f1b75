"""IMDb's rows → the graph's, one step for each part of the graph. Joins build on ids alone."""

from __future__ import annotations

from collections import Counter

import narwhals as nw

from graph.schema import arrow_schema
from loaders.cells import (
    PEOPLE_YEARS,
    faults,
    first_true,
    flag,
    integer,
    is_json_list,
    json_list,
    no_string,
    number,
    rating,
    words,
    year,
)
from loaders.engines import LINE, Frame
from loaders.imdb_files import CATEGORIES, CREW, IDS
from loaders.imdb_run import NO_ID, Run, kept, no_credit, pairs, plain, why_not


def load_titles(run: Run) -> None:
    """Titles with their ratings, and genres; leaves the intermediate file `titles`, every id and whether it is kept."""
    rows = run.firsts("title.basics", run.scan("title.basics"), ["tconst_number"])
    if "title.ratings" in run.files:
        ratings = run.firsts("title.ratings", run.scan("title.ratings"), ["tconst_number"])
        rows = run.look_up(rows, ratings.drop(LINE, "tconst"), "tconst_number")
    else:
        rows = rows.with_columns(averageRating=no_string(), numVotes=no_string())
    values = {name: integer(name) for name in ("runtimeMinutes", "numVotes")}
    values |= {name: year(name) for name in ("startYear", "endYear")}
    values |= {"isAdult": flag("isAdult"), "averageRating": rating("averageRating")}
    rows = rows.select(
        nw.col("tconst").alias("id"),
        nw.col("tconst_number").alias("number"),
        nw.col("titleType").alias("kind"),
        nw.col("primaryTitle").alias("title"),
        nw.col("originalTitle").alias("original_title"),
        values["startYear"].alias("start_year"),
        values["endYear"].alias("end_year"),
        values["runtimeMinutes"].alias("runtime_minutes"),
        values["isAdult"].alias("is_adult"),
        values["averageRating"].alias("average_rating"),
        values["numVotes"].alias("num_votes"),
        no_string().alias("poster_url"),
        no_string().alias("text"),
        "genres",
        **faults(**values),
    ).with_columns(reason=first_true(_why_not_title(run)))
    rows = run.judged("title.basics", rows)
    run.keep("titles", rows.filter(~nw.col("number").is_null()).select("number", kept=nw.col("reason").is_null()))
    run.write("Title", kept(rows))
    run.write("IN_GENRE", pairs(rows, "id", "genres", "genre").select(plain("id", "genre")))
    run.write("Genre", run.table("IN_GENRE").select(nw.col("tail").alias("id")).unique().sort("id"))
    run.report("title.basics")
    if "title.ratings" in run.files:
        ratings = run.look_up(ratings, run.known_titles("tconst_number"), "tconst_number")
        run.tally("title.ratings", ratings.with_columns(reason=first_true(why_not("tconst_number"))))
        run.report("title.ratings")


def _why_not_title(run: Run) -> list[tuple[nw.Expr, str]]:
    kinds = run.choices.kinds
    other = ~nw.col("kind").is_in(sorted(kinds)) if kinds is not None else nw.col("kind") == "tvEpisode"
    reasons = [
        (nw.col("number").is_null(), NO_ID),
        (other.fill_null(kinds is not None), "kind of title not chosen"),
    ]
    if not run.choices.adult:
        reasons.append((nw.col("is_adult"), "adult title"))
    if run.choices.min_votes:
        few = nw.col("num_votes").fill_null(0) < run.choices.min_votes
        reasons.append((few, f"fewer than {run.choices.min_votes} votes"))
    return reasons


def load_credits(run: Run) -> None:
    """Principals and crew; leaves the intermediate file `credited`, the people who have a credit in a kept title."""
    names = run.firsts("name.basics", run.scan("name.basics"), ["nconst_number"])
    people = names.filter(~nw.col("nconst_number").is_null()).select("nconst_number", known=nw.lit(True))
    made: dict[str, list[Frame]] = {type_: [] for type_ in run.choices.credits}
    if "title.crew" in run.files:
        for type_, rows in _crew(run, people).items():
            made[type_].append(rows)
    if "title.principals" in run.files:
        for type_, rows in _principals(run, people).items():
            made[type_].append(rows)
    for type_, both in made.items():
        if both:
            run.write(type_, nw.concat([_columns_of(type_, rows) for rows in both]))
    credited = [rows.select("nconst_number") for both in made.values() for rows in both]
    if credited:
        run.keep("credited", nw.concat(credited).unique().with_columns(credited=nw.lit(True)))


def _principals(run: Run, people: Frame) -> dict[str, Frame]:
    """The relationships that principals make, by type, judged; `characters` as they stand."""
    rows = run.scan("title.principals").with_columns(type=_type())
    keys = ["tconst_number", "nconst_number", "ordering", "type"]
    rows = run.firsts("title.principals", rows, keys, apart=["tconst_number", "ordering"])
    rows = run.look_up(rows, run.known_titles("tconst_number"), "tconst_number")
    rows = run.look_up(rows, people, "nconst_number")
    ordering = integer("ordering")
    reasons = [
        (nw.col("nconst_number").is_null(), NO_ID),
        *why_not("tconst_number"),
        (nw.col("type").is_null(), "unknown category"),
        (~nw.col("type").is_in(list(run.choices.credits)), "credit not chosen"),
        (ordering.is_null(), "no ordering"),
        (nw.col("known").is_null(), "unknown person"),
    ]
    listed = nw.when(is_json_list("characters") | (nw.col("characters") == "[]")).then(nw.lit(True))
    rows = rows.select(
        nw.col("nconst").alias("head"),
        nw.col("tconst").alias("tail"),
        nw.col("ordering").alias("key"),
        ordering.alias("ordering"),
        "category",
        "job",
        "characters",
        "type",
        "nconst_number",
        first_true(reasons).alias("reason"),
        **faults(characters=listed),
    )
    run.judged("title.principals", rows, by="type")
    run.report("title.principals")
    return {type_: kept(run.part("title.principals-judged", "type", type_)) for type_ in run.choices.credits}


def _columns_of(type_: str, rows: Frame) -> Frame:
    # Characters are read only now: that costs most, and most credits have none.
    names = arrow_schema(type_).names
    return rows.select([json_list(name).alias(name) if name == "characters" else nw.col(name) for name in names])


def _crew(run: Run, people: Frame) -> dict[str, Frame]:
    """What the crew file adds to the principals, by type: a pair that they have in that type is not added again."""
    rows = run.firsts("title.crew", run.scan("title.crew"), ["tconst_number"])
    rows = run.look_up(rows, run.known_titles("tconst_number"), "tconst_number")
    rows = rows.with_columns(reason=first_true(why_not("tconst_number")))
    run.tally("title.crew", rows)
    columns = {type_: column for type_, column in CREW.items() if type_ in run.choices.credits}
    repaired: Counter[str] = Counter()
    judged = []
    # A title names about three people there.
    for turn, part in enumerate(run.parts("tconst_number", 3 * run.files["title.crew"].rows)):
        named = [
            pairs(rows.filter(part), "tconst", column, "nconst", "tconst_number").with_columns(type=nw.lit(type_))
            for type_, column in columns.items()
        ]
        found = nw.concat(named).with_columns(nconst_number=number("nconst", IDS["nconst"]))
        found = _mark_principals(run, run.look_up(found, people, "nconst_number"), part)
        reasons = [
            (nw.col("known").is_null(), "unknown person"),
            (~nw.col("there").is_null(), "already among the principals"),
        ]
        found = found.with_columns(reason=first_true(reasons))
        found = found.select("tconst", "nconst", "nconst_number", "type", "reason")
        judged.append(run.judged(f"title.crew-{turn}", found))
        repaired.update(run.counted(f"title.crew-{turn}"))
    run.report("title.crew", repaired)
    new = kept(nw.concat(judged)).select(*plain("nconst", "tconst"), *no_credit(), "type", "nconst_number")
    return {type_: new.filter(nw.col("type") == type_) for type_ in columns}


def _mark_principals(run: Run, found: Frame, part: nw.Expr) -> Frame:
    """Mark, in the column `there`, the pairs that principals have in that type."""
    if "title.principals" not in run.files:
        return found.with_columns(there=nw.lit(None, nw.Boolean()))
    categories = [category for type_ in CREW for category in CATEGORIES[type_]]
    there = run.scan("title.principals").filter(nw.col("category").is_in(categories) & part)
    there = there.select("tconst_number", "nconst_number", type=_type()).unique().with_columns(there=nw.lit(True))
    return run.look_up(found, there, "tconst_number", "nconst_number", "type")


def _type() -> nw.Expr:
    # Not `replace_strict`, for which polars holds the whole file in memory.
    return first_true([(nw.col("category").is_in(list(names)), type_) for type_, names in CATEGORIES.items()])


def load_people(run: Run) -> None:
    """Those who are credited in a kept title, and which of the kept titles they are known for."""
    rows = run.firsts("name.basics", run.scan("name.basics"), ["nconst_number"])
    rows = run.look_up(rows, run.scan("credited"), "nconst_number")
    birth_year, death_year = year("birthYear", PEOPLE_YEARS), year("deathYear", PEOPLE_YEARS)
    reasons = [(nw.col("nconst_number").is_null(), NO_ID), (nw.col("credited").is_null(), "no credit in a kept title")]
    rows = rows.select(
        nw.col("nconst").alias("id"),
        nw.col("primaryName").alias("name"),
        birth_year.alias("birth_year"),
        death_year.alias("death_year"),
        words("primaryProfession").alias("professions"),
        "knownForTitles",
        first_true(reasons).alias("reason"),
        **faults(birthYear=birth_year, deathYear=death_year),
    )
    rows = run.judged("name.basics", rows)
    run.write("Person", kept(rows))
    known_for = pairs(rows, "id", "knownForTitles", "title").with_columns(title_number=number("title", IDS["tconst"]))
    known_for = run.look_up(known_for, run.known_titles("title_number"), "title_number")
    known_for = known_for.with_columns(reason=first_true(why_not("title_number", "knownForTitles: ")))
    known_for = run.judged("KNOWN_FOR", known_for.select("id", "title", "reason"))
    run.write("KNOWN_FOR", kept(known_for).select(plain("id", "title")))
    run.report("name.basics", run.counted("KNOWN_FOR"))


def load_alternates(run: Run) -> None:
    """Alternate titles of kept titles."""
    rows = run.firsts("title.akas", run.scan("title.akas"), ["titleId_number", "ordering"])
    rows = run.look_up(rows, run.known_titles("titleId_number"), "titleId_number")
    reasons = [
        *why_not("titleId_number"),
        (integer("ordering").is_null(), "no ordering"),
        (nw.col("title").is_null(), "no title"),
    ]
    rows = rows.select(
        nw.concat_str(nw.col("titleId"), nw.lit(":"), nw.col("ordering")).alias("id"),
        "titleId",
        "title",
        "region",
        "language",
        words("types").alias("types"),
        first_true(reasons).alias("reason"),
    )
    rows = run.judged("title.akas", rows)
    run.write("AlternateTitle", kept(rows))
    run.write("ALSO_KNOWN_AS", kept(rows).select(plain("titleId", "id")))
    run.report("title.akas")


def load_episodes(run: Run) -> None:
    """Which title is an episode of which, where both are kept."""
    rows = run.firsts("title.episode", run.scan("title.episode"), ["tconst_number", "parentTconst_number"])
    rows = run.look_up(rows, run.known_titles("tconst_number"), "tconst_number")
    rows = run.look_up(rows, run.known_titles("parentTconst_number", "parent_kept"), "parentTconst_number")
    season, episode = integer("seasonNumber"), integer("episodeNumber")
    rows = rows.select(
        *plain("tconst", "parentTconst"),
        season.alias("season"),
        episode.alias("episode"),
        first_true(why_not("tconst_number") + why_not("parentTconst_number", kept="parent_kept")).alias("reason"),
        **faults(seasonNumber=season, episodeNumber=episode),
    )
    rows = run.judged("title.episode", rows)
    run.write("EPISODE_OF", kept(rows))
    run.report("title.episode")
