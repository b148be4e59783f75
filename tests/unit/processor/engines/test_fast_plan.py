from __future__ import annotations

import contextlib
import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processor.engines.fast_plan import HEADER_LIMIT, MAX_COLUMNS, record_length
from processor.engines.plan import Inconclusive
from processor.engines.provable import why_not_fast
from shared.aggregation.spec import (
    Aggregate,
    Aggregation,
    Condition,
    GroupColumn,
    Junction,
    OrderColumn,
)
from shared.csv.dialect import Dialect
from shared.errors import AttemptFailed
from shared.jobs.job import SONG_PLAYS
from tests.aggregations import RFC_4180, Case, provable_cases, sum_of, with_header
from tests.csv_files import files, numbers, small_numbers, texts
from tests.oracle import Expected, expected_result
from tests.unit.processor.engines.plans import run_fast

HEADER = b"Song,Date,Plays\n"
OTHER_COLUMNS = with_header(sum_of(0, group_by=(3, 1, 3), header=("a,b", '"', "c", "total")))

buffers = st.one_of(st.none(), st.integers(50, 3000))
"""With small buffers, DuckDB splits even a small file among its threads."""


@given(files(small_numbers), buffers, st.booleans())
@settings(max_examples=60, deadline=None)
def test_the_fast_plan_equals_plain_python_or_is_inconclusive(
    data: bytes, csv_buffer: int | None, stream: bool
) -> None:
    with contextlib.suppress(Inconclusive):
        outcome = run_fast(data, csv_buffer=csv_buffer, stream=stream)

        assert outcome == expected_result(SONG_PLAYS, data)


@given(files(numbers, columns=5, sum_of=0), buffers)
@settings(max_examples=30, deadline=None)
def test_other_columns_equal_plain_python_or_are_inconclusive(
    data: bytes, csv_buffer: int | None
) -> None:
    with contextlib.suppress(Inconclusive):
        assert run_fast(data, OTHER_COLUMNS, csv_buffer=csv_buffer) == expected_result(
            OTHER_COLUMNS, data
        )


@st.composite
def narrow_files(draw: st.DrawFn) -> tuple[Aggregation, bytes]:
    """Files of one to four columns, and an aggregation of the first and the last."""
    columns = draw(st.integers(1, 4))
    values = draw(st.sampled_from([small_numbers | st.just(""), texts]))
    aggregates = [Aggregate("count", None, "rows"), Aggregate("count", columns, "values", "text")]
    if values is not texts:
        aggregates.append(Aggregate("sum", columns, "sum", "number"))
    aggregation = Aggregation((GroupColumn(1, "k"),), tuple(aggregates), input=RFC_4180)
    return aggregation, draw(files(values, columns=columns, sum_of=columns - 1))


@given(narrow_files(), buffers, st.booleans())
@settings(max_examples=60, deadline=None)
def test_files_of_few_columns_equal_plain_python_or_are_inconclusive(
    asked: tuple[Aggregation, bytes], csv_buffer: int | None, stream: bool
) -> None:
    aggregation, data = asked
    with contextlib.suppress(Inconclusive):
        outcome = run_fast(data, aggregation, csv_buffer=csv_buffer, stream=stream)

        assert outcome == expected_result(aggregation, data)


@pytest.mark.parametrize("stream", [False, True], ids=["file", "stream"])
@pytest.mark.parametrize(
    "data",
    [
        HEADER + b"a,b,1\na,b,-2\nc,d,+3\nc,d,007\n",
        b"\xef\xbb\xbf" + HEADER + b"a,b,1",
        (HEADER + b"a,b,1\na,b,2\n\n\n").replace(b"\n", b"\r\n"),
        b'"Song, or ""so""",Date,"Plays"\n"a,""\n\nx","",1\n"a,""\n\nx",,"2"\n',
        HEADER + b' a,#b,1\n7" single,NULL,9223372036854775807\n7" single,NULL,1\n',
        b"a,b,c,d,e\n" + b'x,y,1,"extra ""text""\n",\nx,y,2,,7" \n',
        HEADER + "\x00,é\u2028,1\n\x00\x01,é,2\n\U0001f600,\ufffd,3\n".encode(),
    ],
)
def test_the_fast_plan_proves_ordinary_files(data: bytes, stream: bool) -> None:
    assert run_fast(data, stream=stream) == expected_result(SONG_PLAYS, data)


