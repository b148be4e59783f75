"""States of parts of a file, merged in any order, give the bytes of one pass over the file."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from processor.engines.messages import Merge, Part
from shared.csv.encoding import to_utf8
from shared.csv.records import RecordReader
from shared.errors import InvalidInput, MalformedInput
from tests.reference.parts import Kernel
from tests.reference.test_kernel import any_cases, knobs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.aggregations import Case

    StatesOf = Callable[[Kernel, st.DataObject], list[Path]]

pytestmark = pytest.mark.timeout(600)  # several processes for each example


def property_of(test: Callable[..., None]) -> Callable[[], None]:
    """Return a test of any aggregation of any file."""
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large]
    tested = given(case=any_cases(), data=st.data())(test)
    return settings(max_examples=50, deadline=None, suppress_health_check=slow)(tested)


@property_of
def test_parts_that_end_at_any_records_give_the_bytes_of_one_pass(
    case: Case, data: st.DataObject
) -> None:
    merges_to_one_pass(case, data, parts_between_records)


@property_of
def test_parts_that_are_cut_anywhere_give_the_bytes_of_one_pass(
    case: Case, data: st.DataObject
) -> None:
    merges_to_one_pass(case, data, parts_cut_anywhere)


def merges_to_one_pass(case: Case, data: st.DataObject, states_of: StatesOf) -> None:
    with tempfile.TemporaryDirectory() as name:
        try:
            kernel = Kernel.of(case.aggregation, case.data, Path(name))
            most = st.integers(0, 1000) | st.just(1 << 30)
            kernel.rejects = data.draw(most, label="bytes of rejects")
            expected = kernel.run()
        except (MalformedInput, InvalidInput):
            return
        whole = kernel.run(Part(), sized=data.draw(st.booleans(), label="sized"))
        if expected.header is None:
            assert whole.event == expected.event
            return
        states = states_of(kernel, data) or [whole.state]
        if data.draw(st.booleans(), label="gather"):
            states = gathered(kernel, states, data)
        merged = kernel.run(
            Merge(tuple(data.draw(st.permutations(states), label="order"))),
            data.draw(knobs, label="knobs of merge"),
            threads=data.draw(st.integers(1, 3), label="threads of merge"),
            sized=data.draw(st.booleans(), label="sized"),
        )
        assert merged.event == expected.event
        assert merged.files == expected.files
        assert merged.header == expected.header


def parts_between_records(kernel: Kernel, data: st.DataObject) -> list[Path]:
    """Return the states of parts that end before records which the reference finds."""
    starts = record_starts(kernel)
    ends = data.draw(st.lists(st.sampled_from(starts), unique=True, max_size=6)) if starts else []
    header = None
    states = []
    for begin, end in itertools.pairwise([0, *sorted(ends), len(kernel.data)]):
        part = kernel.run(
            Part(begin, end, header=header),
            data.draw(knobs, label="knobs"),
            threads=data.draw(st.integers(1, 3), label="threads"),
            stream=data.draw(st.booleans(), label="stream"),
        )
        assert part.event["event"] == "finished"
        assert part.event["end"] == end
        header = part.header
        states.append(part.state)
    return states


def record_starts(kernel: Kernel) -> list[int]:
    """Return the offsets of all records below the header that the reference reads."""
    lines: set[int] = set()
    text = to_utf8(iter([kernel.data]), kernel.dialect.encoding)
    reader = RecordReader(text, kernel.dialect, lambda problem: lines.add(problem.line))
    # Without a header, there is a made-up one, and the first good record belongs to the first part.
    header, *records = (line for line, _ in reader)
    if not kernel.dialect.header:
        header, *records = records
    lines.update(records)
    starts = line_starts(kernel)
    return [starts[line - 1] for line in sorted(lines) if line > header]


def line_starts(kernel: Kernel) -> list[int]:
    """Return the offset of each line."""
    encoding = kernel.dialect.encoding
    newline = "\r" if kernel.dialect.line_end == "cr" else "\n"
    unit = newline.encode(encoding if encoding.startswith("utf-16") else "ascii")
    size = len(unit)
    places = range(0, len(kernel.data) - size + 1, size)
    return [0, *(at + size for at in places if kernel.data[at : at + size] == unit)]


def parts_cut_anywhere(kernel: Kernel, data: st.DataObject) -> list[Path]:
    """Return the states of parts that end before the records at drawn places."""
    size = len(kernel.data)
    places = data.draw(st.lists(st.integers(1, max(size, 1)), max_size=6), label="places")
    states: list[Path] = []
    begin, header = 0, None
    for place in sorted(places):
        found = kernel.run(Part(begin, place, cut=True, header=header)) if place > begin else None
        if found is None:
            continue
        if found.event["event"] == "refused":
            assert not states
            assert "do not have its header" in found.event["reason"]
            continue
        end = found.event["end"]
        assert begin <= end <= place
        if end == begin:
            continue
        # The same range again, whose end is known now.
        again = kernel.run(
            Part(begin, end, header=header),
            data.draw(knobs, label="knobs"),
            threads=data.draw(st.integers(1, 3), label="threads"),
            stream=data.draw(st.booleans(), label="stream"),
            # Without the size, it is not known that the file ends there.
            sized=end == size or data.draw(st.booleans(), label="sized"),
        )
        assert again.event == {**found.event, "state_size": again.event["state_size"]}
        states.append(data.draw(st.sampled_from([found, again]), label="which").state)
        header = found.header
        begin = end
    if states and (begin < size or data.draw(st.booleans(), label="empty")):
        states.append(kernel.run(Part(begin, header=header)).state)
    return states


def gathered(kernel: Kernel, states: Sequence[Path], data: st.DataObject) -> list[Path]:
    """Merge neighbours, and those again."""
    states = list(states)
    for _ in range(data.draw(st.integers(1, 3), label="rounds")):
        begin = data.draw(st.integers(0, len(states) - 1), label="first")
        end = data.draw(st.integers(begin + 1, len(states)), label="last")
        some = data.draw(st.permutations(states[begin:end]), label="gathered")
        merged = kernel.run(Merge(tuple(some), gather=True), data.draw(knobs, label="knobs"))
        assert merged.event["event"] == "finished"
        states[begin:end] = [merged.state]
    return states
