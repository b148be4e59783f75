"""The preview, which every engine writes for results that cannot be read from their start."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from shared.aggregation.spec import SONG_PLAYS, Aggregate, Aggregation, GroupColumn, OrderColumn
from tests.contract.engines.files import HEADER
from tests.contract.engines.runs import aggregate
from tests.contract.engines.sources import StreamSource

if TYPE_CHECKING:
    from pathlib import Path

    from processor.engines.port import Engine


async def test_the_preview_of_parquet_has_its_first_rows(engine: Engine, tmp_path: Path) -> None:
    aggregation = Aggregation(
        (GroupColumn("day", truncate="day"), GroupColumn("text")),
        (Aggregate("sum", "n", "a,b", "number"), Aggregate("max", "day", "last", "date")),
        order_by=(OrderColumn("a,b", descending=True),),
        output="parquet",
    )
    data = b'day,text,n\n2020-12-31,,1.25\n,"x ""y""",2\n2020-12-31T10:00,z,\n'
    data += b"".join(b"2021-01-01,%04d,-%d\n" % (n, n) for n in range(1, 2000))

    output = await aggregate(engine, StreamSource(data), tmp_path, aggregation)

    preview = output.preview
    assert preview is not None
    content = preview.path.read_bytes()
    assert (preview.size, preview.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert content.decode().splitlines()[:5] == [
        'day,text,"a,b",last',
        ',"x ""y""",2.00,',
        "2020-12-31,,1.25,2020-12-31 00:00:00",
        "2021-01-01,0001,-1.00,2021-01-01 00:00:00",
        "2021-01-01,0002,-2.00,2021-01-01 00:00:00",
    ]
    assert len(content.splitlines()) == 1 + 1000
    assert output.report.groups == 2002


# Another process writes previews, from a file that is the same for each engine.
@pytest.mark.parametrize("make_engine", ["kernel"], indirect=True)
@pytest.mark.parametrize(("size", "rows"), [(400_000, [b"0", b"1"]), (3_000_000, [])])
async def test_the_preview_of_parquet_with_long_rows_has_fewer_rows(
    engine: Engine, tmp_path: Path, size: int, rows: list[bytes]
) -> None:
    data = HEADER + b"".join(b"%d%s,b,1\n" % (n, b"x" * size) for n in range(5))

    output = await aggregate(
        engine, StreamSource(data), tmp_path, replace(SONG_PLAYS, output="parquet")
    )

    assert output.preview is not None
    assert [line[:1] for line in output.preview.path.read_bytes().splitlines()[1:]] == rows


async def test_a_csv_result_has_no_preview_file(engine: Engine, tmp_path: Path) -> None:
    output = await aggregate(engine, StreamSource(HEADER + b"a,b,1\n"), tmp_path)

    assert output.preview is None
