"""Puts the storage service together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from storage.authorization import require_token
from storage.errors import answer_errors
from storage.handlers import BLOBS
from storage.routes import routes

if TYPE_CHECKING:
    from shared.ports import Blobs
    from storage.settings import StorageSettings


def build_app(settings: StorageSettings, blobs: Blobs) -> web.Application:
    """The service on `blobs`, which the caller opens before the first request and closes."""
    app = web.Application(
        middlewares=[answer_errors, require_token(settings.storage_token.get_secret_value())]
    )
    app[BLOBS] = blobs
    app.add_routes(routes(blobs))
    return app
