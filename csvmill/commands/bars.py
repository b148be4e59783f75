"""Progress bars of transfers and of a job, on standard error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.text import Text

from csvmill.commands.job_text import rows_done
from shared.jobs.job_state import JobState

if TYPE_CHECKING:
    from csvmill.client import JobView, TransferProgress


WIDE = 100
"""Width of a terminal, in characters, from which the number of rows is shown."""


class Percent(TaskProgressColumn):
    """The percentage that is done."""

    def render(self, task: Task) -> Text:
        """Return 100% for an empty file."""
        if task.total == 0:
            return Text("100%", style="progress.percentage")
        return super().render(task)


class Size(DownloadColumn):
    """Bytes done, and the total if known."""

    def render(self, task: Task) -> Text:
        """Return an empty text while the size is unknown."""
        return Text() if task.total is None else super().render(task)


class Rate(TransferSpeedColumn):
    """Bytes per second."""

    def render(self, task: Task) -> Text:
        """Return an empty text if no bytes are moved."""
        return super().render(task) if task.speed else Text()


class Elapsed(TimeElapsedColumn):
    """How long a stage has taken."""

    def render(self, task: Task) -> Text:
        """Return the time with what it is."""
        return Text.assemble(super().render(task), " elapsed")


class Remaining(TimeRemainingColumn):
    """How long a stage will take."""

    def render(self, task: Task) -> Text:
        """Return the time with what it is; nothing while it is unknown, and at the end."""
        if task.finished or task.time_remaining is None or task.total is None:
            return Text()
        return Text.assemble(super().render(task), " left")


class Rows(ProgressColumn):
    """Rows that the job has read, if known."""

    def render(self, task: Task) -> Text:
        """Return an empty text for other stages."""
        return Text(task.fields.get("rows", ""), style="progress.download")


class Bars:
    """A bar for each stage, with percentage, bytes, rate, elapsed and remaining time.

    Use it as a context manager. Bars are shown only if standard error is a terminal.
    """

    def __init__(self, *, quiet: bool, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True, quiet=quiet)
        rows = [Rows()] if self._console.width >= WIDE else []
        self._progress = Progress(
            TextColumn("{task.description:<10}"), BarColumn(bar_width=24), Percent(),
            Size(), Rate(), Elapsed(), Remaining(), *rows,
            console=self._console, disable=quiet or not self._console.is_terminal,
        )  # fmt: skip
        self._tasks: dict[str, TaskID] = {}
        self._last = (0, 0)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def note(self, text: str) -> None:
        """Print a line of text."""
        self._console.print(text, highlight=False, markup=False)

    def uploading(self, progress: TransferProgress) -> None:
        """Update the bar of the upload."""
        self._update("upload", progress)

    def downloading(self, progress: TransferProgress) -> None:
        """Update the bar of the download."""
        self._update("download", progress)

    def working(self, job: JobView) -> None:
        """Update the bar of the job. It restarts with each attempt, and when the file is reread."""
        done = job.progress.bytes_done if job.progress else 0
        attempt, before = self._last
        if done < before or 0 < attempt < job.attempt:
            self._progress.remove_task(self._tasks.pop("aggregate"))
        self._last = (job.attempt, done)
        task = self._task("aggregate", None, done)
        if job.progress is not None:
            self._progress.update(task, rows=rows_done(job.progress))
        if job.state == JobState.SUCCESS:
            self._progress.update(task, total=job.input_size, completed=job.input_size)
        elif job.state == JobState.RETRY:
            self._progress.update(task, description="retry")
        elif done:
            self._progress.update(task, total=job.input_size, completed=done)

    def _update(self, stage: str, progress: TransferProgress) -> None:
        task = self._task(stage, progress.total, progress.held)
        self._progress.update(task, completed=progress.done, total=progress.total)

    def _task(self, stage: str, total: int | None, held: int) -> TaskID:
        if stage not in self._tasks:
            # Bytes from an earlier call must not count as speed.
            self._tasks[stage] = self._progress.add_task(stage, total=total, completed=held)
        return self._tasks[stage]
