"""`csvmill webhooks`: the secret of webhooks, and their notifications."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from csvmill.commands.administration import target_options
from csvmill.commands.durations import duration
from csvmill.commands.exit_codes import show_json
from csvmill.commands.keys import administer
from csvmill.commands.options import json_option

if TYPE_CHECKING:
    from csvmill.commands.administration import Administration
    from shared.api.notification import NewWebhookSecretView, NotificationView

STATES = ("pending", "delivered", "failed")
LIMIT = 50
"""Notifications that are shown by default."""


@click.group(short_help="Webhook secret and notifications.")
def webhooks() -> None:
    """Create the secret with which webhooks are signed; list notifications.

    On the machine of the service, or with --server and a key that has the scope admin.

    \b
    Examples:
      csvmill webhooks secret --server https://mill.example
      csvmill webhooks list --state failed
    """


@webhooks.command(short_help="Create a secret, and show it once.")
@click.option("--tenant", metavar="NAME", help="The tenant, on the database.  [default: default]")
@click.option(
    "--overlap",
    callback=duration,
    metavar="TIME",
    default="1d",
    show_default=True,
    help="How long messages are also signed with the previous secret; 0s for not at all.",
)
@target_options
@json_option
def secret(tenant: str | None, overlap: int, as_json: bool, **options: Any) -> None:
    """Sign with a new secret, and print it: the only time that it is shown.

    \b
    Example:
      csvmill webhooks secret --overlap 2h
    """

    async def work(target: Administration) -> NewWebhookSecretView:
        return await target.rotate_webhook_secret(tenant=tenant, overlap=overlap)

    new = administer(options, work, as_json=as_json)
    if as_json:
        show_json(asdict(new))
        return
    click.echo(new.secret)
    until = f", and the previous one signs too until {new.previous_until}"
    click.echo(
        "It is not shown again. Give it to the receivers of webhooks"
        f"{until if new.previous_until else ''}.",
        err=True,
    )


@webhooks.command("list", short_help="List notifications, newest first.")
@click.option(
    "--state",
    type=click.Choice(STATES),
    help="Only notifications in this state; failed means given up.",
)
@click.option("--job", metavar="ID", help="Only those of this job.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=LIMIT,
    show_default=True,
    help="Maximum number of notifications.",
)
@target_options
@json_option
def list_notifications(
    state: str | None, job: str | None, limit: int, as_json: bool, **options: Any
) -> None:
    """List the notifications: id, time, type, job, URL, state, tries, what went wrong.

    \b
    Example:
      csvmill webhooks list --state failed
    """
    given = {"state": state, "job": job}
    wanted = {name: value for name, value in given.items() if value is not None}

    async def work(target: Administration) -> None:
        shown = 0
        async for found in target.notifications(limit=str(min(limit, 500)), **wanted):
            show_json(asdict(found)) if as_json else click.echo(_line(found))
            shown += 1
            if shown == limit:
                break

    administer(options, work, as_json=as_json)


@webhooks.command(short_help="Send a failed notification again.")
@click.argument("notification_id", metavar="ID")
@target_options
@json_option
def retry(notification_id: str, as_json: bool, **options: Any) -> None:
    """Send a notification again that was given up: at once, and as often as a new one.

    \b
    Example:
      csvmill webhooks retry msg_2b1f0c7d5e9a4c3f8a6d1e0b7c4f9d25
    """

    async def work(target: Administration) -> NotificationView:
        return await target.retry_notification(notification_id)

    found = administer(options, work, as_json=as_json)
    show_json(asdict(found)) if as_json else click.echo(_line(found))


def _line(found: NotificationView) -> str:
    error = f"  ({found.error})" if found.error else ""
    return (
        f"{found.id}  {found.created_at}  {found.type}  {found.job_id}  {found.url}  "
        f"{found.state} after {found.attempts}{error}"
    )
