"""What titles are about, in words: a table of plots and keywords, by IMDb's id → Title.text, Keyword, HAS_KEYWORD.

A text replaces the one that a title has, a list of keywords the title's whole list; what a file leaves blank stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from graph.tables import table_path, write_table
from loaders.table_files import ROW, graph_ids, imdb_ids, reading, scan_table
from loaders.tsv import LoadError

HEADERS: Final[Mapping[str, tuple[str, ...]]] = {
    "tconst": ("imdb", "imdbid", "imdbtitleid", "titleid"),
    "text": ("plot", "overview", "synopsis", "description", "summary", "storyline"),
    "keywords": ("keyword", "plotkeywords", "tags"),
}
"""Other spellings of each column's name, compared as `columns_of` says."""

_EXAMPLES: Final = 5
_PAIR: Final = ["head", "tail"]


@dataclass(frozen=True)
class TextsReport:
    """What became of a file: rows == kept + unknown + repeated + sum(malformed.values()).

    texts: titles that have one in the rows kept. keywords: distinct ones there. unknown: rows on titles that the graph
    lacks, and examples some of them. repeated: a later row is about the same title.
    """

    file: str
    rows: int
    kept: int
    texts: int
    keywords: int
    unknown: int
    examples: Sequence[str]
    repeated: int
    malformed: Mapping[str, int]


@dataclass(frozen=True)
class TextsFile:
    """A file that was read: its well-formed rows in Parquet (row, id, text, keywords), and what was left out."""

    path: Path
    staged: Path
    rows: int
    malformed: Mapping[str, int]


def read_texts(path: Path, staged: Path) -> TextsFile:
    """Read a file into the Parquet file `staged`. Raises LoadError for what cannot be read."""
    rows = scan_table(path, HEADERS, (("tconst",), ("text", "keywords")))
    id_ = pl.coalesce(graph_ids(pl.col("tconst")), imdb_ids(pl.col("tconst")))
    bare = pl.all_horizontal(pl.col("text", "keywords").is_null())
    reason = (
        pl.when(id_.is_null())
        .then(pl.lit("no id as IMDb writes them"))
        .when(bare)
        .then(pl.lit("neither text nor keywords"))
    )
    with reading(path):
        judged = rows.select(ROW, id_.alias("id"), "text", keywords=_keywords(), reason=reason)
        judged.sink_parquet(staged, compression="lz4", statistics=False)
    found = pl.scan_parquet(staged).group_by("reason").len().sort("reason").collect(engine="streaming")
    counts = dict(found.iter_rows())
    good = counts.pop(None, 0)
    return TextsFile(path, staged, good + sum(counts.values()), counts)


def _keywords() -> pl.Expr:
    """A list by `|` or `;`, in lower case, with single spaces."""
    plain = pl.col("keywords").str.normalize("NFC").str.to_lowercase().str.replace_all(r"\s+", " ")
    return plain.str.replace_all(" ?[|;] ?", "|").str.split("|").list.eval(pl.element().filter(pl.element() != ""))


def add_texts(folder: Path, file: TextsFile) -> tuple[TextsReport, bool]:
    """Write a file's texts and keywords into a folder of graph tables, before its manifest is made.

    Returns the report, and whether anything in the tables has changed. Raises LoadError when no row is about a title
    of the graph.
    """
    titles = pl.scan_parquet(table_path(folder, "Title"))
    rows = pl.scan_parquet(file.staged).filter(pl.col("reason").is_null()).drop("reason")
    known = rows.join(titles.select("id"), on="id", how="semi")
    last = known.group_by("id").agg(pl.col(ROW).max())
    kept = known.join(last, on=["id", ROW], how="semi").collect(engine="streaming").sort("id")
    strange = rows.join(titles.select("id"), on="id", how="anti").select("id").collect(engine="streaming")["id"]
    if kept.is_empty():
        given = f", such as {', '.join(strange.head(_EXAMPLES))}" if len(strange) else ""
        raise LoadError(
            f"{file.path}: none of its {file.rows:,} rows is about a title that the graph holds{given}; load IMDb's "
            "files first or with it, and give each row the tconst"
        )
    words = kept.select(head="id", tail="keywords").explode("tail").drop_nulls().unique(maintain_order=True)
    changed = [_put_texts(folder, kept.select("id", "text").drop_nulls()), _put_keywords(folder, words)]
    report = TextsReport(
        file=str(file.path),
        rows=file.rows,
        kept=kept.height,
        texts=kept.height - kept["text"].null_count(),
        keywords=words["tail"].n_unique(),
        unknown=len(strange),
        examples=strange.unique(maintain_order=True).head(_EXAMPLES).to_list(),
        repeated=file.rows - sum(file.malformed.values()) - len(strange) - kept.height,
        malformed=file.malformed,
    )
    return report, any(changed)


def _put_texts(folder: Path, texts: pl.DataFrame) -> bool:
    """Give titles their texts; whether one of them is new."""
    path = table_path(folder, "Title")
    joined = pl.scan_parquet(path).join(
        texts.lazy().rename({"text": "new"}), on="id", how="left", maintain_order="left"
    )
    differs = pl.col("new").is_not_null() & pl.col("new").ne_missing(pl.col("text"))
    if not joined.select(differs.any()).collect(engine="streaming").item():
        return False
    aside = path.with_suffix(".new")
    whole = joined.with_columns(text=pl.coalesce("new", "text")).drop("new")
    whole.sink_parquet(aside, compression="zstd", statistics=False)
    aside.replace(path)
    return True


def _put_keywords(folder: Path, words: pl.DataFrame) -> bool:
    """Give titles their keywords, in place of those that they have; whether that changes anything."""
    path = table_path(folder, "HAS_KEYWORD")
    before = pl.read_parquet(path, columns=_PAIR) if path.exists() else words.clear()
    mine = before["head"].is_in(words["head"].unique().implode())
    after = pl.concat([before.filter(~mine), words], how="vertical_relaxed").sort("tail", "head")
    if before.sort("tail", "head").equals(after):
        return False
    write_table(folder, "HAS_KEYWORD", [after.to_arrow(compat_level=pl.CompatLevel.oldest())])
    keywords = after.select(id=pl.col("tail").unique(maintain_order=True))
    write_table(folder, "Keyword", [keywords.to_arrow(compat_level=pl.CompatLevel.oldest())])
    return True
