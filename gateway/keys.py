"""The keys under which handlers find settings and ports in the application."""

from __future__ import annotations

from aiohttp import web

from gateway.settings import GatewaySettings
from shared.ports import Ports

SETTINGS = web.AppKey("settings", GatewaySettings)
PORTS = web.AppKey("ports", Ports)
