"""A server whose handlers a test provides."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import stamina
from aiohttp import web
from aiohttp.test_utils import TestServer

from csvmill.client import AsyncClient, Retries

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from contextlib import AbstractAsyncContextManager

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
    ClientOf = Callable[..., AbstractAsyncContextManager[AsyncClient]]


@pytest.fixture(autouse=True)
def no_pauses() -> Iterator[None]:
    """Requests are retried at once, at most eight times."""
    stamina.set_testing(True, attempts=8)
    yield
    stamina.set_testing(False)


@pytest.fixture
def client_of() -> ClientOf:
    """Return a client, as a context manager, whose requests a handler answers."""

    @asynccontextmanager
    async def opened(handler: Handler, **options: Any) -> AsyncIterator[AsyncClient]:
        app = web.Application(client_max_size=1 << 26)
        app.router.add_route("*", "/{path:.*}", handler)
        server = TestServer(app)
        await server.start_server()
        try:
            async with AsyncClient(
                str(server.make_url("/")), retries=Retries(), **options
            ) as client:
                yield client
        finally:
            await server.close()

    return opened
