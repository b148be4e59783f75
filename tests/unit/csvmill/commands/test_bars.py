"""The progress bars of a followed job."""

from __future__ import annotations

import re
from dataclasses import replace
from io import StringIO
from typing import TYPE_CHECKING, TypeVar

import pytest
from rich.console import Console

from csvmill.client import JobProgress, JobView, TransferProgress
from csvmill.commands.bars import Bars
from csvmill.commands.job_text import describe_job

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Update = TypeVar("Update")

MB = 1_000_000
JOB = JobView(
    id="j", state="PENDING", attempt=0, max_attempts=3, created_at="2026-01-02T03:04:05.678Z",
    finished_at=None, reason=None, filename="plays.csv", input_size=100_000_000, result=None,
    progress=None, report=None,
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
        """Return the bar of the job after these updates, one second apart."""
        return self._after(self.bars.working, jobs)

    def shows_upload(self, *moved: TransferProgress) -> str:
        """Return the bar of the upload after these updates, one second apart."""
        return self._after(self.bars.uploading, moved)

    def shows_download(self, *moved: TransferProgress) -> str:
        """Return the bar of the download after these updates, one second apart."""
        return self._after(self.bars.downloading, moved)

    def lines(self) -> list[str]:
        """Return the text of all bars, without the drawn bars."""
        with self.console.capture() as shown:
            self.console.print(self.bars._progress.get_renderable())
        bare = [re.sub("[━╸╺]+", "", line) for line in shown.get().splitlines()]
        return [re.sub(r"\s+", " ", line).strip() for line in bare if line.strip()]

    def _after(self, listener: Callable[[Update], None], updates: Iterable[Update]) -> str:
        for update in updates:
            listener(update)
            self._now += 1.0
        (line,) = self.lines()
        return line


@pytest.fixture
def screen() -> Screen:
    return Screen()


def test_a_waiting_job_shows_no_percentage_and_no_rate(screen: Screen) -> None:
    assert screen.shows(JOB, running(0)) == "aggregate 0:00:02 elapsed"


def test_a_running_job_shows_percentage_bytes_rate_and_time_left(screen: Screen) -> None:
    shown = screen.shows(*(running(n * 10_000_000) for n in range(5)))
    assert shown == "aggregate 40% 40.0/100.0 MB 10.0 MB/s 0:00:05 elapsed 0:00:06 left"


def test_bytes_done_before_the_bar_started_do_not_count_as_speed(screen: Screen) -> None:
    shown = screen.shows(running(50_000_000), running(51_000_000), running(52_000_000))
    assert "1.0 MB/s" in shown
    assert shown.startswith("aggregate 52%")


def test_a_new_attempt_starts_at_zero_with_its_own_speed(screen: Screen) -> None:
    first = [running(n * 10_000_000) for n in range(5)]
    assert screen.shows(*first, replace(running(0), state="RETRY", progress=None)).startswith(
        "retry"
    )
    again = [running(n * 1_000_000, attempt=2) for n in range(4)]
    assert screen.shows(*again).startswith("aggregate 3% 3.0/100.0 MB 1.0 MB/s")


def test_the_bar_restarts_when_the_file_is_reread(screen: Screen) -> None:
    shown = screen.shows(*(running(n * 1_000_000) for n in (10, 60, 1, 2, 3)))
    assert shown.startswith("aggregate 3% 3.0/100.0 MB 1.0 MB/s")


def test_rows_are_shown_on_a_wide_terminal(screen: Screen) -> None:
    far = JobProgress(10_000_000, JOB.input_size, 12_345, 10.0, None, rows_estimated=True)
    some = replace(running(0), progress=far)
    assert screen.shows(running(0), some).endswith("about 12,345 rows")
    end = replace(far, rows_done=13_000, rows_estimated=False)
    assert screen.shows(replace(some, progress=end)).endswith(" 13,000 rows")
    assert "rows" not in Screen(width=80).shows(running(0), some)


def test_a_successful_job_shows_100_percent(screen: Screen) -> None:
    done = replace(running(JOB.input_size), state="SUCCESS")
    assert screen.shows(JOB, done).startswith("aggregate 100% 100.0/100.0 MB")


def test_an_upload_shows_percentage_bytes_rate_and_time_left(screen: Screen) -> None:
    # 40 MB in four seconds; 60 MB are left, which take six. A second later one still sees that.
    moved = [TransferProgress(n * 10 * MB, 100 * MB, 0) for n in range(5)]
    assert (
        screen.shows_upload(*moved)
        == "upload 40% 40.0/100.0 MB 10.0 MB/s 0:00:05 elapsed 0:00:06 left"
    )


def test_a_download_shows_percentage_bytes_rate_and_time_left(screen: Screen) -> None:
    moved = [TransferProgress(n * 2 * MB, 3_600 * MB, 0) for n in range(3)]
    assert (
        screen.shows_download(*moved)
        == "download 0% 0.0/3.6 GB 2.0 MB/s 0:00:03 elapsed 0:29:58 left"
    )


@pytest.mark.parametrize("stage", ["upload", "download"])
def test_bytes_from_an_earlier_call_count_as_done_but_not_as_speed(
    screen: Screen, stage: str
) -> None:
    shows = screen.shows_upload if stage == "upload" else screen.shows_download
    held = 90 * MB
    moved = [TransferProgress(held + n * MB, 100 * MB, held) for n in range(5)]
    assert shows(*moved) == f"{stage} 94% 94.0/100.0 MB 1.0 MB/s 0:00:05 elapsed 0:00:06 left"


def test_before_the_first_byte_there_is_no_rate_and_no_time_left(screen: Screen) -> None:
    shown = screen.shows_upload(TransferProgress(50 * MB, 100 * MB, 50 * MB))
    assert shown == "upload 50% 50.0/100.0 MB 0:00:01 elapsed"


def test_a_faster_connection_shortens_the_time_left(screen: Screen) -> None:
    slow = screen.shows_download(*(TransferProgress(n * MB, 1_000 * MB, 0) for n in range(11)))
    assert slow.endswith("1.0 MB/s 0:00:11 elapsed 0:16:30 left")
    # The rate is that of the last 30 s only
    faster = [TransferProgress((10 + 20 * n) * MB, 1_000 * MB, 0) for n in range(1, 41)]
    assert screen.shows_download(*faster).endswith("20.0 MB/s 0:00:51 elapsed 0:00:10 left")


def test_bytes_that_have_to_be_sent_again_are_subtracted(screen: Screen) -> None:
    sizes = (0, 30, 10, 40)
    shown = screen.shows_upload(*(TransferProgress(n * MB, 100 * MB, 0) for n in sizes))
    assert shown.startswith("upload 40% 40.0/100.0 MB")


def test_a_stream_of_unknown_size_shows_its_rate_and_no_percentage(screen: Screen) -> None:
    shown = screen.shows_upload(*(TransferProgress(n * 3 * MB, None, 0) for n in range(4)))
    assert shown == "upload 3.0 MB/s 0:00:04 elapsed"


def test_a_complete_transfer_stays_at_100_percent(screen: Screen) -> None:
    moved = [TransferProgress(n * 25 * MB, 100 * MB, 0) for n in range(5)]
    whole = screen.shows_download(*moved)
    assert whole == "download 100% 100.0/100.0 MB 25.0 MB/s 0:00:04 elapsed"
    assert screen.shows_download(TransferProgress(100 * MB, 100 * MB, 0)) == whole


@pytest.mark.parametrize("stage", ["upload", "download"])
def test_an_empty_file_is_at_100_percent_at_once(screen: Screen, stage: str) -> None:
    shows = screen.shows_upload if stage == "upload" else screen.shows_download
    assert shows(TransferProgress(0, 0, 0)).startswith(f"{stage} 100% 0/0 bytes")


def test_each_stage_has_its_own_line(screen: Screen) -> None:
    screen.shows_upload(*(TransferProgress(n * 50 * MB, 100 * MB, 0) for n in range(3)))
    screen.bars.working(running(30 * MB))
    screen.bars.downloading(TransferProgress(1 * MB, 2 * MB, 0))
    assert [line.split()[:2] for line in screen.lines()] == [
        ["upload", "100%"], ["aggregate", "30%"], ["download", "50%"],
    ]  # fmt: skip


def test_nothing_is_shown_without_a_terminal_or_when_quiet() -> None:
    for quiet, terminal in ((False, False), (True, True)):
        output = StringIO()
        with Bars(quiet=quiet, console=Console(file=output, force_terminal=terminal)) as bars:
            bars.uploading(TransferProgress(1, 2, 0))
            bars.downloading(TransferProgress(1, 2, 0))
        assert output.getvalue() == ""


def test_status_shows_the_progress_of_a_running_job() -> None:
    progress = JobProgress(3_000_000, JOB.input_size, 12_345, 3.0, 61.5)
    text = describe_job(replace(JOB, state="STARTED", attempt=1, progress=progress))
    assert (
        "progress   3%, 3,000,000 of 100,000,000 bytes, 12,345 rows, 61.5 s left\n" in text + "\n"
    )
    estimated = replace(progress, rows_estimated=True)
    text = describe_job(replace(JOB, state="STARTED", attempt=1, progress=estimated))
    assert "bytes, about 12,345 rows, " in text
    little = describe_job(replace(JOB, state="STARTED", attempt=1, progress=running(0).progress))
    assert little.splitlines()[-1] == "progress   0%, 0 of 100,000,000 bytes"
    assert "progress" not in describe_job(JOB)
