"""The metrics of one process: a registry of its own, and the families that are kept in it.

Names follow the conventions of Prometheus: `csvmill_` first, the unit last, base units (seconds,
bytes), `_total` on counters. Labels take few values, all known beforehand.
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
    """What one process tells about itself at `/metrics`. Made by its composition root."""

    def __init__(self, service: str) -> None:
        self.registry = CollectorRegistry()
        self._families: dict[Callable[[CollectorRegistry], Any], Any] = {}
        self._samples: list[Sample] = []
        ProcessCollector(registry=self.registry)
        Gauge(
            "csvmill_build_info",
            "Always 1; the labels say what runs.",
            ["service", "version", "python"],
            registry=self.registry,
        ).labels(service, version("csvmill"), platform.python_version()).set(1)
        self._failures = Counter(
            "csvmill_sample_failures_total",
            "Looks at something outside of the process, for a gauge, that failed; it is NaN then.",
            ["sample"],
            registry=self.registry,
        )

    def of(self, family: Callable[[CollectorRegistry], T]) -> T:
        """The metrics of a family, a class that is made of a registry: one object a process.

        So parts of a process that know nothing of each other count together.
        """
        made: T | None = self._families.get(family)
        if made is None:
            made = self._families[family] = family(self.registry)
        return made

    def sample(self, sample: Sample) -> None:
        """Have `sample` taken before the metrics are shown."""
        self._failures.labels(sample.name)
        self._samples.append(sample)

    async def page(self, accept: str) -> tuple[bytes, str]:
        """The metrics in a text format that `accept` permits, and its content type."""
        taken = await asyncio.gather(*(sample.take() for sample in self._samples))
        for sample, success in zip(self._samples, taken, strict=True):
            if not success:
                self._failures.labels(sample.name).inc()
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type

    async def close(self) -> None:
        """End what is still being sampled."""
        for sample in self._samples:
            await sample.close()


METRICS = web.AppKey("metrics", Metrics)


async def show_metrics(request: web.Request) -> web.Response:
    """`GET /metrics`: the metrics of this process, for Prometheus."""
    body, content_type = await request.app[METRICS].page(request.headers.get("Accept", ""))
    return web.Response(body=body, headers={"Content-Type": content_type})
