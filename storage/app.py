"""The storage service as an aiohttp application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from shared.http.encodings import refuse_encoded
from shared.telemetry.http import instrument
from shared.telemetry.metrics import Metrics
from storage.authorization import require_certificate, require_token
from storage.epochs import require_epoch
from storage.errors import answer_errors
from storage.handlers import BLOBS, CLIENT_TIMEOUT
from storage.routes import routes

if TYPE_CHECKING:
    from shared.ports import Blobs
    from storage.settings import StorageSettings


def build_app(
    settings: StorageSettings, blobs: Blobs, metrics: Metrics | None = None
) -> web.Application:
    """Build the application that serves `blobs`, which the caller opens and closes.

    `/metrics` shows `metrics`; without them, only those of the HTTP server.
    """
    app = web.Application()
    instrument(app, metrics or Metrics("storage"), internal=True)
    app.middlewares.extend(
        (
            answer_errors,
            *((require_certificate,) if settings.internal_ca else ()),
            require_token(settings.storage_token.get_secret_value()),
            refuse_encoded,
            require_epoch(blobs),
        )
    )
    app[BLOBS] = blobs
    app[CLIENT_TIMEOUT] = settings.client_timeout
    app.add_routes(routes(blobs))
    return app
