"""Tokens of an OpenID Connect provider authenticate requests as API keys do."""

from __future__ import annotations

import base64
import json
import re
import time
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import ValidationError

from gateway import oidc_settings
from gateway.access.scopes import NEEDS
from gateway.settings import GatewaySettings
from shared.access.audit import AuditFilter
from shared.access.principal import Scope
from tests.unit.gateway.access.issuer import EC_KEY, ED_KEY, RSA_KEY, public_jwk, running_issuer
from tests.unit.gateway.access.keys import bearer, stored_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.unit.gateway.access.issuer import Issuer
    from tests.unit.gateway.conftest import Gateway, Start

JOBS = "/api/v1/jobs"
PLAYS = b"Song,Date,Number of Plays\na,2026-01-01,1\n"
STRANGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    async with running_issuer() as running:
        yield running


@pytest.fixture
async def gateway(start_gateway: Start, issuer: Issuer) -> Gateway:
    """A gateway on a loopback address that accepts the tokens of the issuer."""
    return await start_gateway(**issuer.settings())


async def answer_to(gateway: Gateway, token: str, path: str = JOBS) -> tuple[int, str]:
    """Return status and detail of the answer to a request with a token."""
    response = await gateway.client.get(path, headers=bearer(token))
    return response.status, (await response.json()).get("detail", "")


async def upload(gateway: Gateway, token: str) -> str:
    response = await gateway.client.put(
        "/api/v1/uploads?name=a.csv", data=PLAYS, headers=bearer(token)
    )
    assert response.status == 201
    return response.headers["Csvmill-Job"].rpartition("/")[2]


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [(RSA_KEY, "RS256"), (RSA_KEY, "PS256"), (EC_KEY, "ES256"), (ED_KEY, "EdDSA")],
)
async def test_a_token_signed_by_the_issuer_is_accepted(
    start_gateway: Start, issuer: Issuer, key: Any, algorithm: str
) -> None:
    issuer.keys.append(public_jwk(key, kid="second"))
    gateway = await start_gateway(**issuer.settings())
    token = issuer.token(key=key, algorithm=algorithm, kid="second")
    assert await answer_to(gateway, token) == (200, "")


async def test_keys_are_accepted_beside_tokens_and_one_of_them_is_demanded(
    gateway: Gateway,
) -> None:
    assert (await gateway.client.get(JOBS)).status == 401
    key = await stored_key(gateway, Scope.READ)
    assert (await gateway.client.get(JOBS, headers=bearer(key))).status == 200


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"exp": int(time.time()) - 60}, "expired"),
        ({"nbf": int(time.time()) + 86_400}, "not valid yet"),
        ({"aud": "another"}, "another service"),
        ({"aud": ["another", "third"]}, "another service"),
        ({"iss": "https://elsewhere.example"}, "another issuer"),
        ({"without": ("exp",)}, "needs the claims"),
        ({"without": ("aud",)}, "needs the claims"),
        ({"without": ("iss",)}, "needs the claims"),
        ({"without": ("sub",)}, "needs the claims"),
        ({"without": ("tenant",)}, "has no tenant"),
        ({"tenant": "../other"}, "not the name of a tenant"),
        ({"tenant": ["acme"]}, "has no tenant"),
        ({"key": STRANGER}, "the token is not valid"),
        ({"kid": "unknown"}, "the token is not valid"),
        ({"algorithm": "RS512"}, "sign tokens with one of"),
    ],
)
async def test_a_token_that_is_not_right_is_refused_with_the_reason(
    gateway: Gateway, issuer: Issuer, claims: dict[str, Any], reason: str
) -> None:
    status, detail = await answer_to(gateway, issuer.token(**claims))
    assert (status, reason in detail) == (401, True), detail


async def test_clocks_may_differ_a_little(gateway: Gateway, issuer: Issuer) -> None:
    now = int(time.time())
    token = issuer.token(exp=now - 10, nbf=now + 10, aud=["other", "csvmill-tests"])
    assert (await answer_to(gateway, token))[0] == 200


def part(value: object) -> str:
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


async def test_tokens_without_a_signature_or_signed_with_the_public_key_are_refused(
    gateway: Gateway, issuer: Issuer
) -> None:
    body = issuer.token().split(".")[1]
    public = RSA_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    hmac = jwt.get_algorithm_by_name("HS256")
    signed = f"{part({'alg': 'HS256', 'kid': 'first', 'typ': 'JWT'})}.{body}"
    for token in (
        f"{part({'alg': 'none', 'kid': 'first'})}.{body}.",
        f"{part({'alg': 'RS256', 'kid': 'first'})}.{body}.",
        f"{signed}.{part(hmac.sign(signed.encode(), public))}",
    ):
        assert (await answer_to(gateway, token))[0] == 401


@pytest.mark.parametrize(
    "header",
    [
        b"x", b"[1]", b"[" * 3000, b"\xff\xfe", b"null", {"alg": ["RS256"]}, {"alg": {}},
        {"alg": "RS256", "kid": 1}, {"alg": "RS256", "kid": "first", "crit": ["x"], "x": 1}, {},
    ],
)  # fmt: skip
async def test_a_header_that_nobody_has_signed_does_no_harm(
    gateway: Gateway, header: object
) -> None:
    status, _ = await answer_to(gateway, f"{part(header)}.{part({})}.{part(b'x')}")
    assert status == 401


