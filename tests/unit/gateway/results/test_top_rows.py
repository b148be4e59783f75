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


@given(
    st.lists(st.tuples(st.one_of(st.none(), st.integers(0, 9)), st.integers(0, 40)), max_size=60),
    st.booleans(),
    st.integers(1, 20),
    st.integers(10, 100),
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
