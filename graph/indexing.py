"""Building the index of the names of titles and people; `graph.text` reads it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import tantivy

from graph.names import UNSPACED, name_keys, normalised
from graph.schema import CREDITS
from graph.store import Progress, StoreError
from graph.tables import GraphTables
from graph.text import FORMAT

GRAMS_FOR = 200_000  # trigrams only for the best known names: a text that badly misspelt means one of those
PERSON_FAME = 0.1  # a person is as well known as a title with a tenth of the votes of all that they made
SHORT_STARTS = 500  # how many names are kept for a beginning of one to three letters

_NAME_COLUMNS: dict[str, Any] = (
    dict.fromkeys(("label", "id", "text", "type", "region", "language", "kind", "name"), pl.String)
    | dict.fromkeys(("votes", "year"), pl.Int64)
    | {"adult": pl.Boolean}
)


def title_names(tables: GraphTables) -> Iterator[pl.DataFrame]:
    """The names by which titles can be found, from graph tables: primary, original and alternate ones.

    Columns: id, text, type, region, language, votes, year, kind, adult, and name: the normalised text. Of a title's
    names that are equal when normalised only the first is given, in that order of types.
    """
    if "Title" not in tables.names:
        return
    about = {
        "votes": pl.col("num_votes").fill_null(0),
        "year": pl.col("start_year"),
        "kind": pl.col("kind"),
        "adult": pl.col("is_adult").fill_null(False),
    }
    titles = pl.scan_parquet(tables.path("Title")).select("id", "title", "original_title", **about).collect()
    nowhere = {"region": pl.lit(None, pl.String), "language": pl.lit(None, pl.String)}

    def named(frame: pl.DataFrame, type_: str) -> pl.DataFrame:
        return frame.select("id", "text", pl.lit(type_).alias("type"), "region", "language", *about, "name")

    own = titles.filter(pl.col("title").is_not_null()).with_columns(text="title", **nowhere)
    own = own.with_columns(name=normalised(pl.col("text")))
    yield named(own, "primary")
    original = titles.filter(pl.col("original_title") != pl.col("title").fill_null(""))
    original = original.with_columns(text="original_title", name=normalised(pl.col("original_title")), **nowhere)
    original = original.join(own, on=["id", "name"], how="anti", maintain_order="left")
    yield named(original, "original")
    if "AlternateTitle" not in tables.names or "ALSO_KNOWN_AS" not in tables.names:
        return
    known = pl.concat([own.select("id", "name"), original.select("id", "name")])
    links = pl.scan_parquet(tables.path("ALSO_KNOWN_AS")).select(id="head", aka="tail")
    alternates = (
        pl.scan_parquet(tables.path("AlternateTitle"))
        .select("region", "language", aka="id", text="title")
        .filter(pl.col("text").is_not_null())
        .join(links, on="aka", maintain_order="left")
        .collect()
        .with_columns(name=normalised(pl.col("text")))
        .join(known, on=["id", "name"], how="anti", maintain_order="left")
        .unique(["id", "name"], keep="first", maintain_order=True)
    )
    yield named(alternates.join(titles, on="id", maintain_order="left"), "alternate")


def person_names(tables: GraphTables) -> Iterator[pl.DataFrame]:
    """The names of the people of graph tables, with the same columns and a `label`.

    votes: PERSON_FAME of the votes of the titles that they are credited in. adult: all of these are.
    """
    if "Person" not in tables.names:
        return
    people = pl.scan_parquet(tables.path("Person")).select("id", text="name").filter(pl.col("text").is_not_null())
    of = {"votes": pl.lit(0, pl.Int64), "adult": pl.lit(False)}
    made_by = [pl.scan_parquet(tables.path(name)).select("head", "tail") for name in CREDITS if name in tables.names]
    if made_by and "Title" in tables.names:
        titles = pl.scan_parquet(tables.path("Title")).select(
            tail="id", votes=pl.col("num_votes").fill_null(0), adult=pl.col("is_adult").fill_null(False)
        )
        # Whoever has two credits in a title counts for it twice: that is little beside the sum.
        made = (
            pl.concat(made_by)
            .join(titles, on="tail")
            .group_by("head")
            .agg(pl.col("votes").sum(), pl.col("adult").all())
        )
        people = people.join(made, left_on="id", right_on="head", how="left")
        of = {
            "votes": (PERSON_FAME * pl.col("votes").fill_null(0)).cast(pl.Int64),
            "adult": pl.col("adult").fill_null(False),
        }
    nothing = pl.lit(None, pl.String)
    columns = {"type": pl.lit("primary"), "region": nothing, "language": nothing, "year": pl.lit(None, pl.Int64)}
    named = people.select("id", "text", **columns, **of, kind=pl.lit("person"), label=pl.lit("Person"))
    yield named.collect().with_columns(name=normalised(pl.col("text")))


def index_names(folder: Path, names: Iterator[pl.DataFrame], progress: Progress | None = None) -> None:
    """Index names in a folder that has no index yet. StoreError when it fails.

    names: frames with the columns of `title_names`; `name` may be left out, and so may `label`: Title.
    """
    tell = progress or (lambda _what, _share: None)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        tell("normalising names", 0.0)
        rows = [_complete(frame) for frame in names]
        table = pl.concat(rows) if rows else pl.DataFrame(schema=_NAME_COLUMNS)
        table = table.filter(pl.col("name") != "").sort(
            "name", "label", "adult", "votes", descending=[False, False, False, True], maintain_order=True
        )
        tell("grouping names", 0.2)
        groups = _groups(table)
        _write_names(folder / "names.arrow", table.drop("name"), groups.filter(pl.col("person") == "").height)
        del rows, table
        _write_index(folder / "index", groups, tell)
        # Tantivy keeps some files to their owner; whoever may read the names may read the index.
        mode = (folder / "names.arrow").stat().st_mode
        for file in (folder / "index").iterdir():
            file.chmod(mode)
        tell("indexing names", 1.0)
    except (ValueError, pa.ArrowException, pl.exceptions.PolarsError) as error:
        raise StoreError(f"the title index in {folder} could not be built: {error}") from error


def _complete(frame: pl.DataFrame) -> pl.DataFrame:
    if "name" not in frame.columns:
        frame = frame.with_columns(name=normalised(pl.col("text")))
    return (frame if "label" in frame.columns else frame.with_columns(label=pl.lit("Title"))).select(*_NAME_COLUMNS)


def _groups(table: pl.DataFrame) -> pl.DataFrame:
    """One row a distinct normalised name, of titles and of people, the best known first: what the index holds of it."""
    grouped = (
        table.with_row_index("row")
        .group_by("name", "label")
        .agg(pl.col("row").min(), pl.col("votes").first(), rows=pl.len(), clean=(~pl.col("adult")).sum())
        .sort("votes", "row", descending=[True, False])
        .with_columns(
            key=name_keys(pl.col("name")),
            known=1.0 + (pl.col("votes") + 1).log(10),
            only=pl.when(pl.col("clean") == 0).then(pl.lit("adult")).otherwise(pl.lit("")),
        )
    )
    groups, people = (grouped.filter(pl.col("label") == label) for label in ("Title", "Person"))
    starts = [
        pl.when(pl.int_range(pl.len()).over(pl.col("key").str.slice(0, size), "only") < SHORT_STARTS)
        .then(pl.col("key").str.slice(0, size))
        .otherwise(pl.lit(""))
        for size in (1, 2, 3)
    ]
    numbers = (pl.col("row", "rows", "clean", "votes").cast(pl.UInt64), pl.col("known"), pl.col("only"))
    titles = groups.with_row_index("place").select(
        *numbers,
        "key",
        starts=pl.concat_str(starts, separator=" "),
        words=pl.when(~pl.col("name").str.contains(UNSPACED)).then("name").otherwise(pl.lit("")),
        pairs=pl.when(pl.col("name").str.contains(UNSPACED)).then("name").otherwise(pl.lit("")),
        grams=pl.when(pl.col("place") < GRAMS_FOR).then("key").otherwise(pl.lit("")),
    )
    named = people.select(*numbers, person="key", person_words="name")
    return pl.concat([titles, named], how="diagonal").with_columns(pl.col(*_TOKENIZERS).fill_null(""))


def _write_names(path: Path, table: pl.DataFrame, titles: int) -> None:
    compact = table.with_columns(pl.col("label", "type", "region", "language", "kind").cast(pl.Categorical))
    arrow = (
        compact.to_arrow()
        .combine_chunks()
        .replace_schema_metadata({b"format": FORMAT, b"titles": str(titles).encode()})
    )
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, arrow.schema) as writer:
        writer.write_table(arrow)


def _write_index(folder: Path, groups: pl.DataFrame, tell: Progress) -> None:
    schema = tantivy.SchemaBuilder()
    for field, tokenizer in _TOKENIZERS.items():
        schema.add_text_field(field, tokenizer_name=tokenizer, index_option="basic")
    for field in ("row", "rows", "clean", "votes"):
        schema.add_unsigned_field(field, fast=True)
    schema.add_float_field("known", fast=True)
    folder.mkdir()
    index = tantivy.Index(schema.build(), str(folder))
    index.register_tokenizer("spaces", tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build())
    index.register_tokenizer("pairs", tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.ngram(1, 2)).build())
    index.register_tokenizer("threes", tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.ngram(3, 3)).build())
    # One thread makes one segment, which is searched a quarter faster than two; vectors are made meanwhile.
    writer = index.writer(heap_size=1_000_000_000, num_threads=1)
    done = 0
    for part in groups.iter_slices(100_000):
        # One JSON text a document crosses into tantivy three times faster than a Document object. Titles come first,
        # then people, so most parts have fields that none of them fills.
        filled = [name for name in part.columns if name not in _TOKENIZERS or (part[name] != "").any()]
        for document in part.select(pl.struct(filled).struct.json_encode()).to_series():
            writer.add_json(document)
        done += len(part)
        tell("indexing names", 0.3 + 0.6 * done / len(groups))
    tell("writing the index", 0.9)
    writer.commit()
    writer.wait_merging_threads()


_TOKENIZERS = {"key": "raw", "starts": "spaces", "words": "spaces", "pairs": "pairs", "grams": "threes", "only": "raw"}
_TOKENIZERS |= {"person": "raw", "person_words": "spaces"}
