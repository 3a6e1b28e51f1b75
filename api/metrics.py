"""What the service counts and times, for Prometheus: a registry for each app, and one answer for all its workers."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from graph.refreshed import refreshed
from graph.store import GraphStore, StoreError

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
SHARED_METRICS = "PROMETHEUS_MULTIPROC_DIR"
"""A folder in which workers keep their figures, so that each of them can answer for all; prometheus-client reads it."""


class Metrics:
    """The figures of one app."""

    def __init__(self, store: GraphStore) -> None:
        self._registry = registry = CollectorRegistry()
        self._versions = _Versions(store)
        self._requests = Counter(
            "reelgraph_requests", "Requests answered", ("method", "route", "status"), registry=registry
        )
        self._latency = Histogram(
            "reelgraph_request_seconds", "Time to an answer", ("route",), buckets=_SECONDS, registry=registry
        )
        self._stages = Histogram(
            "reelgraph_stage_seconds",
            "Time of a search's stages; evidence is a part of substitutes",
            ("stage",),
            buckets=_SECONDS,
            registry=registry,
        )
        self._answers = Counter("reelgraph_answers", "Searches answered, by status", ("status",), registry=registry)
        self._kept = Counter(
            "reelgraph_kept_answers", "Searches by how they were answered", ("how",), registry=registry
        )
        self._running = Gauge(
            "reelgraph_requests_in_progress", "Requests being answered", multiprocess_mode="livesum", registry=registry
        )

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage of a search: `graph.stages.Stage`."""
        with self._stages.labels(name).time():
            yield

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Count a request as being answered."""
        with self._running.track_inprogress():
            yield

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answer. route: its template, so that there are few of them."""
        self._requests.labels(method, route, str(status)).inc()
        self._latency.labels(route).observe(seconds)

    def searched(self, status: str, *, kept: bool) -> None:
        """Count a search's answer: its status, and whether it was made before or for this request."""
        self._answers.labels(status).inc()
        self._kept.labels("kept" if kept else "made").inc()

    def text(self) -> bytes:
        """All figures in Prometheus's text format; of all workers, where there are several."""
        registry = self._registry
        if os.environ.get(SHARED_METRICS):
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry) + generate_latest(self._versions)

    def stop(self) -> None:
        """This worker has stopped: what it was doing is done."""
        if os.environ.get(SHARED_METRICS):
            mark_process_dead(os.getpid())  # type: ignore[no-untyped-call]


class _Versions(Collector):
    """Which version of the graph and which runs' vectors are being answered from, and how fresh they are."""

    def __init__(self, store: GraphStore) -> None:
        self._store = store

    def collect(self) -> Iterator[Metric]:
        """Asked anew at each scrape, for they change while the service runs."""
        graph = GaugeMetricFamily("reelgraph_graph_info", "Version of the graph", labels=["version"])
        vectors = GaugeMetricFamily("reelgraph_vectors_info", "Published vectors", labels=["name", "run"])
        up = GaugeMetricFamily("reelgraph_store_up", "Whether the store answers")
        fresh = GaugeMetricFamily("reelgraph_refresh_age_seconds", "Since the last refresh that succeeded")
        state = GaugeMetricFamily("reelgraph_refresh_info", "How the last refresh went", labels=["state", "step"])
        try:
            info, last = self._store.info(), refreshed(self._store)
        except StoreError:
            up.add_metric([], 0)
        else:
            up.add_metric([], 1)
            graph.add_metric([info.version], 1)
            for name, made in info.embeddings.items():
                vectors.add_metric([name, made.run], 1)
            if last is not None:
                state.add_metric([last.state, last.step], 1)
                if last.age_seconds is not None:
                    fresh.add_metric([], last.age_seconds)
        yield from (up, graph, vectors, fresh, state)
