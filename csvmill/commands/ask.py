"""`csvmill ask`: compute something of uploads that are on the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from csvmill.commands.exit_codes import report_errors, show_json
from csvmill.commands.inputs import cache_option, engine_option, spec_name_option
from csvmill.commands.job import call_server
from csvmill.commands.job_text import job_json
from csvmill.commands.options import json_option, server_option
from csvmill.commands.spec_options import GRAMMAR, SpecCommand, spec_options

if TYPE_CHECKING:
    from csvmill.client import AsyncClient, JobView


@click.command(
    cls=SpecCommand,
    epilog=GRAMMAR,
    short_help="Ask for a job of uploads that are on the server; print its id.",
)
@click.argument("uploads", metavar="ID|NAME...", nargs=-1, required=True)
@server_option
@click.option("--name", metavar="NAME", help="The name of the job in lists.")
@click.option(
    "--notify",
    multiple=True,
    metavar="URL",
    help="A URL that is notified when the job ends; may be repeated.",
)
@cache_option
@engine_option
@spec_name_option
@json_option
@spec_options
def ask(
    uploads: tuple[str, ...],
    server: str,
    name: str | None,
    notify: tuple[str, ...],
    cache: bool,
    engine: str | None,
    spec_name: str | None,
    as_json: bool,
    aggregation: dict[str, Any] | None,
) -> None:
    """Compute something of uploads that are on the server, without sending them again.

    An upload is named by its id, or by the name of its file. Several are read as one: their columns
    are matched by name. `csvmill uploads` lists them. To wait for the result and download it, use
    `csvmill run --upload`.

    \b
    Examples:
      csvmill ask plays.csv --group-by Song --sum Plays
      csvmill ask january.csv february.csv --group-by @file --count
      csvmill status --watch "$(csvmill ask plays.csv --spec totals.json)"
    """
    if aggregation is None and spec_name is None:
        raise click.UsageError("say what to compute, as in --group-by COLUMN --sum COLUMN")
    if aggregation is not None and spec_name is not None:
        raise click.UsageError("--spec-name cannot be combined with other options of the spec")
    spec: Any = aggregation or spec_name

    async def create(client: AsyncClient) -> JobView:
        return await client.ask(uploads, spec, name=name, cache=cache, notify=notify, engine=engine)

    with report_errors(as_json=as_json):
        job = call_server(server, create)
        if as_json:
            show_json(job_json(job))
            return
        click.echo(job.id)
        if job.cached_from is not None:
            click.echo(f"not computed again: the result is that of job {job.cached_from}", err=True)
