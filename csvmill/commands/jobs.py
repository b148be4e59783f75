"""`csvmill status`, `cancel`, `retry`, `jobs`: look at jobs, end them, put failed ones back."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, TypeVar

import click

from csvmill.client import AsyncClient, JobUnsuccessful, Refused, Retries
from csvmill.client.async_client import JOB_NOT_FOUND, UPLOAD_NOT_FOUND
from csvmill.commands.bars import Bars
from csvmill.commands.describing import describe
from csvmill.commands.options import job_argument, json_option, server_option
from csvmill.commands.outcomes import Exit, errors_shown, finish, show_json

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from csvmill.client import JobView

T = TypeVar("T")

BRIEF = Retries(attempts=3)
"""For one question: somebody is waiting for the answer."""
PATIENT = Retries(attempts=None, within=600.0)
"""For a job that is watched."""


@click.command(short_help="All about a job.")
@job_argument
@server_option
@click.option("--watch", is_flag=True, help="Follow the job until it ends.")
@json_option
def status(job_id: str, server: str, watch: bool, as_json: bool) -> None:
    """All about a job: its state, its input and result, every attempt and why it ended.

    With --watch the exit code tells whether there is a result (0) or not (4).

    \b
    Examples:
      csvmill status 9f3f2d1c-5f0e-4b7b-8a43-2b9d8f2b8c55
      csvmill status --watch --json 9f3f2d1c-5f0e-4b7b-8a43-2b9d8f2b8c55
    """
    with errors_shown(as_json=as_json):
        if watch:
            job = _watched(server, job_id, quiet=as_json)
        else:
            job = asked(server, lambda client: client.job(job_id))
        show_json(asdict(job)) if as_json else click.echo(describe(job))
        if watch and job.state != "SUCCESS":
            raise click.exceptions.Exit(Exit.UNSUCCESSFUL)


@click.command(short_help="Cancel a job, or an upload in flight.")
@click.argument("name", metavar="ID")
@server_option
@json_option
def cancel(name: str, server: str, as_json: bool) -> None:
    """Cancel a job that is not finished, or an upload in flight, and remove its input.

    Repeating it is harmless.

    \b
    Example:
      csvmill cancel 9f3f2d1c-5f0e-4b7b-8a43-2b9d8f2b8c55
    """

    async def cancelled(client: AsyncClient) -> JobView | None:
        unknown: Refused | None = None
        try:
            if job := await client.cancel(name):
                return job
        except Refused as error:
            if error.problem != JOB_NOT_FOUND:
                raise
            unknown = error
        # Perhaps a name that the client gave to an upload; or one that was removed by a try whose
        # answer got lost.
        try:
            await client.cancel_upload(name)
        except Refused as error:
            if error.problem != UPLOAD_NOT_FOUND:
                raise
            if unknown is not None:
                raise unknown from None
        return None

    with errors_shown(as_json=as_json):
        job = asked(server, cancelled)
        if as_json:
            show_json(asdict(job) if job else {"id": name, "state": "REMOVED"})
        else:
            click.echo(f"{job.id} {job.state}" if job else f"{name} removed")


@click.command(short_help="Put a job that failed back.")
@job_argument
@server_option
@json_option
def retry(job_id: str, server: str, as_json: bool) -> None:
    """Put a job that failed back: it gets all its attempts again.

    Its message in the dead-letter queue stays there, for you to read and to remove.

    \b
    Example:
      csvmill retry 9f3f2d1c-5f0e-4b7b-8a43-2b9d8f2b8c55
    """
    with errors_shown(as_json=as_json):
        job = asked(server, lambda client: client.retry(job_id))
        show_json(asdict(job)) if as_json else click.echo(f"{job.id} {job.state}")


def asked(
    server: str,
    call: Callable[[AsyncClient], Awaitable[T]],
    retries: Retries = BRIEF,
    trouble: Callable[[str], None] = lambda _text: None,
) -> T:
    """What `call` gives with a client that is opened for it."""

    async def ask() -> T:
        async with AsyncClient(server, retries=retries) as client:
            return await call(client)

    return finish(ask(), trouble)


def _watched(server: str, job_id: str, *, quiet: bool) -> JobView:
    async def watch(client: AsyncClient) -> JobView:
        try:
            return await client.wait(job_id, changed=bars.working)
        except JobUnsuccessful:
            return await client.job(job_id)

    with Bars(quiet=quiet) as bars:
        return asked(server, watch, PATIENT, bars.note)
