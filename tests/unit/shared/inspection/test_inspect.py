"""The description of a file by its first bytes."""

from __future__ import annotations

import gzip
import time
from functools import cache
from typing import TYPE_CHECKING

import pytest

from shared.aggregation.spec import SONG_PLAYS, Aggregate, Aggregation, GroupColumn
from shared.csv.dialect import Input
from shared.csv.problems import EMPTY_FILE
from shared.errors import MalformedInput, SpecMismatch
from shared.inspection.columns import MAX_COLUMNS
from shared.inspection.inspect import (
    INSPECTION_LIMIT,
    MAX_HEADER_SIZE,
    check_header,
    inspect,
)
from shared.inspection.inspection_view import inspection_view
from shared.inspection.sample import SAMPLE_SIZE

if TYPE_CHECKING:
    from shared.csv.dialect import Compression

SONGS = Aggregation((GroupColumn("Song"),), (Aggregate("sum", "Plays", kind="number"),))
TYPO = Aggregation((GroupColumn("Sogn"),))


@pytest.mark.parametrize(
    ("rows", "read"),
    [
        ([b"1"] * 50_000, 50_000),
        ([b"1"] * 50_001, 50_000),
        ([b"%d" % n for n in range(25_000)], 25_000),
        ([b"%d" % n for n in range(25_001)], 25_000),
    ],
    ids=["all rows", "a row too many", "all cells", "a cell too many"],
)
def test_a_file_of_which_records_were_left_out_is_not_whole(rows: list[bytes], read: int) -> None:
    found = inspect(b"n\n" + b"\n".join(rows) + b"\n", whole=True, aggregation=None)
    assert found.rows == read
    assert found.whole is (read == len(rows))


def test_a_column_has_the_type_that_fits_all_its_cells() -> None:
    data = (
        b"i,n,d,t,e,both,late\n"
        b"1,1.5,2020-01-31,x,,1,\n"
        b"-7,2,2020-01-31T23:59,1,,2020-01-31,\n"
        b",1e3,,2020-01-31,,3,2.5\n"
    )
    found = inspect(data, whole=True, aggregation=None)
    assert [(column.name, column.type, column.empty) for column in found.columns] == [
        ("i", "integer", 1),
        ("n", "number", 0),
        ("d", "date", 1),
        ("t", "text", 0),
        ("e", "empty", 3),
        ("both", "text", 0),
        ("late", "number", 2),
    ]
    assert found.columns[0].samples == ["1", "-7"]
    assert (found.rows, found.size, found.whole, found.fits) == (3, len(data), True, None)


def test_numbers_are_read_in_the_declared_notation() -> None:
    aggregation = Aggregation((GroupColumn(1),), input=Input(decimal=",", thousands="."))
    found = inspect(b"a;b\n1.234,5;x\n", whole=True, aggregation=aggregation)
    assert [column.type for column in found.columns] == ["number", "text"]


@pytest.mark.parametrize(
    ("data", "notes"),
    [
        (
            b"Song;Preis\nx;1,50\ny;2\n",
            [("column 2 ('Preis'): '1,50' is read as text; if it is a number, set input.decimal "
             "to ','")],
        ),
        (
            b'Song,Plays\nx,"1,234"\n',
            [("column 2 ('Plays'): '1,234' is read as text; if it is a number, set "
             "input.thousands to ',' or input.decimal to ','")],
        ),
        (
            b'Song,n\nx,"1,234"\ny,"7,5"\n',
            ["column 2 ('n'): '7,5' is read as text; if it is a number, set input.decimal to ','"],
        ),
        # The column is text
        (b"Song;Note\nx;1,50\ny;cheap\n", []),
        (b"Song;Note\nx;cheap\ny;1,50\n", []),
        # A word for a missing value is no reason to believe that the others are text
        (
            b"Song;Note\nx;none\ny;1,50\n",
            [("column 2 ('Note'): '1,50' is read as text; if it is a number, set input.decimal "
              "to ','")],
        ),
        (b"Song;Version\nx;1.2.3\ny;1.50\n", []),
        (b"Song;Day\nx;2020-01-31\n", []),
    ],
)  # fmt: skip
def test_numbers_that_may_be_in_another_notation_get_a_note(data: bytes, notes: list[str]) -> None:
    assert inspection_view(inspect(data, whole=True, aggregation=None)).notes == notes


