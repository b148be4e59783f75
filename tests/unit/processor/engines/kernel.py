"""Runs the native engine on files in memory."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from processor.engines.messages import Knobs
from processor.engines.native import NativeEngine
from processor.engines.port import EngineLimits
from shared.jobs.job import SONG_PLAYS, Aggregation
from tests.contract.engines.sources import LocalSource, StreamSource
from tests.oracle import Expected

if TYPE_CHECKING:
    from processor.engines.port import Output, Source


def run(
    data: bytes,
    aggregation: Aggregation = SONG_PLAYS,
    *,
    block: int = 1 << 20,
    groups: int | None = None,
    threads: int = 2,
    stream: bool = False,
) -> Expected:
    """Aggregate a file. `block` is the bytes of a block, and `groups` those for groups in memory.

    Raises MalformedInput and AttemptFailed.
    """
    engine = NativeEngine(EngineLimits(threads=threads), Knobs(block=block, groups=groups))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source: Source = StreamSource(data)
        if not stream:
            path = folder / "input"
            path.write_bytes(data)
            source = LocalSource(path)
        output = asyncio.run(
            engine.aggregate(aggregation, [source], folder, lambda _progress: None),
        )
        return expected_from(output)


def expected_from(output: Output) -> Expected:
    """Return the bytes and the numbers of an output."""
    rows = output.report.rows
    return Expected(
        output.path.read_bytes(),
        (rows.aggregated, rows.filtered, rows.rejected),
        output.report.groups,
        b"" if output.rejects is None else output.rejects.path.read_bytes(),
    )
