"""Administers in the database, without a server."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from csvmill.client.errors import Refused

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Mapping, Sequence

    from shared.access.store import SqlAccess
    from shared.access.tenant import Tenant
    from shared.api.access import AuditEntryView, KeyView, NewKeyView
    from shared.api.notification import NewWebhookSecretView, NotificationView
    from shared.api.tenant import TenantView
    from shared.jobs.notifications import SqlNotifications


class DirectAdministration:
    """Administers in the database, as an operator: for the first key, and in an emergency."""

    def __init__(self, access: SqlAccess, notifications: SqlNotifications) -> None:
        from shared.access.acting import Acting
        from shared.access.audit import LOCAL
        from shared.access.management import KeyManager
        from shared.access.tenant import DEFAULT_TENANT

        self._access = access
        self._notifications = notifications
        self._default: Tenant = DEFAULT_TENANT
        self._who = Acting(DEFAULT_TENANT, None, LOCAL)
        self._manager = KeyManager(access.keys, self._who, None)

    async def keys(self) -> list[KeyView]:
        """See `Administration`."""
        from shared.api.access import KeyView

        return [KeyView.of_key(key) for key in await self._manager.listed()]

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
        """See `Administration`."""
        from shared.access.principal import Scope
        from shared.access.tenant import parse_tenant
        from shared.api.access import KeyView, NewKeyView

        key, text = await self._manager.create(
            name,
            parse_tenant(tenant) if tenant else self._default,
            [Scope(scope) for scope in scopes],
            is_operator=operator,
            expires_in=expires_in,
            notify=await self._checked(tenant, notify),
        )
        return NewKeyView(key=KeyView.of_key(key), secret=text.text)

    async def rotate_key(self, key_id: str, *, overlap: int | None = None) -> NewKeyView:
        """See `Administration`."""
        from shared.access.management import OVERLAP
        from shared.api.access import KeyView, NewKeyView

        rotated = await self._manager.rotate(
            key_id, overlap=OVERLAP if overlap is None else float(overlap)
        )
        if rotated is None:
            raise Refused(404, f"there is no key {key_id!r} that can be rotated")
        return NewKeyView(key=KeyView.of_key(rotated[0]), secret=rotated[1].text)

    async def revoke_key(self, key_id: str) -> KeyView:
        """See `Administration`."""
        from shared.api.access import KeyView

        key = await self._manager.revoke(key_id)
        if key is None:
            raise Refused(404, f"there is no key {key_id!r}")
        return KeyView.of_key(key)

    async def rotate_links(self) -> None:
        """Sign links with a new secret."""
        from shared.access.audit import Action

        entry = self._who.entry(Action.SIGNING_ROTATED, "links", time.time())
        await self._access.signing.rotate(entry)

    async def tenants(self) -> list[TenantView]:
        """See `Administration`."""
        from shared.api.tenant import TenantView

        return [TenantView.of_settings(one) for one in await self._access.quotas.settings()]

    async def change_tenant(self, tenant: str, changes: Mapping[str, float | None]) -> TenantView:
        """See `Administration`. Raises ValueError if that is no name of a tenant."""
        from shared.access.audit import Action
        from shared.access.tenant import parse_tenant
        from shared.api.tenant import TenantView

        detail = ", ".join(f"{name}={value}" for name, value in changes.items())
        changed = parse_tenant(tenant)
        who = replace(self._who, tenant=changed)  # other tenants do not read of it
        entry = who.entry(Action.TENANT_CHANGED, changed, time.time(), detail)
        return TenantView.of_settings(await self._access.quotas.change(changed, changes, entry))

    async def audit(self, **wanted: str) -> AsyncIterator[AuditEntryView]:
        """See `Administration`."""
        from shared.api.access import AuditEntryView
        from shared.http.audit_query import audit_query, position_of

        query = audit_query(wanted)
        while entries := await self._access.audit.entries(query.filter, limit=query.limit):
            for entry in entries:
                yield AuditEntryView.of_entry(entry)
            query = query.after(position_of(entries[-1]))

    async def rotate_webhook_secret(
        self, *, tenant: str | None = None, overlap: int | None = None
    ) -> NewWebhookSecretView:
        """See `Administration`. Raises ValueError if `tenant` is no name of one."""
        from shared.access.tenant import parse_tenant
        from shared.access.webhook_management import rotate_secret
        from shared.access.webhook_secrets import OVERLAP
        from shared.api.notification import NewWebhookSecretView

        made = await rotate_secret(
            self._access.webhooks,
            self._who,
            parse_tenant(tenant) if tenant else self._default,
            overlap=OVERLAP if overlap is None else float(overlap),
        )
        return NewWebhookSecretView.of_new(made, time.time())

    async def notifications(self, **wanted: str) -> AsyncIterator[NotificationView]:
        """See `Administration`."""
        from shared.api.notification import NotificationView
        from shared.http.notification_query import notification_query

        query = notification_query(wanted)
        while found := await self._notifications.newest(query.filter, limit=query.limit):
            for each in found:
                yield NotificationView.of_notification(each)
            query = query.after(found[-1])

    async def retry_notification(self, notification_id: str) -> NotificationView:
        """See `Administration`. Raises NotificationNotFound."""
        from shared.access.acting import acts_as
        from shared.api.notification import NotificationView

        with acts_as(self._who):
            found = await self._notifications.retry(notification_id, now=time.time())
        return NotificationView.of_notification(found)

    async def _checked(self, tenant: str | None, urls: Sequence[str]) -> tuple[str, ...]:
        """Return URLs that are notified of jobs. Raises AddressRefused and NoWebhookSecret."""
        from shared.access.tenant import parse_tenant
        from shared.errors import NoWebhookSecret
        from shared.http.outgoing_settings import OutgoingSettings

        if not urls:
            return ()
        policy = OutgoingSettings().outgoing_policy()
        checked = tuple(dict.fromkeys(str(policy.check(url)) for url in urls))
        of_tenant = parse_tenant(tenant) if tenant else self._default
        if await self._access.webhooks.of_tenant(of_tenant) is None:
            raise NoWebhookSecret(
                "there is no secret yet: create one with `csvmill webhooks secret`"
            )
        return checked
