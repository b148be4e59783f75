"""Administers the API keys of a server, and reads its audit trail."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from csvmill.client.paths import AUDIT, KEYS, key_path
from csvmill.client.server_url import path_of_link
from shared.api.access import AuditEntryView, KeyListView, KeyView, NewKeyView

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Mapping

    from csvmill.client.transport import Transport

JSON = {"Content-Type": "application/json"}


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
    ) -> NewKeyView:
        """Create an API key; only this answer has it. `expires_in` is in seconds.

        The request is not repeated: if the answer is lost, revoke the key that `keys` shows.
        """
        fields = {
            "name": name,
            "scopes": sorted(scopes),
            "tenant": tenant,
            "operator": operator,
            "expires_in": expires_in,
        }
        return NewKeyView.of(await self._once(KEYS, fields))

    async def rotate_key(self, key_id: str, *, overlap: int | None = None) -> NewKeyView:
        """Give a key a new secret; the previous one is valid for `overlap` seconds, or a day.

        The request is not repeated. Raises Refused: 404 if there is no such key.
        """
        return NewKeyView.of(await self._once(f"{key_path(key_id)}/rotate", {"overlap": overlap}))

    async def revoke_key(self, key_id: str) -> KeyView:
        """Revoke a key for good. Raises Refused: 404 if there is no such key."""
        return KeyView.of(await self._transport.json("DELETE", key_path(key_id)))

    async def audit(self, **wanted: str) -> AsyncIterator[AuditEntryView]:
        """Yield entries of the audit trail, the newest first.

        `wanted` is the query of `GET /api/v1/audit`: action, object, key, since, until, limit.
        """
        page = await self._transport.json("GET", AUDIT, query=wanted)
        while True:
            for entry in page["entries"]:
                yield AuditEntryView.of(entry)
            if not page["next"]:
                return
            path = path_of_link(self._transport.server, page["next"])
            page = await self._transport.json("GET", path)

    async def _once(self, path: str, fields: Mapping[str, Any]) -> Any:
        async with self._transport.request(
            "POST", path, body=json.dumps(fields).encode(), headers=JSON
        ) as response:
            return json.loads(await response.text())
