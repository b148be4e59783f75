"""`csvmill uploads`: list, keep and delete the uploads that are on the server."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from csvmill.commands.durations import duration
from csvmill.commands.exit_codes import report_errors, show_json
from csvmill.commands.job import call_server
from csvmill.commands.jobs import ListByDefault, age
from csvmill.commands.options import json_option, server_option

if TYPE_CHECKING:
    from csvmill.client import AsyncClient
    from csvmill.client.models import DatasetView

LIMIT = 50
"""Uploads that are shown by default."""
FIELDS = "{:<36}  {:>15}  {:>7}  {:<12}  {:>4}  {}"
"""A line of the list."""

upload_argument = click.argument("upload_id", metavar="ID")


@click.group(cls=ListByDefault, short_help="List the uploads that can be asked; keep, delete them.")
def uploads() -> None:
    """List the uploads that are on the server, newest first; keep or delete one.

    `csvmill uploads` is short for `csvmill uploads list`, and takes its options. `csvmill ask`
    computes something of them.

    \b
    Examples:
      csvmill uploads
      csvmill uploads keep 3a2c5c8e-5a0f-4f6e-9a53-0d9c7a2f5b11 --for 90d
      csvmill uploads delete 3a2c5c8e-5a0f-4f6e-9a53-0d9c7a2f5b11
    """


@uploads.command("list", short_help="List the uploads, newest first (the default).")
@server_option
@click.option("--name", metavar="NAME", help="Only uploads of a file with exactly this name.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=LIMIT,
    show_default=True,
    help="The maximum number of uploads.",
)
@json_option
def list_uploads(server: str, name: str | None, limit: int, as_json: bool) -> None:
    """List the uploads, newest first: id, bytes, age, how long they are kept, jobs, file name.

    With --json, each upload is one line of JSON.

    \b
    Example:
      csvmill uploads --name plays.csv --json
    """

    async def show(client: AsyncClient) -> int:
        shown = 0
        async for upload in client.uploads(name=name, page_size=min(limit, 100)):
            if as_json:
                show_json(asdict(upload))
            else:
                if not shown:
                    click.echo(FIELDS.format("ID", "BYTES", "AGE", "KEPT", "JOBS", "NAME"))
                click.echo(_line(upload))
            shown += 1
            if shown == limit:
                break
        return shown

    with report_errors(as_json=as_json):
        if not call_server(server, show) and not as_json:
            click.echo("No uploads found.", err=True)


@uploads.command(short_help="Keep an upload although no job needs it.")
@upload_argument
@server_option
@click.option(
    "--for",
    "seconds",
    callback=duration,
    metavar="TIME",
    help="How long, such as 12h or 90d.  [default: until it is deleted]",
)
@click.option("--no", "no_longer", is_flag=True, help="Keep it only while jobs need it.")
@json_option
def keep(upload_id: str, server: str, seconds: int | None, no_longer: bool, as_json: bool) -> None:
    """Keep an upload until it is deleted, or for some time, although no job needs it.

    \b
    Examples:
      csvmill uploads keep 3a2c5c8e-5a0f-4f6e-9a53-0d9c7a2f5b11
      csvmill uploads keep 3a2c5c8e-5a0f-4f6e-9a53-0d9c7a2f5b11 --for 90d
    """
    if seconds is not None and no_longer:
        raise click.UsageError("give one of --for and --no")
    wanted: bool | int = not no_longer if seconds is None else seconds
    with report_errors(as_json=as_json):
        upload = call_server(server, lambda client: client.keep(upload_id, wanted))
        show_json(asdict(upload)) if as_json else click.echo(_line(upload))


@uploads.command(short_help="Delete an upload, now.")
@upload_argument
@server_option
@json_option
def delete(upload_id: str, server: str, as_json: bool) -> None:
    """Delete an upload and its bytes, now. Results of jobs that have read it stay.

    Refused while a job that has not ended reads it.

    \b
    Example:
      csvmill uploads delete 3a2c5c8e-5a0f-4f6e-9a53-0d9c7a2f5b11
    """
    with report_errors(as_json=as_json):
        call_server(server, lambda client: client.delete_upload(upload_id))
        show_json({"id": upload_id, "state": "DELETED"}) if as_json else click.echo(
            f"{upload_id} deleted"
        )


def _line(upload: DatasetView) -> str:
    now = datetime.now(UTC)
    kept = "while needed"
    if upload.keep:
        kept = "yes" if upload.expires_at is None else f"until {upload.expires_at[:10]}"
    elif upload.expires_at is not None:
        kept = f"until {upload.expires_at[:10]}"
    return FIELDS.format(
        upload.id, f"{upload.size:,}", age(now, upload.created_at), kept, len(upload.jobs),
        upload.name,
    )  # fmt: skip
