"""The contract of `processor.engines.port.Engine`, run on every engine."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import random
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from processor.engines.port import EngineLimits, EngineProgress
from shared.aggregation.spec import Aggregate, GroupColumn
from shared.csv import compression
from shared.csv.dialect import Dialect, Input
from shared.errors import AttemptFailed, MalformedInput, StorageUnavailable
from shared.jobs.job import SONG_PLAYS, Aggregation
from shared.jobs.report import Rows, report_of
from tests.aggregations import Case, cases, sum_of
from tests.contract.engines.runs import ENGINES, aggregate, assert_is, leftovers, sources
from tests.contract.engines.sources import FailingSource, StalledSource, StreamSource
from tests.csv_files import Style, encode, numbers, styles, texts
from tests.oracle import Expected, Malformed, expected_result
from tests.written import written_cases

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from processor.engines.port import Engine
    from shared.aggregation.formats import FormatName
    from tests.contract.engines.runs import MakeEngine

HEADER = b"Song,Date,Plays\n"


@st.composite
def large_tables(draw: st.DrawFn) -> list[list[str]]:
    """Draw many rows of a few values. There are few examples, because each starts processes."""
    rows = draw(st.lists(st.tuples(texts, texts, numbers).map(list), min_size=5, max_size=60))
    return [["Song", "Date", "Plays"], *(rows * draw(st.sampled_from([1, 30])))]


@given(rows=large_tables(), style=styles)
@settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_results_equal_those_of_the_oracle_byte_for_byte(
    engine: Engine, tmp_path: Path, scratch: Path, rows: list[list[str]], style: Style
) -> None:
    data = encode(rows, style)
    expected = expected_result(SONG_PLAYS, data)

    for source in sources(data, tmp_path):
        assert_is(await aggregate(engine, source, scratch), expected)


async def test_a_file_of_several_megabytes_with_newlines_in_quotes_is_aggregated(
    engine: Engine, tmp_path: Path, scratch: Path
) -> None:
    row = '"line\nbreak,2020-01-01,7\n%d",2020-1-1,%d\n"He said ""%d""",007,-3\n'
    data = HEADER + "".join(row % (i % 999, i, i % 77) for i in range(40_000)).encode()
    expected = expected_result(SONG_PLAYS, data)

    for source in sources(data, tmp_path):
        assert_is(await aggregate(engine, source, scratch), expected)


async def test_a_file_with_only_a_header_has_a_result_with_only_a_header(
    engine: Engine, tmp_path: Path, scratch: Path
) -> None:
    for data in (b"a,b,c", b"\xef\xbb\xbfa,b,c\r\n", b"a,b,c\n\n\n"):
        for source in sources(data, tmp_path):
            output = await aggregate(engine, source, scratch)
            expected = Expected(b"Song,Date,Total Number of Plays for Date\n", (0, 0, 0), 0)
            assert_is(output, expected)


async def test_sums_are_exact_at_any_size(engine: Engine, scratch: Path) -> None:
    rows = [b"a,b,9223372036854775807\n"] * 3 + [b"c,d,-%d\n" % 10**80, b"c,d,%d\n" % 10**40]
    data = HEADER + b"".join(rows)

    output = await aggregate(engine, StreamSource(data), scratch)

    assert_is(output, expected_result(SONG_PLAYS, data))
    assert b"a,b,%d\n" % (3 * (2**63 - 1)) in output.path.read_bytes()
    assert b"c,d,-%d\n" % (10**80 - 10**40) in output.path.read_bytes()


