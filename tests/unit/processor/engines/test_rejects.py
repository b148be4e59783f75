"""Records that break a rule are counted and reported, or skipped and kept."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.aggregation.spec import Aggregate, Aggregation, Condition, GroupColumn
from shared.csv.dialect import Input
from shared.csv.problems import KEPT_RECORD, SHOWN_PROBLEMS
from shared.errors import MalformedInput
from shared.jobs.job import SONG_PLAYS
from shared.jobs.rejects import NO_REJECTS
from shared.jobs.report import Report, Rows, report_of
from tests.aggregations import RFC_4180, Case, dirty_cases
from tests.oracle import Expected, expected_of_dirty, expected_result
from tests.oracle_values import Malformed
from tests.unit.processor.engines.kernel import run

SKIP = Input(on_bad_row="skip")
SKIPPING = replace(SONG_PLAYS, input=SKIP)
HEADER = b"Song,Date,Plays\n"


def refusal(data: bytes, aggregation: Aggregation = SONG_PLAYS) -> tuple[str, Report]:
    """Return the reason why a file has no result, and the report."""
    with pytest.raises(MalformedInput) as refused:
        run(data, aggregation)
    report = report_of(refused.value)
    assert report is not None
    return str(refused.value), report


@given(case=dirty_cases(), block=st.sampled_from([1, 7, 64, 1 << 20]))
@settings(max_examples=60, deadline=None)
def test_results_and_rejects_of_dirty_files_equal_plain_python_byte_for_byte(
    case: Case, block: int
) -> None:
    try:
        expected = expected_of_dirty(case.aggregation, case.data)
    except Malformed:
        reason, report = refusal(case.data, case.aggregation)
        assert "rejected: line " in reason
        assert report.rows == Rows(rejected=report.problem_count)
    else:
        assert run(case.data, case.aggregation, block=block) == expected


@given(case=dirty_cases())
@settings(max_examples=40, deadline=None)
def test_without_skip_a_file_fails_with_the_count_of_all_its_problems(
    case: Case,
) -> None:
    strict = replace(case.aggregation, input=RFC_4180)
    try:
        expected = expected_of_dirty(case.aggregation, case.data)
    except Malformed:
        _, skipped = refusal(case.data, case.aggregation)
        _, report = refusal(case.data, strict)
        assert report.rows == skipped.rows
        assert report.problems == skipped.problems
        return
    if not expected.rejects:
        assert run(case.data, strict) == expected
        return
    reason, report = refusal(case.data, strict)
    assert report.rows == Rows(*expected.rows)
    assert report.problem_count == expected.rows[2]
    assert len(report.problems) == min(SHOWN_PROBLEMS, report.problem_count)
    assert reason.startswith(str(report.problems[0]))


def test_the_oracles_of_dirty_and_of_good_files_agree() -> None:
    data = HEADER + b'"a\n""",2020,1\r\n\r\na,b,3'
    assert expected_of_dirty(SONG_PLAYS, data) == expected_result(SONG_PLAYS, data)


def test_a_reject_is_kept_unchanged_with_its_position_and_problem() -> None:
    data = HEADER + b'a,b,1\n"x\n",b,many\na,b\n"a"b,c,1\na,\xff,1\na,b,2\n'
    found = run(data, SKIPPING)
    assert found == Expected(
        b"Song,Date,Total Number of Plays for Date\na,b,3\n",
        (2, 0, 4),
        1,
        NO_REJECTS
        + b"3,22,3,\"found 'many', expected an integer, such as 42 or -7\","
        + b'"""x\n"",b,many"\n'
        + b'5,34,3,"found 2 columns: \'a,b\', expected 3 columns as in the header","a,b"\n'
        + b"6,38,1,\"found 'b' after the closing quote of 'a', expected a comma or the end of the "
        + b'line (a quote in quoted text is doubled)","""a""b,c,1"\n'
        + b'7,47,2,"found \'\\\\xff\', expected text in UTF-8","a,\xff,1"\n',
    )


