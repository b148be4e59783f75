"""A name that no column has: what is nearest, and what may be wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.aggregation.nearest import nearest, nearest_column
from shared.aggregation.resolve import resolve
from shared.aggregation.spec import Aggregation, GroupColumn
from shared.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable


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


def test_names_are_compared_up_to_a_bounded_number_of_pairs_of_characters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A spec of 48 KB kept a gateway busy for most of a second.
    compared: list[int] = []

    def match(asked: str, names: Iterable[str], *_: object) -> list[str]:
        compared.extend(len(asked) * len(name) for name in names)
        return []

    monkeypatch.setattr("difflib.get_close_matches", match)
    names = ["ab" * 95 + str(i) for i in range(250)]
    nearest("ba" * 95, names)
    nearest_column("ba" * 20_000, ["b" * 20_000, "c" * 20_000])
    assert 0 < sum(compared) <= 1_000_000


def test_a_short_name_is_suggested_beside_long_ones() -> None:
    assert nearest("Pric", ["x" * 1_000_000, "Price"]) == "did you mean 'Price'?"


def test_names_of_thousands_of_characters_are_not_said_to_look_the_same() -> None:
    # The message had seven characters for each of those without width.
    assert len(nearest_column("Song", ["Song" + "\u200b" * 10_000])) < 200


class _Counted(str):
    """A name that counts its comparisons."""

    __slots__ = ()
    comparisons = 0

    def __eq__(self, other: object) -> bool:
        _Counted.comparisons += 1
        return str.__eq__(self, other)

    __hash__ = str.__hash__


def test_a_column_is_found_without_comparing_all_names() -> None:
    header = [_Counted(f"c{i}") for i in range(2000)]
    _Counted.comparisons = 0
    resolve(Aggregation(tuple(GroupColumn(f"c{i}") for i in range(1000, 1200))), header)
    # Sets compare names whose hashes are alike.
    assert _Counted.comparisons < 10 * len(header)


def test_of_many_columns_with_one_name_the_first_positions_are_named() -> None:
    with pytest.raises(InvalidInput, match=r"columns 1, 2, .*19, 20, \.\.\. have this name"):
        resolve(Aggregation((GroupColumn("a"),)), ["a"] * 500_000)
