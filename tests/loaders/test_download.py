"""Downloads from a real server on loopback that breaks off, lies, refuses and changes its mind."""

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from loaders.download import IMDB_FILES, IMDB_HEADERS, LICENCE_NOTICE, Downloaded, DownloadError, Retry, download

NAME = "title.ratings.tsv.gz"


def packed(seed: int = 0, name: str = NAME) -> bytes:
    rows = "".join(f"tt{row:07}\t{row * 7919 % 100 / 10}\t{row * seed}\n" for row in range(20_000))
    return gzip.compress((IMDB_HEADERS[name].replace(" ", "\t") + "\n" + rows).encode(), mtime=0)


class Server(ThreadingHTTPServer):
    """Answers each request with the next of `script`, and with the whole file once that is used up."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {NAME: packed()}
        self.etag: str | None = '"one"'
        self.ranges = True
        self.script: list[Callable[[Handler, bytes], None]] = []
        self.seen: list[dict[str, str]] = []
        self.sent = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class names it)
        pass

    def do_GET(self) -> None:
        self.server.seen.append(dict(self.headers))
        content = self.server.files.get(self.path[1:])
        if content is None:
            self.answer(404, b"")
        elif self.server.script:
            self.server.script.pop(0)(self, content)
        else:
            self.whole(content)

    def whole(self, content: bytes, stop: int | None = None) -> None:
        """As a good server would: 304, 206 or 200; `stop` breaks off after so many bytes."""
        etag = self.server.etag
        if etag and self.headers.get("If-None-Match") == etag:
            self.answer(304, b"")
        elif self.server.ranges and "Range" in self.headers and self.headers.get("If-Range") == etag:
            start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
            span = f"bytes {start}-{len(content) - 1}/{len(content)}"
            self.answer(206, content[start:], {"Content-Range": span}, stop)
        else:
            self.answer(200, content, {}, stop)

    def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None, stop: int | None = None) -> None:
        self.send_response(status)
        given = {"Content-Length": str(len(body)), **({"ETag": self.server.etag} if self.server.etag else {})}
        for key, value in (given | (headers or {})).items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body[:stop])
        self.server.sent += len(body[:stop])
        self.close_connection = True


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    """One for all: what takes time is reading the certificates of authorities."""
    with httpx.Client() as client:
        yield client


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def fetch(server: Server, client: httpx.Client, tmp_path: Path, waits: list[float]) -> Callable[[], Downloaded]:
    retry = Retry(tries=3, first_wait=0.5, sleep=waits.append)
    return lambda: download(tmp_path, base_url=server.url, files=[NAME], client=client, retry=retry)[0]


def break_off(handler: Handler, content: bytes) -> None:
    handler.whole(content, stop=30_000)


def test_all_files_whole_with_progress(server: Server, tmp_path: Path) -> None:
    server.files = {name: packed(name=name) for name in IMDB_FILES}
    seen: list[tuple[str, int, int | None]] = []
    done = download(tmp_path, base_url=server.url + "/", progress=lambda *told: seen.append(told))
    assert [one.file for one in done] == list(IMDB_FILES)
    assert all(one.path.read_bytes() == server.files[one.file] and not one.kept for one in done)
    assert {name: (bytes_done, total) for name, bytes_done, total in seen} == {
        name: (len(content), len(content)) for name, content in server.files.items()
    }
    assert not list(tmp_path.glob("*.part*"))


def test_broken_connection_is_resumed_where_it_stopped(
    server: Server, fetch: Callable[[], Downloaded], waits: list[float]
) -> None:
    server.script = [break_off]
    content = server.files[NAME]
    assert len(content) > 40_000
    assert fetch().path.read_bytes() == content
    assert [request.get("Range") for request in server.seen] == [None, "bytes=30000-"]
    assert server.seen[1]["If-Range"] == '"one"'
    assert server.sent == len(content)
    assert 0.25 <= waits[0] <= 0.5


def test_a_later_call_resumes_and_then_keeps(server: Server, fetch: Callable[[], Downloaded], tmp_path: Path) -> None:
    server.script = [
        break_off,
        lambda handler, _: handler.answer(500, b""),
        lambda handler, _: handler.answer(500, b""),
    ]
    with pytest.raises(DownloadError, match=r"title.ratings.tsv.gz: the server answered 500 \(3 tries\); run the same"):
        fetch()
    assert (tmp_path / f"{NAME}.part").stat().st_size == 30_000
    assert fetch() == Downloaded(NAME, tmp_path / NAME, len(server.files[NAME]), kept=False)
    assert server.seen[-1]["Range"] == "bytes=30000-"
    assert fetch() == Downloaded(NAME, tmp_path / NAME, len(server.files[NAME]), kept=True)
    assert server.seen[-1]["If-None-Match"] == '"one"'
    assert sorted(path.name for path in tmp_path.iterdir()) == [NAME, f"{NAME}.json"]


def test_interrupted_by_hand_it_leaves_the_part(server: Server, tmp_path: Path) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download(tmp_path, base_url=server.url, files=[NAME], progress=interrupt)
    begun = (tmp_path / f"{NAME}.part").stat().st_size
    assert begun > 0
    assert not (tmp_path / NAME).exists()
    download(tmp_path, base_url=server.url, files=[NAME])
    assert "Range" in server.seen[-1]
    assert (tmp_path / NAME).read_bytes() == server.files[NAME]


def test_a_changed_file_replaces_the_old(server: Server, fetch: Callable[[], Downloaded]) -> None:
    fetch()
    server.files[NAME], server.etag = packed(1), '"two"'
    assert not fetch().kept
    assert fetch().path.read_bytes() == packed(1)


def test_a_file_that_was_tampered_with_is_fetched_again(server: Server, fetch: Callable[[], Downloaded]) -> None:
    path = fetch().path
    path.write_bytes(b"short")
    assert not fetch().kept
    assert path.read_bytes() == server.files[NAME]


def test_a_file_that_changes_between_tries_starts_again(server: Server, fetch: Callable[[], Downloaded]) -> None:
    def break_off_and_change(handler: Handler, content: bytes) -> None:
        break_off(handler, content)
        server.files[NAME], server.etag = packed(1), '"two"'

    server.script = [break_off_and_change]
    assert fetch().path.read_bytes() == packed(1)
    assert server.sent == 30_000 + len(packed(1))


def test_a_server_that_joins_two_versions_is_caught(server: Server, fetch: Callable[[], Downloaded]) -> None:
    def wrong_join(handler: Handler, content: bytes) -> None:
        server.files[NAME], server.etag = packed(1), '"two"'
        rest = packed(1)[30_000:]
        handler.answer(206, rest, {"Content-Range": f"bytes 30000-{30_000 + len(rest) - 1}/{30_000 + len(rest)}"})

    server.script = [break_off, wrong_join]
    assert fetch().path.read_bytes() == packed(1)


@pytest.mark.parametrize("etag", ['"one"', None])
def test_without_ranges_it_starts_again(server: Server, fetch: Callable[[], Downloaded], etag: str | None) -> None:
    server.ranges, server.etag, server.script = False, etag, [break_off]
    assert fetch().path.read_bytes() == server.files[NAME]
    assert ("Range" in server.seen[1]) == (etag is not None)
    assert server.sent == 30_000 + len(server.files[NAME])


def test_a_range_that_cannot_be_met_starts_again(
    server: Server, fetch: Callable[[], Downloaded], waits: list[float]
) -> None:
    server.script = [break_off, lambda handler, _: handler.answer(416, b"")]
    assert fetch().path.read_bytes() == server.files[NAME]
    assert "Range" not in server.seen[2]
    assert waits[1] == 0


def test_an_overloaded_server_is_given_the_time_it_asks_for(
    server: Server, fetch: Callable[[], Downloaded], waits: list[float]
) -> None:
    server.script = [
        lambda handler, _: handler.answer(503, b"", {"Retry-After": "7"}),
        lambda handler, _: handler.answer(429, b"", {"Retry-After": "Fri, 01 Jan 2100 00:00:00 GMT"}),
    ]
    assert fetch().path.read_bytes() == server.files[NAME]
    assert waits == [7, 120]


def test_missing_is_final(server: Server, fetch: Callable[[], Downloaded]) -> None:
    server.files = {}
    with pytest.raises(DownloadError, match=f"{NAME}: http://.* answered 404 Not Found; check the address"):
        fetch()
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("bad", "cause"),
    [
        (packed(2)[:-9], "the gzip stream ends too early"),
        (packed(2)[:-8] + bytes(8), "not gzip"),
        (b"<html>Please log in</html>", "not gzip"),
        (gzip.compress(b"id\tstars\n1\t2\n", mtime=0), "its first line is not the header"),
        (b"", "the gzip stream ends too early"),
    ],
)
def test_a_bad_file_never_replaces_a_good_one(
    server: Server, fetch: Callable[[], Downloaded], tmp_path: Path, bad: bytes, cause: str
) -> None:
    good = fetch().path.read_bytes()
    server.files[NAME], server.etag = bad, '"bad"'
    with pytest.raises(DownloadError, match=cause):
        fetch()
    assert (tmp_path / NAME).read_bytes() == good
    assert not (tmp_path / f"{NAME}.part").exists()
    server.files[NAME], server.etag = packed(), '"one"'
    assert fetch().kept


def test_a_wrong_length_is_noticed(server: Server, fetch: Callable[[], Downloaded], tmp_path: Path) -> None:
    server.script = [
        lambda handler, content: handler.answer(200, content, {"Content-Length": str(len(content) + 5)})
    ] * 3
    server.ranges = False
    with pytest.raises(DownloadError, match=r"3 tries"):
        fetch()
    assert not (tmp_path / NAME).exists()


def test_a_range_with_another_total_is_noticed(server: Server, fetch: Callable[[], Downloaded]) -> None:
    def short_total(handler: Handler, content: bytes) -> None:
        handler.answer(206, content[30_000:], {"Content-Range": f"bytes 30000-{len(content) - 2}/{len(content) - 1}"})

    server.script = [break_off, short_total]
    assert fetch().path.read_bytes() == server.files[NAME]
    assert "Range" not in server.seen[2]


def test_nobody_there_and_no_address(server: Server, tmp_path: Path, waits: list[float]) -> None:
    retry = Retry(tries=2, sleep=waits.append)
    with pytest.raises(DownloadError, match=r"\(2 tries\)"):
        download(tmp_path, base_url="http://127.0.0.1:1", files=[NAME], retry=retry)
    with pytest.raises(DownloadError, match="no address to fetch from"):
        download(tmp_path, base_url="ftp://127.0.0.1", files=[NAME], retry=retry)
    assert len(waits) == 1


def test_a_full_disk_and_a_file_for_a_folder_are_said_plainly(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("loaders.download.os.fsync", full)
    with pytest.raises(DownloadError, match=f"{NAME}: the disk is full .*; free some space"):
        download(tmp_path, base_url=server.url, files=[NAME])
    (tmp_path / "file").touch()
    with pytest.raises(DownloadError, match="choose another folder"):
        download(tmp_path / "file", base_url=server.url, files=[NAME])


def test_a_damaged_sidecar_costs_a_download_only(
    server: Server, fetch: Callable[[], Downloaded], tmp_path: Path
) -> None:
    fetch()
    for damage in ("{", json.dumps(["etag"])):
        (tmp_path / f"{NAME}.json").write_text(damage)
        assert not fetch().kept
    assert fetch().kept


def test_the_licence_is_named() -> None:
    assert "non-commercial use only" in LICENCE_NOTICE
    assert "Information courtesy of IMDb (https://www.imdb.com). Used with permission." in LICENCE_NOTICE