NOT_PLAINLY_INTEGERS = [
    *("", "1.5", "1.0", ".5", "5.", "1e3", "1E2", "1e2", "1_000", "0x10", "0b1", " 5", "5 ", "\t5"),
    *('"5\n"', '"5\x0b"', "+", "-", "--5", "NULL", "nan", "٣", "9223372036854775808"),
]


@pytest.mark.parametrize("text", NOT_PLAINLY_INTEGERS)
def test_cells_other_than_64_bit_integers_are_inconclusive(text: str) -> None:
    with pytest.raises(Inconclusive):
        run_fast(HEADER + b"a,b,1\n" * 50 + f"a,b,{text}\n".encode() + b"a,b,1\n" * 50)


ODD_ROWS = [
    b' "a",b,1\n',
    b'"a" ,b,1\n',
    b'"a" "b",c,1\n',
    b'"a" ",b",c,1\n',
    b'"" "a",c,1\n',
    b'"a"b,c,1\n',
    b'"a,b,1\n',
    b"a,b\n",
    b"a,b,1,\n",
    b"   \n",
    b"a\rb,c,1\n",
    b"a,b,1\r\n",
    b"a,b,1\r",
    b"a\xff,b,1\n",
    b"x" * 3_000_000 + b",b,1\n",
]
PLAIN_ROWS = b"a,b,1\n" * 20


@pytest.mark.parametrize(
    "rows",
    [
        *ODD_ROWS,
        *(row + PLAIN_ROWS for row in [*ODD_ROWS, b"\n"]),
        *(PLAIN_ROWS + row for row in ODD_ROWS),
        *(PLAIN_ROWS + row + PLAIN_ROWS for row in [*ODD_ROWS, b"\n"]),
    ],
)
def test_files_that_duckdb_reads_differently_are_inconclusive(rows: bytes) -> None:
    with pytest.raises(Inconclusive):
        run_fast(HEADER + rows)


@pytest.mark.parametrize("stream", [False, True], ids=["file", "stream"])
@pytest.mark.parametrize(
    "row", [b"a,b,1,\n", b' "a",b,1\n', b'"a",b,1\n', b"a,b,1\n", b"\na,b,1\n"]
)
def test_a_file_with_mixed_line_ends_is_inconclusive(row: bytes, stream: bool) -> None:
    # DuckDB ignores the last delimiter, which has as many bytes as the missing CR.
    crlf = (HEADER + PLAIN_ROWS).replace(b"\n", b"\r\n")
    for data in (crlf + row + b"c,d,2\r\n", crlf + row, crlf + row[:-1] + b"\r\nc,d,2\n"):
        with pytest.raises(Inconclusive):
            run_fast(data, stream=stream)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"Song,Date,Plays",
        b"Song,Date\na,b\n",
        b"\n" + HEADER + b"a,b,1\n",
        b'"So\nng",Date,Plays\na,b,1\n',
        b'"Song"x,Date,Plays\na,b,1\n',
        b"x" * HEADER_LIMIT + b",b,c\na,b,1\n",
    ],
)
def test_an_unusual_header_is_inconclusive(data: bytes) -> None:
    with pytest.raises(Inconclusive):
        run_fast(data)


def test_rows_inside_quotes_are_not_read_as_rows_wherever_the_file_is_split() -> None:
    decoy = '"a,b,1\nc,d,2\n""x"",y,3\n"'
    rows = "".join(f'{decoy},{i % 7},{i}\n"{"z" * (i % 50)}",p,1\n' for i in range(300))
    data = HEADER + rows.encode()
    expected = expected_result(SONG_PLAYS, data)
    settled = 0

    for csv_buffer in range(120, 2000, 97):
        with contextlib.suppress(Inconclusive):
            assert run_fast(data, csv_buffer=csv_buffer) == expected
            settled += 1

    assert run_fast(data) == expected
    assert settled > 0


