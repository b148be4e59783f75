"""Engines keep to the limits of memory, disk and time."""

from __future__ import annotations

import hashlib
import random
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow.parquet
import pytest

from processor.engines import usage
from processor.engines.port import GRACE, EngineLimits
from shared.csv.dialect import Dialect
from shared.errors import AttemptFailed
from shared.jobs.job import SONG_PLAYS
from shared.jobs.report import Rows, report_of
from tests.contract.engines.runs import aggregate, leftovers
from tests.contract.engines.sources import StalledSource, StreamSource

if sys.version_info >= (3, 14):
    pass
else:
    pass

from tests.contract.engines.files import HEADER

if TYPE_CHECKING:
    from pathlib import Path

    from shared.aggregation.formats import FormatName
    from tests.contract.engines.runs import MakeEngine


async def test_the_time_limit_fails_the_attempt(make_engine: MakeEngine, scratch: Path) -> None:
    engine = make_engine(EngineLimits(time_limit=0.5))

    with pytest.raises(AttemptFailed, match=r"not done within 0\.5 s") as failed:
        await aggregate(engine, StalledSource(HEADER + b"a,b,1\n"), scratch)

    assert leftovers(scratch) == set()
    report = report_of(failed.value)
    assert report is not None
    assert (report.unfinished, report.dialect, report.bytes_in) == (True, None, 1022)
    assert report.seconds.aggregate >= 0.5


async def test_an_attempt_that_reads_too_slowly_fails_and_larger_files_have_more_time(
    make_engine: MakeEngine, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usage, "GRACE", 0.2)
    start = HEADER + b"a,b,1\n"
    for rate, seconds in ((1022 * 10, 0.3), (1022, 1.2)):
        engine = make_engine(EngineLimits(min_rate=rate))
        with pytest.raises(AttemptFailed, match="CSVMILL_MIN_RATE") as failed:
            await aggregate(engine, StalledSource(start), scratch)
        report = report_of(failed.value)
        assert report is not None
        assert report.seconds.aggregate >= seconds
    assert leftovers(scratch) == set()


async def test_the_time_of_a_compressed_file_grows_with_its_text() -> None:
    class Small:
        size = 100

    limits = EngineLimits(min_rate=1000)
    attempt = usage.Usage([Small()], limits, lambda _progress: None)  # type: ignore[list-item]
    began = time.monotonic()
    attempt._began = began - GRACE - 1
    with pytest.raises(usage.TooSlow):
        attempt._check_time()
    attempt.decompressed = 5000
    attempt._check_time()


async def test_more_groups_than_fit_into_memory_are_aggregated_within_the_limit(
    make_engine: MakeEngine, scratch: Path
) -> None:
    engine = make_engine(EngineLimits(memory=256 << 20))
    padding = "x" * 900
    rows = [f"{n * 7919 % 100_000:06},{padding},{n}\n" for n in range(100_000)]
    data = HEADER + "".join(rows).encode()

    output = await aggregate(engine, StreamSource(data, piece=1 << 20), scratch)

    digest = hashlib.sha256(b"Song,Date,Total Number of Plays for Date\n")
    digest.update("".join(sorted(rows)).encode())
    assert output.sha256 == digest.hexdigest()
    assert (output.report.rows, output.report.groups) == (Rows(100_000), 100_000)
    # Memory stayed within the limit, and the rest was spilled to disk
    assert 0 < output.report.peak_memory <= 256 << 20
    assert output.report.peak_scratch > 90_000_000


@pytest.mark.parametrize("output", ["csv", "parquet"])
@pytest.mark.parametrize(
    ("width", "limit"), [(900, 4_000_000), (20, 200_000)], ids=["spilled", "written"]
)
async def test_an_attempt_that_exceeds_its_disk_fails_and_names_the_limit(
    make_engine: MakeEngine, scratch: Path, output: FormatName, width: int, limit: int
) -> None:
    engine = make_engine(EngineLimits(scratch=limit), groups=2 << 20)
    draw = random.Random(1)
    rows = (f"{draw.randbytes(width // 2).hex()},b,1\n" for _ in range(20_000))
    data = HEADER + "".join(rows).encode()

    with pytest.raises(AttemptFailed) as failed:
        await aggregate(
            engine,
            StreamSource(data, piece=1 << 20),
            scratch,
            replace(SONG_PLAYS, output=output),
        )

    assert str(failed.value) == (
        f"out of scratch disk: the limit of a job is {limit:,} bytes (CSVMILL_SCRATCH_LIMIT)"
    )
    assert leftovers(scratch) == set()
    report = report_of(failed.value)
    assert report is not None
    assert (report.unfinished, report.dialect, report.bytes_in) == (True, Dialect(), len(data))
    assert (report.engine, report.peak_memory > 1 << 20) == ("kernel", True)
    assert report.engine_version
    assert report.peak_scratch >= limit


# One engine is enough: another process writes Parquet, from a file that is the same for each.
@pytest.mark.parametrize("make_engine", ["kernel"], indirect=True)
async def test_more_groups_than_fit_into_memory_are_written_as_parquet_within_the_limit(
    make_engine: MakeEngine, scratch: Path
) -> None:
    engine = make_engine(EngineLimits(memory=256 << 20))
    keys = [f"{n * 7919 % 60_000:06}{'x' * 900}" for n in range(60_000)]
    data = HEADER + "".join(f"{key},b,1\n" for key in keys).encode()

    output = await aggregate(
        engine,
        StreamSource(data, piece=1 << 20),
        scratch,
        replace(SONG_PLAYS, output="parquet"),
    )

    assert pyarrow.parquet.read_table(output.path).column("Song").to_pylist() == sorted(keys)
    assert output.preview is not None
    assert leftovers(scratch) == {output.path, output.preview.path}
    shown = output.preview.path.read_bytes().decode().splitlines()
    assert shown[1:] == [f"{key},b,1" for key in sorted(keys)[:1000]]
