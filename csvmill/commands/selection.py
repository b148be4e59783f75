"""Which jobs a command acts on: ids, or all that options select."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click

from csvmill.commands.durations import seconds_of
from shared.jobs.job_state import JobState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from csvmill.client import AsyncClient, JobView

    F = TypeVar("F", bound=Callable[..., Any])

STATES = tuple(state.value for state in JobState)


@dataclass(frozen=True, slots=True)
class Selection:
    """What options say of jobs. All of it must hold."""

    states: tuple[str, ...] = ()
    since: datetime | None = None
    before: datetime | None = None
    name: str | None = None
    search: str | None = None

    @property
    def is_given(self) -> bool:
        """Whether there is any such option."""
        return self != Selection()

    async def jobs(self, client: AsyncClient, default: tuple[str, ...]) -> AsyncIterator[JobView]:
        """Yield the jobs, newest first; those in `default` states unless states are given."""
        async for job in client.jobs(
            state=self.states or default,
            created_after=self.since,
            created_before=self.before,
            filename=self.name,
            search=self.search,
        ):
            yield job


def _moment(
    _context: click.Context, _parameter: click.Parameter, value: str | None
) -> datetime | None:
    """Read a time: 2h (ago), 2026-01-31, or 2026-01-31T09:30Z. One without a zone is in UTC."""
    if value is None:
        return None
    if (seconds := seconds_of(value)) is not None:
        return datetime.fromtimestamp(time.time() - seconds, UTC)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise click.BadParameter(
            f"{value!r} is not a time; give 2h or 7d (ago), or 2026-01-31T09:30Z"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


_OPTIONS = (
    click.option(
        "--state",
        "states",
        type=click.Choice(STATES, case_sensitive=False),
        multiple=True,
        metavar="STATE",
        help=f"All jobs in this state, one of {', '.join(STATES)}; may be repeated.",
    ),
    click.option(
        "--since", callback=_moment, metavar="TIME", help="All jobs since 2h (ago), or a date."
    ),
    click.option("--before", callback=_moment, metavar="TIME", help="All jobs before that."),
    click.option("--name", metavar="NAME", help="All jobs whose file has exactly this name."),
    click.option("--search", metavar="TEXT", help="All jobs whose file's name contains this."),
)


def selection_options(command: F) -> F:
    """Add options that select jobs; `selection_of` takes their values."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return click.option("--dry-run", is_flag=True, help="Only show the jobs.")(command)


def selection_of(options: dict[str, Any]) -> Selection:
    """Take the values of `selection_options`, except for `--dry-run`, from options."""
    names = ("states", "since", "before", "name", "search")
    return Selection(**{name: options.pop(name) for name in names})