async def test_the_aggregation_selects_columns_and_names_the_header(
    engine: Engine, scratch: Path
) -> None:
    aggregation = sum_of(1, group_by=(3, 0), header=("'; DROP", 'a "b"', "c,\nd"))
    data = b"x,n,y,z\n" + b"1,10,p,q\n1,-4,r,q\n2,5,,\n"

    output = await aggregate(engine, StreamSource(data), scratch, aggregation)

    assert output.path.read_bytes() == b'\'; DROP,"a ""b""","c,\nd"\n,2,5\nq,1,6\n'


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
    data = b"a;b\n" + b"x;1\n" * 400_000
    aggregation = Aggregation((GroupColumn(1, "first"),), (Aggregate("count", None, "rows"),))

    output = await aggregate(engine, StreamSource(data, piece=1 << 20), scratch, aggregation)

    assert output.path.read_bytes() == b"first,rows\nx,400000\n"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", r"the file is empty: expected a header line"),
        (b"Song,Date\na,b\n", r"line 1: found a header of 2 columns.*expected at least 3 columns"),
        (
            HEADER + b'"a\n",b,1\na,b,1.5\n',
            r"line 4, column 3 \('Plays'\): found '1\.5', expected an",
        ),
        (
            HEADER + b"a,b,1\na,b\n",
            r"line 3, column 3 \('Plays'\): found 2 columns: 'a,b', expected 3",
        ),
        (HEADER + b"a,b,1\na,b,1,2\n", r"line 3, column 4: found 4 columns.*expected 3 columns"),
        (
            HEADER + b'a,b,1\n"a,b,1\n',
            r"line 3, column 1 \('Song'\): found .* without a closing quote, expected",
        ),
        (HEADER + b'a,"b"c,1\n', r"line 2, column 2 \('Date'\): found 'c' after the closing quote"),
        (
            HEADER + b"a,b,1\r\na\rb,b,1\r\n",
            r"line 3, column 1 \('Song'\): found a carriage return",
        ),
        (
            HEADER + b"a,\xe9,1\n",
            r"line 2, column 2 \('Date'\): found .*xe9.*, expected text in UTF-8",
        ),
    ],
)
async def test_a_malformed_file_is_refused_with_line_and_column_and_leaves_no_files(
    engine: Engine, scratch: Path, data: bytes, message: str
) -> None:
    with pytest.raises(MalformedInput, match=f"(?s)^{message}"):
        await aggregate(engine, StreamSource(data), scratch)

    assert leftovers(scratch) == set()


async def test_only_the_result_is_left_in_scratch(
    engine: Engine, tmp_path: Path, scratch: Path
) -> None:
    outputs = [await aggregate(engine, s, scratch) for s in sources(HEADER + b"a,b,1\n", tmp_path)]

    assert leftovers(scratch) == {output.path for output in outputs}
    assert len(outputs) == 2


async def test_progress_rises_to_the_size_of_the_source(engine: Engine, scratch: Path) -> None:
    source = StreamSource(HEADER + b"a,b,1\n" * 1000)
    reported: list[EngineProgress] = []

    await engine.aggregate(SONG_PLAYS, source, scratch, reported.append)

    assert (reported[-1].done, reported[-1].total) == (source.size, source.size)
    assert (reported[-1].rows, reported[-1].rows_estimated) == (1000, False)
    assert [p.done for p in reported] == sorted(p.done for p in reported)


async def test_rows_are_reported_while_the_file_is_read(engine: Engine, scratch: Path) -> None:
    rows = 300_000
    data = HEADER + b"".join(b'"song, or so\n%06d",b,1\n' % n for n in range(rows))
    all_read = asyncio.Event()
    reported: list[EngineProgress] = []

    def progress(latest: EngineProgress) -> None:
        reported.append(latest)
        if latest.done == len(data) and latest.rows is not None:
            all_read.set()

    running = asyncio.create_task(
        engine.aggregate(SONG_PLAYS, StalledSource(data), scratch, progress)
    )
    await asyncio.wait_for(all_read.wait(), 60)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    counted = [progress.rows for progress in reported if progress.rows is not None]
    assert counted == sorted(counted)
    assert counted[-1] == pytest.approx(rows, rel=0.02)


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


async def test_the_time_limit_fails_the_attempt(make_engine: MakeEngine, scratch: Path) -> None:
    engine = make_engine(EngineLimits(time_limit=0.5))

    with pytest.raises(AttemptFailed, match=r"not done within 0\.5 s") as failed:
        await aggregate(engine, StalledSource(HEADER + b"a,b,1\n"), scratch)

    assert leftovers(scratch) == set()
    report = report_of(failed.value)
    assert report is not None
    assert (report.unfinished, report.dialect, report.bytes_in) == (True, None, 1022)
    assert report.seconds.aggregate >= 0.5


