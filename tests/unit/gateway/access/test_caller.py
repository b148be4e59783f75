"""Who makes a request."""

from __future__ import annotations

import pytest
from aiohttp.test_utils import make_mocked_request
from pydantic import ValidationError

from gateway.access.caller import PRINCIPAL, principal_of, tenant_of
from gateway.settings import GatewaySettings
from shared.access.principal import Principal, Scope
from shared.access.tenant import Tenant
from shared.errors import NotAuthenticated


def test_a_request_with_a_principal_is_of_its_tenant() -> None:
    request = make_mocked_request("GET", "/")
    request[PRINCIPAL] = Principal(Tenant("acme"), frozenset({Scope.READ}), "k1")
    assert principal_of(request) is request[PRINCIPAL]
    assert tenant_of(request) == "acme"


def test_nobody_makes_a_request_that_was_let_in_without_a_principal() -> None:
    with pytest.raises(NotAuthenticated):
        tenant_of(make_mocked_request("GET", "/"))


@pytest.mark.parametrize("name", ["", "Acme", "a/b"])
def test_a_setting_that_names_no_tenant_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="not the name of a tenant"):
        GatewaySettings.model_validate({"tenant": name})
