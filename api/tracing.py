"""Traces by OpenTelemetry, sent over OTLP/HTTP: a span for each request. Only when an endpoint is set."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import FastAPI

from api.settings import ServeError, Settings


def trace(app: FastAPI, settings: Settings) -> Callable[[], None]:
    """Trace an app where the settings say so; what it gives back sends what is still held. Raises ServeError
    where the extra is not installed.
    """
    if settings.tracing_endpoint is None:
        return lambda: None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise ServeError(
            f"REELGRAPH_TRACING_ENDPOINT is set, and tracing needs an extra: pip install 'reelgraph[tracing]' ({error})"
        ) from None
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: "reelgraph"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(settings.tracing_endpoint)))
    FastAPIInstrumentor.instrument_app(
        app,
        tracer_provider=provider,
        excluded_urls="/health/,/metrics",
        exclude_spans=["receive", "send"],
    )
    return provider.shutdown
