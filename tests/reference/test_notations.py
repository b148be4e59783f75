"""Kernel and reference read decorated numbers, declared dates and null texts alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from processor.engines.native import NativeEngine
from processor.engines.port import EngineLimits
from tests.notations import notation_cases
from tests.reference.file import aggregate
from tests.reference.test_kernel import comparable, kernel, knobs
from tests.reference.test_parts import merges_to_one_pass, parts_between_records

if TYPE_CHECKING:
    from processor.engines.messages import Knobs
    from tests.aggregations import Case

slow = [HealthCheck.too_slow, HealthCheck.data_too_large]


@given(case=notation_cases(), knobs=knobs, threads=st.integers(1, 3), stream=st.booleans())
@settings(max_examples=200, deadline=None, suppress_health_check=slow)
def test_the_kernel_equals_the_reference_in_any_notation(
    case: Case, knobs: Knobs, threads: int, stream: bool
) -> None:
    engine = NativeEngine(EngineLimits(threads=threads), knobs)

    found, expected = kernel(engine, case, stream=stream), aggregate(case.data, case.aggregation)

    assert comparable(found) == comparable(expected)


@given(case=notation_cases(), data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=slow)
def test_parts_of_a_file_in_any_notation_give_the_bytes_of_one_pass(
    case: Case, data: st.DataObject
) -> None:
    merges_to_one_pass(case, data, parts_between_records)
