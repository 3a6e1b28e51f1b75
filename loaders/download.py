"""Fetch IMDb's published files so that an interruption costs little and a bad file never replaces a good one.

A file is streamed to `NAME.part`, checked whole, and only then renamed to `NAME`. What the server said about it
(ETag, Last-Modified) is kept in `NAME.json` for a finished file and `NAME.part.json` for a partial one: the first makes
the next download conditional, the second lets it resume only if the file is still the same one (RFC 9110: 13.1, 14.2).
"""

from __future__ import annotations

import email.utils
import errno
import json
import os
import random
import re
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx

IMDB_URL = "https://datasets.imdbws.com"
LICENCE_NOTICE = """\
IMDb's non-commercial datasets are for personal and non-commercial use only.
Terms: https://developer.imdb.com/non-commercial-datasets/
Information courtesy of IMDb (https://www.imdb.com). Used with permission."""

# Each published file and the header that shows it is what it says.
IMDB_HEADERS: Mapping[str, str] = {
    "name.basics.tsv.gz": "nconst primaryName birthYear deathYear primaryProfession knownForTitles",
    "title.akas.tsv.gz": "titleId ordering title region language types attributes isOriginalTitle",
    "title.basics.tsv.gz": (
        "tconst titleType primaryTitle originalTitle isAdult startYear endYear runtimeMinutes genres"
    ),
    "title.crew.tsv.gz": "tconst directors writers",
    "title.episode.tsv.gz": "tconst parentTconst seasonNumber episodeNumber",
    "title.principals.tsv.gz": "tconst ordering nconst category job characters",
    "title.ratings.tsv.gz": "tconst averageRating numVotes",
}
IMDB_FILES: tuple[str, ...] = tuple(IMDB_HEADERS)

Progress = Callable[[str, int, int | None], None]
"""Told (file, bytes done, bytes in all or None where the server does not say)."""

CHUNK = 1 << 18
LONGEST_WAIT = 120.0  # seconds; a server that asks for more is asked again after this


class DownloadError(Exception):
    """A file could not be fetched; names the file, the cause and the way out."""

    def __init__(self, file: str, cause: str, way_out: str) -> None:
        super().__init__(f"{file}: {cause}; {way_out}")
        self.file = file


@dataclass(frozen=True)
class Downloaded:
    """One file in place: `kept` when the server said that the one here is still current, `size` in bytes."""

    file: str
    path: Path
    size: int
    kept: bool


@dataclass(frozen=True)
class Retry:
    """How often to try, and how long to wait in between: `first_wait` seconds, doubled each time, less a random
    half (so that many clients do not return at once), or what the server asks for in Retry-After."""

    tries: int = 5
    first_wait: float = 1.0
    sleep: Callable[[float], None] = time.sleep

    def wait(self, failures: int, asked: float | None) -> None:
        """Sleep before the next try, after `failures` ones (from 1)."""
        backoff = self.first_wait * 2 ** (failures - 1) * random.uniform(0.5, 1)  # noqa: S311 (jitter, no secret)
        self.sleep(min(LONGEST_WAIT, backoff if asked is None else asked))


class _TryAgainError(Exception):
    """This try failed in a way that the next one may not; `after` is what the server asks to wait, in seconds."""

    def __init__(self, cause: str, after: float | None = None) -> None:
        super().__init__(cause)
        self.after = after


def download(
    folder: Path,
    *,
    base_url: str = IMDB_URL,
    files: Sequence[str] = IMDB_FILES,
    progress: Progress | None = None,
    client: httpx.Client | None = None,
    retry: Retry | None = None,
) -> list[Downloaded]:
    """Bring `files` in `folder` up to date and say what was done, in their order.

    Resumes what an earlier call left, keeps a file that has not changed, tries again when the network or the server
    fails. Interrupted (Ctrl-C included), it leaves `NAME.part` for the next call. A file already here stays until
    the new one is whole: length as announced, the gzip stream complete, the expected header line.
    Raises DownloadError for a file that cannot be had; the ones before it are in place. IMDb's terms: LICENCE_NOTICE.
    """
    retry, own = retry or Retry(), client is None
    import httpx

    client = client or httpx.Client(timeout=httpx.Timeout(30.0), follow_redirects=True)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return [_fetch(client, f"{base_url.rstrip('/')}/{name}", folder / name, progress, retry) for name in files]
    except OSError as error:
        raise _disk_error(folder.name, folder, error) from error
    finally:
        if own:
            client.close()


def _fetch(client: httpx.Client, url: str, path: Path, progress: Progress | None, retry: Retry) -> Downloaded:
    """One file, with as many tries as allowed."""
    import httpx

    cause = "no try was allowed"
    for failures in range(1, retry.tries + 1):
        try:
            return _attempt(client, url, path, progress)
        except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            raise DownloadError(
                path.name, f"{url} is no address to fetch from: {error}", "check the address"
            ) from error
        except (_TryAgainError, httpx.TransportError) as error:
            cause = str(error) or type(error).__name__
            if failures < retry.tries:
                retry.wait(failures, getattr(error, "after", None))
        except httpx.HTTPError as error:
            raise DownloadError(path.name, f"{url} failed: {error}", "check the address") from error
        except OSError as error:
            raise _disk_error(path.name, path.parent, error) from error
    way_out = "run the same command again: it resumes where it stopped and keeps the file that is here"
    raise DownloadError(path.name, f"{cause} ({retry.tries} tries)", way_out)


