"""Three services: a processor that fetches is killed, and another continues."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.integration.test_fetches import (
    MIB,
    ask,
    bytes_fetched,
    ended,
    plays,
    result,
    totals,
)
from tests.servers.web_files import WebFiles
from tests.services import listening

if TYPE_CHECKING:
    from tests.services import Services

SETTINGS = {
    "fetch_hosts": "127.0.0.1",
    "outgoing_http": "true",
    "outgoing_networks": "127.0.0.0/8",
    "progress_interval": 0.1,
}


async def test_a_processor_that_is_killed_loses_its_fetch_to_another(services: Services) -> None:
    with WebFiles(rate=MIB) as web:
        (web.files / "a.csv").write_bytes(plays())
        gateway = services.gateway(**SETTINGS)
        first = services.processor(**SETTINGS)
        listening(gateway, first)
        job = await ask(gateway, {"url": f"{web.url}/a.csv"})
        await bytes_fetched(gateway, job["id"], 2 * MIB)

        first.destroy()
        listening(services.processor(**SETTINGS))
        done = await ended(gateway, job["id"])

        assert done["state"] == "SUCCESS", done
        assert await result(gateway, job["id"]) == totals()
        assert [line.split()[8] for line in web.requests][-1] == "206"
