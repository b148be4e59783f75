"""`csvmill status`, and how commands call the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import click

from csvmill.client.errors import JobUnsuccessful
from csvmill.client.loading import load_client
from csvmill.commands.display import display
from csvmill.commands.exit_codes import Exit, report_errors, run_async, show_json
from csvmill.commands.job_text import describe_job, echo_warnings, job_json
from csvmill.commands.options import given_api_key, job_argument, json_option, server_option
from shared.jobs.job_state import JobState

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from csvmill.client import AsyncClient, JobView

T = TypeVar("T")

FEW = 3
"""Attempts at a single request whose answer a person waits for."""
WATCH_FOR = 600.0
"""Seconds for which the server may be unavailable while a job is followed."""


@click.command(short_help="Show a job.")
@job_argument
@server_option
@click.option("--watch", is_flag=True, help="Follow the job until it ends.")
@json_option
def status(job_id: str, server: str, watch: bool, as_json: bool) -> None:
    """Show a job: its state, its input and result, and why each attempt ended.

    With --watch, the exit code says whether there is a result (0) or not (4).

    \b
    Examples:
      csvmill status 9f3f2d1c-5f0e-4b7b-8a43-2b9d8f2b8c55
      csvmill status --watch --json 9f3f2d1c-5f0e-4b7b-8a43-2b9d8f2b8c55
    """
    with report_errors(as_json=as_json):
        if watch:
            job = _watch(server, job_id, quiet=as_json)
        else:
            job = call_server(server, lambda client: client.job(job_id))
        if as_json:
            show_json(job_json(job))
        else:
            click.echo(describe_job(job))
            echo_warnings(job)
        if watch and job.state != JobState.SUCCESS:
            raise click.exceptions.Exit(Exit.UNSUCCESSFUL)


def call_server(
    server: str,
    call: Callable[[AsyncClient], Awaitable[T]],
    *,
    patient: float | None = None,
    on_retry: Callable[[str], None] = lambda _text: None,
) -> T:
    """Open a client, and return the result of `call` with it.

    A request is repeated a few times, or for `patient` seconds if the server is unavailable.
    """
    load_client(server)
    from csvmill.client import AsyncClient, Retries

    retries = Retries(attempts=FEW) if patient is None else Retries(attempts=None, within=patient)

    async def run() -> T:
        async with AsyncClient(server, api_key=given_api_key(), retries=retries) as client:
            return await call(client)

    return run_async(run(), on_retry)


def _watch(server: str, job_id: str, *, quiet: bool) -> JobView:
    async def wait(client: AsyncClient) -> JobView:
        try:
            return await client.wait(job_id, changed=shown.working)
        except JobUnsuccessful:
            return await client.job(job_id)

    with display(quiet=quiet) as shown:
        return call_server(server, wait, patient=WATCH_FOR, on_retry=shown.note)
