"""The address of a client, directly and behind proxies."""

from __future__ import annotations

from unittest.mock import Mock

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from pydantic import ValidationError

from gateway.access.addresses import client_address
from gateway.keys import SETTINGS
from gateway.settings import GatewaySettings


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("192.0.2.7", (), "192.0.2.7"),
        ("192.0.2.7", ("203.0.113.1",), "192.0.2.7"),
        ("10.0.0.1", (), "10.0.0.1"),
        ("10.0.0.1", ("203.0.113.1",), "203.0.113.1"),
        ("10.0.0.1", ("198.51.100.9, 203.0.113.1",), "203.0.113.1"),
        ("10.0.0.1", ("198.51.100.9", "203.0.113.1"), "203.0.113.1"),
        ("10.0.0.1", ("203.0.113.1, 10.0.0.2",), "203.0.113.1"),
        ("10.0.0.1", ("10.0.0.3, 10.0.0.2",), "10.0.0.3"),
        ("10.0.0.1", ("spoofed\n, 203.0.113.1",), "203.0.113.1"),
        ("10.0.0.1", ("203.0.113.1, nonsense",), "10.0.0.1"),
        ("10.0.0.1", ("2001:db8::1",), "2001:db8::1"),
    ],
)
def test_only_known_proxies_are_believed(
    peer: str, forwarded: tuple[str, ...], address: str
) -> None:
    app = web.Application()
    app[SETTINGS] = GatewaySettings.model_validate({"trusted_proxies": "10.0.0.0/8, ::1"})
    transport = Mock()
    transport.get_extra_info = lambda name, default=None: (
        (peer, 1234) if name == "peername" else default
    )
    headers = [("X-Forwarded-For", each) for each in forwarded]
    request = make_mocked_request("GET", "/", headers=headers, app=app, transport=transport)
    assert client_address(request) == address


def test_a_proxy_that_is_no_address_is_refused() -> None:
    with pytest.raises(ValidationError):
        GatewaySettings.model_validate({"trusted_proxies": "proxy"})