def test_a_declared_notation_needs_no_note() -> None:
    said = Input(delimiter=";", header=True, decimal=",", thousands=".")
    aggregation = Aggregation((GroupColumn(1),), input=said)
    found = inspect(b"a;b;c\nx;1.234;1,5\n", whole=True, aggregation=aggregation)
    assert (found.notes, found.warnings) == ((), ())
    said = Input(delimiter=";", header=True, decimal=",")
    aggregation = Aggregation((GroupColumn(1),), input=said)
    (note,) = inspect(b"a;b\nx;1.234\n", whole=True, aggregation=aggregation).notes
    assert note.endswith("set input.decimal to '.' or input.thousands to '.'")


def test_rows_of_several_lines_are_counted_to_reveal_stray_quotes() -> None:
    swallowed = b'a,"5 inch,1\nb,2\nc,7",3\n'
    for end in (b"\n", b""):
        data = b"k,n,m\n1,2,3\n" + b'x,"y\nz",1\n' + swallowed.rstrip() + end
        view = inspection_view(inspect(data, whole=True, aggregation=None))
        assert (view.rows, view.rows_of_several_lines, view.most_lines) == (3, 2, 3)
    one = b'"k\nk",n\n1,"2\n3"'
    view = inspection_view(inspect(one, whole=True, aggregation=None))
    assert (view.rows_of_several_lines, view.most_lines) == (1, 2)
    none = inspection_view(inspect(b'k,n\n"1",2\n3,"4"', whole=True, aggregation=None))
    assert (none.rows_of_several_lines, none.most_lines) == (0, 1)


def test_bad_records_are_counted_and_the_first_are_listed() -> None:
    data = b"a,b\n" + b"1,2\n1\n" * 30 + b'"x"y,1\n'
    view = inspection_view(inspect(data, whole=True, aggregation=None))
    assert (view.rows, view.problem_count, len(view.problems)) == (30, 31, 20)
    assert view.as_json()["problems"][0] == {
        "line": 3, "offset": 8, "column": 2, "name": "b",
        "found": "1 column: '1'", "expected": "2 columns as in the header",
        "file": None,
    }  # fmt: skip


def test_a_record_that_the_sample_cuts_is_not_a_problem() -> None:
    found = inspect(b'a;b\r\n1;2\r\n3;"4\n5', whole=False, aggregation=None)
    assert (found.rows, found.problem_count, found.whole) == (1, 0, False)
    assert (found.dialect.delimiter, found.line_ends) == (";", ("lf", "crlf"))
    assert inspect(b"a;b", whole=False, aggregation=None).column_count == 0
    assert inspect(b"a;b", whole=True, aggregation=None).column_count == 2


def test_a_spec_fits_or_the_nearest_name_is_suggested() -> None:
    data = b"Song;Plays\nx;1\n"
    fits = inspect(data, whole=True, aggregation=SONGS).fits
    assert fits is not None
    assert (fits.error, fits.columns) == (None, ("Song", "sum(Plays)"))
    misfit = inspect(data, whole=True, aggregation=TYPO).fits
    assert misfit is not None
    assert misfit.error == (
        "group_by[0].column is 'Sogn': no column has this name; did you mean 'Song'?"
    )


def test_a_file_that_cannot_be_read_has_an_error() -> None:
    for data in (b"\x1f\x8b\x08broken", b'a,"b"c\n1,2\n'):
        view = inspection_view(inspect(data, whole=True, aggregation=SONGS))
        assert view.error
        assert (view.columns, view.rows, view.fits) == ([], 0, None)


def test_the_summary_of_a_million_columns_is_bounded() -> None:
    data = b",".join(b"column %d" % n for n in range(60_000)) + b"\n"
    found = inspect(data, whole=True, aggregation=None)
    assert (found.column_count, len(found.columns)) == (60_000, MAX_COLUMNS)
    assert len(inspect(b"x" * 500 + b",b\n", whole=True, aggregation=None).columns[0].name) < 110


