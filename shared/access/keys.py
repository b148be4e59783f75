"""API keys: `csvmill_<id>_<secret>`, of which only a digest is stored.

The id is not secret: it is shown in lists and logs. The secret has 256 random bits, so its digest
needs no salt and no slow function: all secrets are too many to try. A checksum at the end tells
typing errors apart from unknown keys, without asking the database; and it lets scanners of source
code find keys with hardly a false alarm.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import re
import secrets
import string
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.access.principal import Principal

if TYPE_CHECKING:
    from shared.access.principal import Scope
    from shared.access.tenant import Tenant

PREFIX = "csvmill"
ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
"""The characters of ids, secrets and checksums: 62, so that a double click selects a key."""
ID_LENGTH = 10
SECRET_BITS = 256
SECRET_LENGTH = math.ceil(SECRET_BITS / math.log2(len(ALPHABET)))
CHECKSUM_LENGTH = 6
"""Characters of a CRC-32."""
MAX_KEYS = 1000
"""The most keys of a tenant, which are listed in one answer."""
NAME_LIMIT = 100
"""The most characters of a key's name."""

_FORM = re.compile(
    rf"{PREFIX}_([0-9A-Za-z]{{{ID_LENGTH}}})_([0-9A-Za-z]{{{SECRET_LENGTH}}})"
    rf"([0-9A-Za-z]{{{CHECKSUM_LENGTH}}})"
)


class NotAKey(ValueError):
    """A text is no API key. The message does not show the text, which may be a secret."""


@dataclass(frozen=True, slots=True)
class KeyText:
    """An API key as its owner knows it. Its `repr` hides the secret."""

    id: str
    text: str

    @property
    def digest(self) -> str:
        """The SHA-256 of the key, in lower-case hexadecimal: what is stored."""
        return hashlib.sha256(self.text.encode("ascii")).hexdigest()

    def __repr__(self) -> str:
        return f"KeyText({self.id})"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is stored of an API key. Times are Unix seconds."""

    id: str
    tenant: Tenant
    name: str
    """What the key is for, in the words of its owner."""
    scopes: frozenset[Scope]
    digest: str
    created_at: float
    is_operator: bool = False
    """Whether its scopes are those of all tenants' keys and audit trail, not of its own only."""
    expires_at: float | None = None
    last_used_at: float | None = None
    """When it was used, at most some minutes before the last time."""
    revoked_at: float | None = None
    rotated_at: float | None = None
    previous_digest: str | None = None
    """The digest of the key before the last rotation."""
    previous_until: float | None = None
    """Until when that key is valid too."""
    notify: tuple[str, ...] = ()
    """The URLs that are notified when a job created with the key ends."""

    def is_valid(self, now: float) -> bool:
        """Whether the key is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    def matches(self, digest: str, now: float) -> bool:
        """Whether this is the digest of the key, or of the one before a rotation. In constant time.

        Says nothing of expiry and revocation.
        """
        current = hmac.compare_digest(digest, self.digest)
        previous = hmac.compare_digest(digest, self.previous_digest or "")
        return current or (previous and now < (self.previous_until or 0.0))

    @property
    def principal(self) -> Principal:
        """Who makes the requests that this key authenticates."""
        return Principal(self.tenant, self.scopes, self.id, self.is_operator, self.notify)


def new_key(key_id: str | None = None) -> KeyText:
    """Return a random key, with a random id unless `key_id` is given."""
    key_id = key_id or _random(ID_LENGTH)
    body = f"{PREFIX}_{key_id}_{_random(SECRET_LENGTH)}"
    return KeyText(key_id, body + _checksum(body))


def parse_key(text: str) -> KeyText:
    """Return a key from its text. Raises NotAKey, which says what is wrong but shows nothing."""
    found = _FORM.fullmatch(text)
    if found is None:
        raise NotAKey(f"an API key is {PREFIX}_<id>_<secret>, {_LENGTH} characters in all")
    if not hmac.compare_digest(_checksum(text[:-CHECKSUM_LENGTH]), found[3]):
        raise NotAKey("the API key has a typing error, or is not complete: its checksum is wrong")
    return KeyText(found[1], text)


_LENGTH = len(f"{PREFIX}__") + ID_LENGTH + SECRET_LENGTH + CHECKSUM_LENGTH


def key_name(text: str) -> str:
    """Return the name of a key. Raises ValueError unless it can be shown in one line."""
    if not text.strip() or not text.isprintable() or len(text) > NAME_LIMIT:
        raise ValueError(f"the name of a key is 1 to {NAME_LIMIT} characters in one line")
    return text


def _random(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def _checksum(text: str) -> str:
    rest, digits = zlib.crc32(text.encode("ascii")), ""
    for _ in range(CHECKSUM_LENGTH):
        rest, digit = divmod(rest, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits
