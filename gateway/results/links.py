"""`POST /api/v1/jobs/{job_id}/links`: a link to an output that works without a key."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from aiohttp import web

from gateway.access.caller import principal_of
from gateway.access.json_bodies import read_json
from gateway.access.links import LINKS, Claim
from gateway.acts import note
from gateway.http.public_url import public_path
from gateway.jobs.requested import requested_job
from gateway.keys import SETTINGS
from shared.access.audit import Action
from shared.api.access import LinkView
from shared.api.view import rfc3339
from shared.errors import InvalidInput
from shared.http.request_body import whole_number

if TYPE_CHECKING:
    from gateway.settings import GatewaySettings

OUTPUTS = ("result", "rejects")
EXPIRES_IN = 3600
"""Seconds for which a link is valid, by default."""


async def create_link(request: web.Request) -> web.Response:
    """Return a signed link. Raises JobNotFound and InvalidInput.

    The job need not have a result yet: a link to it is answered as the URL without a signature.
    """
    job = await requested_job(request)
    settings = request.app[SETTINGS]
    fields = await read_json(request) if request.can_read_body else {}
    if unknown := sorted(fields.keys() - {"output", "expires_in"}):
        raise InvalidInput(
            f"unknown: {', '.join(unknown)}; send output, expires_in", field=unknown[0]
        )
    output = fields.get("output")
    output = OUTPUTS[0] if output is None else output
    if output not in OUTPUTS:
        raise InvalidInput(f"output is {output!r}; send {' or '.join(OUTPUTS)}", field="output")
    expires = int(time.time()) + _expires_in(fields.get("expires_in"), settings)
    claim = Claim(f"/api/v1/jobs/{job.id}/{output}", expires, principal_of(request).key_id or "")
    note(Action.LINK_CREATED, job.id, f"{output}, until {rfc3339(expires)}")
    url = public_path(await request.app[LINKS].sign(claim))
    view = LinkView(url=url, expires_at=rfc3339(expires))
    return web.json_response(
        view.as_json(), status=201, headers={"Cache-Control": "no-store", "Location": view.url}
    )


def _expires_in(value: object, settings: GatewaySettings) -> int:
    longest = settings.max_link_life
    seconds = min(EXPIRES_IN, longest) if value is None else whole_number(value)
    if seconds is None or not 1 <= seconds <= longest:
        raise InvalidInput(
            f"expires_in is {value}; send whole seconds from 1 to {longest} "
            "(CSVMILL_MAX_LINK_LIFE)",
            field="expires_in",
        )
    return seconds
