"""Composition root of the gateway: the one place where its parts meet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from gateway import cors
from gateway.errors import errors_as_json
from gateway.keys import PORTS, SETTINGS, Ports
from gateway.routes import routes

if TYPE_CHECKING:
    from gateway.settings import GatewayProcessSettings, GatewaySettings

__all__ = ["Ports", "build_app", "build_process"]


def build_app(settings: GatewaySettings, ports: Ports) -> web.Application:
    """The gateway over adapters that are open, and that the caller closes afterwards."""
    app = _build(settings)
    app[PORTS] = ports
    return app


def build_process(settings: GatewayProcessSettings) -> web.Application:
    """The gateway over the production adapters, which it opens on start-up and closes at the end.

    Starting fails with DatabaseUnavailable or BrokerUnavailable if they stay away for long.
    """
    return _build(settings)


def _build(settings: GatewaySettings) -> web.Application:
    app = web.Application(middlewares=[errors_as_json])
    app[SETTINGS] = settings
    cors.install(app, settings.cors_origins)
    app.add_routes(
        routes(
            {
                "storage": lambda: app[PORTS].blobs.ping(),
                "database": lambda: app[PORTS].jobs.ping(),
                "broker": lambda: app[PORTS].bus.ping(),
            }
        )
    )
    return app
