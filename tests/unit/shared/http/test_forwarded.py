"""What proxies state of a request, and which of it is believed."""

from __future__ import annotations

import pytest
from multidict import CIMultiDict

from shared.http.forwarded import Stated, is_trusted, prefix_of, stated


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ([], Stated()),
        (
            [("X-Forwarded-Proto", "HTTPS"), ("X-Forwarded-Host", "a.example:8443")],
            Stated("https", "a.example:8443", ""),
        ),
        ([("X-Forwarded-Prefix", "/csv/")], Stated(prefix="/csv")),
        ([("X-Forwarded-Prefix", "/a/b%20c")], Stated(prefix="/a/b%20c")),
        # Of several, that of the nearest proxy
        ([("X-Forwarded-Host", "evil.example, a.example")], Stated(host="a.example")),
        (
            [("X-Forwarded-Host", "evil.example"), ("X-Forwarded-Host", "a.example")],
            Stated(host="a.example"),
        ),
        ([("Forwarded", 'for=1.2.3.4;proto=https;host="[::1]:80"')], Stated("https", "[::1]:80")),
        (
            [("Forwarded", "host=evil.example, for=_x; Proto=http ; Host=b.example")],
            Stated("http", "b.example"),
        ),
        ([("Forwarded", r'host="a\.example"')], Stated(host="a.example")),
        ([("Forwarded", "host=a.example;proto")], Stated()),
        (
            [("Forwarded", "host=b.example;proto=http"), ("X-Forwarded-Proto", "https")],
            Stated("https", "b.example"),
        ),
        # What is nothing of the kind
        ([("X-Forwarded-Proto", "javascript")], Stated()),
        ([("X-Forwarded-Host", "a.example/path")], Stated()),
        ([("X-Forwarded-Host", "user@a.example")], Stated()),
        ([("X-Forwarded-Host", "a.example\n")], Stated(host="a.example")),
    ],
)
def test_the_fields_of_the_nearest_proxy_are_read(
    fields: list[tuple[str, str]], expected: Stated
) -> None:
    found = stated(CIMultiDict(fields))
    assert (found.scheme, found.host) == (expected.scheme, expected.host)
    assert (found.prefix or "") == (expected.prefix or "")


@pytest.mark.parametrize(
    "path",
    ["//evil.example", "csv", "/csv//x", "/../x", "/a/.", "/a?b", "/a#b", "/a b", "/ä", "\\x"],
)
def test_a_prefix_is_a_path_of_this_host(path: str) -> None:
    assert prefix_of(path) is None


def test_a_proxy_is_known_by_its_address() -> None:
    assert is_trusted("10.1.2.3", ("10.0.0.0/8",))
    assert not is_trusted("11.1.2.3", ("10.0.0.0/8",))
    assert not is_trusted("::1", ("10.0.0.0/8",))
    assert not is_trusted(None, ("10.0.0.0/8",))
    assert not is_trusted("a path", ("10.0.0.0/8",))
    assert not is_trusted("10.1.2.3", ())
