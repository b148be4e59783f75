"""The reference as an engine, so that tests of what files mean run on it too."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from processor.engines.port import Output, Written
from shared.errors import MalformedInput
from shared.jobs.engine_choice import EngineChoice
from tests.reference.file import Outcome
from tests.reference.file import aggregate as aggregated

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from processor.engines.port import EngineProgress, Source
    from shared.jobs.job import Aggregation


@lru_cache(maxsize=1)
def _outcome(data: bytes, aggregation: Aggregation) -> Outcome:
    """Aggregate once the bytes that a test gives as a file and as a stream."""
    return aggregated(data, aggregation)


class ReferenceEngine:
    """Computes an aggregation of one file with `tests.reference`.

    Its report has nothing of what a computation costs, and it has no limits.
    """

    async def aggregate(
        self,
        aggregation: Aggregation,
        sources: Sequence[Source],
        scratch: Path,
        progress: Callable[[EngineProgress], None],
        choice: EngineChoice = EngineChoice.AUTO,
    ) -> Output:
        """Aggregate the file. Raises MalformedInput as every engine does."""
        [source] = sources
        data = await _bytes_of(source)
        found = _outcome(data, aggregation)
        report = found.report and replace(found.report, engine="reference", bytes_in=len(data))
        if found.reason or report is None:
            raise MalformedInput(found.reason, report)
        result = _written(scratch / "result", found.result)
        return Output(
            result.path,
            result.size,
            result.sha256,
            report=replace(report, bytes_out=result.size),
            rejects=_written(scratch / "rejects", found.rejects) if found.rejects else None,
        )


async def _bytes_of(source: Source) -> bytes:
    if source.local_path is not None:
        return source.local_path.read_bytes()
    async with source.open() as pieces:
        return b"".join([bytes(piece) async for piece in pieces if isinstance(piece, bytes)])


def _written(path: Path, content: bytes) -> Written:
    path.write_bytes(content)
    return Written(path, len(content), hashlib.sha256(content).hexdigest())
