"""A name that no column has: what is nearest, and what may be wrong."""

from __future__ import annotations

import pytest

from shared.aggregation.nearest import nearest, nearest_column
from shared.aggregation.resolve import resolve
from shared.aggregation.spec import Aggregation, GroupColumn
from shared.errors import InvalidInput


@pytest.mark.parametrize(
    ("asked", "header", "hint"),
    [
        ("Alter", ["Name", " Vorname;Alter"], "';'"),
        ("vorname", ["Name", " Vorname;Alter"], "';'"),
        ("Plays", ["Song\tDate\tPlays"], "'\\t'"),
        ("Other", ["Song|Date|Plays"], "'|'"),
        ("b", ["a,b"], "','"),
    ],
)
def test_the_delimiter_may_be_wrong_if_it_is_in_the_names(
    asked: str, header: list[str], hint: str
) -> None:
    message = f"the delimiter of the file may be {hint}, which is in the names: set input.delimiter"
    assert nearest_column(asked, header).endswith(message)
    with pytest.raises(InvalidInput) as raised:
        resolve(Aggregation((GroupColumn(asked),)), header)
    assert message in str(raised.value)
    # The columns of a result have no delimiter.
    assert "delimiter" not in nearest(asked, header)


@pytest.mark.parametrize(
    ("asked", "column", "difference"),
    [
        ("Café", "Cafe\u0301", "U+0065 U+0301 in place of U+00E9"),
        ("Cafe\u0301", "Café", "U+00E9 in place of U+0065 U+0301"),
        ("Unit Price", "Unit\u00a0Price", "U+00A0 in place of U+0020"),
        ("Song", "\ufeffSong", "U+FEFF"),
        ("Song", "So\u200bng", "U+200B"),
        ("So\u200bng", "Song", "no U+200B"),
        ("Song", "Song\u00a0", "U+00A0"),
        ("\ufb01le", "file", "U+0066 U+0069 in place of U+FB01"),
    ],
)
def test_a_difference_that_is_not_seen_is_named_with_code_points(
    asked: str, column: str, difference: str
) -> None:
    hint = nearest_column(asked, ["Other", column])
    assert hint == f"did you mean {column!r}? It differs by {difference}"


@pytest.mark.parametrize(
    ("asked", "header", "hint"),
    [
        ("song", ["Date", "Song"], "did you mean 'Song'?"),
        ("b", ["a", " b"], "did you mean ' b'?"),
        ("x", ["a", "b"], "the columns are 'a', 'b'"),
        ("x", ["Name, Vorname", "b"], "the columns are 'Name, Vorname', 'b'"),
    ],
)
def test_other_differences_are_only_shown(asked: str, header: list[str], hint: str) -> None:
    assert nearest_column(asked, header) == hint
