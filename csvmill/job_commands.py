"""`csvmill jobs ...`: look at jobs, cancel them, put failed ones back."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import click

from csvmill.client import AsyncClient, ClientError, Retries

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from csvmill.client import JobView

    Call = Callable[[AsyncClient, str], Awaitable[JobView]]

TRIES = 3
"""How often a request is sent before the server counts as unreachable: somebody is waiting."""

server_option = click.option(
    "--server",
    default="http://127.0.0.1:8000",
    show_default=True,
    envvar="CSVMILL_SERVER",
    show_envvar=True,
    help="Where the gateway, or the standalone service, listens.",
)
job_argument = click.argument("job_id", metavar="ID")


@click.group()
def jobs() -> None:
    """Look at jobs, cancel them, put failed ones back."""


@jobs.command()
@job_argument
@server_option
def show(job_id: str, server: str) -> None:
    """All about a job: its state, its input and result, every attempt and why it ended."""
    click.echo(describe(_ask(server, AsyncClient.job, job_id)))


@jobs.command()
@job_argument
@server_option
def cancel(job_id: str, server: str) -> None:
    """Cancel a job that is not finished, and remove its input. Repeating it is harmless."""
    job = _ask(server, AsyncClient.cancel, job_id)
    click.echo(f"{job.id} {job.state}")


@jobs.command()
@job_argument
@server_option
def retry(job_id: str, server: str) -> None:
    """Put a job that failed back: it gets all its attempts again.

    Its message in the dead-letter queue stays there, for you to read and to remove.
    """
    job = _ask(server, AsyncClient.retry, job_id)
    click.echo(f"{job.id} {job.state}")


def describe(job: JobView) -> str:
    """A job for people, a line for each of its properties and attempts."""
    lines = [
        ("job", job.id),
        ("state", job.state),
        ("reason", job.reason),
        ("file", f"{job.filename}, {job.input_size:,} bytes"),
        ("created", job.created_at),
        ("finished", job.finished_at),
    ]
    if job.result_size is not None:
        lines += [
            ("result", f"{job.result_size:,} bytes, {job.rows_out:,} of {job.rows_in:,} rows"),
            ("sha256", job.result_sha256),
        ]
    for attempt in job.attempts:
        text = f"{attempt.outcome or 'runs'} on {attempt.worker}, {attempt.started_at}"
        text += f" to {attempt.ended_at}" if attempt.ended_at else ""
        text += f": {attempt.reason}" if attempt.reason else ""
        lines.append((f"attempt {attempt.number}", text))
    return "\n".join(f"{name:<10} {value}" for name, value in lines if value is not None)


def _ask(server: str, call: Call, job_id: str) -> JobView:
    async def ask() -> JobView:
        async with AsyncClient(server, retries=Retries(attempts=TRIES)) as client:
            return await call(client, job_id)

    logging.getLogger("stamina").setLevel(logging.ERROR)  # what comes of the tries is enough
    try:
        return asyncio.run(ask())
    except ClientError as error:
        raise click.ClickException(str(error)) from error
