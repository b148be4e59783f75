"""Administers the API keys of a server, for programs without asyncio."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine, Iterator, Mapping, Sequence

    from csvmill.client.admin import Admin
    from shared.api.access import AuditEntryView, KeyView, NewKeyView
    from shared.api.notification import NewWebhookSecretView, NotificationView
    from shared.api.tenant import TenantView


class SyncAdmin:
    """The methods of `Admin`, blocking."""

    def __init__(self, admin: Admin, run: Callable[[Coroutine[Any, Any, Any]], Any]) -> None:
        """`run` returns the result of a coroutine."""
        self._admin = admin
        self._run = run

    def keys(self) -> list[KeyView]:
        """Return the API keys. See `Admin.keys`."""
        keys: list[KeyView] = self._run(self._admin.keys())
        return keys

    def create_key(
        self,
        name: str,
        scopes: Collection[str],
        *,
        tenant: str | None = None,
        operator: bool = False,
        expires_in: int | None = None,
        notify: Sequence[str] = (),
    ) -> NewKeyView:
        """Create an API key. See `Admin.create_key`."""
        created: NewKeyView = self._run(
            self._admin.create_key(
                name,
                scopes,
                tenant=tenant,
                operator=operator,
                expires_in=expires_in,
                notify=notify,
            )
        )
        return created

    def rotate_key(self, key_id: str, *, overlap: int | None = None) -> NewKeyView:
        """Give a key a new secret. See `Admin.rotate_key`."""
        rotated: NewKeyView = self._run(self._admin.rotate_key(key_id, overlap=overlap))
        return rotated

    def revoke_key(self, key_id: str) -> KeyView:
        """Revoke a key for good. See `Admin.revoke_key`."""
        revoked: KeyView = self._run(self._admin.revoke_key(key_id))
        return revoked

    def tenants(self) -> list[TenantView]:
        """Return what is set for single tenants. See `Admin.tenants`."""
        found: list[TenantView] = self._run(self._admin.tenants())
        return found

    def change_tenant(self, tenant: str, changes: Mapping[str, float | None]) -> TenantView:
        """Change what is set for a tenant. See `Admin.change_tenant`."""
        changed: TenantView = self._run(self._admin.change_tenant(tenant, changes))
        return changed

    def audit(self, **wanted: str) -> Iterator[AuditEntryView]:
        """Yield entries of the audit trail, the newest first. See `Admin.audit`."""
        entries = self._admin.audit(**wanted)

        async def next_entry() -> AuditEntryView | None:
            return await anext(entries, None)

        while entry := self._run(next_entry()):
            yield entry

    def rotate_webhook_secret(
        self, *, tenant: str | None = None, overlap: int | None = None
    ) -> NewWebhookSecretView:
        """Sign webhooks with a new secret. See `Admin.rotate_webhook_secret`."""
        made: NewWebhookSecretView = self._run(
            self._admin.rotate_webhook_secret(tenant=tenant, overlap=overlap)
        )
        return made

    def notifications(self, **wanted: str) -> Iterator[NotificationView]:
        """Yield the notifications, the newest first. See `Admin.notifications`."""
        found = self._admin.notifications(**wanted)

        async def next_one() -> NotificationView | None:
            return await anext(found, None)

        while notification := self._run(next_one()):
            yield notification

    def retry_notification(self, notification_id: str) -> NotificationView:
        """Send one again that was given up. See `Admin.retry_notification`."""
        retried: NotificationView = self._run(self._admin.retry_notification(notification_id))
        return retried
