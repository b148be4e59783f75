"""`csvmill audit`: who created, downloaded, cancelled and deleted what, and changed keys."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from csvmill.commands.administration import target_options
from csvmill.commands.exit_codes import show_json
from csvmill.commands.keys import administer
from csvmill.commands.options import json_option

if TYPE_CHECKING:
    from csvmill.commands.administration import Administration
    from shared.api.access import AuditEntryView

LIMIT = 50
"""Entries that are shown by default."""


@click.command(short_help="Show who did what, newest first.")
@click.option("--action", metavar="NAME", help="Only this action, such as job.cancelled.")
@click.option("--object", "of", metavar="ID", help="Only this upload, job or key.")
@click.option("--key", metavar="ID", help="Only what was done with this key.")
@click.option("--since", metavar="TIME", help="Only at this time or later (RFC 3339).")
@click.option("--until", metavar="TIME", help="Only before this time (RFC 3339).")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=LIMIT,
    show_default=True,
    help="Maximum number of entries.",
)
@target_options
@json_option
def audit(
    action: str | None,
    of: str | None,
    key: str | None,
    since: str | None,
    until: str | None,
    limit: int,
    as_json: bool,
    **options: Any,
) -> None:
    """Show who created, downloaded, cancelled and deleted what, and changed keys; newest first.

    \b
    Examples:
      csvmill audit --data-dir /var/lib/csvmill
      csvmill audit --server https://mill.example --object 9f3f2d1c-5f0e-4b7b-8a43-2b9d8f2b8c55
    """
    filters = {"action": action, "object": of, "key": key, "since": since, "until": until}
    wanted = {name: value for name, value in filters.items() if value is not None}

    async def work(target: Administration) -> None:
        shown = 0
        async for entry in target.audit(limit=str(min(limit, 1000)), **wanted):
            show_json(asdict(entry)) if as_json else click.echo(_line(entry))
            shown += 1
            if shown == limit:
                break

    administer(options, work, as_json=as_json)


def _line(entry: AuditEntryView) -> str:
    who = entry.key_id or "no key"
    more = f"  ({entry.detail})" if entry.detail else ""
    return (
        f"{entry.at}  {entry.tenant}  {who}  {entry.address}  {entry.action}  {entry.object}{more}"
    )
