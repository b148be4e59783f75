"""Files that are too large have a clear outcome, within the limits of the engine."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import pytest

from processor.engines.port import EngineLimits
from processor.engines.usage import Outgrown
from shared.aggregation.spec import SONG_PLAYS, Aggregate, Aggregation, GroupColumn
from shared.csv.dialect import Input
from shared.errors import MalformedInput
from shared.jobs.report import Rows, report_of
from tests.contract.engines.files import HEADER
from tests.contract.engines.runs import ENGINES, aggregate
from tests.contract.engines.sources import LocalSource, StreamSource

if TYPE_CHECKING:
    from pathlib import Path

    from processor.engines.port import Engine

MEMORY = 512 << 20
COUNT = Aggregation((GroupColumn("c0"),), (Aggregate("count", None, "rows"),))
COMMAS = Input(delimiter=",", quote='"', header=True, encoding="utf-8")


@pytest.fixture
def engine() -> Engine:
    return ENGINES["kernel"](EngineLimits(memory=MEMORY))


def wide(columns: int, rows: int) -> bytes:
    """Return a file with numbered columns and two groups."""
    header = b",".join(b"c%d" % n for n in range(columns))
    rest = b",".join(b"%d" % n for n in range(1, columns))
    return header + b"\n" + b"".join(b"%d,%s\n" % (n % 2, rest) for n in range(rows))


async def test_ten_thousand_columns_are_found_by_name(engine: Engine, tmp_path: Path) -> None:
    last = Aggregation((GroupColumn("c0"),), (Aggregate("sum", "c9999", "sum", "integer"),))

    output = await aggregate(engine, StreamSource(wide(10_000, 50)), tmp_path, last)

    assert output.path.read_bytes() == b"c0,sum\n0,249975\n1,249975\n"
    assert output.report.plan == "exact"
    assert output.report.peak_memory <= MEMORY


async def test_a_header_of_a_million_columns_is_read(engine: Engine, tmp_path: Path) -> None:
    source = StreamSource(wide(1_000_000, 2), piece=1 << 20)

    output = await aggregate(engine, source, tmp_path, COUNT)

    assert output.path.read_bytes() == b"c0,rows\n0,1\n1,1\n"
    assert output.report.plan == "exact"
    assert output.report.peak_memory <= MEMORY


async def test_a_header_of_too_many_columns_is_refused(engine: Engine, tmp_path: Path) -> None:
    data = b"x," * (1 << 20) + b"x\n1\n"

    with pytest.raises(MalformedInput, match="line 1: found more than 1048576 columns") as refused:
        await aggregate(engine, StreamSource(data, piece=1 << 20), tmp_path, COUNT)

    report = report_of(refused.value)
    assert report is not None
    assert report.plan == "exact"
    assert report.peak_memory <= MEMORY


def long_names(size: int) -> bytes:
    """Return a file whose header has 50 names of `size` bytes, each of which is six in JSON."""
    return b",".join(b"%d" % n + b"\x01" * size for n in range(50)) + b"\n" + b"," * 49 + b"\n"


async def test_a_header_that_the_service_cannot_hold_is_refused(
    engine: Engine, tmp_path: Path
) -> None:
    aggregation = Aggregation((), (Aggregate("count", None, "rows"),), input=COMMAS)

    with pytest.raises(MalformedInput, match="header of the file has more than 32 MiB") as refused:
        await aggregate(engine, StreamSource(long_names(120_000)), tmp_path, aggregation)

    assert report_of(refused.value) is not None


async def test_a_small_job_with_a_long_header_leaves_its_slot(tmp_path: Path) -> None:
    # Eight at a time took a gigabyte of a processor beyond the memory of their own.
    aggregation = Aggregation((), (Aggregate("count", None, "rows"),), input=COMMAS)
    source = StreamSource(long_names(16_000))
    small = ENGINES["kernel"](EngineLimits(memory=MEMORY, small=64 << 20))

    with pytest.raises(Outgrown, match="its header has more than 4 MiB"):
        await aggregate(small, source, tmp_path, aggregation)

    output = await aggregate(
        ENGINES["kernel"](EngineLimits(memory=MEMORY)), source, tmp_path, aggregation
    )
    assert output.path.read_bytes() == b"rows\n1\n"


@pytest.mark.parametrize(
    ("quote", "on_bad_row"),
    [(b"", "skip"), (b"", "fail"), (b'"', "skip")],
    ids=["skipped", "refused", "never closed"],
)
async def test_only_the_record_that_is_too_long_is_bad(
    engine: Engine, tmp_path: Path, scratch: Path, quote: bytes, on_bad_row: Literal["skip", "fail"]
) -> None:
    # 68 MB is more than 64 MiB. The lines after an unclosed quote are records again.
    path = tmp_path / "input.csv"
    path.write_bytes(HEADER + b"a,b,1\n" + quote + b"x" * 68_000_000 + b",b,2\na,b,3\n")
    aggregation = replace(SONG_PLAYS, input=Input(on_bad_row=on_bad_row))

    if on_bad_row == "fail":
        with pytest.raises(MalformedInput, match=r"^line 3.*64 MiB") as refused:
            await aggregate(engine, LocalSource(path), scratch, aggregation)
        report = report_of(refused.value)
        assert report is not None
    else:
        output = await aggregate(engine, LocalSource(path), scratch, aggregation)
        report = output.report
        assert output.path.read_bytes().endswith(b"\na,b,4\n")
        assert output.rejects is not None
        assert output.rejects.size < 1 << 17
        assert re.match(rb"3,22,.*64 MiB", output.rejects.path.read_bytes().splitlines()[1])
    assert report.rows == Rows(aggregated=2, rejected=1)
    assert report.plan == "exact"
    assert report.peak_memory <= MEMORY
