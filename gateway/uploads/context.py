"""What the use cases of uploads work with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from gateway.access.caller import principal_of, tenant_of
from gateway.access.quotas import QUOTAS
from gateway.events import EVENTS
from gateway.keys import PORTS, SETTINGS
from gateway.uploads.header_check import HEADER_CHECKER
from gateway.uploads.offer import HEAD_START_OFFERS
from gateway.uploads.upload import candidate_ids, upload_id_of
from shared.uploads.keys import key_of
from shared.uploads.metadata import with_notify

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp import web

    from gateway.access.quotas import Quotas
    from gateway.events import GatewayEvents
    from gateway.settings import GatewaySettings
    from gateway.uploads.header_check import HeaderChecker, HeaderWatch
    from gateway.uploads.offer import HeadStartOffers
    from shared.access.tenant import Tenant
    from shared.blobs.blob import BlobKey
    from shared.jobs.job import Job
    from shared.ports import Ports


@dataclass(frozen=True, slots=True)
class UploadContext:
    """Holds no uploads: any gateway can take any chunk of any upload.

    Everything is done on behalf of one tenant: the keys and ids of a context are those of its
    uploads, and another tenant's upload is not found under any of them.
    """

    ports: Ports
    settings: GatewaySettings
    """With the tenant's own `max_upload_size`."""
    events: GatewayEvents
    header_checker: HeaderChecker
    offers: HeadStartOffers
    quotas: Quotas
    tenant: Tenant
    notify: tuple[str, ...] = ()
    """The URLs of the caller's API key, which are notified when a job ends."""

    def declared(self, metadata: Mapping[str, str]) -> dict[str, str]:
        """Return the metadata of an upload that the caller creates."""
        return with_notify(metadata, self.notify)

    def key(self, upload_id: UUID) -> BlobKey:
        """Return the key of the tenant's upload with this id."""
        return key_of(upload_id, self.tenant)

    def id_of(self, name: str) -> UUID:
        """Return the id of the tenant's upload with this client-given name."""
        return upload_id_of(name, self.tenant)

    def ids_of(self, name: str | UUID) -> tuple[UUID, ...]:
        """Return the ids that the tenant's upload with this id or client-given name may have."""
        return (name,) if isinstance(name, UUID) else candidate_ids(name, self.tenant)

    async def job_of(self, upload_id: UUID) -> Job | None:
        """Return the job of the tenant's upload with this id, if it has one."""
        return await self.ports.jobs.of_upload(upload_id, tenant=self.tenant)

    def watch(self, offset: int, *, tolerated: int) -> HeaderWatch:
        """Return the header check of a request that writes at `offset`.

        See `HeaderChecker.watch`. An upload that fits is offered to processors.
        """
        return self.header_checker.watch(
            self.ports.blobs, offset, tolerated=tolerated, on_header=self.offers.offer
        )

    @classmethod
    def of(cls, request: web.Request) -> UploadContext:
        """Return the context of a request."""
        app, tenant = request.app, tenant_of(request)
        settings, quotas = app[SETTINGS], app[QUOTAS]
        largest = quotas.known_limits(tenant).max_upload_size
        if largest is not None and largest != settings.max_upload_size:
            settings = settings.model_copy(update={"max_upload_size": largest})
        return cls(
            app[PORTS],
            settings,
            app[EVENTS],
            app[HEADER_CHECKER],
            app[HEAD_START_OFFERS],
            quotas,
            tenant,
            principal_of(request).notify,
        )
