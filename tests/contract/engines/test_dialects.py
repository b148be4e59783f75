"""The dialect of a file is detected and reported."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from shared.aggregation.spec import Aggregate, GroupColumn
from shared.errors import MalformedInput
from shared.jobs.job import Aggregation
from tests.contract.engines.files import HEADER
from tests.contract.engines.runs import WITH_REFERENCE, aggregate, sources
from tests.contract.engines.sources import StreamSource

if TYPE_CHECKING:
    from pathlib import Path

    from processor.engines.port import Engine

pytestmark = WITH_REFERENCE

PREISE = "Titel;Preis\nÜber;1\nÜber;2\n"


@pytest.mark.parametrize(
    "data",
    [
        PREISE.encode(),
        PREISE.encode("cp1252"),
        PREISE.encode("utf-16"),
        PREISE.replace("\n", "\r").replace(";", "\t").encode(),
        gzip.compress(b"sep=;\r\n" + PREISE.encode()),
        PREISE.replace("Über", "'Über'").encode(),
    ],
    ids=["semicolons", "windows-1252", "utf-16", "cr and tabs", "gzip, for spreadsheets", "'"],
)
async def test_the_dialect_is_detected_for_every_spec_but_the_default(
    engine: Engine, scratch: Path, data: bytes
) -> None:
    aggregation = Aggregation((GroupColumn("Titel"),), (Aggregate("sum", 2, "sum", "number"),))

    output = await aggregate(engine, StreamSource(data), scratch, aggregation)

    assert output.path.read_text(encoding="utf-8") == "Titel,sum\nÜber,3\n"


async def test_a_dialect_is_detected_in_a_file_of_several_blocks(
    engine: Engine, scratch: Path
) -> None:
    data = b"a;b\n" + b"%s;1\n" % (b"x" * 500) * 4_000
    aggregation = Aggregation((GroupColumn(1, "first"),), (Aggregate("count", None, "rows"),))

    output = await aggregate(engine, StreamSource(data, piece=1 << 20), scratch, aggregation)

    assert output.path.read_bytes() == b"first,rows\n%s,4000\n" % (b"x" * 500)


async def test_an_ambiguous_first_record_is_refused(
    engine: Engine, tmp_path: Path, scratch: Path
) -> None:
    by_position = Aggregation((GroupColumn(1, "k"),), (Aggregate("sum", 2, "n", "number"),))
    for source in sources(b"a,1\nb,2\n", tmp_path):
        with pytest.raises(MalformedInput) as refused:
            await aggregate(engine, source, scratch, by_position)
        assert str(refused.value) == (
            "line 1 looks like a record (column 2 is '1'): set input.header to true or false"
        )
    for data, rows in (
        (b"a,1.5\nb,2\n", b"a,1.5\nb,2\n"),
        (b"key,count\na,1\nb,2\n", b"a,1\nb,2\n"),
    ):
        for source in sources(data, tmp_path):
            output = await aggregate(engine, source, scratch, by_position)
            assert output.path.read_bytes() == b"k,n\n" + rows
            assert output.report.rows.total == 2
            assert output.report.dialect is not None
            assert output.report.dialect.header is data.startswith(b"key")


async def test_the_report_shows_bom_line_ends_and_records_of_several_lines(
    engine: Engine, scratch: Path
) -> None:
    data = b'\xef\xbb\xbfSong,Date,Plays\r\na,b,1\r\na,"b\nb\r\nb",2\r\n'
    report = (await aggregate(engine, StreamSource(data), scratch)).report
    assert report.dialect is not None
    assert (report.dialect.bom, report.dialect.line_ends) == (True, ("lf", "crlf"))
    plain = (await aggregate(engine, StreamSource(HEADER + b"a,b,1\n"), scratch)).report
    assert plain.dialect is not None
    assert (plain.dialect.bom, plain.dialect.line_ends) == (False, ("lf",))
    for found, lines in ((report, (1, 3)), (plain, (0, 1))):
        assert (found.rows_of_several_lines, found.most_lines) == lines
