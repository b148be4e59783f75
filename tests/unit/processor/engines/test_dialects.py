"""The kernel, on files in any dialect."""

from __future__ import annotations

import gzip
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from shared.aggregation.spec import Aggregate, GroupColumn
from shared.csv.dialect import Input
from shared.errors import MalformedInput
from shared.jobs.job import SONG_PLAYS, Aggregation
from tests.dirt import dirty_written_cases
from tests.oracle import Expected, expected_of_dirty, expected_result
from tests.oracle_values import Malformed
from tests.unit.processor.engines.kernel import run
from tests.written import written_cases

if TYPE_CHECKING:
    from shared.csv.dialect import Encoding
    from tests.aggregations import Case

NO_HEADER = Aggregation(
    group_by=(GroupColumn("column1"), GroupColumn(2)),
    aggregates=(Aggregate("sum", "column3", kind="integer"),),
)


@given(written_cases(), st.integers(1, 30))
@settings(max_examples=100, deadline=None)
def test_any_aggregation_of_any_file_equals_plain_python(case: Case, block: int) -> None:
    try:
        expected = expected_result(case.aggregation, case.data)
    except Malformed:
        # A number in one notation may not be a number in another.
        with pytest.raises(MalformedInput):
            run(case.data, case.aggregation, block=block)
    else:
        try:
            found = run(case.data, case.aggregation, block=block)
        except MalformedInput as error:
            # A header alone, or a few records, may be read with several delimiters.
            assume("set input.delimiter" not in str(error))
            raise
        assert found == expected


@given(dirty_written_cases(), st.sampled_from([1, 2, 7, 64, 1 << 20]))
@settings(max_examples=100, deadline=None)
def test_results_and_rejects_of_dirty_files_in_any_dialect_equal_plain_python(
    case: Case, block: int
) -> None:
    try:
        expected = expected_of_dirty(case.aggregation, case.data)
    except Malformed:
        with pytest.raises(MalformedInput, match="rejected: line "):
            run(case.data, case.aggregation, block=block)
    else:
        assert run(case.data, case.aggregation, block=block) == expected


UTF_16 = "\ufeffSong,Date,Plays\r\n😀,ÿ,1\r\na,b,2\r\n"
SETTLED = {
    "semicolon": (Input(delimiter=";"), b'Song;Date;Plays\na,1;"x;y";1\nb;"z ""q""";2\n'),
    "tab": (Input(delimiter="\t"), b'Song\tDate\tPlays\r\na,1\t"x\ty"\t1\r\nb\t"z"\t2\r\n'),
    "pipe": (Input(delimiter="|"), b'Song|Date|Plays\na,1| x|1\nb|"\n"|2'),
    "caret": (Input(delimiter="^"), b'Song^Date^Plays\na,1^ x"^1\nb^"y^"^2'),
    "no quotes": (Input(delimiter="\t", quote=""), b'S\tD\tP\n"a"\t"\t1\n"a\t" "\t1\na"\t,\t2\n'),
    "latin-1": (Input(encoding="latin-1"), "Song,Date,Plays\né,ÿ,1\n".encode("latin-1")),
    "utf-16": (Input(encoding="utf-16-le"), UTF_16.encode("utf-16-le")),
    "gzip": (Input(compression="gzip"), gzip.compress(b"Song,Date,Plays\na,b,1\nc,d,2\n")),
}


@pytest.mark.parametrize("name", SETTLED)
@pytest.mark.parametrize("stream", [False, True], ids=["file", "stream"])
def test_ordinary_dialects_are_read_from_files_and_streams(name: str, stream: bool) -> None:
    declared, data = SETTLED[name]
    aggregation = replace(SONG_PLAYS, input=declared)

    assert run(data, aggregation, stream=stream) == expected_result(aggregation, data)


@pytest.mark.parametrize("stream", [False, True], ids=["file", "stream"])
def test_a_file_without_a_header_has_numbered_columns(stream: bool) -> None:
    aggregation = replace(NO_HEADER, input=Input(header=False))
    for data in (b"a,b,1\na,b,2\n", b"\xef\xbb\xbfa,b,1\r\na,b,2", b'"a",b,1\na,"b",2\n'):
        expected = Expected(b"column1,column2,sum(column3)\na,b,3\n", (2, 0, 0), 1)

        assert run(data, aggregation, stream=stream) == expected


@pytest.mark.parametrize("stream", [False, True], ids=["file", "stream"])
def test_a_damaged_or_shortened_archive_never_has_a_result(stream: bool) -> None:
    rows = b"".join(b"a,b,%d\n" % number for number in range(200_000))
    data = gzip.compress(b"Song,Date,Plays\n" + rows)
    for wrong in (data[:-1], data[: len(data) // 2], data + b"x", data[:-5] + b"12345"):
        with pytest.raises(MalformedInput, match=r"is incomplete|damaged"):
            run(wrong, stream=stream)
    assert run(data, stream=stream) == expected_result(SONG_PLAYS, gzip.decompress(data))


@pytest.mark.parametrize("stream", [False, True], ids=["file", "stream"])
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_half_a_surrogate_pair_at_the_end_of_a_file_is_malformed(
    encoding: Encoding, stream: bool
) -> None:
    aggregation = Aggregation((GroupColumn(1, "k"),), (Aggregate("count", None, "rows"),))
    text = "\ufeffn,k\n1,a\n2,a\ud83d"
    data = text.encode(encoding, errors="surrogatepass")

    with pytest.raises(MalformedInput, match=r"line 3, column 2 \('k'\): .* text in UTF-16"):
        run(data, aggregation, stream=stream)
