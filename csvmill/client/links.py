"""Links to outputs of jobs, which work without a key."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from csvmill.client.defaults import JSON
from csvmill.client.paths import links_path
from csvmill.client.server_url import path_of_link

if TYPE_CHECKING:
    from csvmill.client.transport import Transport


async def create_link(
    transport: Transport, job_id: str, output: str, expires_in: int | None
) -> str:
    """Return the URL of a new link. Raises Refused."""
    from shared.api.access import LinkView  # most clients create none

    body = json.dumps({"output": output, "expires_in": expires_in}).encode()
    answer = await transport.json("POST", links_path(job_id), body=body, headers=JSON)
    return transport.server + path_of_link(transport.server, LinkView.of(answer).url)
