"""Progress of a transfer and a job, as bars on standard error."""

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

from csvmill.commands.describing import rows_done

if TYPE_CHECKING:
    from csvmill.client import JobView
    from csvmill.client import Progress as Moved


ROOMY = 100
"""Columns of a terminal from which on there is room for the number of rows."""


class Percent(TaskProgressColumn):
    """How much of the whole is done."""

    def render(self, task: Task) -> Text:
        """All of it, where there is nothing to do."""
        if task.total == 0:
            return Text("100%", style="progress.percentage")
        return super().render(task)


class Size(DownloadColumn):
    """Bytes so far and in all, where that is known."""

    def render(self, task: Task) -> Text:
        """Nothing for a stage that only begins and ends."""
        return Text() if task.total is None else super().render(task)


class Rate(TransferSpeedColumn):
    """Bytes a second, where any are moved."""

    def render(self, task: Task) -> Text:
        """Nothing for a stage that only begins and ends."""
        return super().render(task) if task.speed else Text()


class Rows(ProgressColumn):
    """Rows of the job so far, where that is known."""

    def render(self, task: Task) -> Text:
        """Nothing for the other stages."""
        return Text(task.fields.get("rows", ""), style="progress.download")


class Bars:
    """A bar for each stage, with percent, bytes, rate, elapsed and remaining time.

    Use it as a context manager. It shows nothing unless standard error is a terminal.
    """

    def __init__(self, *, quiet: bool, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True, quiet=quiet)
        roomy = [Rows()] if self._console.width >= ROOMY else []
        self._progress = Progress(
            TextColumn("{task.description:<10}"), BarColumn(bar_width=24), Percent(),
            Size(), Rate(), TimeElapsedColumn(), TimeRemainingColumn(), *roomy,
            console=self._console, disable=quiet or not self._console.is_terminal,
        )  # fmt: skip
        self._tasks: dict[str, TaskID] = {}
        self._reached = (0, 0)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def note(self, text: str) -> None:
        """A line of text."""
        self._console.print(text, highlight=False, markup=False)

    def uploading(self, progress: Moved) -> None:
        """Move the bar of the upload."""
        self._move("upload", progress)

    def downloading(self, progress: Moved) -> None:
        """Move the bar of the download."""
        self._move("download", progress)

    def working(self, job: JobView) -> None:
        """Move the bar of the job. It begins anew with each attempt, and with each reading."""
        done = job.progress.bytes_done if job.progress else 0
        attempt, before = self._reached
        if done < before or 0 < attempt < job.attempt:
            self._progress.remove_task(self._tasks.pop("aggregate"))
        self._reached = (job.attempt, done)
        task = self._task("aggregate", None, done)
        if job.progress is not None:
            self._progress.update(task, rows=rows_done(job.progress))
        if job.state == "SUCCESS":
            self._progress.update(task, total=job.input_size, completed=job.input_size)
        elif job.state == "RETRY":
            self._progress.update(task, description="retry")
        elif done:
            self._progress.update(task, total=job.input_size, completed=done)

    def _move(self, stage: str, progress: Moved) -> None:
        task = self._task(stage, progress.total, progress.held)
        self._progress.update(task, completed=progress.done, total=progress.total)

    def _task(self, stage: str, total: int | None, held: int) -> TaskID:
        if stage not in self._tasks:
            # What was there before must not count as speed.
            self._tasks[stage] = self._progress.add_task(stage, total=total, completed=held)
        return self._tasks[stage]