def test_the_first_problems_are_listed_and_all_are_counted() -> None:
    bad = b"".join(b"a,b,x%d\n" % n for n in range(42))
    reason, report = refusal(HEADER + b"a,b,1\n" + bad + b"a,b,1\n")
    assert reason == (
        "line 3, column 3 ('Plays'): found 'x0', expected an integer, such as 42 or -7"
        " (and 41 more problems)"
    )
    assert (report.rows, report.problem_count) == (Rows(2, 0, 42), 42)
    assert [(p.line, p.found) for p in report.problems] == [
        (n + 3, f"'x{n}'") for n in range(SHOWN_PROBLEMS)
    ]


def test_the_message_names_the_first_problem_and_counts_the_others() -> None:
    reason, report = refusal(HEADER + b"a,b,1\na,b\n")
    assert reason.endswith("found 2 columns: 'a,b', expected 3 columns as in the header")
    assert report.problem_count == 1
    reason, _ = refusal(HEADER + b"a,b\na,b\n")
    assert reason.endswith("as in the header (and 1 more problem)")


def test_a_file_with_only_bad_rows_fails_even_with_skip() -> None:
    reason, report = refusal(HEADER + b"a,b\n" * 3, SKIPPING)
    assert reason.startswith("all 3 rows were rejected: line 2, column 3 ('Plays'): found 2 col")
    assert (report.rows, len(report.problems)) == (Rows(rejected=3), 3)
    reason, _ = refusal(HEADER + b"a,b\n", SKIPPING)
    assert reason.startswith("the only row was rejected: line 2")
    # A file without rows has a result, and so has one whose rows are all filtered out
    assert run(HEADER, SKIPPING).rows == (0, 0, 0)
    filtering = replace(SKIPPING, where=Condition(1, "=", ("b",)))
    assert run(HEADER + b"a,b,1\na,b\n", filtering).rows == (0, 1, 1)


@pytest.mark.parametrize("aggregation", [SONG_PLAYS, SKIPPING])
@pytest.mark.parametrize(
    ("data", "reason", "problems"),
    [
        (b"", "the file is empty", 0),
        (b"a,b\n1,2\n", "line 1: found a header of 2 columns: 'a,b'", 1),
        (b'"a"x,b,c\n1,2,3\n', "line 1, column 1: found 'x' after the closing quote", 1),
    ],
)
def test_a_header_that_does_not_fit_is_never_skipped(
    aggregation: Aggregation, data: bytes, reason: str, problems: int
) -> None:
    message, report = refusal(data, aggregation)
    assert message.startswith(reason)
    assert (report.rows, report.problem_count, len(report.problems)) == (Rows(), problems, problems)


def test_a_missing_column_is_not_a_problem_of_a_record() -> None:
    aggregation = Aggregation((GroupColumn("song"),), input=SKIP)
    reason, report = refusal(HEADER + b"a,b,1\n", aggregation)
    assert reason.startswith("the aggregation does not fit the file: group_by[0].column")
    assert (report.rows, report.problem_count, report.problems) == (Rows(), 0, ())


def test_a_bad_row_changes_no_aggregate() -> None:
    # The bad cell is the last one read, after the other values of its row
    aggregation = Aggregation(
        (GroupColumn("Song"),),
        (
            Aggregate("count"),
            Aggregate("first", "Date", kind="text"),
            Aggregate("median", "Plays", kind="number"),
            Aggregate("count_distinct", "Date", kind="text"),
            Aggregate("sum", "Plays", kind="number"),
        ),
        input=SKIP,
    )
    found = run(HEADER + b"new,0,x\na,1,5\na,0,y\n", aggregation)
    assert found.result.splitlines()[1:] == [b"a,1,1,5,1,5"]


def test_a_long_record_is_kept_in_part() -> None:
    record = b"x" * KEPT_RECORD + b"yz"
    found = run(HEADER + b"a,b,1\n" + record + b"\n", SKIPPING)
    expected = (
        NO_REJECTS
        + b"3,22,2,\"found 1 column: '"
        + b"x" * 60
        + (b"'..., expected 3 columns as in the header\"," + record[:KEPT_RECORD] + b"\n")
    )
    assert found.rejects == expected
