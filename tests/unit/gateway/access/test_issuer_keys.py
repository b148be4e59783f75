"""The keys of an identity provider are read when they are needed, however many tokens come in."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from gateway.access.issuer_keys import KEPT, MAX_AGE, MAX_BYTES, RETRY_INTERVAL, IssuerKeys
from shared.errors import IssuerUnavailable
from tests.unit.gateway.access.issuer import EC_KEY, RSA_KEY, public_jwk, running_issuer
from tests.unit.gateway.access.keys import bearer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.unit.gateway.access.issuer import Issuer
    from tests.unit.gateway.conftest import Start

SECOND = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.now = 1e6

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    async with running_issuer() as running:
        yield running


@pytest.fixture
async def keys(issuer: Issuer, clock: Clock) -> AsyncIterator[IssuerKeys]:
    async with IssuerKeys(issuer.url, clock) as opened:
        yield opened


async def known(keys: IssuerKeys, *key_ids: str | None, algorithm: str = "RS256") -> list[bool]:
    return [await keys.find(key_id, algorithm) is not None for key_id in key_ids]


async def test_requests_at_the_same_time_share_one_question(
    issuer: Issuer, keys: IssuerKeys
) -> None:
    found = await asyncio.gather(*(keys.find("first", "RS256") for _ in range(20)))
    assert found[0] is not None
    assert found == found[:1] * 20
    assert issuer.asked == 1


async def test_a_flood_of_made_up_key_ids_asks_the_provider_once_in_an_interval(
    issuer: Issuer, keys: IssuerKeys, clock: Clock
) -> None:
    for n in range(300):
        assert await keys.find(f"made-up-{n}", "RS256") is None
        assert await keys.find("first", "RS256") is not None
    assert issuer.asked == 1
    clock.now += RETRY_INTERVAL
    await asyncio.gather(*(keys.find(f"more-{n}", "RS256") for n in range(300)))
    assert issuer.asked == 2


async def test_a_rotated_key_is_found_and_one_that_was_withdrawn_is_forgotten(
    issuer: Issuer, keys: IssuerKeys, clock: Clock
) -> None:
    assert await known(keys, "first") == [True]
    issuer.keys = [public_jwk(SECOND, kid="second")]
    clock.now += RETRY_INTERVAL
    assert await known(keys, "second", "first") == [True, False]


async def test_keys_are_read_again_from_time_to_time_and_nobody_waits_for_that(
    issuer: Issuer, keys: IssuerKeys, clock: Clock
) -> None:
    assert await known(keys, "first") == [True]
    issuer.keys = []
    clock.now += MAX_AGE
    assert await known(keys, "first") == [True]
    # A request that waits for it is the next with a key that is not known.
    assert await known(keys, "other", "first") == [False, False]
    assert issuer.asked == 2


async def test_while_the_provider_is_away_its_keys_count_for_a_day(
    issuer: Issuer, keys: IssuerKeys, clock: Clock
) -> None:
    assert await known(keys, "first") == [True]
    issuer.away = True
    clock.now += KEPT - 1
    assert await known(keys, "first") == [True]
    with pytest.raises(IssuerUnavailable):
        await keys.find("second", "RS256")
    clock.now += 1
    with pytest.raises(IssuerUnavailable):
        await keys.find("first", "RS256")
    asked = issuer.asked
    for n in range(50):
        with pytest.raises(IssuerUnavailable):
            await keys.find(f"{n}", "RS256")
    assert issuer.asked <= asked + 1
    issuer.away = False
    clock.now += RETRY_INTERVAL
    assert await known(keys, "first") == [True]


@pytest.mark.parametrize(
    ("about", "padding"),
    [
        ({"issuer": "https://elsewhere.example"}, 0),
        ({"jwks_uri": "http://elsewhere.example/jwks"}, 0),
        ({"jwks_uri": None}, 0),
        ({"jwks_uri": "elsewhere"}, 0),
        ({"padding": "x" * MAX_BYTES}, 0),
        ({}, MAX_BYTES),
    ],
)
async def test_a_provider_that_answers_badly_counts_as_away(
    issuer: Issuer, clock: Clock, about: dict[str, object], padding: int
) -> None:
    issuer.about, issuer.padding = about, padding
    if about.get("jwks_uri") == "elsewhere":
        about["jwks_uri"] = f"{issuer.url}/elsewhere"
    async with IssuerKeys(issuer.url, clock) as keys:
        with pytest.raises(IssuerUnavailable):
            await keys.find("first", "RS256")


async def test_keys_that_are_weak_for_something_else_or_malformed_are_skipped(
    issuer: Issuer, keys: IssuerKeys
) -> None:
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505
    issuer.keys = [
        public_jwk(weak, kid="weak"),
        public_jwk(SECOND, kid="to encrypt", use="enc"),
        public_jwk(SECOND, kid="RS512", alg="RS512"),
        public_jwk(SECOND, kid="odd alg", alg=["RS256"]),
        public_jwk(ec.generate_private_key(ec.SECP384R1()), kid="P-384"),
        {"kty": "oct", "k": "c2VjcmV0", "kid": "secret"},
        {"kty": "RSA", "kid": "no numbers"},
        {"kty": "RSA", "n": 7, "e": [], "kid": "odd numbers"},
        7,
        public_jwk(RSA_KEY, kid="good"),
        public_jwk(EC_KEY, kid="curve"),
    ]
    ids = [each.get("kid") for each in issuer.keys if isinstance(each, dict)]
    assert [key_id for key_id in ids if await keys.find(key_id, "RS256")] == ["good"]
    assert await known(keys, "curve", "P-384", algorithm="ES256") == [True, False]
    assert await known(keys, "secret", algorithm="HS256") == [False]


async def test_a_token_without_an_id_of_a_key_fits_if_there_is_one_key(
    issuer: Issuer, keys: IssuerKeys, clock: Clock
) -> None:
    assert await known(keys, None) == [True]
    issuer.keys.append(public_jwk(SECOND, kid="second"))
    clock.now += RETRY_INTERVAL
    assert await known(keys, "second", None) == [True, False]


async def test_a_gateway_answers_503_until_it_has_read_the_keys(
    start_gateway: Start, issuer: Issuer, caplog: pytest.LogCaptureFixture
) -> None:
    issuer.away = True
    gateway = await start_gateway(**issuer.settings())
    for _ in range(20):
        response = await gateway.client.get("/api/v1/jobs", headers=bearer(issuer.token()))
        assert (response.status, "Retry-After" in response.headers) == (503, True)
        assert "identity provider" in (await response.json())["detail"]
    assert issuer.asked == 1
    assert f"the keys of {issuer.url} are not read" in caplog.text
