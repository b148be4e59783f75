"""Inspects files in threads, a limited number of them at the same time."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import replace
from typing import TYPE_CHECKING

from aiohttp import web

from gateway.access.tenant_turns import TenantTurns
from gateway.inspections.start import CHECKS_AT_A_TIME, FIRST_READ, digest_of, read_start, reads
from shared.access.tenant import DEFAULT_TENANT
from shared.errors import HeaderNotReceived
from shared.inspection.inspect import INSPECTION_LIMIT, inspect
from shared.inspection.sample import Sample

if TYPE_CHECKING:
    from shared.access.tenant import Tenant
    from shared.aggregation.spec import Aggregation
    from shared.blobs.blob import BlobInfo
    from shared.inspection.inspect import Inspection
    from shared.ports import Blobs

_REMEMBERED = 16
"""Of a file with 1,000 columns, an inspection takes some hundred KiB."""


class Inspector:
    """Inspects the start of files. One for a gateway."""

    def __init__(self) -> None:
        self._inspections = TenantTurns(CHECKS_AT_A_TIME)
        # A turn before an inspection, and never during one: none waits for storage.
        self._reads = reads()
        self._found: OrderedDict[tuple[Tenant, bytes, bool, Aggregation | None], Inspection] = (
            OrderedDict()
        )
        # Of samples by their digests. The time of an answer does not tell a tenant whether another
        # one has the same file.

    async def inspect_blob(
        self,
        blobs: Blobs,
        blob: BlobInfo,
        aggregation: Aggregation | None,
        tenant: Tenant = DEFAULT_TENANT,
    ) -> Inspection:
        """Return what the first bytes of an upload tell; it may be incomplete.

        `tenant` is that of the caller. Raises HeaderNotReceived if the end of its header has not
        been received.
        """
        for limit in (FIRST_READ, INSPECTION_LIMIT):
            async with self._reads[limit].one(tenant):
                sample = await read_start(blobs, blob, limit)
                whole = blob.complete and len(sample) == blob.size
                found = await self._inspected(sample, whole, aggregation, tenant)
            if found.column_count or found.error or len(sample) < limit:
                break
        if not found.column_count and found.error is None and not whole:
            raise HeaderNotReceived(
                f"the header does not end in the first {blob.prefix} bytes, which is all "
                "that has been received; send more of the file first"
            )
        return found

    async def inspect_sample(
        self, sample: bytes, *, whole: bool, aggregation: Aggregation | None, tenant: Tenant
    ) -> Inspection:
        """Return what a sample tells; `whole` is whether it is the whole file.

        Raises HeaderNotReceived if the header does not end in the sample.
        """
        found = await self._inspected(sample, whole, aggregation, tenant)
        if not found.column_count and found.error is None and not whole:
            raise HeaderNotReceived(
                f"the header does not end in the sample of {len(sample)} bytes; send a longer one, "
                "or upload the file and inspect the upload"
            )
        return found

    async def _inspected(
        self, sample: bytes, whole: bool, aggregation: Aggregation | None, tenant: Tenant
    ) -> Inspection:
        key = (tenant, await digest_of(sample), whole, aggregation)
        async with self._inspections.one(tenant):
            if (known := self._found.get(key)) is not None:
                self._found.move_to_end(key)
                return known
            found = await asyncio.to_thread(inspect, sample, whole=whole, aggregation=aggregation)
        # The text is not shown.
        self._found[key] = replace(found, text=Sample(b"", found.whole))
        if len(self._found) > _REMEMBERED:
            self._found.popitem(last=False)
        return found


INSPECTOR = web.AppKey("inspector", Inspector)
