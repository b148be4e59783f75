"""Finds out who makes a request, and refuses those that may not make it."""

from __future__ import annotations

import hmac
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.access.caller import BY_LINK
from gateway.access.links import INVALID as INVALID_LINK
from gateway.access.origins import HEALTH
from gateway.access.scopes import ANONYMOUS_SCOPES, METRICS, need_of
from gateway.access.token_claims import is_of_token
from shared.access.keys import NotAKey, parse_key
from shared.access.principal import Principal, Scope
from shared.errors import NotAuthenticated, ScopeMissing

if TYPE_CHECKING:
    from aiohttp import web

    from gateway.access.known_keys import KnownKeys
    from gateway.access.links import Links
    from gateway.access.middleware import Admit
    from gateway.access.scopes import Need
    from gateway.access.tokens import Tokens
    from shared.access.tenant import Tenant

SCHEME = "bearer"
LINK_SCOPES = frozenset({Scope.READ})
INVALID = "the API key is not valid"
"""What a stranger learns of a key that is unknown, expired or revoked: nothing more."""


def bearer_of(request: web.Request) -> str | None:
    """Return the token of `Authorization: Bearer` (RFC 6750, 2.1), or None.

    Raises NotAuthenticated for several fields, of which a proxy may have looked at another one.
    """
    given = request.headers.getall("Authorization", [])
    if len(given) > 1:
        raise NotAuthenticated("Authorization is given several times; send it once")
    scheme, _, token = "".join(given).partition(" ")
    return token.strip() if scheme.lower() == SCHEME else None


def admit_all(principal: Principal) -> Admit:
    """Let every request be made by `principal`, where no keys are demanded."""

    async def admit(_request: web.Request) -> Principal:
        return principal

    return admit


def require_private_token(token: str, principal: Principal) -> Admit:
    """Let requests with this bearer token be made by `principal`, and raise NotAuthenticated else.

    The health of the service is shown to all. It is for a service with one client, such as that of
    `csvmill run`.
    """
    expected = token.encode()

    async def admit(request: web.Request) -> Principal:
        given = (bearer_of(request) or "").encode(errors="surrogateescape")
        if request.path not in HEALTH and not hmac.compare_digest(given, expected):
            raise NotAuthenticated("this service answers only to the program that has started it")
        return principal

    return admit


class Authentication:
    """Finds the principal of each request by its API key or token."""

    def __init__(
        self,
        keys: KnownKeys,
        links: Links,
        *,
        anonymous: Tenant | None,
        open_metrics: bool,
        tokens: Tokens | None = None,
    ) -> None:
        """`anonymous` is the tenant of requests of the first clients that have no key.

        Without `tokens`, only API keys are accepted.
        """
        self._keys = keys
        self._links = links
        self._anonymous = anonymous
        self._open_metrics = open_metrics
        self._tokens = tokens

    async def admit(self, request: web.Request) -> Principal | None:
        """Return who makes a request; None if everybody may make it.

        Raises NotAuthenticated and ScopeMissing.
        """
        need = need_of(request)
        if need is None or (need is METRICS and self._open_metrics):
            return None
        principal = await self._principal_of(request, need)
        if need.scopes.isdisjoint(principal.scopes):
            wanted = " or ".join(sorted(need.scopes))
            raise ScopeMissing(f"this needs the scope {wanted}", scopes=need.scopes)
        if need.operator and not principal.is_operator:
            raise ScopeMissing("this needs a key of an operator", scopes=need.scopes)
        if need.key_only and is_of_token(principal):
            raise ScopeMissing("this needs an API key: a token is not accepted", scopes=need.scopes)
        return principal

    async def _principal_of(self, request: web.Request, need: Need) -> Principal:
        text = bearer_of(request)
        if text is None:
            if need.linked and "signature" in request.query:
                return await self._of_link(request)
            if need.anonymous and self._anonymous and "Authorization" not in request.headers:
                return Principal(self._anonymous, ANONYMOUS_SCOPES)
            raise NotAuthenticated("send an API key: Authorization: Bearer <key>")
        if self._tokens is not None and self._tokens.recognizes(text):
            return await self._tokens.principal_of(text)
        return await self._of_key(text)

    async def _of_link(self, request: web.Request) -> Principal:
        claim = await self._links.check(request.path, request.query)
        key = await self._keys.find(claim.key_id)
        if key is None or not key.is_valid(time.time()) or Scope.READ not in key.scopes:
            raise NotAuthenticated(INVALID_LINK)
        request[BY_LINK] = True
        return replace(key.principal, scopes=LINK_SCOPES, is_operator=False)

    async def _of_key(self, text: str) -> Principal:
        try:
            given = parse_key(text)
        except NotAKey as error:
            raise NotAuthenticated(str(error)) from None
        now = time.time()
        key = await self._keys.find(given.id)
        if key is None or not key.matches(given.digest, now) or not key.is_valid(now):
            raise NotAuthenticated(INVALID)
        self._keys.used(key.id)
        return key.principal
