"""`csvmill jobs`: the jobs as a table, or as lines of JSON."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from csvmill.commands.jobs import asked, cancel, retry, status
from csvmill.commands.options import json_option, server_option
from csvmill.commands.outcomes import errors_shown, show_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from csvmill.client import AsyncClient, JobView

STATES = ("PENDING", "STARTED", "RETRY", "SUCCESS", "FAILURE", "REVOKED")
LIMIT = 50
"""Jobs that are shown, unless told otherwise."""
PAGE = 100
"""Jobs that are fetched and shown at a time."""
UNPIPED = 1000
"""Columns of what is no terminal: nothing is cut off for programs."""

_STYLES = {"SUCCESS": "green", "FAILURE": "bold red", "STARTED": "cyan", "RETRY": "yellow"}
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


class ListByDefault(click.Group):
    """A group whose command `list` need not be named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Options at the beginning are those of `list`, unless they are the group's own."""
        own = self.get_help_option_names(ctx)
        if (args[0] not in own and args[0].startswith("-")) if args else not ctx.resilient_parsing:
            args = ["list", *args]
        return super().parse_args(ctx, args)

    def shell_complete(
        self, ctx: click.Context, incomplete: str
    ) -> list[click.shell_completion.CompletionItem]:
        """The commands of the group, and the options of `list`."""
        found = super().shell_complete(ctx, incomplete)
        if incomplete.startswith("-"):
            found += list_jobs.shell_complete(click.Context(list_jobs, ctx), incomplete)
        return found


@click.group(cls=ListByDefault, short_help="List the jobs, newest first.")
def jobs() -> None:
    """List the jobs, newest first; look at one, cancel it, put it back.

    `csvmill jobs` alone is `csvmill jobs list`, whose options it takes.

    \b
    Examples:
      csvmill jobs
      csvmill jobs --state FAILURE --limit 10
      csvmill jobs list --help
      csvmill jobs show 9f3f2d1c-5f0e-4b7b-8a43-2b9d8f2b8c55
    """


@jobs.command("list", short_help="The jobs, newest first (without a command: this).")
@server_option
@click.option(
    "--state",
    "states",
    type=click.Choice(STATES, case_sensitive=False),
    multiple=True,
    metavar="STATE",
    help=f"Only those in this state, of {', '.join(STATES)}; may be repeated.",
)
@click.option("--name", metavar="NAME", help="Only those whose file has exactly this name.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=LIMIT,
    show_default=True,
    help="How many at the most.",
)
@click.option("--all", "everything", is_flag=True, help="All of them, whatever --limit says.")
@json_option
def list_jobs(
    server: str,
    states: tuple[str, ...],
    name: str | None,
    limit: int,
    everything: bool,
    as_json: bool,
) -> None:
    """The jobs, newest first: id, state, attempts, size and age of the input, its name.

    With --json each is an object on a line of its own, with all that `csvmill status` shows.

    \b
    Examples:
      csvmill jobs
      csvmill jobs --state FAILURE --state RETRY --name plays.csv
      csvmill jobs --all --json --state FAILURE | jq -r .id | xargs -n 1 csvmill retry
    """
    wanted = None if everything else limit

    async def show(client: AsyncClient) -> tuple[int, bool]:
        """How many were shown, and whether there are others."""
        table = JobTable()
        page: list[JobView] = []
        shown, more = 0, False
        # One more than is shown tells whether there are others.
        size = PAGE if wanted is None else min(PAGE, wanted + 1)
        async for job in client.jobs(state=states, filename=name, page_size=size):
            if shown == wanted:
                more = True
                break
            shown += 1
            if as_json:
                show_json(asdict(job))
                continue
            page.append(job)
            if len(page) == PAGE:
                table.show(page)
                page = []
        table.show(page)
        return shown, more

    with errors_shown(as_json=as_json):
        shown, more = asked(server, show)
        if not shown and not as_json:
            click.echo("There are no such jobs.", err=True)
        if more and not as_json:
            click.echo(f"There are more than these {limit}: --all, or --limit.", err=True)


class JobTable:
    """A table that grows: what is shown of it needs not be kept."""

    def __init__(self) -> None:
        self._console = Console(highlight=False)
        if not self._console.is_terminal:
            self._console.width = UNPIPED
        self._begun = False

    def show(self, jobs: Sequence[JobView]) -> None:
        """Further rows; the columns stand where they stood before."""
        if not jobs:
            return
        table = Table(box=None, show_header=not self._begun, pad_edge=False, padding=(0, 1, 0, 0))
        table.add_column("ID", min_width=36, no_wrap=True)
        table.add_column("STATE", min_width=7, no_wrap=True)
        table.add_column("ATTEMPTS", min_width=8, justify="right", no_wrap=True)
        table.add_column("SIZE", min_width=8, justify="right", no_wrap=True)
        table.add_column("AGE", min_width=6, justify="right", no_wrap=True)
        table.add_column("NAME", overflow="fold")
        now = datetime.now(UTC)
        for job in jobs:
            table.add_row(
                job.id,
                Text(job.state, style=_STYLES.get(job.state, "")),
                str(job.attempt),
                decimal(job.input_size),
                age(now, job.created_at),
                Text(job.filename),
            )
        self._console.print(table)
        self._begun = True


def age(now: datetime, created_at: str) -> str:
    """How long ago that was, in the largest unit of which there is a whole one."""
    seconds = max(0, int((now - datetime.fromisoformat(created_at)).total_seconds()))
    length, unit = next((pair for pair in _UNITS if seconds >= pair[0]), _UNITS[-1])
    return f"{seconds // length} {unit}"


for command, name in ((status, "show"), (cancel, "cancel"), (retry, "retry")):
    jobs.add_command(command, name)
