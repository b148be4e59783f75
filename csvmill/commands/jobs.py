"""`csvmill jobs`: list jobs as a table, or as lines of JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from csvmill.commands.changes import cancel, delete, retry
from csvmill.commands.exit_codes import report_errors, show_json
from csvmill.commands.job import call_server, status
from csvmill.commands.job_text import job_json
from csvmill.commands.options import json_option, server_option
from csvmill.commands.selection import STATES
from csvmill.commands.spec_text import describe_spec
from shared.jobs.job_state import JobState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from csvmill.client import AsyncClient, JobView

LIMIT = 50
"""Jobs that are shown by default."""
PAGE = 100
"""Jobs that are fetched and printed at a time."""
COMPUTES = 40
"""The most characters that show what a job computes."""
PIPE_WIDTH = 1000
"""Width of the table where output is not a terminal, so that nothing is cut off."""

_STYLES: dict[str, str] = {
    JobState.SUCCESS: "green",
    JobState.FAILURE: "bold red",
    JobState.STARTED: "cyan",
    JobState.RETRY: "yellow",
}
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


class ListByDefault(click.Group):
    """A group whose default command is `list`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `list` before options, except for those of the group itself."""
        own = self.get_help_option_names(ctx)
        if (args[0] not in own and args[0].startswith("-")) if args else not ctx.resilient_parsing:
            args = ["list", *args]
        return super().parse_args(ctx, args)

    def shell_complete(
        self, ctx: click.Context, incomplete: str
    ) -> list[click.shell_completion.CompletionItem]:
        """Complete the commands of the group, and the options of `list`."""
        found = super().shell_complete(ctx, incomplete)
        if incomplete.startswith("-"):
            found += list_jobs.shell_complete(click.Context(list_jobs, ctx), incomplete)
        return found


@click.group(cls=ListByDefault, short_help="List the jobs, newest first.")
def jobs() -> None:
    """List the jobs, newest first; show, cancel, delete or retry one.

    `csvmill jobs` is short for `csvmill jobs list`, and takes its options.

    \b
    Examples:
      csvmill jobs
      csvmill jobs --state FAILURE --limit 10
      csvmill jobs list --help
      csvmill jobs show 9f3f2d1c-5f0e-4b7b-8a43-2b9d8f2b8c55
    """


@jobs.command("list", short_help="List the jobs, newest first (the default).")
@server_option
@click.option(
    "--state",
    "states",
    type=click.Choice(STATES, case_sensitive=False),
    multiple=True,
    metavar="STATE",
    help=f"Only jobs in this state, one of {', '.join(STATES)}; may be repeated.",
)
@click.option("--name", metavar="NAME", help="Only jobs whose file has exactly this name.")
@click.option(
    "--search",
    metavar="TEXT",
    help="Only jobs whose file's name contains this, in upper or lower case.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=LIMIT,
    show_default=True,
    help="The maximum number of jobs.",
)
@click.option("--all", "everything", is_flag=True, help="All jobs, regardless of --limit.")
@json_option
def list_jobs(
    server: str,
    states: tuple[str, ...],
    name: str | None,
    search: str | None,
    limit: int,
    everything: bool,
    as_json: bool,
) -> None:
    """List the jobs, newest first: id, state, attempts, size, age, what it computes, file
    name.

    With --json, each job is one line of JSON with everything that `csvmill status` shows.

    \b
    Examples:
      csvmill jobs
      csvmill jobs --state FAILURE --state REVOKED --name plays.csv
      csvmill jobs --all --json --state FAILURE | jq -r .id
    """
    maximum = None if everything else limit

    async def show(client: AsyncClient) -> tuple[int, bool]:
        """Return how many jobs were shown, and whether there are more."""
        table = JobTable()
        page: list[JobView] = []
        shown, more = 0, False
        # One more than is shown, to find out whether there are more.
        size = PAGE if maximum is None else min(PAGE, maximum + 1)
        async for job in client.jobs(state=states, filename=name, search=search, page_size=size):
            if shown == maximum:
                more = True
                break
            shown += 1
            if as_json:
                show_json(job_json(job))
                continue
            page.append(job)
            if len(page) == PAGE:
                table.show(page)
                page = []
        table.show(page)
        return shown, more

    with report_errors(as_json=as_json):
        shown, more = call_server(server, show)
        if not shown and not as_json:
            click.echo("No jobs found.", err=True)
        if more and not as_json:
            click.echo(
                f"There are more jobs than {limit}; use --all or a higher --limit.", err=True
            )


class JobTable:
    """A table that is printed in parts, so that the jobs need not be held in memory."""

    def __init__(self) -> None:
        from rich.console import Console  # takes longer to import than all else of this command

        self._console = Console(highlight=False)
        if not self._console.is_terminal:
            self._console.width = PIPE_WIDTH
        self._started = False

    def show(self, jobs: Sequence[JobView]) -> None:
        """Print further rows, in the columns of those before."""
        if not jobs:
            return
        from rich.filesize import decimal
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, show_header=not self._started, pad_edge=False, padding=(0, 1, 0, 0))
        table.add_column("ID", min_width=36, no_wrap=True)
        table.add_column("STATE", min_width=7, no_wrap=True)
        table.add_column("ATTEMPTS", min_width=8, justify="right", no_wrap=True)
        table.add_column("SIZE", min_width=8, justify="right", no_wrap=True)
        table.add_column("AGE", min_width=6, justify="right", no_wrap=True)
        table.add_column("COMPUTES", max_width=COMPUTES, no_wrap=True, overflow="ellipsis")
        table.add_column("NAME", overflow="fold")
        now = datetime.now(UTC)
        for job in jobs:
            table.add_row(
                job.id,
                Text(job.state, style=_STYLES.get(job.state, "")),
                str(job.attempt),
                decimal(job.input_size),
                age(now, job.created_at),
                Text(describe_spec(job.aggregation) if job.aggregation else ""),
                Text(job.filename),
            )
        self._console.print(table)
        self._started = True


def age(now: datetime, created_at: str) -> str:
    """Return the time since then in the largest unit that fits at least once."""
    seconds = max(0, int((now - datetime.fromisoformat(created_at)).total_seconds()))
    length, unit = next((pair for pair in _UNITS if seconds >= pair[0]), _UNITS[-1])
    return f"{seconds // length} {unit}"


for command, name in ((status, "show"), (cancel, "cancel"), (delete, "delete"), (retry, "retry")):
    jobs.add_command(command, name)
