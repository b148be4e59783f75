"""Creating, rotating and revoking API keys, for the admin API and the command line."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from shared.access.audit import Action
from shared.access.keys import ApiKey, key_name, new_key

if TYPE_CHECKING:
    from collections.abc import Collection

    from shared.access.acting import Acting
    from shared.access.keys import KeyText
    from shared.access.port import KeyStore
    from shared.access.principal import Scope
    from shared.access.tenant import Tenant

OVERLAP = 86_400.0
"""Seconds for which the previous secret is valid after a rotation, by default."""
MAX_OVERLAP = 30 * 86_400.0


class KeyManager:
    """Changes the keys of one tenant, or of all if `tenant` is None. Every change is recorded.

    Every method raises DatabaseUnavailable.
    """

    def __init__(self, store: KeyStore, acting: Acting, tenant: Tenant | None) -> None:
        self._store = store
        self._acting = acting
        self._tenant = tenant

    async def create(
        self,
        name: str,
        tenant: Tenant,
        scopes: Collection[Scope],
        *,
        is_operator: bool = False,
        expires_in: float | None = None,
        notify: tuple[str, ...] = (),
    ) -> tuple[ApiKey, KeyText]:
        """Create a key of `tenant`; return it with its text, which is not stored.

        `expires_in` is in seconds. The URLs in `notify` are notified when a job created with the
        key ends. Raises ValueError for a name that is none, and TooManyKeys.
        """
        text, now = new_key(), time.time()
        key = ApiKey(
            text.id,
            tenant,
            key_name(name),
            frozenset(scopes),
            text.digest,
            now,
            is_operator,
            None if expires_in is None else now + expires_in,
            notify=notify,
        )
        allowed = " ".join(sorted(scopes)) + (" operator" if is_operator else "")
        detail = f"tenant {tenant}, {allowed}: {name}"
        entry = self._acting.entry(Action.KEY_CREATED, key.id, now, detail)
        await self._store.create(key, entry)
        return key, text

    async def listed(self) -> list[ApiKey]:
        """Return the keys, the oldest first."""
        return await self._store.listed(self._tenant)

    async def revoke(self, key_id: str) -> ApiKey | None:
        """Revoke a key for good, and return it; None if there is none. Repeating is harmless."""
        entry = self._acting.entry(Action.KEY_REVOKED, key_id, time.time())
        return await self._store.revoke(key_id, entry, tenant=self._tenant)

    async def rotate(
        self, key_id: str, *, overlap: float = OVERLAP
    ) -> tuple[ApiKey, KeyText] | None:
        """Give a key a new secret; return it with its text. None if there is none to rotate.

        The previous secret is valid for `overlap` seconds.
        """
        text, now = new_key(key_id), time.time()
        entry = self._acting.entry(Action.KEY_ROTATED, key_id, now, f"overlap {overlap:g} s")
        key = await self._store.rotate(
            key_id, text.digest, entry, previous_until=now + overlap, tenant=self._tenant
        )
        return None if key is None else (key, text)
