from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from shared.csv.dialect import Dialect, NumberStyle
from shared.csv.problems import SHOWN_PROBLEMS, Problem
from shared.jobs.report import Report, Rows, Seconds, decode_report, encode_report

any_text = st.text(st.characters(exclude_categories=()), max_size=20)
counts = st.integers(0, 1 << 62)
problems = st.builds(
    Problem,
    line=counts,
    offset=counts,
    column=st.none() | counts,
    name=st.none() | any_text,
    found=any_text,
    expected=any_text,
    record=st.just(b""),
)
reports = st.builds(
    Report,
    rows=st.builds(Rows, counts, counts, counts),
    groups=counts,
    problems=st.lists(problems, max_size=SHOWN_PROBLEMS).map(tuple),
    problem_count=counts,
    dialect=st.none()
    | st.builds(
        Dialect,
        delimiter=any_text,
        header=st.booleans(),
        null=st.lists(any_text).map(tuple),
        number=st.builds(NumberStyle, currency=st.booleans(), percent=st.booleans()),
    ),
    plan=any_text,
    seconds=st.builds(Seconds, queue=st.floats(0, 1e9)),
    peak_memory=counts,
    unfinished=st.booleans(),
)


@given(report=reports)
def test_a_report_is_decoded_as_it_was_encoded_and_is_ascii(
    report: Report,
) -> None:
    text = encode_report(report)
    assert text.isascii()
    assert "\0" not in text
    assert decode_report(text) == report


def test_newer_fields_are_unknown_in_a_report_of_an_older_version() -> None:
    dialect = Dialect(bom=True, line_ends=("crlf", "cr"))
    report = Report(dialect=dialect, rows_of_several_lines=3, most_lines=7)
    kept = decode_report(encode_report(report))
    assert kept.dialect is not None
    assert (kept.dialect.bom, kept.dialect.line_ends) == (True, ("crlf", "cr"))
    assert (kept.rows_of_several_lines, kept.most_lines) == (3, 7)

    fields = json.loads(encode_report(report))
    for part, name in (
        (fields["dialect"], "bom"),
        (fields["dialect"], "line_ends"),
        (fields["dialect"], "null"),
        (fields["dialect"], "number"),
        (fields["dialect"], "date"),
        (fields, "rows_of_several_lines"),
        (fields, "most_lines"),
    ):
        del part[name]
    old = decode_report(json.dumps(fields))
    assert old.dialect is not None
    assert (old.dialect.bom, old.dialect.line_ends) == (None, None)
    assert (old.rows_of_several_lines, old.most_lines) == (None, None)


def test_only_the_first_problems_are_encoded_without_their_records() -> None:
    all_of_them = tuple(Problem(n, n, 1, "x", "a", "b", b"a" * 1000) for n in range(1, 50))
    kept = decode_report(encode_report(Report(problems=all_of_them, problem_count=49)))
    assert [problem.line for problem in kept.problems] == list(range(1, 21))
    assert {problem.record for problem in kept.problems} == {b""}
    assert kept.problem_count == 49


def test_fields_of_a_newer_version_are_ignored() -> None:
    report = Report(rows=Rows(1, 2, 3), problems=(Problem(1, 0, None, None, "a", "b", b""),))
    fields = json.loads(encode_report(report))
    for part in (fields, fields["rows"], fields["dialect"], fields["problems"][0]):
        part["new"] = 1
    assert decode_report(json.dumps(fields)) == report


def test_a_report_without_a_dialect_is_encoded_with_one_for_older_versions() -> None:
    assert json.loads(encode_report(Report(dialect=None)))["dialect"]["delimiter"] == ","


def test_a_report_of_an_older_version_has_a_dialect_and_is_finished() -> None:
    fields = json.loads(encode_report(Report()))
    del fields["dialect_known"], fields["unfinished"]
    assert decode_report(json.dumps(fields)) == Report()


def test_the_rows_of_a_file_are_the_sum_of_aggregated_filtered_and_rejected() -> None:
    assert Rows(aggregated=1, filtered=2, rejected=4).total == 7
    assert replace(Report().rows, rejected=5).total == 5