def test_a_row_longer_than_a_buffer_is_never_lost() -> None:
    # DuckDB 2.0.0 drops such a row without an error if it is the last one.
    for size in range(900, 1200, 31):
        data = HEADER + b"a,b,1\n" * 1000 + b"x" * size + b",b,1000\n"
        with contextlib.suppress(Inconclusive):
            assert run_fast(data, csv_buffer=1000) == expected_result(SONG_PLAYS, data)


def test_a_sum_beyond_64_bits_is_exact() -> None:
    data = HEADER + b"a,b,9223372036854775807\n" * 1000 + b"c,d,-9223372036854775808\n" * 1000

    assert run_fast(data) == expected_result(SONG_PLAYS, data)


def test_a_source_of_another_size_fails_the_attempt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from processor.engines import fast_plan

    run = fast_plan.run
    monkeypatch.setattr(fast_plan, "run", lambda a, fd, size, *rest: run(a, fd, size + 6, *rest))

    with pytest.raises(AttemptFailed, match="ended after 28 of 34 bytes"):
        run_fast(HEADER + b"a,b,1\nc,d,2\n")


@given(provable_cases(), buffers, st.booleans())
@settings(max_examples=50, deadline=None)
def test_a_provable_aggregation_equals_plain_python_or_is_inconclusive(
    case: Case, csv_buffer: int | None, stream: bool
) -> None:
    assert why_not_fast(case.aggregation) is None
    with contextlib.suppress(Inconclusive):
        outcome = run_fast(case.data, case.aggregation, csv_buffer=csv_buffer, stream=stream)

        assert outcome == expected_result(case.aggregation, case.data)


FILE = b'k,t,n\na,"x, ""y""",1\nb,,\na,"x, ""y""",-7\nc,z\x00,007\nb,it\'s $1,12\nc,z,\n'
SUM = Aggregate("sum", 3, "sum", "number")
ALL = (
    SUM,
    Aggregate("count", None, "rows"),
    Aggregate("count", 3, "values", "text"),
    Aggregate("min", 3, "min", "integer"),
    Aggregate("max", 3, "max", "number"),
)


def asked(**more: Any) -> Aggregation:
    return replace(Aggregation((GroupColumn(1, "k"),), ALL), **more)


OF_ONE_COLUMN = Aggregation((GroupColumn(1, "k"),), (Aggregate("count", None, "rows"),))


@pytest.mark.parametrize("stream", [False, True], ids=["file", "stream"])
@pytest.mark.parametrize("rows", [b"a\n\nb\n\na\n", b"a\n\n", b'a\n""\nb\n', b"a\n\n\nb", b"\n"])
def test_an_empty_line_in_a_file_of_one_column_is_inconclusive(rows: bytes, stream: bool) -> None:
    # DuckDB reads it as a row. It is one only if the cell is quoted.
    for ending in (b"\n", b"\r\n"):
        with pytest.raises(Inconclusive):
            run_fast((b"k\n" + rows).replace(b"\n", ending), OF_ONE_COLUMN, stream=stream)


@pytest.mark.parametrize("stream", [False, True], ids=["file", "stream"])
@pytest.mark.parametrize("rows", [b"a\nb\na\n", b'"a,\n""b"" c"\n \nb', b"a\n b\n  \n"])
def test_the_fast_plan_proves_a_file_of_one_column(rows: bytes, stream: bool) -> None:
    data = b"k\n" + rows

    assert run_fast(data, OF_ONE_COLUMN, stream=stream) == expected_result(OF_ONE_COLUMN, data)


@pytest.mark.parametrize("stream", [False, True], ids=["file", "stream"])
@pytest.mark.parametrize("rows", [b"a,,\rb,1,\n", b'"a\nb",,\rb,1,\n'])
def test_a_row_that_ends_in_a_carriage_return_is_inconclusive(rows: bytes, stream: bool) -> None:
    # DuckDB reads it as a line end after an empty cell.
    with pytest.raises(Inconclusive):
        run_fast(b"k,l,m\n" + rows + b"1,2,3\n" * 3, OF_ONE_COLUMN, stream=stream)


