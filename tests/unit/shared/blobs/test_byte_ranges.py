from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.blobs.byte_ranges import ByteRange, RangeSet

LENGTH = 40

pairs = st.tuples(st.integers(0, LENGTH), st.integers(0, LENGTH)).map(
    lambda ends: (min(ends), max(ends))
)
pair_lists = st.lists(pairs, max_size=12)


def members(held: list[tuple[int, int]]) -> set[int]:
    return {position for start, stop in held for position in range(start, stop)}


def members_of(ranges: RangeSet | tuple[ByteRange, ...]) -> set[int]:
    return members([(held.start, held.stop) for held in ranges])


def in_normal_form(ranges: tuple[ByteRange, ...]) -> bool:
    """Whether the ranges are sorted, not empty, and separated by gaps."""
    return all(held.start < held.stop for held in ranges) and all(
        left.stop < right.start for left, right in pairwise(ranges)
    )


@given(pair_lists)
def test_a_range_set_holds_the_bytes_of_its_ranges(held: list[tuple[int, int]]) -> None:
    ranges = RangeSet.of(held)
    assert members_of(ranges) == members(held)
    assert len(ranges) == len(members(held))
    assert in_normal_form(ranges.ranges)


@given(pair_lists)
def test_the_order_of_adding_ranges_does_not_matter(
    held: list[tuple[int, int]],
) -> None:
    added = RangeSet()
    for start, stop in held:
        added = added.add(start, stop)
    assert added == RangeSet.of(held) == RangeSet.of(reversed(held))


@given(pair_lists, st.integers(0, LENGTH))
def test_a_byte_at_a_place_that_is_touched_adds_no_range(
    held: list[tuple[int, int]], at: int
) -> None:
    ranges = RangeSet.of(held)
    assert ranges.touches(at) == bool({at, at - 1} & members(held))
    if ranges.touches(at):
        assert len(ranges.add(at, at + 1).ranges) <= len(ranges.ranges)


@given(pair_lists, pairs)
def test_adding_a_range_returns_a_new_set(
    held: list[tuple[int, int]], new: tuple[int, int]
) -> None:
    before = RangeSet.of(held)
    after = before.add(*new)
    assert members_of(after) == members(held) | members([new])
    assert in_normal_form(after.ranges)
    assert before == RangeSet.of(held)
    assert after.add(*new) == after


@given(pair_lists, pairs)
def test_missing_returns_the_bytes_not_in_the_set(
    held: list[tuple[int, int]], interval: tuple[int, int]
) -> None:
    ranges = RangeSet.of(held)
    gaps = ranges.missing(*interval)
    assert members_of(gaps) == members([interval]) - members(held)
    assert in_normal_form(gaps)
    assert ranges.covers(*interval) == (members([interval]) <= members(held))


@given(pair_lists, pairs)
def test_adding_the_missing_parts_covers_the_range(
    held: list[tuple[int, int]], interval: tuple[int, int]
) -> None:
    ranges = RangeSet.of(held)
    for gap in ranges.missing(*interval):
        assert len(gap) == len(members_of((gap,)))
        ranges = ranges.add(gap.start, gap.stop)
    assert ranges.covers(*interval)
    assert members_of(ranges) == members(held) | members([interval])


@pytest.mark.parametrize(("start", "stop"), [(-1, 3), (5, 4), (-2, -1)])
def test_an_invalid_range_is_refused(start: int, stop: int) -> None:
    with pytest.raises(ValueError, match="not a byte range"):
        ByteRange(start, stop)


def test_huge_ranges_need_little_memory() -> None:
    ranges = RangeSet.of([(0, 1 << 50), (1 << 51, 1 << 52)])
    assert len(ranges) == (1 << 50) + (1 << 51)
    assert ranges.missing(0, 1 << 60) == (
        ByteRange(1 << 50, 1 << 51),
        ByteRange(1 << 52, 1 << 60),
    )