PADDING = b"x;1\n" * (SAMPLE_SIZE // 4 + 1)


@pytest.mark.parametrize(
    "data",
    [b"Song;Plays\n" + PADDING, gzip.compress(b"Song;Plays\n" + PADDING)],
    ids=["plain", "gzip"],
)
def test_a_header_is_checked_as_the_job_will_read_it(data: bytes) -> None:
    assert check_header(data, whole=False, aggregation=SONGS)
    with pytest.raises(SpecMismatch, match="did you mean 'Song'"):
        check_header(data, whole=False, aggregation=TYPO)
    # Without a declared dialect the file is read strictly, and has one column
    if data.startswith(b"Song"):
        with pytest.raises(SpecMismatch, match="the file has 1 columns"):
            check_header(data, whole=False, aggregation=SONG_PLAYS)


def test_a_header_is_not_checked_before_the_sample_is_complete() -> None:
    assert not check_header(b"Song;Plays\n", whole=False, aggregation=TYPO)
    assert not check_header(b"x" * SAMPLE_SIZE, whole=False, aggregation=TYPO)
    with pytest.raises(SpecMismatch):
        check_header(b"Song;Plays\n", whole=True, aggregation=TYPO)


LAST_COLUMN = Aggregation((GroupColumn("column 999999"),))


@cache
def long_header() -> bytes:
    """Return a header of 13 MiB."""
    return b";".join(b"column %06d" % n for n in range(1_000_000)) + b"\n"


def test_the_inspection_of_a_million_columns_is_bounded() -> None:
    tiny = b"1\n" * (2 << 20)
    cpu = time.process_time()

    found = inspect(long_header() + tiny, whole=False, aggregation=LAST_COLUMN)

    assert 12 * SAMPLE_SIZE < len(long_header()) < 14 * SAMPLE_SIZE
    assert (found.column_count, len(found.columns)) == (1_000_000, MAX_COLUMNS)
    assert (found.dialect.delimiter, found.error) == (";", None)
    assert found.fits is not None
    assert found.fits.columns == ("column 999999",)
    assert found.size == MAX_HEADER_SIZE
    assert found.problem_count <= 10_000
    assert time.process_time() - cpu < 60
    assert check_header(long_header() + tiny, whole=False, aggregation=LAST_COLUMN)
    missing = Aggregation((GroupColumn("column 00999"),))
    with pytest.raises(SpecMismatch, match="did you mean 'column 000999'"):
        check_header(long_header(), whole=False, aggregation=missing)


def test_a_long_header_needs_more_bytes_up_to_a_limit() -> None:
    wide = b"column" * 200 + b";"
    for length in (SAMPLE_SIZE, 12 * SAMPLE_SIZE):
        header = (wide * (length // len(wide) + 1))[:length]
        assert inspect(header, whole=False, aggregation=LAST_COLUMN).error is None
        assert not check_header(header, whole=False, aggregation=LAST_COLUMN)

    endless = b"column;" * (INSPECTION_LIMIT // 7 + 1)
    found = inspect(endless[:INSPECTION_LIMIT], whole=False, aggregation=None)
    assert found.column_count == 0
    assert found.error is not None
    assert found.error.startswith("the header does not end within the first 16 MiB")
    # The job reads it; more bytes would not help
    endless = wide * (INSPECTION_LIMIT // len(wide) + 1)
    assert (
        inspect(endless[:INSPECTION_LIMIT], whole=False, aggregation=LAST_COLUMN).error
        == found.error
    )
    assert check_header(endless[:INSPECTION_LIMIT], whole=False, aggregation=LAST_COLUMN)


def test_a_long_header_is_checked_in_a_compressed_file_too() -> None:
    sample = gzip.compress(long_header() + b"1\n" * SAMPLE_SIZE)
    assert inspect(sample, whole=True, aggregation=LAST_COLUMN).column_count == 1_000_000
    assert check_header(sample, whole=False, aggregation=LAST_COLUMN)


def test_a_file_that_no_job_can_read_is_refused() -> None:
    with pytest.raises(MalformedInput):
        check_header(b"\x1f\x8b\x08broken" * 100_000, whole=False, aggregation=SONGS)


@pytest.mark.parametrize("compression", ["gzip", "zstd", "bzip2", "zip"])
@pytest.mark.parametrize("whole", [True, False])
def test_a_file_with_another_compression_than_declared_is_damaged(
    compression: Compression, whole: bool
) -> None:
    aggregation = Aggregation(group_by=(GroupColumn("a"),), input=Input(compression=compression))

    found = inspect(b"a,b\n1,2\n" * 100, whole=whole, aggregation=aggregation)

    assert found.error is not None
    assert compression in found.error
    assert found.dialect.compression == compression
    assert (found.columns, found.fits) == ((), None)


@pytest.mark.parametrize("data", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_a_file_without_bytes_is_empty(data: bytes) -> None:
    found = inspect(data, whole=True, aggregation=None)
    assert (found.column_count, found.error) == (0, EMPTY_FILE)
    # The rest of an upload may still arrive
    assert inspect(data, whole=False, aggregation=None).error is None


PLAYS = b"Song,Date,Number of Plays\nUmbrella,2020-01-02,200\nHello,2020-01-03,100\n"


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("data", [PLAYS, b"\xef\xbb\xbf" + PLAYS, PLAYS.replace(b"\n", b"\r\n")])
def test_the_default_aggregation_fits_a_file_of_song_plays(data: bytes, whole: bool) -> None:
    assert inspect(data, whole=whole, aggregation=None).default_fits
    assert inspect(gzip.compress(data), whole=True, aggregation=None).default_fits


def test_the_default_aggregation_fits_song_plays_below_a_line_for_spreadsheets() -> None:
    data = b"sep=,\n" + PLAYS
    assert inspect(data, whole=True, aggregation=None).default_fits
    assert check_header(data, whole=True, aggregation=SONG_PLAYS)


@pytest.mark.parametrize(
    "data",
    [
        PLAYS.replace(b",", b";"),
        PLAYS.replace(b",", b"\t"),
        PLAYS.replace(b",200", b",2.5"),
        PLAYS.replace(b",200", b","),
        PLAYS.replace(b",200", b",many"),
        PLAYS.replace(b",200", b""),
        PLAYS.partition(b"\n")[2],
        PLAYS.partition(b"\n")[0],
        PLAYS.replace(b"Hello", "Grüß dich".encode("latin-1")),
        PLAYS.decode().encode("utf-16"),
        b"Plays of all songs\n\n" + PLAYS,
        b"Song,Plays\nUmbrella,200\n",
        b"",
        b"PK\x03\x04",
    ],
)
def test_the_default_aggregation_does_not_fit_other_files(data: bytes) -> None:
    assert not inspect(data, whole=True, aggregation=None).default_fits


def test_the_first_records_are_shown_with_their_lines() -> None:
    data = b'a,b\n1,"x\ny"\nbad\n2,' + b"z" * 200 + b"\n" + b"3,\n" * 30
    found = inspect(data, whole=True, aggregation=None).sample_rows
    assert [(each.line, each.cells) for each in found[:3]] == [
        (2, ("1", "x\ny")),
        (5, ("2", "z" * 100 + "...")),
        (6, ("3", "")),
    ]
    assert [each.line for each in found[2:]] == list(range(6, 24))


def test_few_records_of_many_columns_are_shown() -> None:
    data = b",".join(b"c%d" % i for i in range(3000)) + b"\n"
    data += (b"1" + b",1" * 2999 + b"\n") * 30
    found = inspect(data, whole=True, aggregation=None).sample_rows
    assert [len(each.cells) for each in found] == [MAX_COLUMNS] * 4


def test_a_misfit_has_the_path_of_what_does_not_fit() -> None:
    fits = inspect(b"Song,Plays\na,1\n", whole=True, aggregation=TYPO).fits
    assert fits is not None
    assert fits.field == "group_by[0].column"
    undecided = Aggregation((GroupColumn(1),))
    fits = inspect(b"1,2\n3,4\n", whole=True, aggregation=undecided).fits
    assert fits is not None
    assert fits.field == "input.header"
