"""What the use cases of uploads work with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.events import EVENTS
from gateway.keys import PORTS, SETTINGS
from gateway.uploads.header_check import HEADER_CHECKER

if TYPE_CHECKING:
    from aiohttp import web

    from gateway.events import GatewayEvents
    from gateway.settings import GatewaySettings
    from gateway.uploads.header_check import HeaderChecker
    from shared.ports import Ports


@dataclass(frozen=True, slots=True)
class UploadContext:
    """Holds no uploads: any gateway can take any chunk of any upload."""

    ports: Ports
    settings: GatewaySettings
    events: GatewayEvents
    header_checker: HeaderChecker

    @classmethod
    def of(cls, app: web.Application) -> UploadContext:
        """Return the context of a gateway."""
        return cls(app[PORTS], app[SETTINGS], app[EVENTS], app[HEADER_CHECKER])
