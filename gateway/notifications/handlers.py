"""`/api/v1/notifications`: lists notifications of the outcomes of jobs, and sends them again."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from aiohttp import web

from gateway.access.caller import principal_of
from gateway.http.cursors import next_page
from gateway.http.public_url import public_path
from gateway.keys import PORTS
from shared.api.notification import NotificationListView, NotificationView
from shared.errors import InvalidInput
from shared.http.notification_query import cursor_of, notification_query

if TYPE_CHECKING:
    from shared.access.tenant import Tenant
    from shared.jobs.notification import Notification

NO_STORE = {"Cache-Control": "no-store"}


async def list_notifications(request: web.Request) -> web.Response:
    """`GET /api/v1/notifications`: one page of the caller's tenant; of all for an operator.

    Raises InvalidInput.
    """
    for field in request.query:
        if len(request.query.getall(field)) > 1:
            raise InvalidInput(f"{field} is given several times; give it once", field=field)
    query = notification_query(request.query, _tenant(request))
    store = request.app[PORTS].jobs.notifications
    # One more than the page has shows whether there is another page.
    found = await store.newest(query.filter, limit=query.limit + 1)
    page = found[: query.limit]
    view = NotificationListView(
        notifications=tuple(map(_view, page)),
        next=next_page(request, cursor_of(page[-1])) if len(found) > len(page) else None,
    )
    return web.json_response(view.as_json(), headers=NO_STORE)


async def retry_notification(request: web.Request) -> web.Response:
    """`POST /api/v1/notifications/{notification_id}/retry`: send again what was given up.

    Raises NotificationNotFound.
    """
    found = await request.app[PORTS].jobs.notifications.retry(
        request.match_info["notification_id"], now=time.time(), tenant=_tenant(request)
    )
    return web.json_response(_view(found).as_json(), headers=NO_STORE)


def _view(notification: Notification) -> NotificationView:
    view = NotificationView.of_notification(notification)
    return replace(view, job=public_path(view.job))


def _tenant(request: web.Request) -> Tenant | None:
    """Return whose notifications the caller sees; None stands for all."""
    principal = principal_of(request)
    return None if principal.is_operator else principal.tenant
