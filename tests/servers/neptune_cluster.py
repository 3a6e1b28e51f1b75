"""A cluster as a bulk load meets it: one TLS port, behind it a real Gremlin Server, and the loader's HTTP API.

The loader reads the files as AWS describes them (`neptune_csv`), from the objects of `s3_server`, and really loads them
into the server: what it plays is the API. https://docs.aws.amazon.com/neptune/latest/userguide/load-api-reference.html
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import ssl
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from graph.stores.tls import InTurns
from tests.servers.neptune_csv import Graphs, ParsingError, elements
from tests.servers.s3_server import S3

ROLE = "arn:aws:iam::123456789012:role/loads"
_STEPS = ("LOAD_NOT_STARTED", "LOAD_IN_QUEUE", "LOAD_IN_PROGRESS")
_ALLOWED = {
    "source", "format", "iamRoleArn", "region", "mode", "failOnError", "parallelism", "queueRequest",
    "updateSingleCardinalityProperties", "parserConfiguration",
}  # fmt: skip


@dataclass
class Job:
    """One load. status: as the API says it; after: what it ends as when it is not let go on by itself."""

    given: dict[str, Any]
    status: str = _STEPS[0]
    looks: int = 0
    records: int = 0
    files: dict[str, str] = field(default_factory=dict)
    errors: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Cluster:
    """refuse: of a method and the number of its request, from 0: an error as (status, body), or none.

    end: of the number of a job, what it is made to end as; None: what becomes of it. hold: jobs never end.
    """

    gremlin: str
    s3: S3
    port: int = 0
    region: str = "eu-west-1"
    refuse: Callable[[str, int], tuple[int, dict[str, str]] | None] = lambda _method, _number: None
    end: Callable[[int], str | None] = lambda _number: None
    hold: bool = False
    jobs: dict[str, Job] = field(default_factory=dict)
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The store's URL."""
        return f"neptune://localhost:{self.port}?region={self.region}"

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, Any]]:
        """What the loader says to a request."""
        number = sum(one[0] == method for one in self.asked)
        self.asked.append((method, path, headers))
        if refused := self.refuse(method, number):
            return refused
        asked = urlsplit(path)
        id_ = asked.path.removeprefix("/loader").strip("/")
        options = {name: values[-1] for name, values in parse_qs(asked.query).items()}
        if method == "POST":
            return self._start(json.loads(body))
        if id_ not in self.jobs:
            return 404, {"code": "BulkLoadIdNotFoundException", "detailedMessage": f"no load {id_}", "requestId": "1"}
        if method == "DELETE":
            self.jobs[id_].status = "LOAD_CANCELLED_BY_USER"
            return 200, {"status": "200 OK"}
        return 200, {"status": "200 OK", "payload": self._status(id_, options)}

    def _start(self, given: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        def bad(code: str, said: str) -> tuple[int, dict[str, Any]]:
            return 400, {"code": code, "detailedMessage": said, "requestId": "1"}

        if unknown := set(given) - _ALLOWED:
            return bad("BadRequestException", f"unknown {sorted(unknown)}")
        if given["iamRoleArn"] != ROLE:
            return bad("BadRequestException", f"the role {given['iamRoleArn']} is not associated with this cluster")
        if given["region"] != self.region:
            return bad("InvalidParameterException", f"this cluster lies in {self.region}, not in {given['region']}")
        if not any(key.startswith(self._prefix(given)) for key in self.s3.objects):
            return bad("S3Exception", "there is nothing at the source")
        id_ = str(uuid.uuid4())
        self.jobs[id_] = Job(given)
        return 200, {"status": "200 OK", "payload": {"loadId": id_}}

    def _prefix(self, given: dict[str, Any]) -> str:
        bucket, _, prefix = given["source"].removeprefix("s3://").partition("/")
        assert bucket == self.s3.bucket
        return prefix

    def _status(self, id_: str, options: dict[str, str]) -> dict[str, Any]:
        """Each look finds the job one step further; at the third one it loads."""
        job = self.jobs[id_]
        if job.status in _STEPS:
            job.status = _STEPS[min(job.looks, 2)]
            if job.looks == 2 and not self.hold:
                self._load(job)
                job.status = self.end([*self.jobs].index(id_)) or job.status
            job.looks += 1
        count: dict[str, int] = {}
        for status in job.files.values():
            count[status] = count.get(status, 0) + 1
        kinds = [one["errorCode"] for one in job.errors]
        told: dict[str, Any] = {
            "feedCount": [{status: number} for status, number in count.items()],
            "overallStatus": {
                "fullUri": job.given["source"], "runNumber": 1, "retryNumber": 0, "status": job.status,
                "totalTimeSpent": job.looks, "startTime": 1588592100, "totalRecords": job.records,
                "totalDuplicates": 0, "parsingErrors": kinds.count("PARSING_ERROR"), "datatypeMismatchErrors": 0,
                "insertErrors": len(kinds) - kinds.count("PARSING_ERROR"),
            },
        }  # fmt: skip
        if options.get("details") == "true":
            told["failedFeeds"] = [
                {"fullUri": name, "status": status} for name, status in job.files.items() if status == "LOAD_FAILED"
            ]
        if options.get("errors") == "true":
            size = int(options.get("errorsPerPage", 10))
            start = size * (int(options.get("page", 1)) - 1)
            told["errors"] = {"startIndex": start, "loadId": id_, "errorLogs": job.errors[start : start + size]}
        return told

    def _load(self, job: Job) -> None:
        """Vertices first, then edges, as the loader orders files by itself; it stops at the first error."""
        assert job.given["format"] == "csv"
        assert job.given["updateSingleCardinalityProperties"] is True
        graphs = Graphs(self.gremlin)
        prefix = self._prefix(job.given)
        try:
            read = []
            for key in sorted(key for key in self.s3.objects if key.startswith(prefix)):
                name = f"s3://{self.s3.bucket}/{key}"
                job.files[name] = "LOAD_NOT_STARTED"
                try:
                    read.append((name, list(elements(self.s3.objects[key], "csv"))))
                except ParsingError as error:
                    job.files[name], job.status = "LOAD_FAILED", "LOAD_FAILED"
                    job.errors.append(_log("PARSING_ERROR", str(error), name, error.record))
            if job.errors:
                return
            for name, some in sorted(read, key=lambda one: one[1][0].out is not None):
                ends = [end for one in some if one.out is not None for end in (one.out, str(one.into))]
                for missing in sorted(graphs.missing(ends)):
                    said = f"Either from vertex or to vertex, '{missing}', is not present."
                    job.errors.append(_log("FROM_OR_TO_VERTEX_ARE_MISSING", said, name, 0))
                if job.errors:
                    job.files[name], job.status = "LOAD_FAILED", "LOAD_FAILED"
                    return
                graphs.insert(some)
                job.files[name] = "LOAD_COMPLETED"
                job.records += sum(1 + len(one.properties) for one in some)
            job.status = "LOAD_COMPLETED"
        finally:
            graphs.close()


def _log(code: str, said: str, name: str, record: int) -> dict[str, Any]:
    return {"errorCode": code, "errorMessage": said, "fileName": name, "recordNum": record}


def _serve(cluster: Cluster, client: socket.socket) -> None:
    """One connection: requests to the loader are answered, a WebSocket is passed on to the Gremlin Server."""
    with client, contextlib.suppress(OSError):
        while True:
            head = b""
            while b"\r\n\r\n" not in head:
                more = client.recv(65536)
                if not more:
                    return
                head += more
            first, _, rest = head.partition(b"\r\n")
            method, path, _ = first.decode().split(" ")
            if not path.startswith("/loader"):
                _pass_on(cluster, client, head)
                return
            lines, _, body = rest.partition(b"\r\n\r\n")
            headers = {
                name.lower(): value for name, value in re.findall(r"^([^:\r\n]+): ?([^\r\n]*)", lines.decode(), re.M)
            }
            while len(body) < int(headers.get("content-length", 0)):
                body += client.recv(65536)
            status, told = cluster.answer(method, path, headers, body)
            data = json.dumps(told).encode()
            client.sendall(f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n".encode())
            client.sendall(f"Content-Length: {len(data)}\r\n\r\n".encode() + data)


def _pass_on(cluster: Cluster, client: socket.socket, head: bytes) -> None:
    port = urlsplit(cluster.gremlin).port
    with socket.create_connection(("127.0.0.1", port)) as server:

        def pump(source: socket.socket, target: socket.socket) -> None:
            with contextlib.suppress(OSError):
                while data := source.recv(65536):
                    target.sendall(data)
            for one in (source, target):
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

        server.sendall(head)
        back = threading.Thread(target=pump, args=(server, client), daemon=True)
        back.start()
        pump(client, server)
        back.join(30)


@contextlib.contextmanager
def neptune_cluster(gremlin: str, s3: S3, tls: ssl.SSLContext) -> Iterator[Cluster]:
    """The cluster on a free port of 127.0.0.1, for the block."""
    cluster = Cluster(gremlin, s3)
    tls.sslsocket_class = InTurns  # what one thread reads, another writes
    threads: list[threading.Thread] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        cluster.port = listening.getsockname()[1]

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    raw, _ = listening.accept()
                    with contextlib.suppress(OSError):
                        one = threading.Thread(target=_serve, args=(cluster, tls.wrap_socket(raw, server_side=True)))
                        one.daemon = True
                        one.start()
                        threads.append(one)

        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        try:
            yield cluster
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            listening.close()
            accepting.join(30)
            for one in threads:
                one.join(5)
