"""What the server counts, for Prometheus."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.process_collector import ProcessCollector

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
PICTURES = (1, 2, 4, 8, 16, 32, 64)


class Metrics:
    """Counts of one server, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self._requests = Counter(
            "fittingroom_requests",
            "Requests that were answered or refused.",
            ("route", "method", "status"),
            registry=registry,
        )
        self._seconds = Histogram(
            "fittingroom_request_seconds",
            "From a request's headers to the end of its response.",
            ("route",),
            buckets=SECONDS,
            registry=registry,
        )
        self.in_flight = Gauge(
            "fittingroom_requests_in_flight", "Requests under way.", registry=registry
        )
        self._pictures = Counter(
            "fittingroom_pictures", "Pictures answered for, by model.", ("model",),
            registry=registry,
        )  # fmt: skip
        self._batch = Histogram(
            "fittingroom_batch_pictures",
            "Pictures in a batch of plain answers.",
            buckets=PICTURES,
            registry=registry,
        )
        self._warnings = Counter(
            "fittingroom_warnings", "Warnings in answers, by kind.", ("kind",), registry=registry
        )
        ProcessCollector(registry=registry)

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(route, method, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def batch(self, pictures: int) -> None:
        """Count a batch."""
        self._batch.observe(pictures)

    def answered(self, model: str, warnings: Iterable[str]) -> None:
        """Count an answer."""
        self._pictures.labels(model).inc()
        for kind in warnings:
            self._warnings.labels(kind).inc()

    def text(self) -> bytes:
        """Return all of it in Prometheus' text format."""
        return generate_latest(self.registry)
