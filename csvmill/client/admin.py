"""Administers the API keys of a server, and reads its audit trail."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from csvmill.client.defaults import JSON
from csvmill.client.paths import (
    AUDIT,
    KEYS,
    NOTIFICATIONS,
    TENANTS,
    WEBHOOK_SECRET,
    key_path,
    retry_notification_path,
    tenant_path,
)
from csvmill.client.server_url import path_of_link
from shared.api.access import AuditEntryView, KeyListView, KeyView, NewKeyView
from shared.api.notification import NewWebhookSecretView, NotificationView
from shared.api.tenant import TenantListView, TenantView

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Mapping, Sequence

    from csvmill.client.transport import Transport


class Admin:
    """The administration of one server, for a client whose key has the scope `admin`.

    Every method raises Refused: 401 without a valid key, 403 without the scope.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def keys(self) -> list[KeyView]:
        """Return the API keys, the oldest first: of the caller's tenant, or all for an operator."""
        return list(KeyListView.of(await self._transport.json("GET", KEYS)).keys)

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
        """Create an API key; only this answer has it. `expires_in` is in seconds.

        The URLs in `notify` are notified when a job created with it ends.
        The request is not repeated: if the answer is lost, revoke the key that `keys` shows.
        """
        fields: dict[str, Any] = {
            "name": name,
            "scopes": sorted(scopes),
            "tenant": tenant,
            "operator": operator,
            "expires_in": expires_in,
        }
        if notify:
            fields["notify"] = [{"url": url} for url in notify]
        return NewKeyView.of(await self._once(KEYS, fields))

    async def rotate_key(self, key_id: str, *, overlap: int | None = None) -> NewKeyView:
        """Give a key a new secret; the previous one is valid for `overlap` seconds, or a day.

        The request is not repeated. Raises Refused: 404 if there is no such key.
        """
        return NewKeyView.of(await self._once(f"{key_path(key_id)}/rotate", {"overlap": overlap}))

    async def revoke_key(self, key_id: str) -> KeyView:
        """Revoke a key for good. Raises Refused: 404 if there is no such key."""
        return KeyView.of(await self._transport.json("DELETE", key_path(key_id)))

    async def tenants(self) -> list[TenantView]:
        """Return what is set for single tenants, by name. Needs an operator's key."""
        return list(TenantListView.of(await self._transport.json("GET", TENANTS)).tenants)

    async def change_tenant(self, tenant: str, changes: Mapping[str, float | None]) -> TenantView:
        """Change what is set for a tenant, and return all of it. None resets a setting.

        `changes` are by the names of `TenantView`. Needs an operator's key. Raises Refused: 400 for
        what is no setting, value or name of a tenant.
        """
        body = json.dumps(dict(changes)).encode()
        path = tenant_path(tenant)
        return TenantView.of(await self._transport.json("PATCH", path, body=body, headers=JSON))

    async def audit(self, **wanted: str) -> AsyncIterator[AuditEntryView]:
        """Yield entries of the audit trail, the newest first.

        `wanted` is the query of `GET /api/v1/audit`: action, object, key, since, until, limit.
        """
        async for page in self._pages(AUDIT, wanted):
            for entry in page["entries"]:
                yield AuditEntryView.of(entry)

    async def rotate_webhook_secret(
        self, *, tenant: str | None = None, overlap: int | None = None
    ) -> NewWebhookSecretView:
        """Sign webhooks with a new secret; only this answer has it.

        The previous one signs too for `overlap` seconds, or a day. It is that of the caller's
        tenant: raises ValueError for another `tenant`. The request is not repeated.
        """
        if tenant is not None:
            raise ValueError("a server gives a secret to the tenant of the key; leave out tenant")
        return NewWebhookSecretView.of(await self._once(WEBHOOK_SECRET, {"overlap": overlap}))

    async def notifications(self, **wanted: str) -> AsyncIterator[NotificationView]:
        """Yield the notifications of the outcomes of jobs, the newest first.

        `wanted` is the query of `GET /api/v1/notifications`: state, job, limit.
        """
        async for page in self._pages(NOTIFICATIONS, wanted):
            for found in page["notifications"]:
                yield NotificationView.of(found)

    async def retry_notification(self, notification_id: str) -> NotificationView:
        """Send one again that was given up. Raises Refused: 404 if there is none."""
        path = retry_notification_path(notification_id)
        return NotificationView.of(await self._once(path, {}))

    async def _pages(self, path: str, query: Mapping[str, str]) -> AsyncIterator[Any]:
        page = await self._transport.json("GET", path, query=query)
        while True:
            yield page
            if not page["next"]:
                return
            path = path_of_link(self._transport.server, page["next"])
            page = await self._transport.json("GET", path)

    async def _once(self, path: str, fields: Mapping[str, Any]) -> Any:
        async with self._transport.request(
            "POST", path, body=json.dumps(fields).encode(), headers=JSON
        ) as response:
            return json.loads(await response.text())
