"""How fast and how well titles are found by name: build time, one typo, exact names, half-typed names.

    python benchmarks/title_search.py                          1M synthetic titles, made in a temporary folder
    python benchmarks/title_search.py --data DIR               graph tables, or IMDb's TSV files
    python benchmarks/title_search.py --data DIR --queries 500 --query "toy story"

People's names are in the index too; only titles are asked for. A search is the whole of `graph.match.match`. A name
counts as found when the first match carries that name, whichever of the titles of that name it is. Times are of this
machine; compare them only within one run.
"""

from __future__ import annotations

import argparse
import random
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl

from graph.indexing import person_names, title_names
from graph.match import decide, match
from graph.names import name_key, normalise
from graph.tables import GraphTables, finish_tables
from graph.text import TitleIndex

ALPHABET = "abcdefghijklmnopqrstuvwxyz"


def names_of(data: Path, work: Path) -> list[pl.DataFrame]:
    """The names of graph tables; IMDb's files are made into tables first."""
    if not (data / "manifest.json").exists():
        from loaders.imdb import imdb_tables

        started = time.perf_counter()
        imdb_tables(data, work / "tables")
        finish_tables(work / "tables", [])
        print(f"graph tables made in {time.perf_counter() - started:.1f} s")
        data = work / "tables"
    started = time.perf_counter()
    tables = GraphTables.open(data)
    names = [*title_names(tables), *person_names(tables)]
    print(f"{sum(map(len, names)):,} names read in {time.perf_counter() - started:.1f} s")
    return names


def typo(name: str, rng: random.Random) -> str:
    """One slip in a word of four letters or more: a letter left out, put in, mistaken, or swapped with the next."""
    words = name.split(" ")
    place = rng.choice([at for at, word in enumerate(words) if len(word) > 3])
    word = words[place]
    at = rng.randrange(len(word) - 1)
    slips: list[Callable[[], str]] = [
        lambda: word[:at] + word[at + 1 :],
        lambda: word[:at] + rng.choice(ALPHABET) + word[at:],
        lambda: word[:at] + rng.choice(ALPHABET.replace(word[at].lower(), "")) + word[at + 1 :],
        lambda: word[:at] + word[at + 1] + word[at] + word[at + 2 :],
    ]
    words[place] = rng.choice(slips)()
    return " ".join(words)


def half(name: str, _rng: random.Random) -> str:
    return name[: max(4, len(name) * 6 // 10)]


def measure(
    index: TitleIndex,
    label: str,
    names: Sequence[str],
    change: Callable[[str, random.Random], str],
    misses: int,
) -> None:
    rng = random.Random(1)
    times, right, among = [], 0, 0
    missed = []
    for name in names:
        typed = change(name, rng)
        started = time.perf_counter()
        found = match(index.search, typed, 10)
        times.append((time.perf_counter() - started) * 1000)
        wanted = name_key(normalise(name))
        keys = [name_key(normalise(each.text)) for each in found]
        right += keys[:1] == [wanted]
        among += wanted in keys
        if keys[:1] != [wanted]:
            missed.append((typed, name, [each.text for each in found[:1]]))
    times.sort()
    p95 = times[int(len(times) * 0.95)]
    print(
        f"{label:24} {right / len(names):8.1%} {among / len(names):8.1%} {statistics.median(times):9.1f} "
        f"{p95:8.1f} {times[-1]:8.1f}"
    )
    for each in missed[:misses]:
        print("    missed", each)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="graph tables or IMDb's TSV files")
    parser.add_argument("--titles", type=int, default=1_000_000, help="how many to invent without --data")
    parser.add_argument("--queries", type=int, default=500, help="how many of each kind")
    parser.add_argument("--query", action="append", default=[], help="show what a text finds")
    parser.add_argument("--misses", type=int, default=0, help="show so many names that were not found")
    parser.add_argument("--min-votes", type=int, default=0, help="ask only for names with so many votes")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        work, data = Path(scratch), arguments.data
        if data is None:
            from loaders.synthetic import write_synthetic

            data = work / "imdb"
            write_synthetic(data, titles=arguments.titles)
        names = names_of(data, work)
        used = resource.getrusage(resource.RUSAGE_SELF)
        started = time.perf_counter()
        TitleIndex.build(work / "index", iter(names))
        after = resource.getrusage(resource.RUSAGE_SELF)
        size = sum(file.stat().st_size for file in (work / "index").rglob("*") if file.is_file())
        busy = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
        print(f"built in {time.perf_counter() - started:.1f} s ({busy:.1f} s of CPU), {size / 1e6:,.0f} MB")
        started = time.perf_counter()
        index = TitleIndex.open(work / "index")
        index.search("the matrix", 10)
        print(f"opened and first search in {(time.perf_counter() - started) * 1000:.0f} ms")
        run(index, pl.concat(frame for frame in names if "label" not in frame.columns), arguments)
        index.close()


def run(index: TitleIndex, names: pl.DataFrame, arguments: argparse.Namespace) -> None:
    asked = names.filter(~pl.col("adult") & (pl.col("votes") >= arguments.min_votes))
    asked = asked.filter(pl.col("text").str.len_chars().is_between(1, 150)).sample(fraction=1.0, shuffle=True, seed=3)
    texts = asked["text"].head(20 * arguments.queries).to_list()
    worded = [text for text in texts if text.isascii() and any(len(word) > 4 for word in text.split(" "))]
    long = [text for text in texts if len(text) > 7]
    print(f"\n{'queries':24} {'first':>8} {'in 10':>8} {'median ms':>9} {'p95':>8} {'max':>8}")
    count = arguments.queries
    measure(index, "warm-up", texts[:50], lambda name, _rng: name, 0)
    measure(index, "exact names", texts[:count], lambda name, _rng: name, arguments.misses)
    measure(index, "one typo", worded[:count], typo, arguments.misses)
    measure(index, "half-typed", long[:count], half, arguments.misses)
    for text in arguments.query:
        found = match(index.search, text, 5)
        print(f"\n{text!r}: {decide(found)}")
        for each in found:
            print(f"  {each.confidence:.2f}  {each.text} ({each.year}, {each.kind}, {each.votes:,} votes, {each.type})")


if __name__ == "__main__":
    main()
