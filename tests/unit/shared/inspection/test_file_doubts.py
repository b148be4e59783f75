"""The warnings of an inspection: what was read in a sample, but may mean something else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.aggregation.spec import Aggregate, Aggregation, Condition, GroupColumn
from shared.csv.dialect import Input
from shared.inspection.inspect import inspect
from shared.inspection.inspection_view import inspection_view


@pytest.mark.parametrize("whole", [True, False])
def test_utf_8_that_is_declared_to_be_something_else_gets_the_warning_of_the_job(
    whole: bool,
) -> None:
    western = Aggregation((GroupColumn(1),), input=Input(encoding="windows-1252", header=True))
    data = "k,n\nKöln,1\nZürich,2\n".encode()
    # The end of a sample may cut a character.
    found = inspect(data if whole else data + b"M\xc3", whole=whole, aggregation=western)
    (warning,) = found.warnings
    assert (warning.kind, warning.example) == ("utf8_text", "'ö'")
    (note,) = inspection_view(found).notes
    assert note == (
        "all text beyond ASCII, such as 'ö', is valid UTF-8, but was read in the encoding that was "
        "declared: if the file is in UTF-8, its letters beyond ASCII are wrong; set input.encoding "
        "to 'utf-8', or leave it out"
    )
    others = (data.decode().encode("cp1252"), b"k,n\nUlm,1\n", data + b"M\xc3\n")
    for other in others:
        assert inspect(other, whole=True, aggregation=western).warnings == ()
    assert inspect(data, whole=True, aggregation=None).warnings == ()


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"Song;Plays\nx;1.234\ny;12\n", ("1 cell", "'1.234'", 1)),
        (b"Song,Plays\nx,1.234\ny,12\n", ("1 cell", "'1.234'", 1)),
        (b"Song;Plays\nx;1.234\ny;1234\nz;5.678\nz;1.234\n", ("3 cells", "'1.234'", 1)),
        (b"Song;kg\nx;1.234\ny;0.5\n", None),
        (b"Song;kg\nx;1.234\ny;1234.567\n", None),
        (b"Song;kg;n\nx;1.234;1\ny;light;1\n", None),
    ],
)
def test_numbers_that_may_be_grouped_get_the_warning_of_the_job(
    data: bytes, told: tuple[str, str, int] | None
) -> None:
    found = inspect(data, whole=True, aggregation=None)
    if told is None:
        assert found.warnings == ()
        return
    (warning,) = found.warnings
    cells, example, others = told
    assert (warning.kind, warning.line, warning.column) == ("grouped_integers", 2, 2)
    assert warning.message.startswith(
        f"column 2 ({found.columns[1].name!r}): {cells} such as {example} with exactly three "
        f"decimals, {others} without decimals, none with others: "
    )
    (note,) = inspection_view(found).notes
    assert note.startswith(warning.message)


def test_what_only_the_end_of_a_file_shows_is_told_if_the_end_was_read() -> None:
    kinds = {
        b"k,n,m\na,1,x\nb,2,y\n* estimated,,\n": "note_row",
        b"k,n,m\na,1,x\nb,2,y\nTotal,3,\n": "total_row",
    }
    for data, kind in kinds.items():
        found = inspect(data, whole=True, aggregation=None)
        assert [warning.kind for warning in found.warnings] == [kind]
        assert inspect(data, whole=False, aggregation=None).warnings == ()
    # So many different cells that not all records are read.
    many = b"k,n,m\n" + b"".join(b"a%d,%d,x\n" % (n, n) for n in range(20_000)) + b"Total,3,\n"
    found = inspect(many, whole=True, aggregation=None)
    assert (found.rows < 20_000, found.warnings) == (True, ())


def test_nothing_is_warned_of_records_if_the_delimiter_has_to_be_declared() -> None:
    found = inspect(b"a;b,c\n1;2,3\n\n4;5,6\n7;8,9\n", whole=True, aggregation=None)
    assert "input.delimiter" in found.notes[0]
    assert found.warnings == ()


def test_rows_that_where_may_exclude_are_not_warned_of() -> None:
    data = b"k,n\na,1\n,\n\nk,n\n"
    by_name = Aggregation((GroupColumn("k"),), (Aggregate("count"),))
    found = inspect(data, whole=True, aggregation=by_name)
    assert [each.kind for each in found.warnings] == [
        "repeated_header", "empty_row", "below_empty_line",
    ]  # fmt: skip
    chosen = replace(by_name, where=Condition("k", "!=", ("k",)))
    found = inspect(data, whole=True, aggregation=chosen)
    assert [each.kind for each in found.warnings] == ["below_empty_line"]
