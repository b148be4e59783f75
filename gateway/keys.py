"""What handlers find in the application, by typed key."""

from __future__ import annotations

from aiohttp import web

from gateway.settings import GatewaySettings
from shared.ports import Ports

GatewayPorts = Ports
SETTINGS = web.AppKey("settings", GatewaySettings)
PORTS = web.AppKey("ports", GatewayPorts)
