"""What people see of a job that is followed."""

from __future__ import annotations

import re
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from csvmill.client import JobProgress, JobView
from csvmill.commands.bars import Bars
from csvmill.commands.describing import describe

MIB = 1 << 20
JOB = JobView(
    id="j", state="PENDING", attempt=0, max_attempts=3, created_at="2026-01-02T03:04:05.678Z",
    finished_at=None, reason=None, filename="plays.csv", input_size=100_000_000, result_size=None,
    result_sha256=None, rows_in=None, rows_out=None, progress=None, report=None,
    problems=(), problem_count=None, attempts=(),
)  # fmt: skip


def running(done: int, attempt: int = 1) -> JobView:
    progress = JobProgress(done, JOB.input_size, None, done / 1e6, None)
    return replace(JOB, state="STARTED", attempt=attempt, progress=progress)


class Screen:
    """Bars on a terminal whose lines can be read."""

    def __init__(self, width: int = 120) -> None:
        self._now = 0.0
        self.console = Console(
            file=StringIO(), force_terminal=True, width=width, color_system=None,
            get_time=lambda: self._now,
        )  # fmt: skip
        self.bars = Bars(quiet=False, console=self.console)

    def shows(self, *jobs: JobView) -> str:
        """The bar of the job after these, one second apart."""
        for job in jobs:
            self.bars.working(job)
            self._now += 1.0
        with self.console.capture() as shown:
            self.console.print(self.bars._progress.get_renderable())
        lines = [line for line in shown.get().splitlines() if line.strip()]
        assert len(lines) == 1
        return re.sub(r"\s+", " ", re.sub("[━╸╺]+", "", lines[0])).strip()


@pytest.fixture
def screen() -> Screen:
    return Screen()


def test_a_job_that_waits_has_no_percent_and_no_rate(screen: Screen) -> None:
    assert screen.shows(JOB, running(0)) == "aggregate 0:00:02"


def test_a_running_job_shows_percent_bytes_rate_and_time_left(screen: Screen) -> None:
    shown = screen.shows(*(running(n * 10_000_000) for n in range(5)))
    assert shown == "aggregate 40% 40.0/100.0 MB 10.0 MB/s 0:00:05 0:00:06"


def test_what_was_done_before_one_looked_counts_as_no_speed(screen: Screen) -> None:
    shown = screen.shows(running(50_000_000), running(51_000_000), running(52_000_000))
    assert "1.0 MB/s" in shown
    assert shown.startswith("aggregate 52%")


def test_a_new_attempt_begins_at_nothing_and_with_a_speed_of_its_own(screen: Screen) -> None:
    first = [running(n * 10_000_000) for n in range(5)]
    assert screen.shows(*first, replace(running(0), state="RETRY", progress=None)).startswith(
        "retry"
    )
    again = [running(n * 1_000_000, attempt=2) for n in range(4)]
    assert screen.shows(*again).startswith("aggregate 3% 3.0/100.0 MB 1.0 MB/s")


def test_a_file_that_is_read_again_begins_at_nothing(screen: Screen) -> None:
    shown = screen.shows(*(running(n * 1_000_000) for n in (10, 60, 1, 2, 3)))
    assert shown.startswith("aggregate 3% 3.0/100.0 MB 1.0 MB/s")


def test_rows_are_shown_where_there_is_room(screen: Screen) -> None:
    far = JobProgress(10_000_000, JOB.input_size, 12_345, 10.0, None, rows_estimated=True)
    some = replace(running(0), progress=far)
    assert screen.shows(running(0), some).endswith("about 12,345 rows")
    end = replace(far, rows_done=13_000, rows_estimated=False)
    assert screen.shows(replace(some, progress=end)).endswith(" 13,000 rows")
    assert "rows" not in Screen(width=80).shows(running(0), some)


def test_a_job_that_has_succeeded_is_whole(screen: Screen) -> None:
    done = replace(running(JOB.input_size), state="SUCCESS")
    assert screen.shows(JOB, done).startswith("aggregate 100% 100.0/100.0 MB")


def test_status_says_how_far_a_running_job_is() -> None:
    progress = JobProgress(3_000_000, JOB.input_size, 12_345, 3.0, 61.5)
    text = describe(replace(JOB, state="STARTED", attempt=1, progress=progress))
    assert (
        "progress   3%, 3,000,000 of 100,000,000 bytes, 12,345 rows, 61.5 s left\n" in text + "\n"
    )
    guessed = replace(progress, rows_estimated=True)
    text = describe(replace(JOB, state="STARTED", attempt=1, progress=guessed))
    assert "bytes, about 12,345 rows, " in text
    little = describe(replace(JOB, state="STARTED", attempt=1, progress=running(0).progress))
    assert little.splitlines()[-1] == "progress   0%, 0 of 100,000,000 bytes"
    assert "progress" not in describe(JOB)