async def test_a_cancelled_attempt_leaves_no_files(engine: Engine, scratch: Path) -> None:
    started = asyncio.Event()
    source = StalledSource(HEADER + b"a,b,1\n" * 1000)
    running = asyncio.create_task(
        engine.aggregate(SONG_PLAYS, source, scratch, lambda _progress: started.set())
    )
    await asyncio.wait_for(started.wait(), 30)

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert leftovers(scratch) == set()


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
    ("width", "limit"), [(900, 20_000_000), (20, 1_000_000)], ids=["spilled", "written"]
)
async def test_an_attempt_that_exceeds_its_disk_fails_and_names_the_limit(
    make_engine: MakeEngine, scratch: Path, output: FormatName, width: int, limit: int
) -> None:
    engine = make_engine(EngineLimits(memory=256 << 20, scratch=limit))
    draw = random.Random(1)
    rows = (f"{draw.randbytes(width // 2).hex()},b,1\n" for _ in range(100_000))
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
    assert report.peak_scratch >= limit


@given(case=cases())
@settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_any_aggregation_equals_that_of_the_oracle(
    engine: Engine, tmp_path: Path, scratch: Path, case: Case
) -> None:
    expected = expected_result(case.aggregation, case.data)

    for source in sources(case.data, tmp_path):
        assert_is(await aggregate(engine, source, scratch, case.aggregation), expected)


@given(case=written_cases())
@settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_a_file_may_have_any_declared_dialect(
    engine: Engine, tmp_path: Path, scratch: Path, case: Case
) -> None:
    try:
        expected = expected_result(case.aggregation, case.data)
    except Malformed:
        reject()  # a number in one notation may be invalid in another

    for source in sources(case.data, tmp_path):
        assert_is(await aggregate(engine, source, scratch, case.aggregation), expected)


async def test_progress_of_a_compressed_file_counts_its_compressed_bytes(
    engine: Engine, tmp_path: Path, scratch: Path
) -> None:
    rows = b"".join(b"a,b,%d\n" % (n * 7919 % 1000) for n in range(60_000))
    data = gzip.compress(HEADER + rows)
    expected = expected_result(SONG_PLAYS, HEADER + rows)

    for source in sources(data, tmp_path):
        reported: list[EngineProgress] = []
        output = await engine.aggregate(SONG_PLAYS, source, scratch, reported.append)

        assert_is(output, expected)
        assert all(p.done <= p.total == len(data) for p in reported)


