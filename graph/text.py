"""The index of the names of titles and people: finds those that a typed text may mean.

The index only gathers candidates, whichever way the text may be meant: the exact name, a name with a typo, some of
its words, its beginning, a similar spelling. `graph.match` ranks them. A folder holds it, immutable once built:

    FOLDER/names.arrow   one row a name, grouped by normalised name; in a group non-adult names first, then by votes
    FOLDER/index/        tantivy: one document a distinct normalised name, which points at its rows

People's names stand in fields of their own: they neither crowd out titles nor make their search slower.
"""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute
import tantivy
from tantivy import Occur, Query

from graph.names import UNSPACED_WORD, name_key, normalise
from graph.store import Progress, StoreDamaged, TextHit

if TYPE_CHECKING:
    import polars as pl

FORMAT = b"2"
_READABLE = (b"1", FORMAT)  # the first held no people
_LOCK = ".tantivy-meta.lock"
QUERY_LENGTH = 200  # characters of a query that are looked at; the rest is no name
QUERY_WORDS = 16
PEOPLE = 10
ROWS_A_NAME = 5  # titles taken of one name, unless the text is exactly that name


class TitleIndex:
    """An opened index of names. Reading never writes to it, so any number of processes may have it open."""

    def __init__(self, names: pa.Table, schema: tantivy.Schema, searcher: tantivy.Searcher) -> None:
        self._schema, self._searcher = schema, searcher
        self._people = "label" in names.column_names
        told = [name for name in _HIT_COLUMNS if name in names.column_names]
        self._rows = names.select(told).combine_chunks().to_batches()[0] if len(names) else names
        kinds = {field.name: self._rows.column(field.name) for field in self._rows.schema if len(names)}
        self._words_of = {n: c.dictionary.to_pylist() for n, c in kinds.items() if pa.types.is_dictionary(c.type)}
        self._titles = int((names.schema.metadata or {}).get(b"titles", searcher.num_docs))

    @classmethod
    def build(cls, folder: Path, names: Iterator[pl.DataFrame], progress: Progress | None = None) -> None:
        """Index names in a folder that has no index yet: `graph.indexing.index_names`."""
        from graph.indexing import index_names

        index_names(folder, names, progress)

    @classmethod
    def open(cls, folder: Path) -> TitleIndex:
        """Open an index that was built; StoreDamaged when a file of it is missing or not readable."""
        try:
            with pa.memory_map(str(folder / "names.arrow")) as file:
                names = pa.ipc.open_file(file).read_all()
            if (names.schema.metadata or {}).get(b"format") not in _READABLE:
                raise ValueError("it was built by another version")
            return cls(names, *_open_index(folder / "index"))
        except (OSError, ValueError, pa.ArrowException) as error:
            raise StoreDamaged(f"the title index in {folder} does not open: {error}; load the tables again") from None

    def close(self) -> None:
        """Let go of the files."""
        del self._searcher, self._rows

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
            people = self._persons_beginning(words, adult)
        else:
            named = self._whole(found, words, key)
            people = self._persons(words, key, not named, adult)
        titles = found.rows()
        people = people[: max(limit - len(titles), limit // 8)]
        return self._hits(titles[: limit - len(people)] + people)

    def _persons(self, words: list[str], key: str, typo: bool, adult: bool) -> list[int]:
        """Rows of the best known people whose name has all the words; else, if allowed, has a typo."""
        if not self._people:
            return []
        schema, found = self._schema, _Found(self._searcher, self._schema, PEOPLE, adult)
        terms = [(Occur.Must, Query.term_query(schema, "person_words", word)) for word in words]
        if not found.add(Query.boolean_query(terms), limit=PEOPLE // 2) and typo and len(key) > 6:
            found.add(Query.fuzzy_term_query(schema, "person", key, 1), limit=PEOPLE // 2)
        return found.rows()[:PEOPLE]

    def _persons_beginning(self, words: list[str], adult: bool) -> list[int]:
        """Rows of the best known people whose name begins with the text: the first name and some of the next."""
        if not self._people or len(words) < 2:
            return []
        found = _Found(self._searcher, self._schema, PEOPLE, adult)
        begun = Query.fuzzy_term_query(self._schema, "person", "".join(words), 0, prefix=True)
        found.add(begun, limit=PEOPLE // 2)
        return found.rows()[:PEOPLE]

    def _whole(self, found: _Found, words: list[str], key: str) -> int:
        """Gather names that are the text, or hold its words; returns how many are the text, give or take a letter."""
        schema = self._schema
        named = found.add(Query.term_query(schema, "key", key), limit=20, rows=found.limit)
        if not named and len(key) > 3:
            named = found.add(Query.fuzzy_term_query(schema, "key", key, 1), limit=20)
        all_words = found.add(self._words(words), limit=40, weighed=True)
        if named:
            return named
        if not all_words and len(key) > 7:  # the dearest query by far: ten times an exact one
            found.add(Query.fuzzy_term_query(schema, "key", key, 2), limit=20)
        some = self._some_words(words)
        if some is not None and all_words < 20:
            found.add(some, limit=30, weighed=True)
        if len(key) > 4:
            found.add(self._similar(key), limit=20, weighed=True)
        return 0

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
        often = self._titles / 20
        spaced = [word for word in words if word not in unspaced]
        rare = [word for word in spaced if self._searcher.doc_freq("words", word) <= often] or spaced
        clauses += [(Occur.Should, self._word(word, 2 if len(word) > 7 else 1)) for word in rare]
        needed = math.ceil(0.6 * len(clauses)) if len(clauses) > 2 else 1
        return Query.boolean_query(clauses, minimum_number_should_match=needed) if clauses else None

    def _similar(self, key: str) -> Query:
        grams = dict.fromkeys(key[at : at + 3] for at in range(len(key) - 2))
        return Query.boolean_query([(Occur.Should, Query.term_query(self._schema, "grams", gram)) for gram in grams])

    def _hits(self, rows: list[int]) -> list[TextHit]:
        if not rows:
            return []
        taken = self._rows.take(pa.array(rows, pa.int64()))
        columns = [self._values(name, taken.column(name)) for name in self._rows.schema.names]
        if self._rows.schema.names[0] != "label":
            columns.insert(0, ["Title"] * len(rows))
        return [TextHit(*values) for values in zip(*columns, strict=True)]

    def _values(self, name: str, column: pa.Array) -> list[Any]:
        """A column's values; those of a dictionary are looked up by hand, which is several times faster."""
        words = self._words_of.get(name)
        codes: list[Any] = (column if words is None else column.indices).to_pylist()
        return codes if words is None else [None if code is None else words[code] for code in codes]


class _Found:
    """Names gathered by several queries, and their rows, each once, in the order in which they were found."""

    def __init__(self, searcher: tantivy.Searcher, schema: tantivy.Schema, limit: int, adult: bool) -> None:
        self.limit = limit
        self._searcher = searcher
        self._names: list[tuple[tantivy.DocAddress, int]] = []  # and of how many of its titles rows are taken
        self._count = "rows" if adult else "clean"
        self._hidden = None if adult else Query.term_query(schema, "only", "adult")

    def add(self, query: Query, *, limit: int, rows: int = ROWS_A_NAME, weighed: bool = False) -> int:
        """Add the best known names that the query finds, of each the best known titles; returns how many names."""
        if self._hidden is not None:
            query = Query.boolean_query([(Occur.Must, query), (Occur.MustNot, self._hidden)])
        by = ("known", None) if weighed else (None, "votes")
        result = self._searcher.search(query, limit, count=False, weight_by_field=by[0], order_by_field=by[1])
        self._names += [(address, rows) for _, address in result.hits]
        return len(result.hits)

    def rows(self) -> list[int]:
        """The rows of all names found: looked up at once, for a call costs more than what it looks up."""
        addresses = [address for address, _ in self._names]
        starts: Sequence[Any] = self._searcher.fast_field_values("row", addresses)
        counts: Sequence[Any] = self._searcher.fast_field_values(self._count, addresses)
        found: dict[int, int] = {}
        for start, count, (_, most) in zip(starts, counts, self._names, strict=True):
            found.setdefault(start, min(count, most))
        return [row for start, count in found.items() for row in range(start, start + count)]


_HIT_COLUMNS = ("label", "id", "text", "type", "votes", "year", "kind", "region", "language")


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
