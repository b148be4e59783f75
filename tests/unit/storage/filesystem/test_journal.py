from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.blobs.byte_ranges import RangeSet
from storage.filesystem import journal

SIZE = 1000

RANGES = st.lists(
    st.tuples(st.integers(0, SIZE - 1), st.integers(1, SIZE)).filter(lambda r: r[0] < r[1]),
    max_size=8,
)


def written(ranges: list[tuple[int, int]], generation: int = 3) -> bytes:
    records = [journal.record(generation, index, *r) for index, r in enumerate(ranges)]
    return journal.header(generation) + b"".join(records)


@given(RANGES)
def test_recorded_ranges_are_read_again(ranges: list[tuple[int, int]]) -> None:
    known = journal.parse(written(ranges), SIZE)

    assert known == journal.Journal(3, RangeSet.of(ranges), len(ranges), 0)


@given(RANGES, st.data())
def test_a_truncated_journal_loses_only_the_records_cut_off(
    ranges: list[tuple[int, int]], data: st.DataObject
) -> None:
    kept = data.draw(st.integers(0, len(ranges)))
    part = data.draw(st.integers(0, journal.position(1) - journal.position(0) - 1))
    content = written(ranges)[: journal.position(kept) + part]

    known = journal.parse(content, SIZE)

    assert known == journal.Journal(3, RangeSet.of(ranges[:kept]), kept, 0)


@given(RANGES.filter(bool), st.data())
def test_a_changed_byte_loses_its_own_record_and_adds_no_range(
    ranges: list[tuple[int, int]], data: st.DataObject
) -> None:
    content = bytearray(written(ranges))
    at = data.draw(st.integers(journal.position(0), len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    hit = (at - journal.position(0)) // (journal.position(1) - journal.position(0))

    known = journal.parse(bytes(content), SIZE)

    assert known is not None
    assert known.received == RangeSet.of(r for n, r in enumerate(ranges) if n != hit)


@given(st.integers(0, journal.position(0) - 1), st.integers(1, 255))
def test_a_damaged_header_is_noticed(at: int, change: int) -> None:
    content = bytearray(written([(0, 10)]))
    content[at] ^= change

    assert journal.parse(bytes(content), SIZE) is None


def test_records_of_another_generation_are_ignored() -> None:
    content = journal.header(4) + journal.record(3, 0, 0, 10) + journal.record(4, 1, 20, 30)

    known = journal.parse(content, SIZE)

    assert known is not None
    assert known.received == RangeSet.of([(20, 30)])
    assert known.damaged == 1


def test_a_record_at_another_index_is_ignored() -> None:
    content = journal.header(1) + journal.record(1, 1, 0, 10)

    known = journal.parse(content, SIZE)

    assert known is not None
    assert not known.received


def test_zeros_after_the_records_are_ignored() -> None:
    known = journal.parse(written([(0, 10)]) + bytes(4096), SIZE)

    assert known is not None
    assert (known.records, known.damaged) == (1, 0)


def test_a_range_beyond_the_blob_is_ignored() -> None:
    known = journal.parse(written([(0, SIZE + 1)]), SIZE)

    assert known is not None
    assert not known.received
