"""What the use cases of uploads work with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.events import EVENTS
from gateway.keys import PORTS, SETTINGS
from gateway.uploads.header_check import HEADER_CHECKER
from gateway.uploads.offer import HEAD_START_OFFERS

if TYPE_CHECKING:
    from aiohttp import web

    from gateway.events import GatewayEvents
    from gateway.settings import GatewaySettings
    from gateway.uploads.header_check import HeaderChecker, HeaderWatch
    from gateway.uploads.offer import HeadStartOffers
    from shared.ports import Ports


@dataclass(frozen=True, slots=True)
class UploadContext:
    """Holds no uploads: any gateway can take any chunk of any upload."""

    ports: Ports
    settings: GatewaySettings
    events: GatewayEvents
    header_checker: HeaderChecker
    offers: HeadStartOffers

    def watch(self, offset: int, *, tolerated: int) -> HeaderWatch:
        """Return the header check of a request that writes at `offset`.

        See `HeaderChecker.watch`. An upload that fits is offered to processors.
        """
        return self.header_checker.watch(
            self.ports.blobs, offset, tolerated=tolerated, on_header=self.offers.offer
        )

    @classmethod
    def of(cls, app: web.Application) -> UploadContext:
        """Return the context of a gateway."""
        return cls(
            app[PORTS], app[SETTINGS], app[EVENTS], app[HEADER_CHECKER], app[HEAD_START_OFFERS]
        )
