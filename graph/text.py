"""The index of titles' names: finds those that a typed text may mean.

The index only gathers candidates, whichever way the text may be meant: the exact name, a name with a typo, some of
its words, its beginning, a similar spelling. `graph.match` ranks them. A folder holds it, immutable once built:

    FOLDER/names.arrow   one row a name, grouped by normalised name; in a group non-adult names first, then by votes
    FOLDER/index/        tantivy: one document a distinct normalised name, which points at its rows
"""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.compute
import tantivy
from tantivy import Occur, Query

from graph.names import UNSPACED, UNSPACED_WORD, name_key, name_keys, normalise, normalised
from graph.store import Progress, StoreDamaged, StoreError, TextHit
from graph.tables import GraphTables

FORMAT = b"1"
_LOCK = ".tantivy-meta.lock"
QUERY_LENGTH = 200  # characters of a query that are looked at; the rest is no name
QUERY_WORDS = 16
GRAMS_FOR = 200_000  # trigrams only for the best known names: a text that badly misspelt means one of those
SHORT_STARTS = 500  # how many names are kept for a beginning of one to three letters
ROWS_A_NAME = 5  # titles taken of one name, unless the text is exactly that name


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


class TitleIndex:
    """An opened index of names. Reading never writes to it, so any number of processes may have it open."""

    def __init__(self, names: pa.Table, schema: tantivy.Schema, searcher: tantivy.Searcher) -> None:
        self._names, self._schema, self._searcher = names, schema, searcher

    @classmethod
    def build(cls, folder: Path, names: Iterator[pl.DataFrame], progress: Progress | None = None) -> None:
        """Index names in a folder that has no index yet. StoreError when it fails.

        names: frames with the columns of `title_names`; `name` may be left out.
        """
        tell = progress or (lambda _what, _share: None)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            tell("normalising names", 0.0)
            rows = [
                frame if "name" in frame.columns else frame.with_columns(name=normalised(pl.col("text")))
                for frame in names
            ]
            table = pl.concat(rows) if rows else pl.DataFrame(schema=_NAME_COLUMNS)
            table = table.filter(pl.col("name") != "").sort(
                "name", "adult", "votes", descending=[False, False, True], maintain_order=True
            )
            tell("grouping names", 0.2)
            groups = _groups(table)
            _write_names(folder / "names.arrow", table.drop("name"))
            del rows, table
            _write_index(folder / "index", groups, tell)
            # Tantivy keeps some files to their owner; whoever may read the names may read the index.
            mode = (folder / "names.arrow").stat().st_mode
            for file in (folder / "index").iterdir():
                file.chmod(mode)
            tell("indexing names", 1.0)
        except (ValueError, pa.ArrowException, pl.exceptions.PolarsError) as error:
            raise StoreError(f"the title index in {folder} could not be built: {error}") from error

    @classmethod
    def open(cls, folder: Path) -> TitleIndex:
        """Open an index that was built; StoreDamaged when a file of it is missing or not readable."""
        try:
            with pa.memory_map(str(folder / "names.arrow")) as file:
                names = pa.ipc.open_file(file).read_all()
            if (names.schema.metadata or {}).get(b"format") != FORMAT:
                raise ValueError("it was built by another version")
            return cls(names, *_open_index(folder / "index"))
        except (OSError, ValueError, pa.ArrowException) as error:
            raise StoreDamaged(f"the title index in {folder} does not open: {error}; load the tables again") from None

    def close(self) -> None:
        """Let go of the files."""
        del self._searcher, self._names

    def search(self, query: str, limit: int, *, prefix: bool = False, adult: bool = False) -> list[TextHit]:
        """Names that may be meant by a text, the likeliest way of meaning it first; at most `limit`.

        prefix: take the text as the beginning of a name, as while typing; best known first. The text is never
        parsed: any characters and any length will do.
        """
        name = normalise(query[:QUERY_LENGTH])
        words = name.split(" ")[:QUERY_WORDS]
        key = name_key(" ".join(words))
        if not key or limit <= 0:
            return []
        found = _Found(self._searcher, self._schema, limit, adult)
        if prefix:
            self._beginning(found, words, key)
        else:
            self._whole(found, words, key)
        return self._hits(found.rows[:limit])

    def _whole(self, found: _Found, words: list[str], key: str) -> None:
        schema = self._schema
        named = found.add(Query.term_query(schema, "key", key), limit=20, rows=found.limit)
        if not named and len(key) > 3:
            named = found.add(Query.fuzzy_term_query(schema, "key", key, 1), limit=20)
        all_words = found.add(self._words(words), limit=40, weighed=True)
        if named:
            return
        if not all_words and len(key) > 7:  # the dearest query by far: ten times an exact one
            found.add(Query.fuzzy_term_query(schema, "key", key, 2), limit=20)
        some = self._some_words(words)
        if some is not None and all_words < 20:
            found.add(some, limit=30, weighed=True)
        if len(key) > 4:
            found.add(self._similar(key), limit=20, weighed=True)

    def _beginning(self, found: _Found, words: list[str], key: str) -> None:
        schema = self._schema
        if len(key) <= 3:
            found.add(Query.term_query(schema, "starts", key), limit=30)
            return
        joined = "".join(words)
        for start in dict.fromkeys((joined, key)):
            found.add(Query.fuzzy_term_query(schema, "key", start, 0, prefix=True), limit=30)
        last = words[-1]
        if len(last) > 2 and not UNSPACED_WORD.search(last):
            begun = Query.fuzzy_term_query(schema, "words", last, 0, prefix=True)
            found.add(Query.boolean_query([*self._each(words[:-1]), (Occur.Must, begun)]), limit=30)
        elif len(words) > 1:
            found.add(self._words(words[:-1]), limit=30, weighed=True)
        else:
            found.add(self._words(words), limit=30, weighed=True)

    def _words(self, words: list[str]) -> Query:
        """Names with all the words, each with a typo at most; words spelt exactly count for more."""
        exact = [(Occur.Should, Query.const_score_query(self._term(word), 0.5)) for word in words]
        return Query.boolean_query([*self._each(words), *exact])

    def _each(self, words: list[str]) -> list[tuple[Occur, Query]]:
        return [(Occur.Must, self._word(word)) for word in words]

    def _word(self, word: str, distance: int = 1) -> Query:
        if UNSPACED_WORD.search(word) or len(word) < 4:
            return Query.const_score_query(self._term(word), 1.0)
        return Query.fuzzy_term_query(self._schema, "words", word, distance)

    def _term(self, word: str) -> Query:
        if not UNSPACED_WORD.search(word):
            return Query.term_query(self._schema, "words", word)
        pairs = [word[at : at + 2] for at in range(len(word) - 1)] or [word]
        return Query.boolean_query([(Occur.Must, Query.term_query(self._schema, "pairs", pair)) for pair in pairs])

    def _some_words(self, words: list[str]) -> Query | None:
        """Names with most of the words, long ones with two typos; frequent words are left out where others remain."""
        unspaced = [word for word in words if UNSPACED_WORD.search(word)]
        pairs = [word[at : at + 2] for word in unspaced for at in range(len(word) - 1)]
        clauses = [(Occur.Should, Query.term_query(self._schema, "pairs", pair)) for pair in pairs]
        often = self._searcher.num_docs / 20
        spaced = [word for word in words if word not in unspaced]
        rare = [word for word in spaced if self._searcher.doc_freq("words", word) <= often] or spaced
        clauses += [(Occur.Should, self._word(word, 2 if len(word) > 7 else 1)) for word in rare]
        needed = math.ceil(0.6 * len(clauses)) if len(clauses) > 2 else 1
        return Query.boolean_query(clauses, minimum_number_should_match=needed) if clauses else None

    def _similar(self, key: str) -> Query:
        grams = dict.fromkeys(key[at : at + 3] for at in range(len(key) - 2))
        return Query.boolean_query([(Occur.Should, Query.term_query(self._schema, "grams", gram)) for gram in grams])

    def _hits(self, rows: list[int]) -> list[TextHit]:
        columns = self._names.take(pa.array(rows, pa.int64())).to_pydict() if rows else {}
        return [
            TextHit("Title", id_, text, type_, votes, year, kind, region, language)
            for id_, text, type_, votes, year, kind, region, language in zip(
                *(columns.get(name, ()) for name in _HIT_COLUMNS), strict=True
            )
        ]


