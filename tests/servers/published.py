"""IMDb's files as somebody publishes them: a small world of titles, on a real server on loopback."""

from __future__ import annotations

import contextlib
import gzip
import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from loaders.download import IMDB_HEADERS

CAST = 20


def rows(titles: int, cast: int = CAST, votes: int = 0) -> dict[str, list[str]]:
    """Rows of each file: so many films, each by one of seven directors, of one of three genres, with so many actors."""
    numbers = range(1, titles + 1)
    genres = ("Drama", "Crime", "Comedy")
    people = [f"nm{one:07}\tPerson {one}\t1960\t\\N\tactor\t\\N" for one in range(1, 400)]
    return {
        "title.basics": [
            f"tt{one:07}\tmovie\tFilm {one}\tFilm {one}\t0\t{1950 + one % 70}\t\\N\t100\t{genres[one % 3]}"
            for one in numbers
        ],
        "title.ratings": [f"tt{one:07}\t7.5\t{1_000 * one + votes}" for one in numbers],
        "title.crew": [f"tt{one:07}\tnm{1 + one % 7:07}\t\\N" for one in numbers],
        "title.principals": [
            f"tt{one:07}\t{place}\tnm{10 + (one * 7 + place * 13) % 380:07}\tactor\t\\N\t\\N"
            for one in numbers
            for place in range(1, cast + 1)
        ],
        "title.akas": [f"tt{one:07}\t1\tCinta {one}\tES\t\\N\t\\N\t\\N\t0" for one in numbers],
        "title.episode": [],
        "name.basics": people,
    }


@dataclass
class Published:
    """A server of files in a folder: what it was asked for, with which statuses it answered, what it waits for."""

    folder: Path
    url: str = ""
    asked: list[str] = field(default_factory=list)
    answered: list[int] = field(default_factory=list)
    wait_for: threading.Event | None = None
    _day: int = 0

    def put(self, files: Mapping[str, list[str]]) -> None:
        """Publish files, each a day newer than before where its rows differ."""
        self._day += 1
        for name, listed in files.items():
            path = self.folder / f"{name}.tsv.gz"
            header = IMDB_HEADERS[path.name].replace(" ", "\t")
            content = gzip.compress(("\n".join([header, *listed]) + "\n").encode(), mtime=0)
            if not path.exists() or path.read_bytes() != content:
                path.write_bytes(content)
                os.utime(path, (1_800_000_000 + 86_400 * self._day,) * 2)

    def take(self) -> list[int]:
        """The statuses answered since the last call."""
        found, self.answered = self.answered, []
        return found


class _Handler(SimpleHTTPRequestHandler):
    """Answers 304 to If-Modified-Since, as the standard library's own does."""

    def __init__(self, *arguments: object, published: Published, **options: object) -> None:
        self.published = published
        super().__init__(*arguments, directory=str(published.folder), **options)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        self.published.asked.append(self.path)
        if self.published.wait_for is not None:
            self.published.wait_for.wait(60)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            super().do_GET()

    def log_request(self, code: object = "-", _size: object = "-") -> None:
        self.published.answered.append(int(getattr(code, "value", code)))

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 (the base class names it)
        pass


@contextlib.contextmanager
def published(folder: Path) -> Iterator[Published]:
    """Serve a folder, which is made, for the block."""
    folder.mkdir(parents=True)
    made = Published(folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, published=made)) as server:
        made.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()
