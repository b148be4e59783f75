"""A small OpenID Connect provider on a free port of this machine, for tests of its tokens."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import jwt
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

AUDIENCE = "csvmill-tests"
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
"""One for all tests, because making one takes a tenth of a second."""
EC_KEY = ec.generate_private_key(ec.SECP256R1())
ED_KEY = ed25519.Ed25519PrivateKey.generate()


def public_jwk(key: Any, **more: object) -> dict[str, object]:
    """Return the public part of a private key as a JWK."""
    public = key.public_key()
    if isinstance(key, rsa.RSAPrivateKey):
        described = RSAAlgorithm.to_jwk(public, as_dict=True)
    elif isinstance(key, ec.EllipticCurvePrivateKey):
        described = ECAlgorithm.to_jwk(public, as_dict=True)
    else:
        described = OKPAlgorithm.to_jwk(public, as_dict=True)
    described.pop("key_ops", None)
    return {**described, **more}


class Issuer:
    """The provider: what it publishes, and how often it was asked."""

    def __init__(self) -> None:
        self.url = ""
        self.keys: list[Any] = [public_jwk(RSA_KEY, kid="first", use="sig")]
        self.about: dict[str, object] = {}
        """What differs in its description of itself."""
        self.away = False
        self.asked = 0
        """Requests for its description."""
        self.padding = 0
        """Bytes added to its keys."""

    async def describe(self, _request: web.Request) -> web.Response:
        self.asked += 1
        if self.away:
            raise web.HTTPServiceUnavailable
        return web.json_response({"issuer": self.url, "jwks_uri": f"{self.url}/jwks", **self.about})

    async def show_keys(self, _request: web.Request) -> web.Response:
        return web.json_response({"keys": self.keys, "padding": " " * self.padding})

    async def elsewhere(self, _request: web.Request) -> web.Response:
        raise web.HTTPFound(f"{self.url}/jwks")

    def settings(self, **more: object) -> dict[str, Any]:
        """Return the settings of a gateway that accepts its tokens."""
        return {"oidc_issuer": self.url, "oidc_audience": AUDIENCE, **more}

    def token(
        self,
        *,
        key: Any = RSA_KEY,
        algorithm: str = "RS256",
        kid: str | None = "first",
        without: tuple[str, ...] = (),
        **claims: Any,
    ) -> str:
        """Return a token that is valid, except for what is given."""
        now = int(time.time())
        usual = {
            "iss": self.url, "aud": AUDIENCE, "exp": now + 300, "iat": now, "sub": "ada",
            "tenant": "acme", "scope": "openid csvmill:upload csvmill:read",
        }  # fmt: skip
        payload = {name: x for name, x in {**usual, **claims}.items() if name not in without}
        headers = {} if kid is None else {"kid": kid}
        return jwt.encode(payload, key, algorithm=algorithm, headers=headers)


@asynccontextmanager
async def running_issuer() -> AsyncIterator[Issuer]:
    """Run a provider."""
    issuer = Issuer()
    app = web.Application()
    app.router.add_get("/.well-known/openid-configuration", issuer.describe)
    app.router.add_get("/jwks", issuer.show_keys)
    app.router.add_get("/elsewhere", issuer.elsewhere)
    async with TestServer(app) as server:
        issuer.url = str(server.make_url("/")).rstrip("/")
        yield issuer