class _Found:
    """Rows gathered by several queries, each row once, in the order in which they were found."""

    def __init__(self, searcher: tantivy.Searcher, schema: tantivy.Schema, limit: int, adult: bool) -> None:
        self.rows: list[int] = []
        self.limit = limit
        self._searcher = searcher
        self._groups: set[int] = set()
        self._count = "rows" if adult else "clean"
        self._hidden = None if adult else Query.term_query(schema, "only", "adult")

    def add(self, query: Query, *, limit: int, rows: int = ROWS_A_NAME, weighed: bool = False) -> int:
        """Add the best known names that the query finds, of each the best known titles; returns how many names."""
        if self._hidden is not None:
            query = Query.boolean_query([(Occur.Must, query), (Occur.MustNot, self._hidden)])
        by = ("known", None) if weighed else (None, "votes")
        result = self._searcher.search(query, limit, count=False, weight_by_field=by[0], order_by_field=by[1])
        addresses = [address for _, address in result.hits]
        starts: Sequence[Any] = self._searcher.fast_field_values("row", addresses)
        counts: Sequence[Any] = self._searcher.fast_field_values(self._count, addresses)
        for start, count in zip(starts, counts, strict=True):
            if start not in self._groups:
                self._groups.add(start)
                self.rows.extend(range(start, start + min(count, rows)))
        return len(addresses)


