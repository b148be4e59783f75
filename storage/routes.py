"""The URLs of the storage API; `shared.blobs.protocol` describes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from shared.runtime.health import health_routes
from shared.telemetry.metrics import show_metrics
from storage import handlers
from storage.adoption import adoption_routes
from storage.linking import link_route

if TYPE_CHECKING:
    from shared.ports import Blobs


def routes(blobs: Blobs) -> list[web.RouteDef]:
    """Return the routes of the service on `blobs`."""
    return [
        web.get("/blobs", handlers.walk, allow_head=False),
        web.put("/blobs/{key}", handlers.create),
        web.get("/blobs/{key}", handlers.read),  # HEAD too
        web.delete("/blobs/{key}", handlers.delete),
        web.get("/blobs/{key}/growth", handlers.follow, allow_head=False),
        web.get("/blobs/{key}/info", handlers.info, allow_head=False),
        web.put("/blobs/{key}/writes/{offset:[0-9]{1,19}}", handlers.write),
        web.put("/blobs/{key}/chunks/{offset:[0-9]{1,19}}", handlers.write_raw),
        web.put("/blobs/{key}/size", handlers.declare_size),
        web.put("/blobs/{key}/append-lease", handlers.lease_append),
        web.put("/blobs/{key}/parts", handlers.assemble),
        *adoption_routes(blobs),
        link_route(blobs),
        web.get("/ping", handlers.ping, allow_head=False),
        web.get("/metrics", show_metrics, allow_head=False),
        *health_routes({"blobs": blobs.ping, "room": blobs.check_room}),
    ]
