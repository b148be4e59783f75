"""Composition root of the gateway: the one place where its parts meet."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from aiohttp import web

from gateway import cors
from gateway.errors import errors_as_json
from gateway.keys import PORTS, SETTINGS, Ports
from gateway.routes import routes
from shared.bus.rabbitmq import RabbitBus
from shared.database import connect
from shared.database.migrate import migrate
from shared.job_store import SqlJobStore
from shared.storage_client import HttpBlobs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gateway.settings import GatewayProcessSettings, GatewaySettings

__all__ = ["Ports", "build_app", "build_process"]


def build_app(settings: GatewaySettings, ports: Ports) -> web.Application:
    """The gateway over adapters that are open, and that the caller closes afterwards."""
    app = _build(settings)
    app[PORTS] = ports
    return app


def build_process(settings: GatewayProcessSettings) -> web.Application:
    """The gateway over the production adapters, opened on start-up and closed at the end.

    Start-up waits for the database, brings its schema up to date, and fails with
    DatabaseUnavailable if it stays away. Storage and broker may come later.
    """
    app = _build(settings)

    async def adapters(app: web.Application) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            database = await connect(settings.database_url)
            stack.push_async_callback(database.close)
            await migrate(database)
            blobs = await stack.enter_async_context(
                HttpBlobs(settings.storage_url, settings.storage_token.get_secret_value())
            )
            bus = await stack.enter_async_context(RabbitBus(settings.broker_url))
            app[PORTS] = Ports(blobs, SqlJobStore(database), bus)
            yield

    app.cleanup_ctx.append(adapters)
    return app


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
