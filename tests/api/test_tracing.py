"""Traces by OpenTelemetry: to a collector where one is set, and a clear error where the extra is missing."""

from __future__ import annotations

import http.server
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from api.app import create_app
from api.settings import ServeError, Settings
from graph.store import GraphStore


@pytest.fixture
def collector() -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    """Its address, and what it was sent."""
    sent: list[tuple[str, bytes]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1/traces", sent
        server.shutdown()
        thread.join()


def test_a_span_for_each_request(own_store: GraphStore, service: Any, collector: Any) -> None:
    pytest.importorskip("opentelemetry.instrumentation.fastapi")
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    address, sent = collector
    with service(own_store, tracing_endpoint=address) as client:
        client.get("/titles/tt0114709")
        client.get("/search", params={"q": "toy story"})
        client.get("/health/live")
    resources = [
        resource
        for path, body in sent
        if path == "/v1/traces"
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans
    ]
    spans = [span for resource in resources for scope in resource.scope_spans for span in scope.spans]
    requests = {span.name: span.span_id for span in spans if span.name.startswith("GET ")}
    assert sorted(requests) == ["GET /search", "GET /titles/{id}"]
    stages = {span.name: span.span_id for span in spans if span.parent_span_id == requests["GET /search"]}
    assert sorted(stages) == ["match", "substitutes"]
    assert [span.name for span in spans if span.parent_span_id == stages["substitutes"]] == ["evidence"]
    assert not any(b"toy" in body for _, body in sent)
    names = [one.value.string_value for r in resources for one in r.resource.attributes if one.key == "service.name"]
    assert set(names) == {"reelgraph"}


def test_without_the_extra(own_store: GraphStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.instrumentation.fastapi", None)
    with pytest.raises(ServeError, match=r"tracing needs an extra: pip install 'reelgraph\[tracing\]'"):
        create_app(Settings(store=own_store.url, tracing_endpoint="http://127.0.0.1:1/v1/traces"), own_store)
    create_app(Settings(store=own_store.url), own_store)
