"""What the operator may want to know of a running server: counts of requests, how long they took, the newest log lines.

Counting is one pure ASGI layer. The classes of requests are few and fixed (`lane_of`), so that no path of a visitor
becomes a label: a time series for each is a known way to fill a monitoring server. The log is that of warnings and
errors, the last `LINES` of them, in memory.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hsi_studio.ui.server.fair import lane_of

LINES = 400
SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0)

Gauges = dict[str, tuple[str, float]]  # name → (what it is, value)


class Watch:
    """One server's counts. `gauges` is asked when somebody looks."""

    def __init__(self, gauges: Callable[[], Gauges] = dict) -> None:
        self.gauges, self.registry, self.log = gauges, CollectorRegistry(), _Newest()
        self.began = time.time()
        self._requests = Counter(
            "hsi_requests", "Requests by class and status", ["kind", "status"], registry=self.registry
        )
        self._seconds = Histogram(
            "hsi_request_seconds", "Time to answer, streams left out", ["kind"], buckets=SECONDS, registry=self.registry
        )  # fmt: skip
        self.registry.register(self)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The gauges as Prometheus takes them (its protocol of a collector)."""
        for name, (what, value) in self.gauges().items():
            yield GaugeMetricFamily(f"hsi_{name}", what, value=value)

    def describe(self) -> list[Any]:
        """Nothing beforehand: gauges are asked for when they are read."""
        return []

    def text(self) -> bytes:
        """All of it in Prometheus' text format."""
        return bytes(generate_latest(self.registry))

    def counting(self, app: ASGIApp) -> ASGIApp:
        """`app` with its requests counted."""

        async def counted(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            kind, began, status = lane_of(scope["method"], scope["path"]) or "page", time.perf_counter(), 0

            async def sending(message: Message) -> None:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = message["status"]
                await send(message)

            try:
                await app(scope, receive, sending)
            finally:
                self._requests.labels(kind, str(status or 500)).inc()
                if kind != "stream":
                    self._seconds.labels(kind).observe(time.perf_counter() - began)

        return counted

    def listen(self) -> None:
        """Keep the newest warnings of the whole program from now on."""
        logging.getLogger().addHandler(self.log)

    def close(self) -> None:
        logging.getLogger().removeHandler(self.log)


class _Newest(logging.Handler):
    """The last warnings and errors as lines."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: deque[str] = deque(maxlen=LINES)
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s", "%Y-%m-%d %H:%M:%S"))

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record)[:4000])
