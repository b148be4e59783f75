"""Puts the storage service together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from shared.telemetry.http import instrument
from shared.telemetry.metrics import Metrics
from storage.authorization import require_token
from storage.errors import answer_errors
from storage.handlers import BLOBS, CLIENT_TIMEOUT
from storage.metrics import StorageMetrics
from storage.routes import routes

if TYPE_CHECKING:
    from shared.ports import Blobs
    from storage.settings import StorageSettings


def build_app(
    settings: StorageSettings, blobs: Blobs, metrics: Metrics | None = None
) -> web.Application:
    """The service on `blobs`, which the caller opens before the first request and closes.

    `metrics` are what `blobs` counts in; without, the service shows its own alone.
    """
    metrics = metrics or Metrics("storage")
    metrics.sample(metrics.of(StorageMetrics).room_in(settings.data_dir))
    app = web.Application()
    instrument(app, metrics, internal=True)
    app.middlewares.extend(
        (answer_errors, require_token(settings.storage_token.get_secret_value()))
    )
    app[BLOBS] = blobs
    app[CLIENT_TIMEOUT] = settings.client_timeout
    app.add_routes(routes(blobs))
    return app