def _attempt(client: httpx.Client, url: str, path: Path, progress: Progress | None) -> Downloaded:
    part, sidecar = _beside(path, ".part"), _beside(path, ".json")
    part_sidecar = _beside(path, ".part.json")
    known, begun = _read(sidecar) if path.exists() else {}, _read(part_sidecar) if part.exists() else {}
    if known and known.get("size") != str(path.stat().st_size):
        known = {}  # not the file that was downloaded: a 304 would keep what the server never sent
    # Identity: compressed once more on the way, lengths and ranges would count other bytes than the file's.
    headers = {"Accept-Encoding": "identity"}
    # Only a strong validator proves that the rest belongs to the same bytes.
    same = begun.get("last_modified") if begun.get("etag", "W/").startswith("W/") else begun["etag"]
    have = part.stat().st_size if same else 0
    if have and same:
        headers |= {"Range": f"bytes={have}-", "If-Range": same}
    elif known:
        conditions = {"If-None-Match": known.get("etag"), "If-Modified-Since": known.get("last_modified")}
        headers |= {header: value for header, value in conditions.items() if value}
    with client.stream("GET", url, headers=headers, follow_redirects=True) as response:
        if response.status_code == 304 and path.exists():
            return Downloaded(path.name, path, path.stat().st_size, kept=True)
        start, total = _span(response, path.name, url, have, part)
        named = {"etag": response.headers.get("ETag"), "last_modified": response.headers.get("Last-Modified")}
        said = {key: value for key, value in named.items() if value}
        if start and said.get("etag", begun.get("etag")) != begun.get("etag"):
            part.unlink()
            raise _TryAgainError("the file changed on the server while it was fetched", 0.0)
        if not start:
            # The old bytes go before the new name for them comes, or a crash in between would join two files.
            part.unlink(missing_ok=True)
            _save(part_sidecar, said)
        done = start
        with part.open("r+b" if start else "wb") as out:
            out.seek(start)
            # As it comes: pieces of a fixed size would be lost with the connection before they are full.
            for chunk in response.iter_raw():
                out.write(chunk)
                done += len(chunk)
                if progress:
                    progress(path.name, done, total)
            out.truncate()
            out.flush()
            os.fsync(out.fileno())
    if total is not None and done != total:
        # Shorter may be resumed; longer is not this file.
        if done > total:
            part.unlink()
        raise _TryAgainError(f"{done:,} bytes came of the {total:,} announced")
    if flaw := _flaw(part, IMDB_HEADERS.get(path.name)):
        part.unlink()
        raise _TryAgainError(f"what came from {url} is bad: {flaw}")
    _save(part_sidecar, {**(begun if start else said), "size": str(done)})
    _put_in_place(path)
    return Downloaded(path.name, path, done, kept=False)


def _span(response: httpx.Response, name: str, url: str, have: int, part: Path) -> tuple[int, int | None]:
    """Where in the file the answer's bytes begin, and the file's length if it is told."""
    status = response.status_code
    if status == 200:
        length = response.headers.get("Content-Length", "")
        return 0, int(length) if length.isdigit() else None
    if status == 206:
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
        if match and int(match[1]) == have > 0:
            return have, None if match[2] == "*" else int(match[2])
        part.unlink(missing_ok=True)
        raise _TryAgainError(f"the server sent another range than bytes {have}-", 0.0)
    if status == 416:
        # Nothing after what is here, or less than that: only a fresh start can tell.
        part.unlink(missing_ok=True)
        raise _TryAgainError("the server has no such range", 0.0)
    if status in (408, 429) or status >= 500:
        raise _TryAgainError(f"the server answered {status}", _retry_after(response.headers.get("Retry-After")))
    way_out = "check the address" if status == 404 else "check the address and whether you may read it"
    raise DownloadError(name, f"{url} answered {status} {response.reason_phrase}".rstrip(), way_out)


def _retry_after(text: str | None) -> float | None:
    """Seconds from a Retry-After header: a number of them, or a date."""
    if not text:
        return None
    if text.strip().isdigit():
        return float(text)
    try:
        return max(0.0, (email.utils.parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None


def _flaw(part: Path, header: str | None) -> str | None:
    """What is wrong with a gzipped TSV, read to its end in constant memory; None for nothing."""
    unpack, begin, wanted = zlib.decompressobj(wbits=31), b"", (header or "").replace(" ", "\t").encode()
    complete = False
    try:
        with part.open("rb") as packed:
            while chunk := packed.read(CHUNK):
                while chunk:
                    if unpack.eof:  # gzip files may be joined
                        unpack = zlib.decompressobj(wbits=31)
                    data = unpack.decompress(chunk)
                    begin = begin + data[: len(wanted) + 2] if len(begin) < len(wanted) + 2 else begin
                    chunk, complete = unpack.unused_data, unpack.eof
    except zlib.error as error:
        return f"not gzip ({error})"
    if not complete:
        return "the gzip stream ends too early"
    if header and begin.splitlines()[:1] != [wanted]:
        return f"its first line is not the header {header!r} but {begin[:60]!r}"
    return None


def _put_in_place(path: Path) -> None:
    # Renamed in this order, a crash in between leaves the new file with no sidecar: fetched again, never wrongly kept.
    _beside(path, ".json").unlink(missing_ok=True)
    _beside(path, ".part").replace(path)
    _beside(path, ".part.json").replace(_beside(path, ".json"))
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def _read(sidecar: Path) -> dict[str, str]:
    """What a sidecar says; nothing if it is missing or damaged, which only costs a whole download."""
    try:
        said = json.loads(sidecar.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {key: value for key, value in said.items() if isinstance(value, str)} if isinstance(said, dict) else {}


def _save(sidecar: Path, said: dict[str, str]) -> None:
    sidecar.write_text(json.dumps(said), encoding="utf-8")


def _disk_error(name: str, folder: Path, error: OSError) -> DownloadError:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    way_out = "free some space there and run the same command again: it resumes" if full else "choose another folder"
    return DownloadError(name, f"{'the disk is full' if full else error.strerror or error} ({folder})", way_out)
