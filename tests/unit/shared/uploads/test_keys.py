"""The keys of uploads of tenants."""

from __future__ import annotations

from uuid import UUID

import pytest

from shared.access.tenant import DEFAULT_TENANT, Tenant
from shared.blobs.blob import upload_of
from shared.uploads.keys import key_of, tenant_of

UPLOAD = UUID(int=7)


@pytest.mark.parametrize("tenant", ["default", "acme", "a" * 63, str(UPLOAD)])
def test_the_tenant_is_found_in_the_key_of_its_upload(tenant: str) -> None:
    key = key_of(UPLOAD, Tenant(tenant))
    assert (tenant_of(key), upload_of(key)) == (tenant, UPLOAD)


def test_uploads_of_the_default_tenant_have_the_keys_of_before() -> None:
    assert key_of(UPLOAD, DEFAULT_TENANT) == f"uploads/{UPLOAD}"
    assert key_of(UPLOAD, Tenant("acme")) == f"uploads/acme/{UPLOAD}"
