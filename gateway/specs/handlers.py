"""`/api/v1/specs`: the specs that a tenant has saved under names."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web

from gateway.access.caller import tenant_of
from gateway.access.json_bodies import read_json
from gateway.http.public_url import public_path
from gateway.keys import PORTS
from gateway.specs.preconditions import expected_by
from shared.aggregation.json_codec import aggregation_json
from shared.aggregation.json_reader import read_aggregation
from shared.api.saved_spec import SpecListView, SpecSummaryView, SpecView
from shared.api.view import rfc3339
from shared.errors import InvalidInput, PreconditionFailed, SpecNotFound
from shared.http.conditions import Representation, failed_precondition
from shared.jobs.saved_spec import NAME_PATTERN, is_spec_name

if TYPE_CHECKING:
    from shared.jobs.saved_spec import SavedSpec
    from shared.ports import SavedSpecs

NO_CACHE = {"Cache-Control": "no-cache"}


async def list_specs(request: web.Request) -> web.Response:
    """`GET /api/v1/specs`: list the names of the saved specs."""
    found = await _store(request).listed(tenant_of(request))
    view = SpecListView(specs=tuple(map(_summary, found)))
    return web.json_response(view.as_json(), headers=NO_CACHE)


async def show_spec(request: web.Request) -> web.Response:
    """`GET /api/v1/specs/{name}`: show a saved spec.

    Raises SpecNotFound, PreconditionFailed.
    """
    name = request.match_info["name"]
    if not is_spec_name(name):
        raise SpecNotFound(f"there is no saved spec {name[:100]!r}")
    return _shown(request, await _store(request).find(tenant_of(request), name))


async def save_spec(request: web.Request) -> web.Response:
    """`PUT /api/v1/specs/{name}`: save a spec, or replace the one of this name.

    Raises InvalidInput, PreconditionFailed, TooManySpecs.
    """
    name = request.match_info["name"]
    if not is_spec_name(name):
        raise InvalidInput(f"the name of a spec matches {NAME_PATTERN}", field="name")
    fields = await read_json(request)
    spec, created = await _store(request).save(
        tenant_of(request),
        name,
        read_aggregation(fields, "spec"),
        now=time.time(),
        expected=expected_by(request.headers),
    )
    response = _shown(request, spec, conditional=False)
    if created:
        response.set_status(201)
        response.headers["Location"] = public_path(f"/api/v1/specs/{name}")
    return response


async def delete_spec(request: web.Request) -> web.Response:
    """`DELETE /api/v1/specs/{name}`: delete a spec. Jobs that had it stay as they are.

    Raises SpecNotFound, PreconditionFailed.
    """
    name = request.match_info["name"]
    if not is_spec_name(name):
        raise SpecNotFound(f"there is no saved spec {name[:100]!r}")
    await _store(request).delete(
        tenant_of(request), name, now=time.time(), expected=expected_by(request.headers)
    )
    return web.Response(status=204)


def _store(request: web.Request) -> SavedSpecs:
    return request.app[PORTS].jobs.specs


def _shown(request: web.Request, spec: SavedSpec, *, conditional: bool = True) -> web.Response:
    headers = {**NO_CACHE, "ETag": f'"{spec.version}"'}
    if conditional:
        status = failed_precondition(request.headers, Representation(0, spec.version))
        if status is HTTPStatus.PRECONDITION_FAILED:
            raise PreconditionFailed(
                f"the saved spec {spec.name!r} has none of the tags of If-Match"
            )
        if status is not None:
            return web.Response(status=status, headers=headers)
    view = SpecView(
        name=spec.name,
        aggregation=aggregation_json(spec.aggregation),
        created_at=rfc3339(spec.created_at),
        changed_at=rfc3339(spec.changed_at),
    )
    return web.json_response(view.as_json(), headers=headers)


def _summary(spec: SavedSpec) -> SpecSummaryView:
    return SpecSummaryView(
        name=spec.name,
        created_at=rfc3339(spec.created_at),
        changed_at=rfc3339(spec.changed_at),
        etag=f'"{spec.version}"',
    )