@pytest.mark.parametrize(
    ("damaged", "message"),
    [
        (lambda data: data[:-3], "upload the whole file"),
        (lambda data: data[: len(data) // 2], "is incomplete"),
        (lambda data: data + b"a,b,1\n", "followed by other bytes"),
        (lambda data: data[:-6] + b"xxxxxx", "data of the file is damaged"),
    ],
)
async def test_a_damaged_archive_has_no_result(
    engine: Engine,
    tmp_path: Path,
    scratch: Path,
    damaged: Callable[[bytes], bytes],
    message: str,
) -> None:
    data = damaged(gzip.compress(HEADER + b"a,b,1\n" * 10_000))

    for source in sources(data, tmp_path):
        with pytest.raises(MalformedInput, match=message):
            await aggregate(engine, source, scratch)
    assert leftovers(scratch) == set()


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


async def test_a_number_of_another_notation_is_refused_with_a_hint(
    engine: Engine, scratch: Path
) -> None:
    prices = Aggregation((GroupColumn("k"),), (Aggregate("sum", "n", kind="number"),))
    with pytest.raises(MalformedInput) as refused:
        await aggregate(engine, StreamSource(b"k;n\na;1\nb;1,5\n"), scratch, prices)
    assert str(refused.value) == (
        "line 3, column 2 ('n'): found '1,5', expected a number, such as 42, -0.5 or 1e3 "
        "(exponents from -400 to 400); if it is one, set input.decimal to ','"
    )


async def test_an_archive_that_expands_too_much_is_refused(
    make_engine: MakeEngine, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compression, "MIN_DECOMPRESSED_LIMIT", 1 << 20)
    data = gzip.compress(HEADER + b"a,b,1\n" * 1_000_000)
    assert_is(
        await aggregate(make_engine(EngineLimits()), StreamSource(data), scratch),
        Expected(b"Song,Date,Total Number of Plays for Date\na,b,1000000\n", (1_000_000, 0, 0), 1),
    )

    with pytest.raises(MalformedInput, match="raise CSVMILL_MAX_EXPANSION"):
        await aggregate(make_engine(EngineLimits(max_expansion=50)), StreamSource(data), scratch)


async def test_a_malformed_file_is_read_to_its_end_to_report_all_problems(
    engine: Engine, scratch: Path
) -> None:
    data = HEADER + b"a,b,1\n" * 1000 + b"a,b,x\n" * 30 + b"a,b,2\n" * 1000
    with pytest.raises(MalformedInput, match=r" \(and 29 more problems\)$") as refused:
        await aggregate(engine, StreamSource(data), scratch)

    report = report_of(refused.value)
    assert report is not None
    assert (report.rows, report.groups) == (Rows(aggregated=2000, rejected=30), 0)
    assert [(p.line, p.offset, p.column, p.name, p.found) for p in report.problems] == [
        (1002 + n, len(HEADER) + 6 * (1000 + n), 3, "Plays", "'x'") for n in range(20)
    ]
    assert (report.problem_count, report.bytes_in) == (30, len(data))
    assert report.engine_version
    assert report.peak_memory > 1 << 20
    assert leftovers(scratch) == set()


async def test_rejects_are_kept_with_the_result_and_no_other_files_are_left(
    engine: Engine, scratch: Path
) -> None:
    skipping = replace(SONG_PLAYS, input=Input(on_bad_row="skip"))
    output = await aggregate(engine, StreamSource(HEADER + b"a,b,1\na,b\n"), scratch, skipping)

    assert output.rejects is not None
    assert leftovers(scratch) == {output.path, output.rejects.path}
    assert output.rejects.path.read_bytes().splitlines()[1].startswith(b"3,22,3,")


async def test_an_aggregation_that_does_not_fit_the_file_names_the_nearest_column(
    engine: Engine, scratch: Path
) -> None:
    aggregation = Aggregation(group_by=(GroupColumn("song"),))

    with pytest.raises(MalformedInput, match=r"group_by\[0\].column is 'song'.*mean 'Song'\?"):
        await aggregate(engine, StreamSource(HEADER + b"a,b,1\n"), scratch, aggregation)

    assert leftovers(scratch) == set()


@pytest.mark.parametrize(
    ("output", "decompress"), [("csv.gz", gzip.decompress), ("csv.zst", zstd.decompress)]
)
async def test_results_are_compressed_if_the_spec_says_so(
    engine: Engine, scratch: Path, output: FormatName, decompress: Callable[[bytes], bytes]
) -> None:
    data = HEADER + b"".join(b"%d,b,1\n" % i for i in range(150_000, 0, -1))
    plain = await aggregate(engine, StreamSource(data), scratch)
    compressed = await aggregate(
        engine, StreamSource(data), scratch, replace(SONG_PLAYS, output=output)
    )

    content = compressed.path.read_bytes()
    assert decompress(content) == plain.path.read_bytes()
    assert (compressed.size, compressed.sha256) == (
        len(content),
        hashlib.sha256(content).hexdigest(),
    )


@pytest.mark.parametrize("output", ["csv.gz", "csv.zst", "parquet"])
async def test_every_engine_writes_the_same_bytes(scratch: Path, output: FormatName) -> None:
    data = HEADER + b"".join(b"%d,b,%d\n" % (i % 99_991, i) for i in range(100_000))
    aggregation = replace(SONG_PLAYS, output=output)

    outputs = [
        await aggregate(make(EngineLimits()), StreamSource(data), scratch, aggregation)
        for make in ENGINES.values()
    ]

    assert len({output.sha256 for output in outputs}) == 1


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
