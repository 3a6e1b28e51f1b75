"""Traces by OpenTelemetry, sent over OTLP/HTTP: a span for each request and each stage of a search."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI

from api.settings import ServeError, Settings

_UNTRACED = "/health/,/metrics"
_URLS = ("http.url", "http.target", "url.full", "url.query")


@dataclass(frozen=True)
class Tracing:
    """Sends spans where the settings name an endpoint; else does nothing."""

    _provider: Any = None
    _instrumentor: Any = None

    @classmethod
    def of(cls, settings: Settings) -> Tracing:
        """As the settings say. Raises ServeError where the extra is not installed."""
        if settings.tracing_endpoint is None:
            return cls()
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
            from opentelemetry.sdk.resources import SERVICE_NAME, Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
        except ImportError as error:
            raise ServeError(
                "REELGRAPH_TRACING_ENDPOINT is set, and tracing needs an extra: pip install 'reelgraph[tracing]' "
                f"({error})"
            ) from None
        provider = TracerProvider(resource=Resource.create({SERVICE_NAME: "reelgraph"}))
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(settings.tracing_endpoint)))
        return cls(provider, FastAPIInstrumentor)

    def instrument(self, app: FastAPI) -> None:
        """Make a span of each request of an app, without what was asked for."""
        if self._provider is not None:
            self._instrumentor.instrument_app(
                app,
                tracer_provider=self._provider,
                excluded_urls=_UNTRACED,
                exclude_spans=["receive", "send"],
                server_request_hook=_without_query,
            )

    def stage(self, name: str) -> contextlib.AbstractContextManager[object]:
        """A span within the current one: `graph.stages.Stage`."""
        if self._provider is None:
            return contextlib.nullcontext()
        span: contextlib.AbstractContextManager[object] = self._provider.get_tracer("reelgraph").start_as_current_span(
            name
        )
        return span

    def stop(self) -> None:
        """Send what is still held."""
        if self._provider is not None:
            self._provider.shutdown()


def _without_query(span: Any, _scope: Mapping[str, Any]) -> None:
    """What people search for stays out of traces."""
    for name in _URLS:
        if name in (span.attributes or {}):
            span.set_attribute(name, str(span.attributes[name]).partition("?")[0] if name != "url.query" else "")
