"""Tokens of an OpenID Connect provider in the place of API keys.

Only this module and `issuer_keys` need the packages of the extra `oidc`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import jwt

from gateway.access.issuer_keys import ALGORITHMS
from gateway.access.token_claims import principal_of
from shared.errors import NotAuthenticated

if TYPE_CHECKING:
    from gateway.access.issuer_keys import IssuerKeys
    from shared.access.principal import Principal

LEEWAY = 30.0
"""Seconds by which the clocks of provider and service may differ."""
REQUIRED = ["iss", "aud", "exp", "sub"]
INVALID = "the token is not valid"
"""What is said of a token whose signature is not that of the provider."""
_FORM = re.compile(r"[0-9A-Za-z_-]+\.[0-9A-Za-z_-]+\.[0-9A-Za-z_-]*")

_REASONS: tuple[tuple[type[jwt.InvalidTokenError], str], ...] = (
    (jwt.ExpiredSignatureError, "the token has expired"),
    (jwt.ImmatureSignatureError, "the token is not valid yet"),
    (jwt.InvalidAudienceError, "the token is for another service: see its claim aud"),
    (jwt.InvalidIssuerError, "the token is of another issuer: see its claim iss"),
    (jwt.MissingRequiredClaimError, f"the token needs the claims {', '.join(REQUIRED)}"),
)
"""What is said of a token with the signature of the provider."""


class Tokens:
    """Verifies the tokens of one provider."""

    def __init__(
        self, keys: IssuerKeys, *, issuer: str, audience: str, tenant_claim: str, scope_claim: str
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._tenant_claim = tenant_claim
        self._scope_claim = scope_claim

    def recognizes(self, text: str) -> bool:
        """Whether a bearer has the form of a signed JWT (RFC 7519), which no API key has."""
        return _FORM.fullmatch(text) is not None

    async def principal_of(self, text: str) -> Principal:
        """Return who makes a request with a token. Raises NotAuthenticated, IssuerUnavailable."""
        try:
            claims = await self._claims_of(text)
        except jwt.PyJWTError as error:
            known = (reason for kind, reason in _REASONS if isinstance(error, kind))
            raise NotAuthenticated(next(known, INVALID)) from None
        except (ValueError, OverflowError, RecursionError):  # of JSON that is not as it should be
            raise NotAuthenticated(INVALID) from None
        return principal_of(claims, tenant_claim=self._tenant_claim, scope_claim=self._scope_claim)

    async def _claims_of(self, text: str) -> dict[str, Any]:
        header = jwt.get_unverified_header(text)
        algorithm, key_id = header.get("alg"), header.get("kid")
        if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
            raise NotAuthenticated(f"sign tokens with one of {', '.join(sorted(ALGORITHMS))}")
        key = await self._keys.find(key_id, algorithm)
        if key is None:
            raise NotAuthenticated(INVALID)
        claims: dict[str, Any] = jwt.decode(
            text,
            key.public,
            algorithms=sorted(key.algorithms),
            issuer=self._issuer,
            audience=self._audience,
            leeway=LEEWAY,
            options={"require": REQUIRED},
        )
        return claims
