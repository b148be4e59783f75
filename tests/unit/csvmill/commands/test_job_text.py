from __future__ import annotations

from dataclasses import asdict, fields, replace
from typing import TYPE_CHECKING

from csvmill.client import JobView, ProblemView, ReportView
from csvmill.commands.job_text import describe_job, echo_warnings

if TYPE_CHECKING:
    import pytest

JOB = JobView.of(
    {
        "id": "9f3f2d1c-5f0e-4b7b-8a43-2b9d8f2b8c55",
        "state": "SUCCESS",
        "attempt": 1,
        "max_attempts": 3,
        "created_at": "2026-01-02T03:04:05.678Z",
        "finished_at": None,
        "reason": None,
        "filename": "plays.csv",
        "input_size": 1234567,
        "result": {"size": 65, "sha256": "e0a1", "rows_in": 1000, "rows_out": 1},
        "attempts": [],
    }
)
REPORT = {
    "dialect": {"delimiter": ","},
    "engine": "kernel",
    "engine_version": "1.2.3",
    "plan": "exact",
    "rows_in": 1200,
    "rows_aggregated": 1000,
    "rows_filtered": 150,
    "rows_rejected": 50,
    "rejects_omitted": None,
    "rows_of_several_lines": 2,
    "most_lines": 40,
    "lines_passed_over": 3,
    "rows_padded": 0,
    "rows_truncated": 0,
    "groups": 1,
    "bytes_in": 1,
    "bytes_decompressed": 1,
    "bytes_out": 1,
    "seconds": {"queue": 0.04, "aggregate": 2.0},
    "peak_memory": 300 << 20,
    "peak_scratch": 0,
    "confinement": ("rlimits",),
    "attempts": 1,
    "warnings": (),
    "head_start": None,
    "inputs": (),
    "cluster": None,
}


def test_a_job_from_an_older_server_is_described_without_a_report() -> None:
    assert JOB.report is None
    assert (JOB.problems, JOB.problem_count) == ((), None)
    assert "rows " not in describe_job(JOB)


def test_a_report_shows_how_the_rows_add_up() -> None:
    report = ReportView.of({**REPORT, "added by a newer server": 1})
    assert {field.name: getattr(report, field.name) for field in fields(report)} == REPORT
    lines = describe_job(replace(JOB, report=report)).splitlines()
    assert "rows       1,200 = 1,000 aggregated + 150 filtered + 50 rejected" in lines
    rows = next(place for place, line in enumerate(lines) if line.startswith("rows "))
    assert lines[rows + 1 : rows + 3] == [
        "           2 span several lines, at most 40",
        "           3 lines are in no row",
    ]
    assert "engine     kernel 1.2.3, exact plan" in lines
    assert "took       queue 0.0 s, aggregate 2.0 s" in lines
    assert "memory     at most 300 MiB" in lines


def test_rows_that_were_filled_or_cut_and_lines_beside_them_are_counted() -> None:
    counts = {"rows_padded": 7, "rows_truncated": 1200, "lines_passed_over": 1}
    report = ReportView.of({**REPORT, **counts, "rows_of_several_lines": 0})
    lines = describe_job(replace(JOB, report=report)).splitlines()
    rows = next(place for place, line in enumerate(lines) if line.startswith("rows "))
    assert [line.strip() for line in lines[rows + 1 : rows + 4]] == [
        "7 had too few cells, and were filled",
        "1,200 had too many cells, and were cut",
        "1 line is in no row",
    ]


def test_counts_that_an_older_server_does_not_report_are_not_shown() -> None:
    older = {name: value for name, value in REPORT.items() if "line" not in name}
    report = ReportView.of(older)
    assert (report.rows_of_several_lines, report.most_lines) == (None, None)
    assert "span several lines" not in describe_job(replace(JOB, report=report))


def test_a_partial_report_has_no_row_counts() -> None:
    rows = dict.fromkeys(name for name in REPORT if name.startswith("rows_"))
    report = ReportView.of({**REPORT, **rows, "groups": None, "dialect": None})
    lines = describe_job(replace(JOB, state="FAILURE", report=report)).splitlines()
    assert not [line for line in lines if line.startswith("rows ")]
    assert "memory     at most 300 MiB" in lines


def test_each_problem_has_a_line_and_the_rest_are_counted() -> None:
    problems = (
        ProblemView(2, 9, 3, "Plays", "'x'", "an integer"),
        ProblemView(4, 20, 5, None, "5 columns", "4 columns"),
        ProblemView(9, 50, None, None, "a long record", "its end"),
    )
    lines = describe_job(replace(JOB, problems=problems, problem_count=1003)).splitlines()
    assert lines[-4:] == [
        "problem    line 2, column 3 ('Plays'): found 'x', expected an integer",
        "problem    line 4, column 5: found 5 columns, expected 4 columns",
        "problem    line 9: found a long record, expected its end",
        "           and 1,000 more problems",
    ]


def test_warnings_are_printed_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    warning = {
        "kind": "blank_group",
        "count": 2,
        "line": 7,
        "column": 1,
        "example": "''",
        "message": "column 1: 2 cells are empty",
        "remedy": "fill the cells",
    }
    once = {**warning, "count": 1, "message": "column 1: 1 cell is empty"}
    of_file = {**warning, "file": "May's.csv"}
    all_of_file = {**of_file, "line": None, "count": 1}
    every = [warning, {**warning, "line": None}, once, of_file, all_of_file]
    report = ReportView.of({**REPORT, "warnings": every})
    echo_warnings(replace(JOB, report=report))
    echo_warnings(JOB)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "Warning: column 1: 2 cells are empty (first in line 7); fill the cells",
        "Warning: column 1: 2 cells are empty; fill the cells",
        "Warning: column 1: 1 cell is empty (in line 7); fill the cells",
        'Warning: column 1: 2 cells are empty (first in "May\'s.csv", line 7); fill the cells',
        'Warning: column 1: 2 cells are empty (in "May\'s.csv"); fill the cells',
    ]


def test_a_report_of_an_older_server_has_no_warnings() -> None:
    older = {name: value for name, value in REPORT.items() if name != "warnings"}
    assert ReportView.of(older).warnings == ()


def test_attempts_that_the_answer_leaves_out_are_named() -> None:
    attempts = [
        {
            "number": number,
            "worker": "w",
            "started_at": "2026-01-02T03:04:05.678Z",
            "ended_at": "2026-01-02T03:04:06.678Z",
            "outcome": "released",
            "reason": None,
        }
        for number in (1, 2, 9)
    ]
    job = JobView.of({**asdict(JOB), "attempt": 9, "attempts": attempts})
    lines = describe_job(job).splitlines()[-4:]
    assert [line.split()[:2] for line in lines[:2]] == [["attempt", "1"], ["attempt", "2"]]
    assert lines[2].strip() == "attempts 3 to 8 are not shown"
    assert lines[3].split()[:2] == ["attempt", "9"]
