"""Filtered pages of all titles and people of a store: time of the first and of later ones, and memory a node.

python -m benchmarks.browse --store embedded:PATH
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from graph.browse import Between, Browser, TitleFilter
from graph.browse_people import PeopleBrowser
from graph.ordered import Key, Page
from graph.store import open_store

REPEATS = 30


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--store", required=True)
    store = open_store(parser.parse_args().store)
    titles, people = Browser(store), PeopleBrowser(store)
    wanted = TitleFilter(genres_all=("Drama", "Crime"), rating=Between(7), years=Between(1990, 2000))
    for what, ask in (
        ("titles of a filter, most voted first", lambda: titles.titles(wanted)),
        ("titles of a filter, by name", lambda: titles.titles(wanted, by="title", descending=False)),
        ("all people, by id", lambda: people.people(by="id")),
        ("all people, by name", people.people),
    ):
        report(what, ask, titles if "titles" in what else people)
    store.close()


def report(what: str, ask: Callable[[], Page], browser: Any) -> None:
    first = seconds(ask)
    later = float(np.median([seconds(ask) for _ in range(REPEATS)]))
    (held,) = (one.result() for one in browser._columns._held.values())
    each = size(held) / max(len(held), 1)
    print(f"{what:40} first {first * 1e3:8.1f} ms, then {later * 1e3:6.2f} ms; {each:5.1f} bytes each")


def size(value: Any) -> int:
    """Bytes of the arrays that a value holds."""
    if isinstance(value, np.ndarray):
        return 0 if 0 in value.strides else value.nbytes
    if isinstance(value, pa.Array):
        return int(value.nbytes)
    if isinstance(value, tuple | list):
        return sum(map(size, value))
    if isinstance(value, Mapping):
        return sum(map(size, value.values()))
    return sum(map(size, vars(value).values())) if isinstance(value, Key) or hasattr(value, "ids") else 0


def seconds(what: Callable[[], object]) -> float:
    begun = time.perf_counter()
    what()
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
