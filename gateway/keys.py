"""What handlers find in the application, by typed key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from gateway.settings import GatewaySettings

if TYPE_CHECKING:
    from shared.ports import Blobs, Bus, JobStore


@dataclass(frozen=True, slots=True)
class GatewayPorts:
    """What the gateway needs of the outside world."""

    blobs: Blobs
    jobs: JobStore
    bus: Bus


SETTINGS = web.AppKey("settings", GatewaySettings)
PORTS = web.AppKey("ports", GatewayPorts)
