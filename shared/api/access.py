"""API keys, signed links and the audit trail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from shared.api.view import Id, Time, View, rfc3339

if TYPE_CHECKING:
    from shared.access.audit import AuditEntry
    from shared.access.keys import ApiKey


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyView(View):
    """An API key, without its secret."""

    id: str
    """The part of the key that is not secret; logs show it."""
    tenant: str
    """The tenant that the key belongs to."""
    name: str
    """What the key is for."""
    scopes: tuple[str, ...]
    """What the key allows: `upload`, `read`, `admin`."""
    operator: bool
    """Whether it manages the keys of all tenants, and reads their audit trail."""
    created_at: Time
    """When it was created."""
    expires_at: Time | None
    """When it is not valid any more; null for never."""
    last_used_at: Time | None
    """When it was used last, to the minute."""
    revoked_at: Time | None
    """When it was revoked."""
    rotated_at: Time | None
    """When it got its secret, if that is not the first."""
    previous_until: Time | None
    """Until when the previous secret is valid too."""
    notify: tuple[str, ...] = ()
    """The URLs that are notified when a job created with it ends."""

    @classmethod
    def of_key(cls, key: ApiKey) -> Self:
        """Return the view of a key."""
        return cls(
            id=key.id,
            tenant=key.tenant,
            name=key.name,
            scopes=tuple(sorted(key.scopes)),
            operator=key.is_operator,
            created_at=rfc3339(key.created_at),
            expires_at=rfc3339(key.expires_at),
            last_used_at=rfc3339(key.last_used_at),
            revoked_at=rfc3339(key.revoked_at),
            rotated_at=rfc3339(key.rotated_at),
            previous_until=rfc3339(key.previous_until),
            notify=key.notify,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKeyView(View):
    """A key that was created, or got a new secret."""

    key: KeyView
    """The key as it is listed."""
    secret: str
    """The whole API key. It is shown only here: only its SHA-256 is stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyListView(View):
    """The API keys, the oldest first."""

    keys: tuple[KeyView, ...]
    """Also those that have expired or are revoked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkView(View):
    """A signed link to an output of a job."""

    url: str
    """The path and the query. A client that has it downloads the output, without a key."""
    expires_at: Time
    """When it is not valid any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntryView(View):
    """An entry of the audit trail."""

    id: Id
    """The id of the entry."""
    at: Time
    """When it was done."""
    tenant: str
    """The tenant of the object, and so of the one who did it unless that is an operator."""
    key_id: str | None
    """The id of the API key; null without one."""
    address: str
    """The address of the client, or `local` for a command on the machine of the database."""
    action: str
    """What was done, such as `job.cancelled`."""
    object: str
    """The id of the upload, the job or the key."""
    detail: str | None
    """More in words."""

    @classmethod
    def of_entry(cls, entry: AuditEntry) -> Self:
        """Return the view of an entry."""
        return cls(
            id=str(entry.id),
            at=rfc3339(entry.at),
            tenant=entry.tenant,
            key_id=entry.key_id,
            address=entry.address,
            action=str(entry.action),
            object=entry.object,
            detail=entry.detail,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPageView(View):
    """Entries of the audit trail, the newest first."""

    entries: tuple[AuditEntryView, ...]
    """The entries of this page."""
    next: str | None
    """The path of the next page; null on the last one."""
