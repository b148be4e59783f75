"""Limits are sent, and enforced (section 4.1.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.unit.gateway.ietf import (
    URL,
    append,
    ask,
    create,
    created,
    in_pieces,
    upload_state,
)

if TYPE_CHECKING:
    from tests.unit.gateway.conftest import Start


async def test_limits_are_sent_on_creation_retrieval_and_options(start_gateway: Start) -> None:
    gateway = await start_gateway(max_upload_size=1000, upload_ttl=3600.5)
    limits = "max-size=1000, max-age=3600"
    answer = await create(gateway, b"abc")
    assert answer.headers["Upload-Limit"] == limits
    path = answer.headers["Location"]
    assert (await ask(gateway, "HEAD", path, 204)).headers["Upload-Limit"] == limits
    for url, patches in (
        (URL, "application/partial-upload"),
        (path, "application/partial-upload, application/json"),
    ):
        options = (await ask(gateway, "OPTIONS", url, 204)).headers
        assert (options["Upload-Limit"], options["Accept-Patch"]) == (limits, patches)
    done = await append(gateway, path, 3, b"d", 201)
    assert "Upload-Limit" not in done.headers


async def test_a_file_that_is_too_large_is_refused_with_the_limit(start_gateway: Start) -> None:
    gateway = await start_gateway(max_upload_size=100)
    for headers in ({"Upload_Length": 101}, {"Upload_Complete": "?1"}):
        refused = await create(gateway, b"x" * 101, 413, **headers)
        assert refused.headers["Upload-Limit"].startswith("max-size=100,")
    path = await created(gateway, b"x" * 60)
    for data, headers in ((in_pieces(b"x" * 60), {}), (b"", {"Upload_Length": 101})):
        refused = await append(gateway, path, 60, data, 413, **headers)
        assert refused.headers["Upload-Limit"].startswith("max-size=100,")
        assert await upload_state(gateway, path) == ("?0", 60, None)
    assert gateway.bus.published == []
