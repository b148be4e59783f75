"""The reference gives the bytes of the oracle, which shares no code with the product."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import assume, given, settings

from tests.aggregations import Case, cases, dirty_cases
from tests.dirt import dirty_written_cases
from tests.oracle import expected_of_dirty, expected_result
from tests.oracle_values import Malformed
from tests.reference.file import aggregate
from tests.written import written_cases


@given(case=dirty_cases() | dirty_written_cases())
@settings(max_examples=150)
def test_dirty_files_have_the_result_and_rejects_of_the_oracle(case: Case) -> None:
    found = aggregate(case.data, case.aggregation)
    # The oracle does not drop delimiters that all records but the header have at their end.
    dialect = found.report.dialect if found.report else None
    assume(dialect is None or not dialect.trailing_delimiters)
    try:
        expected = expected_of_dirty(case.aggregation, case.data)
    except Malformed:
        assert "rejected: line " in found.reason
        return
    assert (found.result, found.rejects) == (expected.result, expected.rejects)
    assert found.report is not None
    rows = found.report.rows
    assert (rows.aggregated, rows.filtered, rows.rejected) == expected.rows
    assert (found.report.groups, found.reason) == (expected.groups, "")
    strict = replace(case.aggregation, input=replace(case.aggregation.input, on_bad_row="fail"))
    refused = aggregate(case.data, strict)
    assert bool(refused.reason) == bool(expected.rejects)
    assert refused.report is not None
    assert refused.report.rows == rows


@given(case=cases() | written_cases())
@settings(max_examples=100)
def test_good_files_have_the_result_of_the_oracle(case: Case) -> None:
    found = aggregate(case.data, case.aggregation)
    # A header alone, or a few records, may be read with several delimiters.
    assume("set input.delimiter" not in found.reason)
    try:
        expected = expected_result(case.aggregation, case.data)
    except Malformed:
        assert found.reason  # a number in one notation may be invalid in another
    else:
        assert (found.result, found.reason) == (expected.result, "")
