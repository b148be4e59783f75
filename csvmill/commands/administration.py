"""What can be administered, and where: in a database or a data folder, or by a server's API."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import click
from click.core import ParameterSource

from csvmill.client.loading import load_client
from csvmill.commands.direct_administration import DirectAdministration
from csvmill.commands.options import api_key_option, given_api_key, server_url

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence

    from shared.api.access import AuditEntryView, KeyView, NewKeyView
    from shared.api.notification import NewWebhookSecretView, NotificationView
    from shared.api.tenant import TenantView

    F = TypeVar("F", bound=Callable[..., Any])

START_TIMEOUT = 10.0
"""Seconds to wait for a database that is not available."""
DATABASE = "jobs.sqlite"
"""The database in the data folder of the standalone service."""
DATA_DIR = Path("data")
"""The data folder of `csvmill serve` unless it is given another."""


class Administration(Protocol):
    """What the commands do, directly or through the API (see `csvmill.client.admin`)."""

    async def keys(self) -> list[KeyView]:
        """Return all keys."""
        ...

    async def create_key(
        self,
        name: str,
        scopes: Collection[str],
        *,
        tenant: str | None = None,
        operator: bool = False,
        expires_in: int | None = None,
        notify: Sequence[str] = (),
    ) -> NewKeyView:
        """Create a key."""
        ...

    async def rotate_key(self, key_id: str, *, overlap: int | None = None) -> NewKeyView:
        """Give a key a new secret."""
        ...

    async def revoke_key(self, key_id: str) -> KeyView:
        """Revoke a key."""
        ...

    async def tenants(self) -> list[TenantView]:
        """Return what is set for single tenants."""
        ...

    async def change_tenant(self, tenant: str, changes: Mapping[str, float | None]) -> TenantView:
        """Change what is set for a tenant."""
        ...

    def audit(self, **wanted: str) -> AsyncIterator[AuditEntryView]:
        """Yield entries of the audit trail."""
        ...

    async def rotate_webhook_secret(
        self, *, tenant: str | None = None, overlap: int | None = None
    ) -> NewWebhookSecretView:
        """Sign webhooks with a new secret."""
        ...

    def notifications(self, **wanted: str) -> AsyncIterator[NotificationView]:
        """Yield notifications, newest first."""
        ...

    async def retry_notification(self, notification_id: str) -> NotificationView:
        """Send one again that was given up."""
        ...


@dataclass(frozen=True, slots=True)
class Target:
    """Where to administer."""

    server: str | None
    """The URL of a server; None for the database."""
    database: str | None
    """The URL of the database."""


def target_options(command: F) -> F:
    """Add the options that say where to administer; the command gets them as its `options`."""
    for option in reversed(
        (
            click.option(
                "--data-dir",
                type=click.Path(file_okay=False, path_type=Path),
                envvar="CSVMILL_DATA_DIR",
                show_envvar=True,
                help="Data folder of the standalone service.  [default: ./data]",
            ),
            click.option(
                "--database-url",
                metavar="URL",
                envvar="CSVMILL_DATABASE_URL",
                show_envvar=True,
                help="Database of the services.",
            ),
            click.option(
                "--server",
                metavar="URL",
                callback=server_url,
                help="Use the API of this server, with a key that has the scope admin.",
            ),
            api_key_option,
        )
    ):
        command = option(command)
    return command


def target_of(options: dict[str, Any]) -> Target:
    """Take the options of `target_options` from `options`. Raises click.UsageError."""
    server, folder, url = (options.pop(name) for name in ("server", "data_dir", "database_url"))
    context = click.get_current_context()
    given = [
        name
        for name in ("server", "data_dir", "database_url")
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    ]
    if len(given) > 1:
        raise click.UsageError("give one of --server, --data-dir and --database-url")
    if server is not None:
        return Target(server, None)
    if given != ["data_dir"] and (url := url or _url_in_file()):
        return Target(None, url)
    database = (folder or DATA_DIR) / DATABASE
    if not database.parent.is_dir():
        raise click.UsageError(
            f"there is no data folder {database.parent}; give --data-dir, --database-url or "
            "--server"
        )
    return Target(None, f"sqlite:///{database}")


def _url_in_file() -> str | None:
    path = os.environ.get("CSVMILL_DATABASE_URL_FILE")
    return Path(path).read_text(encoding="utf-8").strip() if path else None


@asynccontextmanager
async def administration(target: Target) -> AsyncIterator[Administration]:
    """Open the database or a client. Raises the errors of both."""
    if target.server is not None:
        load_client(target.server)
        from csvmill.client import AsyncClient, Retries

        async with AsyncClient(
            target.server, api_key=given_api_key(), retries=Retries(attempts=3)
        ) as client:
            yield client.admin
        return
    from shared.access.store import SqlAccess
    from shared.database import connect
    from shared.database.migrate import migrate
    from shared.jobs.notifications import SqlNotifications

    with _for_own_eyes():
        database = await connect(target.database or "", start_timeout=START_TIMEOUT)
    try:
        await migrate(database)
        yield DirectAdministration(SqlAccess(database), SqlNotifications(database))
    finally:
        await database.close()


@contextmanager
def _for_own_eyes() -> Iterator[None]:
    """Let only this user read the files that are created, as the service does (`0600`)."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)