@pytest.mark.parametrize(
    ("claims", "allowed"),
    [
        ({"scope": "csvmill:read"}, {Scope.READ}),
        ({"scope": "email csvmill:read csvmill:upload csvmill:operator"},
         {Scope.READ, Scope.UPLOAD}),
        ({"scope": ["csvmill:admin", 7, "other"]}, {Scope.ADMIN}),
        ({"scope": "read upload admin"}, set()),
        ({"scope": 7}, set()),
        ({"without": ("scope",)}, set()),
    ],
)  # fmt: skip
async def test_scopes_of_the_token_are_those_of_the_request(
    gateway: Gateway, issuer: Issuer, claims: dict[str, Any], allowed: set[Scope]
) -> None:
    token = issuer.token(**claims)
    for path in (JOBS, "/api/v1/keys"):
        need = NEEDS["GET", path]
        assert need is not None
        expected = 403 if need.scopes.isdisjoint(allowed) else 200
        assert (await answer_to(gateway, token, path))[0] == expected


async def test_settings_name_the_claims_and_a_path_leads_into_objects(
    start_gateway: Start, issuer: Issuer
) -> None:
    gateway = await start_gateway(
        **issuer.settings(
            oidc_tenant_claim="https://mill.example/tenant", oidc_scope_claim="realm_access.roles"
        )
    )
    claims: dict[str, Any] = {"https://mill.example/tenant": "other"}
    token = issuer.token(
        **claims, realm_access={"roles": ["csvmill:upload"]},
        scope="csvmill:read",
    )  # fmt: skip
    assert (await answer_to(gateway, token))[0] == 403
    job = await upload(gateway, token)
    (entry,) = await gateway.jobs.access.audit.entries(AuditFilter(object=job), limit=9)
    assert entry.tenant == "other"


async def test_tokens_of_two_tenants_do_not_see_each_others_jobs(
    gateway: Gateway, issuer: Issuer
) -> None:
    job = await upload(gateway, issuer.token())
    for tenant, status in (("acme", 200), ("other", 404)):
        assert (await answer_to(gateway, issuer.token(tenant=tenant), f"{JOBS}/{job}"))[0] == status


@pytest.mark.parametrize(
    ("subject", "shown"),
    [
        ("ada@mill.example", r"oidc:ada@mill\.example"),
        ("a\nb \u202e", r"oidc:a_b__~[0-9a-f]{16}"),
        ("x" * 300, r"oidc:x{63}~[0-9a-f]{16}"),
        ("", r"oidc:~[0-9a-f]{16}"),
    ],
)
async def test_the_audit_trail_names_the_subject(
    gateway: Gateway, issuer: Issuer, subject: str, shown: str
) -> None:
    job = await upload(gateway, issuer.token(sub=subject))
    (entry,) = await gateway.jobs.access.audit.entries(AuditFilter(object=job), limit=9)
    assert entry.key_id is not None
    assert re.fullmatch(shown, entry.key_id)


async def test_an_administrator_by_token_manages_keys_of_its_tenant_and_is_no_operator(
    gateway: Gateway, issuer: Issuer
) -> None:
    headers = bearer(issuer.token(scope="csvmill:admin", operator=True))
    for body, status in (
        ({"name": "n", "scopes": ["read"]}, 201),
        ({"name": "n", "scopes": ["read"], "tenant": "other"}, 403),
    ):
        answer = await gateway.client.post("/api/v1/keys", json=body, headers=headers)
        assert answer.status == status
    assert (await gateway.client.get("/metrics", headers=headers)).status == 403


async def test_links_are_made_with_keys_only_because_they_end_with_them(
    gateway: Gateway, issuer: Issuer
) -> None:
    token = issuer.token()
    job = await upload(gateway, token)
    answer = await gateway.client.post(f"{JOBS}/{job}/links", headers=bearer(token))
    assert answer.status == 403
    assert "API key" in (await answer.json())["detail"]


async def test_without_an_issuer_a_token_is_no_key(start_gateway: Start, issuer: Issuer) -> None:
    gateway = await start_gateway(auth="keys")
    assert (await answer_to(gateway, issuer.token()))[0] == 401
    assert issuer.asked == 0


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"oidc_issuer": "http://id.example"}, "https"),
        ({"oidc_issuer": "https://"}, "https"),
        ({"oidc_issuer": "https://[x"}, "https"),
        ({"oidc_issuer": "https://id.example?x"}, "query"),
        ({"oidc_issuer": "https://id.example"}, "CSVMILL_OIDC_AUDIENCE"),
    ],
)
def test_settings_that_would_be_unsafe_are_refused(settings: dict[str, str], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        GatewaySettings.model_validate(settings)


def test_an_issuer_needs_the_packages_of_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oidc_settings, "PACKAGES", ("no_such_package",))
    with pytest.raises(ValidationError, match=r"csvmill\[oidc\]"):
        GatewaySettings.model_validate({"oidc_issuer": "https://id.example", "oidc_audience": "a"})
    assert not GatewaySettings.model_validate({"oidc_issuer": ""}).demands_keys
