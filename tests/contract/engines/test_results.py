"""Results equal those of the oracle, byte for byte."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from processor.engines.port import EngineLimits
from shared.jobs.job import SONG_PLAYS
from tests.aggregations import Case, cases, sum_of
from tests.contract.engines.runs import ENGINES, aggregate, assert_is, sources
from tests.contract.engines.sources import StreamSource
from tests.csv_files import Style, encode, numbers, styles, texts
from tests.oracle import Expected, expected_result
from tests.oracle_values import Malformed
from tests.settled import settled
from tests.written import written_cases

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

from tests.contract.engines.files import HEADER

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from processor.engines.port import Engine
    from shared.aggregation.formats import FormatName


@st.composite
def large_tables(draw: st.DrawFn) -> list[list[str]]:
    """Draw many rows of a few values. There are few examples, because each starts processes."""
    rows = draw(st.lists(st.tuples(texts, texts, numbers).map(list), min_size=5, max_size=60))
    return [["Song", "Date", "Plays"], *(rows * draw(st.sampled_from([1, 30])))]


@given(rows=large_tables(), style=styles)
@settings(max_examples=4)
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


async def test_texts_that_begin_like_a_formula_are_escaped_if_the_spec_says_so(
    engine: Engine, scratch: Path
) -> None:
    aggregation = replace(sum_of(1, group_by=(0,), header=("=k", "-s")), escape_formulas=True)
    data = b'k,n\n"=1,2",-7\n+a,1\n-5,-2\n@x,3\n"\ty",4\n"\rz",5\n a=,6\n\'=,7\n'

    output = await aggregate(engine, StreamSource(data), scratch, aggregation)

    assert output.path.read_bytes() == (
        b"'=k,'-s\n'\ty,4\n\"'\rz\",5\n a=,6\n'=,7\n'+a,1\n'-5,-2\n\"'=1,2\",-7\n'@x,3\n"
    )


@pytest.mark.parametrize("name", ["\ufeffk", "\ufeff", '\ufeff"k"'])
async def test_a_name_that_begins_with_a_byte_order_mark_stays_as_it_is(
    engine: Engine, scratch: Path, name: str
) -> None:
    aggregation = sum_of(1, group_by=(0,), header=(name, "\ufeffs"))

    output = await aggregate(engine, StreamSource(b"k,n\na,1\n"), scratch, aggregation)

    # Readers remove a byte order mark from the start of the file
    text = output.path.read_bytes().decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(text))) == [[name, "\ufeffs"], ["a", "1"]]


@given(case=cases().map(settled))
@settings(max_examples=4)
async def test_any_aggregation_equals_that_of_the_oracle(
    engine: Engine, tmp_path: Path, scratch: Path, case: Case
) -> None:
    expected = expected_result(case.aggregation, case.data)

    for source in sources(case.data, tmp_path):
        assert_is(await aggregate(engine, source, scratch, case.aggregation), expected)


@given(case=written_cases())
@settings(max_examples=4)
async def test_a_file_may_have_any_declared_dialect(
    engine: Engine, tmp_path: Path, scratch: Path, case: Case
) -> None:
    try:
        expected = expected_result(case.aggregation, case.data)
    except Malformed:
        reject()  # a number in one notation may be invalid in another

    for source in sources(case.data, tmp_path):
        assert_is(await aggregate(engine, source, scratch, case.aggregation), expected)


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
