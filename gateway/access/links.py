"""Signed links: a client that has one downloads one output of one job, until it expires.

The signature covers path, expiry and key. The key is not in the link, only its id: a link is valid
no longer than the key with which it was made. Every gateway of a database signs with the same
secret.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import math
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web
from yarl import URL

from shared.errors import NotAuthenticated

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shared.access.port import SigningSecrets

FIELDS = ("expires", "key", "signature")
"""The query of a link."""
MAX_AGE = 5.0
"""Seconds for which the secrets are remembered: so long a link works whose secret is gone."""
RETRY_INTERVAL = 1.0
"""Seconds between two queries because of signatures that do not fit: another gateway may have
signed with a newer secret."""
INVALID = "the link is not valid, or not any more"
_EXPIRES = re.compile(r"[0-9]{1,12}")


@dataclass(frozen=True, slots=True)
class Claim:
    """What a link allows, and for how long."""

    path: str
    expires: int
    """Unix seconds."""
    key_id: str
    """The key with which the link was made."""


class Links:
    """Signs and checks links. Every method raises DatabaseUnavailable."""

    def __init__(
        self, secrets: SigningSecrets, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = secrets
        self._clock = clock
        self._secrets: list[bytes] = []
        self._read_at = -math.inf
        self._reading: asyncio.Task[None] | None = None

    async def sign(self, claim: Claim) -> str:
        """Return the path and query of a link."""
        await self._refresh(MAX_AGE)
        query = {
            "expires": str(claim.expires),
            "key": claim.key_id,
            "signature": _signature(self._secrets[0], claim),
        }
        return str(URL.build(path=claim.path, query=query))

    async def check(self, path: str, query: Mapping[str, str]) -> Claim:
        """Return what a link claims. Raises NotAuthenticated unless it is signed and not expired.

        Says nothing of its key.
        """
        expires, key_id, given = (query.get(field, "") for field in FIELDS)
        if not _EXPIRES.fullmatch(expires) or time.time() >= int(expires):
            raise NotAuthenticated(INVALID)
        claim = Claim(path, int(expires), key_id)
        await self._refresh(MAX_AGE)
        if not self._fits(claim, given):
            await self._refresh(RETRY_INTERVAL)
            if not self._fits(claim, given):
                raise NotAuthenticated(INVALID)
        return claim

    def _fits(self, claim: Claim, given: str) -> bool:
        signature = given.encode(errors="surrogateescape")
        fitting = [
            hmac.compare_digest(signature, _signature(secret, claim).encode())
            for secret in self._secrets
        ]
        return any(fitting)

    async def _refresh(self, max_age: float) -> None:
        if self._clock() - self._read_at < max_age:
            return
        if self._reading is None:
            self._reading = asyncio.create_task(self._read())
        await asyncio.shield(self._reading)  # requests at the same time ask once, and all wait

    async def _read(self) -> None:
        asked_at = self._clock()
        try:
            self._secrets = await self._store.newest(now=time.time())
            self._read_at = asked_at
        finally:
            self._reading = None


LINKS = web.AppKey("links", Links)


def _signature(secret: bytes, claim: Claim) -> str:
    text = f"csvmill link 1\n{claim.path}\n{claim.expires}\n{claim.key_id}"
    digest = hmac.digest(secret, text.encode(errors="surrogateescape"), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
