"""The first rows of a result in the order of a column."""

from __future__ import annotations

from fractions import Fraction
from functools import cmp_to_key
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from gateway.results.top_rows import top_rows

if TYPE_CHECKING:
    from gateway.results.result_rows import Row

DIGITS = st.text("0123456789", min_size=1, max_size=34)
NUMBERS = st.one_of(
    st.integers(-3, 3).map(str),
    st.builds(
        lambda sign, whole, part: f"{sign}{whole}.{part}" if part else sign + whole,
        st.sampled_from(["", "-"]),
        DIGITS.map(lambda text: text.lstrip("0") or "0"),
        st.one_of(st.just(""), DIGITS),
    ),
    # The same float
    st.integers(0, 9).map(lambda n: f"1234567890123456789{n}"),
    st.integers(1, 9).map(lambda n: "9" * 400 + str(n)),
)
TEXTS = st.text("ab\u00e9\uffff\U0001f600 ", max_size=3)


def sorted_whole(rows: list[Row], *, numeric: bool, descending: bool) -> list[Row]:
    """Sort all rows by their first cell, as the documentation says, by comparing pairs."""

    def compare(one: Row, other: Row) -> int:
        a, b = one[0], other[0]
        if a is None or b is None:
            return (a is None) - (b is None)
        left: Fraction | bytes = Fraction(a) if numeric else a.encode()
        right: Fraction | bytes = Fraction(b) if numeric else b.encode()
        order = (left > right) - (left < right)  # type: ignore[operator]
        return -order if descending else order

    return sorted(rows, key=cmp_to_key(compare))


@given(
    st.booleans().flatmap(
        lambda numeric: st.tuples(
            st.just(numeric),
            st.lists(st.one_of(st.none(), NUMBERS if numeric else TEXTS), max_size=60),
        )
    ),
    st.booleans(),
    st.integers(1, 20),
)
def test_they_are_those_of_the_whole_result_sorted(
    column: tuple[bool, list[str | None]], descending: bool, count: int
) -> None:
    numeric, cells = column
    rows: list[Row] = [[cell, str(number)] for number, cell in enumerate(cells)]
    found = top_rows(
        iter(rows),
        0,
        numeric=numeric,
        nullable=False,
        descending=descending,
        count=count,
        limit=1 << 20,
    )
    assert found == sorted_whole(rows, numeric=numeric, descending=descending)[:count]


def test_numbers_that_are_the_same_float_are_told_apart() -> None:
    cells = [f"1234567890123456789{digit}" for digit in "5981034726"]
    assert len({float(cell) for cell in cells}) == 1
    rows: list[Row] = [[cell] for cell in cells * 3]
    for descending in (False, True):
        for count in (1, 2, 5):
            found = top_rows(
                iter(rows),
                0,
                numeric=True,
                nullable=True,
                descending=descending,
                count=count,
                limit=1 << 20,
            )
            expected = sorted(rows, key=lambda row: Fraction(str(row[0])), reverse=descending)
            assert found == expected[:count]


def test_a_row_that_did_not_fit_lets_no_equal_one_pass() -> None:
    rows: list[Row] = [["9", "x" * 30], ["5", "x" * 80], ["1", "x" * 150], ["5", "y"], ["7", "z"]]
    found = top_rows(
        iter(rows), 0, numeric=True, nullable=True, descending=True, count=5, limit=100
    )
    # The first 5 does not fit, and the second one comes after it. 7 was added later.
    assert found == [rows[0], rows[4]]


@given(
    # As many rows that some are left out before others come
    st.lists(
        st.tuples(st.one_of(st.none(), st.integers(0, 9)), st.integers(0, 30)),
        min_size=15,
        max_size=60,
    ),
    st.booleans(),
    st.integers(5, 20),
    st.integers(40, 100),
)
def test_long_rows_are_as_many_as_fit(
    described: list[tuple[int | None, int]], descending: bool, count: int, limit: int
) -> None:
    rows: list[Row] = [
        [None if n is None else str(n), "x" * length, str(i)]
        for i, (n, length) in enumerate(described)
    ]
    found = top_rows(
        iter(rows),
        0,
        numeric=True,
        nullable=True,
        descending=descending,
        count=count,
        limit=limit,
    )
    whole = sorted_whole(rows, numeric=True, descending=descending)[:count]
    assert found == whole[: len(found)]
    lengths = [sum(len(cell) + 1 for cell in row if cell is not None) for row in whole]
    assert sum(lengths[: len(found)]) <= limit
    if len(found) < len(whole):
        assert sum(lengths[: len(found) + 1]) > limit
