"""`csvmill cancel`, `delete` and `retry`: of one job, of several, or of all that are selected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from csvmill.client.errors import Refused
from csvmill.client.problem_types import JOB_NOT_FOUND, UPLOAD_NOT_FOUND
from csvmill.commands.exit_codes import Exit, report_errors, show_json
from csvmill.commands.job import call_server
from csvmill.commands.job_text import job_json
from csvmill.commands.options import json_option, server_option
from csvmill.commands.selection import Selection, selection_of, selection_options

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from csvmill.client import AsyncClient, JobView

UNAUTHORIZED = (401, 403)
"""Statuses that refuse every further request too."""
UNFINISHED = ("PENDING", "STARTED", "RETRY")

ids_argument = click.argument("ids", metavar="[ID]...", nargs=-1)


@dataclass(frozen=True, slots=True)
class Change:
    """What a command does to each of several jobs."""

    done: str
    """Its participle: `retried`."""
    apply: Callable[[AsyncClient, str], Awaitable[object]]
    """Does it to the job with this id."""
    default: tuple[str, ...]
    """The states of the jobs that it is for; empty for all."""


@click.command(short_help="Cancel jobs, or an upload in flight.")
@ids_argument
@selection_options
@server_option
@json_option
def cancel(ids: tuple[str, ...], server: str, as_json: bool, dry_run: bool, **options: Any) -> None:
    """Cancel an unfinished job or an upload in flight, and delete its input.

    Several ids, or options that select jobs, cancel all of these. Repeating it is harmless.

    \b
    Examples:
      csvmill cancel 9f3f2d1c-5f0e-4b7b-8a43-2b9d8f2b8c55
      csvmill cancel --state PENDING --search test --dry-run
    """

    def cancel_one(name: str) -> None:
        job = call_server(server, lambda client: _cancel_either(client, name))
        if as_json:
            show_json(job_json(job) if job else {"id": name, "state": "REMOVED"})
        else:
            click.echo(f"{job.id} {job.state}" if job else f"{name} removed")

    change = Change("cancelled", _cancel_either, UNFINISHED)
    _act(change, ids, selection_of(options), cancel_one, server, dry_run=dry_run, as_json=as_json)


@click.command(short_help="Delete jobs with their input and result.")
@ids_argument
@selection_options
@server_option
@json_option
@click.option("--result", "only_result", is_flag=True, help="Keep the input and the job.")
def delete(
    ids: tuple[str, ...],
    server: str,
    as_json: bool,
    only_result: bool,
    dry_run: bool,
    **options: Any,
) -> None:
    """Delete the input, the result and the rejects of a job, now. An unfinished job is cancelled.

    Several ids, or options that select jobs, delete all of these. What was deleted cannot be
    brought back. Repeating it is harmless.

    \b
    Examples:
      csvmill delete 9f3f2d1c-5f0e-4b7b-8a43-2b9d8f2b8c55
      csvmill delete --result 9f3f2d1c-5f0e-4b7b-8a43-2b9d8f2b8c55
      csvmill delete --state SUCCESS --before 30d --dry-run
    """

    async def delete_job(client: AsyncClient, name: str) -> None:
        if only_result:
            await client.delete_result(name)
        else:
            await client.delete(name)

    def delete_one(name: str) -> None:
        call_server(server, lambda client: delete_job(client, name))
        if as_json:
            show_json({"id": name, "state": "SUCCESS" if only_result else "DELETED"})
        else:
            click.echo(f"result of {name} deleted" if only_result else f"{name} deleted")

    default = ("SUCCESS",) if only_result else ()
    change = Change("deleted", delete_job, default)
    _act(change, ids, selection_of(options), delete_one, server, dry_run=dry_run, as_json=as_json)


@click.command(short_help="Retry failed jobs.")
@ids_argument
@selection_options
@server_option
@json_option
def retry(ids: tuple[str, ...], server: str, as_json: bool, dry_run: bool, **options: Any) -> None:
    """Retry a failed job: it can use all its attempts again.

    Several ids, or options that select jobs, retry all of these. The messages of failed jobs stay
    in the dead-letter queue until you remove them.

    \b
    Examples:
      csvmill retry 9f3f2d1c-5f0e-4b7b-8a43-2b9d8f2b8c55
      csvmill retry --state FAILURE --since 2h --dry-run
    """

    def retry_one(name: str) -> None:
        job = call_server(server, lambda client: client.retry(name))
        show_json(job_json(job)) if as_json else click.echo(f"{job.id} {job.state}")

    change = Change("retried", lambda client, name: client.retry(name), ("FAILURE",))
    _act(change, ids, selection_of(options), retry_one, server, dry_run=dry_run, as_json=as_json)


async def _cancel_either(client: AsyncClient, name: str) -> JobView | None:
    """Cancel a job, or an upload; return None if it was an upload."""
    unknown: Refused | None = None
    try:
        if job := await client.cancel(name):
            return job
    except Refused as error:
        if error.problem != JOB_NOT_FOUND:
            raise
        unknown = error
    # It may be the key of an upload, or an upload that an earlier request has removed without an
    # answer.
    try:
        await client.cancel_upload(name)
    except Refused as error:
        if error.problem != UPLOAD_NOT_FOUND:
            raise
        if unknown is not None:
            raise unknown from None
    return None


def _act(
    change: Change,
    ids: tuple[str, ...],
    selection: Selection,
    act_on_one: Callable[[str], None],
    server: str,
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Change one job with `act_on_one`, or several, each with a line of output.

    The exit code is 1 if the server refuses one of several; the others are changed nevertheless.
    """
    if ids and selection.is_given:
        raise click.UsageError("give ids, or options that select jobs, not both")
    if not ids and not selection.is_given:
        raise click.UsageError(
            "give an ID, or options that select jobs, such as --state or --since"
        )
    with report_errors(as_json=as_json):
        if len(ids) == 1 and not dry_run:
            act_on_one(ids[0])
            return
        done, refused = call_server(
            server,
            lambda client: _change_all(
                client, change, ids, selection, dry_run=dry_run, as_json=as_json
            ),
        )
        if not as_json:
            words = f"would be {change.done}" if dry_run else change.done
            more = f", {refused:,} refused" if refused else ""
            click.echo(f"{done:,} {'job' if done == 1 else 'jobs'} {words}{more}", err=True)
        if refused:
            raise click.exceptions.Exit(Exit.FAILED)


async def _change_all(
    client: AsyncClient,
    change: Change,
    ids: tuple[str, ...],
    selection: Selection,
    *,
    dry_run: bool,
    as_json: bool,
) -> tuple[int, int]:
    """Change jobs one after the other; return how many were changed, and how many refused."""
    # All are found before the first is changed: lists are in pages, and changes move jobs.
    found = [(name, "") for name in ids]
    if not ids:
        jobs = selection.jobs(client, change.default)
        found = [(job.id, job.filename) async for job in jobs if job.expired_at is None]
    done = refused = 0
    for name, filename in found:
        message = None
        try:
            if not dry_run:
                await change.apply(client, name)
            done += 1
        except Refused as error:
            if error.status in UNAUTHORIZED:
                raise
            message = str(error)
            refused += 1
        if as_json:
            changed = message is None and not dry_run
            show_json({"id": name, "name": filename, "changed": changed, "message": message})
        else:
            click.echo(f"{name} {message or filename}".rstrip())
    return done, refused
