"""The metrics of one process: a registry, and the families in it.

Names follow the conventions of Prometheus: prefix `csvmill_`, base units (seconds, bytes) as the
suffix, `_total` for counters. Labels have few values, all known in advance.
"""

from __future__ import annotations

import asyncio
import platform
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, TypeVar

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector
from prometheus_client.exposition import choose_encoder

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.telemetry.sampling import Sample

T = TypeVar("T")


class Metrics:
    """The metrics of one process at `/metrics`. Its composition root creates them."""

    def __init__(self, service: str) -> None:
        self.registry = CollectorRegistry()
        self._families: dict[Callable[[CollectorRegistry], Any], Any] = {}
        self._samples: list[Sample] = []
        ProcessCollector(registry=self.registry)
        Gauge(
            "csvmill_build_info",
            "Always 1. The labels are the service and its versions.",
            ["service", "version", "python"],
            registry=self.registry,
        ).labels(service, version("csvmill"), platform.python_version()).set(1)
        self._failures = Counter(
            "csvmill_sample_failures_total",
            "Samples of values outside of the process that failed; the gauge is NaN then.",
            ["sample"],
            registry=self.registry,
        )

    def of(self, family: Callable[[CollectorRegistry], T]) -> T:
        """Return the one object of a family in this process; create it on first use.

        A family is a class that takes a registry. So independent parts of a process share counters.
        """
        made: T | None = self._families.get(family)
        if made is None:
            made = self._families[family] = family(self.registry)
        return made

    def sample(self, sample: Sample) -> None:
        """Take `sample` whenever the metrics are requested."""
        self._failures.labels(sample.name)
        self._samples.append(sample)

    async def page(self, accept: str) -> tuple[bytes, str]:
        """Return the metrics in a text format that `accept` allows, and its content type."""
        taken = await asyncio.gather(*(sample.take() for sample in self._samples))
        for sample, success in zip(self._samples, taken, strict=True):
            if not success:
                self._failures.labels(sample.name).inc()
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type

    async def close(self) -> None:
        """Cancel the samples in progress."""
        for sample in self._samples:
            await sample.close()


METRICS = web.AppKey("metrics", Metrics)


async def show_metrics(request: web.Request) -> web.Response:
    """`GET /metrics`: the metrics of this process, for Prometheus."""
    body, content_type = await request.app[METRICS].page(request.headers.get("Accept", ""))
    return web.Response(body=body, headers={"Content-Type": content_type})
