"""The middleware that every request passes before its handler.

There is one middleware instead of several, because aiohttp adds a coroutine for each.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from aiohttp import web

from gateway.access.addresses import client_address
from gateway.access.caller import PRINCIPAL
from gateway.access.token_claims import is_of_token
from gateway.http.errors import answer_error
from gateway.http.public_url import bind_reached
from shared.access.acting import Acting
from shared.http.encodings import check_codings
from shared.telemetry.ids import bind_ids

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractContextManager

    from aiohttp.typedefs import Handler

    from gateway.access.audit import Auditor
    from gateway.access.origins import Origins
    from gateway.access.request_rate import RequestRate
    from gateway.access.running import Running
    from gateway.http.cors import Pages
    from gateway.http.public_url import Reaching
    from shared.access.principal import Principal

    Admit = Callable[[web.Request], Awaitable[Principal | None]]


class Middleware:
    """Authenticates and limits requests, and turns errors into responses."""

    def __init__(
        self,
        *,
        origins: Origins,
        reaching: Reaching,
        pages: Pages,
        admit: Admit,
        rate: RequestRate,
        auditor: Auditor | None,
        running: Running | None = None,
    ) -> None:
        """`admit` returns who makes a request; None if everybody may make it.

        It raises NotAuthenticated and ScopeMissing. `running` ends requests of revoked keys.
        """
        self._origins = origins
        self._reaching = reaching
        self._pages = pages
        self._admit = admit
        self._rate = rate
        self._auditor = auditor
        self._running = running

    @web.middleware
    async def handle(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse a request before anything else looks at it, or handle it."""
        address = client_address(request)
        bind_ids(client=address)  # the log lines about refusals have it too
        reached = self._reaching.of(request)
        bind_reached(request, reached)
        try:
            named = reached.host or _host_of_target(request.raw_path)
            self._origins.check(request.method, request.path, request.headers, named)
            if (granted := self._pages.preflight(request)) is not None:
                return granted
            principal = await self._admit(request)
            if principal is not None:
                request[PRINCIPAL] = principal
                bind_ids(tenant=principal.tenant, key_id=principal.key_id)
                self._rate.take(request, principal.tenant)
            check_codings(request)
            with self._counted(request, principal):
                if self._auditor is None or principal is None:
                    return await handler(request)
                who = Acting(principal.tenant, principal.key_id, address)
                return await self._auditor.record_acts(who, handler, request)
        except Exception as error:  # noqa: BLE001 - every error has an answer
            return await answer_error(request, error)

    def _counted(
        self, request: web.Request, principal: Principal | None
    ) -> AbstractContextManager[None]:
        """Return the context in which a request is ended if its key is revoked."""
        if self._running is None or principal is None or principal.key_id is None:
            return nullcontext()
        if is_of_token(principal):  # tokens are not revoked
            return nullcontext()
        return self._running.one(request, principal.key_id)


def _host_of_target(target: str) -> str | None:
    """Return the host of a request target that is a whole URL; it counts, and not `Host`.

    A path is None (RFC 9112, 3.2.2).
    """
    if target.startswith("/") or "://" not in target:
        return None
    return target.partition("://")[2].partition("/")[0]
