"""States of parts of a file, merged in any order, give the bytes of one pass over the file."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from processor.engines.messages import Merge, Part
from shared.errors import InvalidInput, MalformedInput
from tests.reference.parts import Ended, Kernel
from tests.reference.test_kernel import any_cases, knobs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.aggregations import Case

NO_HEADER = "do not have its header"


@given(case=any_cases(), data=st.data())
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_parts_give_the_bytes_of_one_pass(case: Case, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as name:
        try:
            kernel = Kernel.of(case.aggregation, case.data, Path(name))
            expected = kernel.run()
        except (MalformedInput, InvalidInput):
            return
        whole = kernel.run(Part(), sized=data.draw(st.booleans(), label="sized"))
        if expected.header is None:
            assert whole.event == expected.event
            return
        states = [state for _, state in cut(kernel, whole, data)]
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
        assert (merged.header or {}).get("fields") == expected.header["fields"]


def cut(kernel: Kernel, whole: Ended, data: st.DataObject) -> list[tuple[Part, Path]]:
    """Cut a file before the records at drawn places. Return the parts and their states."""
    size = len(kernel.data)
    places = data.draw(st.lists(st.integers(1, max(size, 1)), max_size=6), label="places")
    parts: list[tuple[Part, Path]] = []
    begin, header = 0, None
    for place in sorted(places):
        if place <= begin:
            continue
        wanted = Part(begin, place, cut=True, header=header)
        found = kernel.run(wanted)
        if found.event["event"] == "refused":
            assert not parts
            assert NO_HEADER in found.event["reason"]
            continue
        end = found.event["end"]
        assert begin <= end <= place
        if end == begin:
            continue
        header = header or found.header
        # The same range again, whose end is known now.
        again = kernel.run(
            Part(begin, end, header=header if begin else None),
            data.draw(knobs, label="knobs"),
            threads=data.draw(st.integers(1, 3), label="threads"),
            stream=data.draw(st.booleans(), label="stream"),
            # Without the size, it is not known that the file ends there.
            sized=end == size or data.draw(st.booleans(), label="sized"),
        )
        assert again.event == {**found.event, "state_size": again.event["state_size"]}
        parts.append((wanted, data.draw(st.sampled_from([found, again]), label="which").state))
        begin = end
    if begin == 0:
        return [(Part(), whole.state)]
    if begin < size or data.draw(st.booleans(), label="empty"):
        last = kernel.run(Part(begin, header=header), data.draw(knobs, label="knobs"))
        parts.append((Part(begin, size), last.state))
    return parts


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