@pytest.mark.parametrize(
    ("data", "quote", "length"),
    [
        (b"a,b,1\n" * 10, '"', 6.0),
        (b'"a\n\n",b,1\n"x ""\n"" y",b,1\n', '"', 13.0),
        (b'"a\nb"\n', "", 3.0),
        (b"a,b,1", '"', 5.0),
        (b"", '"', 1.0),
    ],
)
def test_the_record_length_is_the_length_of_the_first_record(
    data: bytes, quote: str, length: float
) -> None:
    assert record_length(data, Dialect(quote=quote)) == length


def test_duckdb_does_not_spill_more_than_the_limit() -> None:
    noise = random.Random(1)
    rows = (f"{noise.randbytes(450).hex()},b,1\n" for _ in range(200_000))
    data = HEADER + "".join(rows).encode()

    with pytest.raises(AttemptFailed, match=r"10,000,000 bytes.*\(CSVMILL_SCRATCH_LIMIT\)"):
        run_fast(data, memory=128 << 20, scratch=10_000_000)


def test_a_file_of_very_many_columns_is_inconclusive() -> None:
    def wide(columns: int) -> bytes:
        names = b",".join(b"c%d" % n for n in range(columns))
        return names + b"\n" + (b"1" + b",1" * (columns - 1) + b"\n") * 2

    assert (
        run_fast(wide(MAX_COLUMNS)).result == b"Song,Date,Total Number of Plays for Date\n1,1,2\n"
    )
    with pytest.raises(Inconclusive, match="columns"):
        run_fast(wide(MAX_COLUMNS + 1))


@pytest.mark.parametrize("stream", [False, True], ids=["file", "stream"])
@pytest.mark.parametrize(
    "aggregation",
    [
        asked(),
        asked(group_by=(GroupColumn(2, "t"), GroupColumn(1, "k"), GroupColumn(2, "t again"))),
        asked(where=Condition("t", "=", ('x, "y"',))),
        asked(where=Condition("t", "!=", ("z\0",))),
        asked(where=Condition("t", "in", ("it's $1", "'; DROP TABLE groups; --"))),
        asked(where=Condition("n", "is_empty")),
        asked(
            where=Junction(
                "or",
                (
                    Condition("k", "=", ("b",)),
                    Junction("and", (Condition("k", "=", ("c",)), Condition("t", "=", ("z",)))),
                ),
            )
        ),
        asked(order_by=(OrderColumn("sum", descending=True),)),
        asked(order_by=(OrderColumn("min"), OrderColumn("k", descending=True)), limit=2),
        asked(where=Condition("k", "=", ("nobody",)), limit=1),
    ],
)
def test_the_fast_plan_proves_provable_aggregations(aggregation: Aggregation, stream: bool) -> None:
    assert why_not_fast(aggregation) is None

    assert run_fast(FILE, aggregation, stream=stream) == expected_result(aggregation, FILE)


def test_a_cell_in_a_row_that_where_filters_out_need_not_be_a_number() -> None:
    data = b'k,n\na,1\nb,"no ""number"""\n'
    aggregation = Aggregation(
        (GroupColumn(1, "k"),), (replace(SUM, column=2),), where=Condition(1, "=", ("a",))
    )

    assert run_fast(data, aggregation) == Expected(b"k,sum\na,1\n", (1, 1, 0), 1)


@pytest.mark.parametrize(
    "aggregation",
    [
        asked(group_by=()),
        asked(aggregates=()),
        asked(group_by=(GroupColumn(1, trim=True),)),
        asked(aggregates=(Aggregate("avg", 3, kind="number"),)),
        asked(aggregates=(Aggregate("min", 3, kind="text"),)),
        asked(aggregates=(Aggregate("count", 3, kind="text", strict=True),)),
        asked(where=Condition("n", "=", ("1",), "number")),
        asked(where=Junction("or", (Condition("t", "contains", ("1",)),))),
        asked(having=Condition("sum", ">", ("1",), "number")),
        asked(output="jsonl"),
    ],
)
def test_the_fast_plan_does_not_attempt_other_aggregations(aggregation: Aggregation) -> None:
    assert why_not_fast(aggregation) is not None
