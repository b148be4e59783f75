"""Files are read from sources, which may fail."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from shared.errors import AttemptFailed, StorageUnavailable
from shared.jobs.job import SONG_PLAYS
from tests.contract.engines.files import HEADER
from tests.contract.engines.runs import aggregate, leftovers, sources
from tests.contract.engines.sources import FailingSource, StalledSource, StreamSource

if TYPE_CHECKING:
    from pathlib import Path

    from processor.engines.port import Engine


async def test_only_the_result_is_left_in_scratch(
    engine: Engine, tmp_path: Path, scratch: Path
) -> None:
    outputs = [await aggregate(engine, s, scratch) for s in sources(HEADER + b"a,b,1\n", tmp_path)]

    assert leftovers(scratch) == {output.path for output in outputs}
    assert len(outputs) == 2


@pytest.mark.parametrize("size", [len(HEADER) + 5, len(HEADER) + 7], ids=["longer", "shorter"])
async def test_a_source_of_another_size_fails_the_attempt(
    engine: Engine, scratch: Path, size: int
) -> None:
    source = StreamSource(HEADER + b"a,b,1\n", size=size)

    with pytest.raises(AttemptFailed, match=f"of {size} bytes"):
        await aggregate(engine, source, scratch)

    assert leftovers(scratch) == set()


async def test_an_error_of_the_source_fails_the_attempt(engine: Engine, scratch: Path) -> None:
    source = FailingSource(
        HEADER + b"a,b,1\n" * 1000, StorageUnavailable("no connection to storage")
    )

    with pytest.raises(AttemptFailed, match="no connection to storage"):
        await aggregate(engine, source, scratch)

    assert leftovers(scratch) == set()


async def test_a_cancelled_attempt_leaves_no_files(engine: Engine, scratch: Path) -> None:
    started = asyncio.Event()
    source = StalledSource(HEADER + b"a,b,1\n" * 1000)
    running = asyncio.create_task(
        engine.aggregate(SONG_PLAYS, [source], scratch, lambda _progress: started.set())
    )
    await asyncio.wait_for(started.wait(), 30)

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert leftovers(scratch) == set()
