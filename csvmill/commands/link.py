"""`csvmill link`: a URL by which anybody downloads the result of a job."""

from __future__ import annotations

import click

from csvmill.commands.durations import duration
from csvmill.commands.exit_codes import report_errors, show_json
from csvmill.commands.job import call_server
from csvmill.commands.options import job_argument, json_option, server_option


@click.command(short_help="Print a URL that downloads a result without a key.")
@job_argument
@server_option
@click.option("--rejects", is_flag=True, help="The rejected records instead of the result.")
@click.option(
    "--expires-in",
    callback=duration,
    metavar="TIME",
    default="1h",
    show_default=True,
    help="How long the URL is valid, such as 10m or 7d.",
)
@json_option
def link(job_id: str, server: str, rejects: bool, expires_in: int, as_json: bool) -> None:
    """Print a URL by which anybody downloads the result of a job, until it expires.

    \b
    Example:
      curl -OJ "$(csvmill link 9f3f2d1c-5f0e-4b7b-8a43-2b9d8f2b8c55 --expires-in 10m)"
    """
    output = "rejects" if rejects else "result"
    with report_errors(as_json=as_json):
        url = call_server(
            server, lambda client: client.link(job_id, output=output, expires_in=expires_in)
        )
        show_json({"url": url}) if as_json else click.echo(url)
