"""Who makes a request."""

from __future__ import annotations

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from pydantic import ValidationError

from gateway.access.caller import (
    DEMANDS_KEYS,
    PRINCIPAL,
    known_principal,
    principal_of,
    tenant_of,
)
from gateway.keys import SETTINGS
from gateway.settings import GatewaySettings
from shared.access.principal import Principal, Scope
from shared.access.tenant import Tenant
from shared.errors import NotAuthenticated


def request_to(settings: GatewaySettings, *, demands_keys: bool = False) -> web.Request:
    app = web.Application()
    app[SETTINGS] = settings
    app[DEMANDS_KEYS] = demands_keys
    return make_mocked_request("GET", "/", app=app)


def test_a_request_without_a_principal_is_of_the_default_tenant_with_all_scopes() -> None:
    principal = principal_of(request_to(GatewaySettings()))
    assert principal == Principal(Tenant("default"), frozenset(Scope), None)


def test_a_setting_names_the_tenant_of_such_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CSVMILL_TENANT", "acme")
    assert tenant_of(request_to(GatewaySettings())) == "acme"


def test_a_request_with_a_principal_is_of_its_tenant() -> None:
    request = request_to(GatewaySettings())
    request[PRINCIPAL] = Principal(Tenant("acme"), frozenset({Scope.READ}), "k1")
    assert principal_of(request) is request[PRINCIPAL]
    assert tenant_of(request) == "acme"


def test_where_keys_are_demanded_nobody_makes_a_request_without_one() -> None:
    request = request_to(GatewaySettings(), demands_keys=True)
    assert known_principal(request) is None
    with pytest.raises(NotAuthenticated):
        tenant_of(request)


@pytest.mark.parametrize("name", ["", "Acme", "a/b"])
def test_a_setting_that_names_no_tenant_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="not the name of a tenant"):
        GatewaySettings.model_validate({"tenant": name})
