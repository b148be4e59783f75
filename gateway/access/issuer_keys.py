"""The public keys with which an OpenID Connect provider signs its tokens.

They are read from the provider when they are needed, and remembered. How often it is asked does not
depend on the requests that come in.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import aiohttp
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from jwt.exceptions import InvalidKeyError

from shared.errors import IssuerUnavailable
from shared.http.hosts import is_private_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

DISCOVERY = "/.well-known/openid-configuration"
"""Where a provider describes itself, below its URL (OpenID Connect Discovery 1.0, section 4)."""
MAX_AGE = 600.0
"""Seconds after which the keys are read again: so a key that was withdrawn is noticed."""
KEPT = 86_400.0
"""Seconds for which keys count while the provider does not answer."""
RETRY_INTERVAL = 5.0
"""Seconds between two times that the provider is asked, whatever tokens come in."""
TIMEOUT = 5.0
"""Seconds for one answer of the provider."""
MAX_BYTES = 256 << 10
"""The largest answer of the provider."""
MAX_KEYS = 100
"""How many of its keys are looked at."""
MIN_RSA_BITS = 2048

RSA, EC, OKP = frozenset({"RS256", "PS256"}), frozenset({"ES256"}), frozenset({"EdDSA"})
"""The algorithms of each type of key. All are asymmetric: with the public key one cannot sign."""
ALGORITHMS = RSA | EC | OKP

log = logging.getLogger(__name__)


class _ProviderFault(ValueError):
    """The provider answers with something that cannot be used."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A public key, and the algorithms for which it may be used."""

    id: str | None
    public: Any
    """As `jwt.decode` takes it."""
    algorithms: frozenset[str]


class IssuerKeys:
    """The keys of the provider at `issuer`. Use as an asynchronous context."""

    def __init__(self, issuer: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._issuer = issuer
        self._clock = clock
        self._keys: tuple[SigningKey, ...] = ()
        self._read_at = 0.0
        self._asked_at = clock() - RETRY_INTERVAL
        self._asking: asyncio.Task[None] | None = None
        self._failed = False
        """Whether the provider has not answered the last time, or not well."""
        self._session: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            headers={"Accept": "application/json", "Accept-Encoding": "identity"},
            timeout=aiohttp.ClientTimeout(total=TIMEOUT),
            auto_decompress=False,
        )
        self._ask()  # so the log shows soon if the provider does not answer
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._asking is not None:
            self._asking.cancel()
            with suppress(asyncio.CancelledError):
                await self._asking
        await self._session.close()

    async def find(self, key_id: str | None, algorithm: str) -> SigningKey | None:
        """Return the key with this id for this algorithm; None if the provider has none.

        Without an id it is the only key for the algorithm. Raises IssuerUnavailable if there is no
        such key, and the provider does not answer.
        """
        age = self._clock() - self._read_at
        if age >= KEPT:
            self._keys = ()
        found = self._remembered(key_id, algorithm)
        if found is not None:
            if age >= MAX_AGE:
                self._ask()  # no request waits for it
            return found
        asking = self._ask()
        if asking is not None:
            # The answer is for all requests, also if the client of this one leaves.
            await asyncio.shield(asking)
            found = self._remembered(key_id, algorithm)
        if found is None and self._failed:
            raise IssuerUnavailable(
                "the identity provider does not answer, and the key of this token is not known yet"
            )
        return found

    def _remembered(self, key_id: str | None, algorithm: str) -> SigningKey | None:
        fitting = [key for key in self._keys if algorithm in key.algorithms]
        if key_id is None:
            return fitting[0] if len(fitting) == 1 else None
        return next((key for key in fitting if key.id == key_id), None)

    def _ask(self) -> asyncio.Task[None] | None:
        """Return the task that reads the keys; None if that was done a moment ago."""
        if self._asking is not None and not self._asking.done():
            return self._asking
        now = self._clock()
        if now - self._asked_at < RETRY_INTERVAL:
            return None
        self._asked_at = now
        self._asking = asyncio.create_task(self._read())
        return self._asking

    async def _read(self) -> None:
        asked_at, self._failed = self._clock(), True
        try:
            keys = await self._published()
        except (aiohttp.ClientError, TimeoutError, ValueError, RecursionError) as error:
            reason = str(error) or type(error).__name__
            log.warning("the keys of %s are not read: %s", self._issuer, reason)
        else:
            if not keys:
                log.warning("%s has no key that can be used", self._issuer)
            self._keys, self._read_at, self._failed = keys, asked_at, False

    async def _published(self) -> tuple[SigningKey, ...]:
        about = await self._get(self._issuer.rstrip("/") + DISCOVERY)
        if about.get("issuer") != self._issuer:
            raise _ProviderFault(f"the provider calls itself {about.get('issuer')!r}")
        url = about.get("jwks_uri")
        if not isinstance(url, str) or not is_private_url(url):
            raise _ProviderFault(f"jwks_uri is {url!r}, which is not an https URL")
        return tuple(_usable(await self._get(url)))

    async def _get(self, url: str) -> Mapping[str, Any]:
        """Return the JSON object at a URL. Other servers are not followed to."""
        body = bytearray()
        async with self._session.get(url, allow_redirects=False) as response:
            if response.status != 200:
                raise _ProviderFault(f"{url} is answered with {response.status}")
            async for piece in response.content.iter_any():
                body += piece
                if len(body) > MAX_BYTES:
                    raise _ProviderFault(f"{url} is answered with more than {MAX_BYTES} bytes")
        found = json.loads(body)
        if not isinstance(found, dict):
            raise _ProviderFault(f"{url} is not answered with a JSON object")
        return found


def _usable(found: Mapping[str, Any]) -> Iterator[SigningKey]:
    """Iterate over the keys of a JWK set (RFC 7517) that verify tokens; others are skipped."""
    described = found.get("keys")
    if not isinstance(described, list):
        raise _ProviderFault("the provider's keys are not a JWK set")
    for each in described[:MAX_KEYS]:
        if not isinstance(each, dict) or each.get("use", "sig") != "sig":
            continue
        try:
            key = _parse(each)
        except (InvalidKeyError, ValueError, TypeError) as error:
            log.warning("the key %.100r of the provider is skipped: %s", each.get("kid"), error)
            continue
        if key is not None:
            yield key


def _parse(described: dict[str, Any]) -> SigningKey | None:
    """Return the key of a JWK; None if it is not for an algorithm of `ALGORITHMS`."""
    public: Any
    match described.get("kty"), described.get("crv"):
        case "RSA", _:
            algorithms, public = RSA, RSAAlgorithm.from_jwk(_public_part(described))
            if public.key_size < MIN_RSA_BITS:
                raise ValueError(f"it has only {public.key_size} bits")
        case "EC", "P-256":
            algorithms, public = EC, ECAlgorithm.from_jwk(_public_part(described))
        case "OKP", "Ed25519":
            algorithms, public = OKP, OKPAlgorithm.from_jwk(_public_part(described))
        case _:
            return None
    stated = described.get("alg")
    key_id = described.get("kid")
    return SigningKey(
        key_id if isinstance(key_id, str) else None,
        public,
        algorithms if stated is None else algorithms & {stated},
    )


def _public_part(described: dict[str, Any]) -> dict[str, Any]:
    return {
        name: described[name] for name in ("kty", "crv", "n", "e", "x", "y") if name in described
    }