_NAME_COLUMNS: dict[str, Any] = (
    dict.fromkeys(("id", "text", "type", "region", "language", "kind", "name"), pl.String)
    | dict.fromkeys(("votes", "year"), pl.Int64)
    | {"adult": pl.Boolean}
)
_HIT_COLUMNS = ("id", "text", "type", "votes", "year", "kind", "region", "language")


def _groups(table: pl.DataFrame) -> pl.DataFrame:
    """One row a distinct normalised name, the best known first: what the index holds of it."""
    groups = (
        table.with_row_index("row")
        .group_by("name")
        .agg(pl.col("row").min(), pl.col("votes").first(), rows=pl.len(), clean=(~pl.col("adult")).sum())
        .sort("votes", "row", descending=[True, False])
        .with_columns(
            key=name_keys(pl.col("name")),
            known=1.0 + (pl.col("votes") + 1).log(10),
            only=pl.when(pl.col("clean") == 0).then(pl.lit("adult")).otherwise(pl.lit("")),
        )
    )
    starts = [
        pl.when(pl.int_range(pl.len()).over(pl.col("key").str.slice(0, size), "only") < SHORT_STARTS)
        .then(pl.col("key").str.slice(0, size))
        .otherwise(pl.lit(""))
        for size in (1, 2, 3)
    ]
    return groups.with_row_index("place").select(
        pl.col("row", "rows", "clean", "votes").cast(pl.UInt64),
        "known",
        "only",
        "key",
        starts=pl.concat_str(starts, separator=" "),
        words=pl.when(~pl.col("name").str.contains(UNSPACED)).then("name").otherwise(pl.lit("")),
        pairs=pl.when(pl.col("name").str.contains(UNSPACED)).then("name").otherwise(pl.lit("")),
        grams=pl.when(pl.col("place") < GRAMS_FOR).then("key").otherwise(pl.lit("")),
    )


def _open_index(folder: Path) -> tuple[tantivy.Schema, tantivy.Searcher]:
    """Tantivy opens nothing without a lock file that it may write; where it may not, links stand in for the folder."""
    if not os.access(folder / _LOCK, os.W_OK):
        with tempfile.TemporaryDirectory(prefix="reelgraph-") as links:
            for file in folder.iterdir():
                if file.suffix != ".lock":
                    (Path(links) / file.name).symlink_to(file.resolve())
            (Path(links) / _LOCK).touch()
            return _open_index(Path(links))  # the searcher keeps all files mapped
    index = tantivy.Index.open(str(folder))
    index.config_reader(reload_policy="manual")
    return index.schema, index.searcher()


def _write_names(path: Path, table: pl.DataFrame) -> None:
    compact = table.with_columns(pl.col("type", "region", "language", "kind").cast(pl.Categorical))
    arrow = compact.to_arrow().combine_chunks().replace_schema_metadata({b"format": FORMAT})
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
    writer = index.writer(heap_size=1_000_000_000, num_threads=2)
    done = 0
    for part in groups.iter_slices(100_000):
        # One JSON text a document crosses into tantivy three times faster than a Document object.
        for document in part.select(pl.struct(pl.all()).struct.json_encode()).to_series():
            writer.add_json(document)
        done += len(part)
        tell("indexing names", 0.3 + 0.6 * done / len(groups))
    tell("writing the index", 0.9)
    writer.commit()
    writer.wait_merging_threads()


_TOKENIZERS = {"key": "raw", "starts": "spaces", "words": "spaces", "pairs": "pairs", "grams": "threes", "only": "raw"}
