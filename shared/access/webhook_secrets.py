"""The secrets with which notifications are signed, and the signature (Standard Webhooks 1.0).

A secret is `whsec_` and the Base64 of 24 to 64 random bytes; the receiver has it too. The signature
is the HMAC-SHA256 of id, time and content.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.access.tenant import Tenant

PREFIX = "whsec_"
SECRET_BYTES = 32
VERSION = "v1"
"""The version of a signature by a shared secret."""
OVERLAP = 86_400.0
"""Seconds for which the previous secret signs too, unless something else is asked for."""
MAX_OVERLAP = 30 * 86_400.0


@dataclass(frozen=True, slots=True)
class WebhookSecret:
    """The secret of a tenant. Times are Unix seconds. Its `repr` hides it."""

    tenant: Tenant
    secret: str
    created_at: float
    previous_secret: str | None = None
    """The secret before the last rotation."""
    previous_until: float | None = None
    """Until when that signs too."""

    def valid(self, now: float) -> tuple[str, ...]:
        """Return the secrets that sign, the newest first."""
        if self.previous_secret is None or now >= (self.previous_until or 0.0):
            return (self.secret,)
        return (self.secret, self.previous_secret)

    def __repr__(self) -> str:
        return f"WebhookSecret({self.tenant}, {self.created_at})"


def new_secret() -> str:
    """Return a random secret."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signatures(keys: tuple[str, ...], message_id: str, timestamp: int, content: bytes) -> str:
    """Return the `webhook-signature` of a message: one signature for each of these secrets.

    A receiver accepts a message if one of them is by a secret that it knows: so secrets are
    replaced without losing a message. `timestamp` is that of the field, in Unix seconds.
    """
    signed = f"{message_id}.{timestamp}.".encode() + content
    return " ".join(f"{VERSION},{_signature(key, signed)}" for key in keys)


def _signature(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
