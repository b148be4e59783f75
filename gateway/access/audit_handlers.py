"""`GET /api/v1/audit`: the audit trail, newest first, page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from gateway.access.caller import principal_of
from gateway.http.cursors import next_page
from gateway.keys import PORTS
from shared.api.access import AuditEntryView, AuditPageView
from shared.errors import InvalidInput
from shared.http.audit_query import audit_query, cursor_of

if TYPE_CHECKING:
    from multidict import MultiMapping


async def list_audit(request: web.Request) -> web.Response:
    """Return one page of the entries of the caller's tenant; of all tenants for an operator.

    Raises InvalidInput.
    """
    principal = principal_of(request)
    query = audit_query(_single(request.query), None if principal.is_operator else principal.tenant)
    trail = request.app[PORTS].jobs.access.audit
    # One more entry than the page has shows whether there is another page.
    found = await trail.entries(query.filter, limit=query.limit + 1)
    entries = found[: query.limit]
    following = next_page(request, cursor_of(entries[-1])) if len(found) > len(entries) else None
    view = AuditPageView(entries=tuple(map(AuditEntryView.of_entry, entries)), next=following)
    return web.json_response(view.as_json(), headers={"Cache-Control": "no-store"})


def _single(query: MultiMapping[str]) -> dict[str, str]:
    for field in query:
        if len(query.getall(field)) > 1:
            raise InvalidInput(f"{field} is given several times; give it once", field=field)
    return dict(query.items())
