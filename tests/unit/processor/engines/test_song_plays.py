"""The default aggregation gives the bytes of the oracle, or names the first bad record."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import MalformedInput
from shared.jobs.job import SONG_PLAYS
from tests.aggregations import sum_of, with_header
from tests.csv_files import files, numbers
from tests.oracle import expected_result
from tests.unit.processor.engines.kernel import run

HEADER = b"Song,Date,Plays\n"

OTHER_COLUMNS = with_header(sum_of(0, group_by=(3, 1, 3), header=("a,b", '"', "c", "total")))
OTHER_COLUMNS = replace(OTHER_COLUMNS, input=replace(OTHER_COLUMNS.input, delimiter=","))


@given(files(numbers), st.integers(1, 100), st.booleans())
@settings(deadline=None)
def test_results_equal_plain_python(data: bytes, block: int, stream: bool) -> None:
    assert run(data, block=block, stream=stream) == expected_result(SONG_PLAYS, data)


@given(files(numbers, columns=5, sum_of=0))
@settings(deadline=None)
def test_any_columns_can_be_grouped_and_summed(data: bytes) -> None:
    assert run(data, OTHER_COLUMNS) == expected_result(OTHER_COLUMNS, data)


@given(files(numbers, max_rows=100), st.integers(0, 5000))
@settings(deadline=None)
def test_groups_that_do_not_fit_in_memory_are_merged_from_disk(data: bytes, groups: int) -> None:
    assert run(data, groups=groups) == expected_result(SONG_PLAYS, data)


MALFORMED = [
    (b"", "the file is empty: expected a header line"),
    (b"\xef\xbb\xbf", "the file is empty: expected a header line"),
    (b"\n\r\n\n", "the file is empty: expected a header line"),
    (b"Song,Date\na,b\n", "line 1: found a header of 2 columns: 'Song,Date', expected at least 3"),
    (HEADER + b"a,b,1\nc,2\n", "line 3, column 3 ('Plays'): found 2 columns: 'c,2', expected 3"),
    (HEADER + b"a,b,1,\n", "line 2, column 4: found 4 columns: 'a,b,1,', expected 3 columns"),
    (HEADER + b"a,b,1\n \n", "line 3, column 2 ('Date'): found 1 column: ' ', expected 3 columns"),
    *(
        (HEADER + b'a,"b\n",1\na,b,' + text + b"\n", f"line 4, column 3 ('Plays'): found {shown}, ")
        for text, shown in [
            (b"", "''"),
            (b"1.5", "'1.5'"),
            (b"1.0", "'1.0'"),
            (b"1e3", "'1e3'"),
            (b"1_000", "'1_000'"),
            (b"0x10", "'0x10'"),
            (b" 5", "' 5'"),
            (b"5 ", "'5 '"),
            (b'"5\n"', "'5\\n'"),
            (b"+", "'+'"),
            (b"--5", "'--5'"),
            (b"NULL", "'NULL'"),
            (b"5\x00", "'5\\x00'"),
            ("٣".encode(), "'٣'"),
            (b"x" * 1000, "'" + "x" * 60 + "'..."),
        ]
    ),
]


@pytest.mark.parametrize(("data", "message"), MALFORMED)
def test_the_error_of_a_malformed_file_names_line_column_and_value(
    data: bytes, message: str
) -> None:
    with pytest.raises(MalformedInput) as refusal:
        run(data)

    assert str(refusal.value).startswith(message)
    assert "expected" in str(refusal.value)


def test_the_error_names_the_first_malformed_record() -> None:
    with pytest.raises(MalformedInput, match=r"^line 3, column 3 \('Plays'\): found 'x'"):
        run(HEADER + b'a,b,1\na,b,x\na\n"open')
