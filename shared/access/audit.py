"""Entries of the audit trail: who did what, to which object, when and from where."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

if TYPE_CHECKING:
    from shared.access.tenant import Tenant

LOCAL = "local"
"""The address of a command that runs on the database itself."""


class Action(StrEnum):
    """What is recorded. The object is the upload, the job, the key, the tenant, or a name."""

    UPLOAD_DELETED = "upload.deleted"
    UPLOAD_KEPT = "upload.kept"
    """How long the bytes are kept was changed."""
    JOB_CREATED = "job.created"
    JOB_CANCELLED = "job.cancelled"
    JOB_RETRIED = "job.retried"
    JOB_DELETED = "job.deleted"
    BYTES_DELETED = "bytes.deleted"
    """The input and all outputs of a deleted job are gone from storage."""
    RESULT_DELETED = "result.deleted"
    """With rejects and preview; job and input are kept."""
    RESULT_DOWNLOADED = "result.downloaded"
    REJECTS_DOWNLOADED = "rejects.downloaded"
    RESULT_PREVIEWED = "result.previewed"
    LINK_CREATED = "link.created"
    KEY_CREATED = "key.created"
    KEY_REVOKED = "key.revoked"
    KEY_ROTATED = "key.rotated"
    SIGNING_ROTATED = "signing.rotated"
    SPEC_SAVED = "spec.saved"
    SPEC_DELETED = "spec.deleted"
    WEBHOOKS_ROTATED = "webhooks.rotated"
    NOTIFICATION_RETRIED = "notification.retried"
    TENANT_CHANGED = "tenant.changed"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One entry. Once it is stored, nothing changes it."""

    at: float
    """Unix seconds."""
    tenant: Tenant
    """Whose object it is. An operator may be of another tenant."""
    key_id: str | None
    """The API key of the request; None without one."""
    address: str
    """The address of the client, or `LOCAL`."""
    action: Action | str
    """An action of a newer version is a plain text."""
    object: str
    """The id of what was acted on."""
    detail: str | None = None
    id: UUID = field(default_factory=uuid4)


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries to list, newest first. None does not restrict."""

    tenant: Tenant | None = None
    action: str | None = None
    object: str | None = None
    key_id: str | None = None
    since: float = 0.0
    """Entries at this time or later."""
    before: tuple[float, str] | None = None
    """Entries before the one at this time with this id: the last of the page before."""
