"""`POST /api/v1/inspections`: describes a file by its first bytes. Nothing is stored."""

from __future__ import annotations

from aiohttp import web

from gateway.access.caller import tenant_of
from gateway.inspections.form import read_form
from gateway.inspections.inspector import INSPECTOR
from gateway.inspections.samples import SAMPLES
from shared.inspection.inspection_view import inspection_view


async def inspect_sample(request: web.Request) -> web.Response:
    """Return the description of a file, and whether a spec fits it."""
    tenant = tenant_of(request)
    with request.app[SAMPLES].one(tenant):
        form = await read_form(request)
        found = await request.app[INSPECTOR].inspect_sample(
            form.sample, whole=form.whole, aggregation=form.aggregation, tenant=tenant
        )
    return web.json_response(inspection_view(found).as_json())
