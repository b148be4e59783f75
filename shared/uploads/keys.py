"""The keys of uploads: those of a tenant are apart from those of all others.

So to a caller that acts on behalf of a tenant, another tenant's upload is a blob that does not
exist, and no answer, lease or lock can tell more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.access.tenant import DEFAULT_TENANT, Tenant
from shared.blobs.blob import group_of, upload_key

if TYPE_CHECKING:
    from uuid import UUID

    from shared.blobs.blob import BlobKey


def key_of(upload_id: UUID, tenant: Tenant) -> BlobKey:
    """Return the key of an upload of a tenant.

    That of the default tenant is the one that uploads had before there were tenants.
    """
    return upload_key(upload_id, "" if tenant == DEFAULT_TENANT else tenant)


def tenant_of(key: BlobKey) -> Tenant:
    """Return whose upload has this key."""
    return Tenant(group_of(key) or DEFAULT_TENANT)
