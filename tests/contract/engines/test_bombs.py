"""Files that are small and expand: each is stopped, and other attempts go on meanwhile."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from processor.engines.port import EngineLimits
from shared.csv import compression
from shared.errors import AttemptFailed, MalformedInput
from shared.jobs.report import report_of
from tests.contract.engines.files import HEADER
from tests.contract.engines.runs import aggregate, leftovers
from tests.contract.engines.sources import StalledSource, StreamSource
from tests.written import COMPRESS

if TYPE_CHECKING:
    from pathlib import Path

    from shared.csv.dialect import Compression
    from tests.contract.engines.runs import MakeEngine

COMPRESSIONS = [name for name in COMPRESS if name != "none"]
LIMIT = 1 << 20


@pytest.mark.parametrize("by", COMPRESSIONS)
async def test_a_bomb_is_stopped_by_its_expansion_and_another_attempt_goes_on(
    make_engine: MakeEngine, scratch: Path, monkeypatch: pytest.MonkeyPatch, by: Compression
) -> None:
    monkeypatch.setattr(compression, "MIN_DECOMPRESSED_LIMIT", LIMIT)
    bomb = COMPRESS[by](HEADER + b"a,b,1\n" * 500_000)
    assert len(bomb) * 2 < LIMIT
    engine = make_engine(EngineLimits(max_expansion=2))

    other, stopped = await asyncio.gather(
        aggregate(engine, StreamSource(HEADER + b"a,b,2\n" * 50_000), scratch),
        aggregate(engine, StreamSource(bomb), scratch),
        return_exceptions=True,
    )

    assert isinstance(stopped, MalformedInput)
    assert f"the decompressed file has more than {LIMIT} bytes" in str(stopped)
    assert not isinstance(other, BaseException)
    assert other.path.read_bytes().endswith(b"a,b,100000\n")
    assert leftovers(scratch) == {other.path}


@pytest.mark.parametrize("by", COMPRESSIONS)
async def test_a_bomb_within_a_bomb_is_expanded_once(
    make_engine: MakeEngine, scratch: Path, by: Compression
) -> None:
    nested = COMPRESS[by](COMPRESS[by](COMPRESS[by](HEADER + b"a,b,1\n" * 100_000)))

    with pytest.raises(MalformedInput) as refused:
        await aggregate(make_engine(EngineLimits()), StreamSource(nested), scratch)

    report = report_of(refused.value)
    assert report is not None
    assert (report.bytes_decompressed or 0) < len(nested) + (64 << 10)
    assert leftovers(scratch) == set()


@pytest.mark.parametrize("by", COMPRESSIONS)
async def test_a_bomb_that_never_ends_is_stopped_by_the_time_limit(
    make_engine: MakeEngine, scratch: Path, by: Compression
) -> None:
    engine = make_engine(EngineLimits(time_limit=1.0))
    # Without its end: as much as has been sent is expanded, and the rest is waited for
    start = COMPRESS[by](HEADER + b"a,b,1\n" * 100_000)[:-12]

    with pytest.raises(AttemptFailed, match=r"not done within 1 s"):
        await aggregate(engine, StalledSource(start), scratch)

    assert leftovers(scratch) == set()


@pytest.mark.parametrize("by", COMPRESSIONS)
async def test_a_bomb_of_groups_is_stopped_by_the_scratch_disk(
    make_engine: MakeEngine, scratch: Path, by: Compression
) -> None:
    # A common end of 1,000 bytes compresses well, and each group has to be spilled
    rows = b"".join(b"%d%s,b,1\n" % (number, b"x" * 1000) for number in range(20_000))
    engine = make_engine(EngineLimits(scratch=4_000_000), groups=2 << 20)

    with pytest.raises(AttemptFailed, match="CSVMILL_SCRATCH_LIMIT"):
        await aggregate(engine, StreamSource(COMPRESS[by](HEADER + rows)), scratch)

    assert leftovers(scratch) == set()
