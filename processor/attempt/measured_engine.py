"""An engine with metrics."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from shared.jobs.engine_choice import EngineChoice

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from processor.engines.port import Engine, EngineProgress, Output, Source
    from processor.metrics import ProcessorMetrics
    from shared.jobs.job import Aggregation


class MeasuredEngine:
    """Wraps an engine and counts its work under the label `name`."""

    def __init__(self, engine: Engine, name: str, metrics: ProcessorMetrics) -> None:
        self._engine = engine
        self._name = name
        self._metrics = metrics

    async def aggregate(
        self,
        aggregation: Aggregation,
        sources: Sequence[Source],
        scratch: Path,
        progress: Callable[[EngineProgress], None],
        choice: EngineChoice = EngineChoice.AUTO,
    ) -> Output:
        """See `Engine.aggregate`."""
        started = time.perf_counter()
        output = await self._engine.aggregate(aggregation, sources, scratch, progress, choice)
        report = output.report
        labels = (self._name, report.plan)
        self._metrics.job_seconds.labels(*labels).observe(time.perf_counter() - started)
        self._metrics.rows_in.labels(*labels).inc(report.rows.aggregated)
        self._metrics.rows_out.labels(*labels).inc(report.groups)
        self._metrics.bytes_in.labels(*labels).inc(sum(source.size for source in sources))
        self._metrics.bytes_out.labels(*labels).inc(output.size)
        return output
