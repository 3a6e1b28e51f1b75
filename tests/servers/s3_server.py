"""As much of S3 as a bulk load needs, on a free port of 127.0.0.1: one bucket in one region, objects in memory."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

ERROR = "<?xml version='1.0'?><Error><Code>{code}</Code><Message>{code} of the test</Message></Error>"


@dataclass
class S3:
    """objects: by key. refuse: of a method and a key, an error as (status, code), or none. tamper: of a key and what
    should be put there, what is. seen: each request.
    """

    bucket: str = "films"
    region: str = "eu-west-1"
    objects: dict[str, bytes] = field(default_factory=dict)
    refuse: Callable[[str, str], tuple[int, str] | None] = lambda _method, _key: None
    tamper: Callable[[str, bytes], bytes] = lambda _key, data: data
    seen: list[tuple[str, str]] = field(default_factory=list)
    url: str = ""


def _handler(s3: S3) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def _serve(self) -> None:
            data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            bucket, _, key = unquote(urlsplit(self.path).path).removeprefix("/").partition("/")
            s3.seen.append((self.command, key))
            refused = s3.refuse(self.command, key)
            if bucket != s3.bucket:
                refused = (404, "NoSuchBucket")
            if "Signature=" not in self.headers.get("Authorization", ""):
                refused = (403, "AccessDenied")
            if refused:
                self._answer(refused[0], ERROR.format(code=refused[1]).encode())
                return
            if self.command == "PUT":
                s3.objects[key] = s3.tamper(key, data)
            elif self.command == "DELETE":
                s3.objects.pop(key, None)
            self._answer(204 if self.command == "DELETE" else 200, b"")

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("x-amz-bucket-region", s3.region)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(b"" if self.command == "HEAD" else body)

        do_PUT = do_DELETE = do_HEAD = do_GET = _serve  # noqa: N815

    return Handler


@contextlib.contextmanager
def s3_server(**about: str) -> Iterator[S3]:
    """The server, for the block."""
    s3 = S3(**about)  # type: ignore[arg-type]
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(s3)) as server:
        s3.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield s3
        finally:
            server.shutdown()
            thread.join(30)
