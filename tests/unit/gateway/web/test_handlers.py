"""`GET /` and the files of the page: caching, compression, and what a browser may do with them."""

from __future__ import annotations

import gzip
import hashlib
import re
from base64 import b64encode
from typing import TYPE_CHECKING

import pytest

from gateway.web.files import page

if TYPE_CHECKING:
    from tests.unit.gateway.conftest import Gateway

PLAIN = {"Accept-Encoding": "identity"}


def app_js() -> str:
    return f"/page/{page().version}/app.js"


async def test_the_page_is_html_that_loads_only_from_its_own_server(gateway: Gateway) -> None:
    response = await gateway.client.get("/")
    assert (response.status, response.content_type) == (200, "text/html")
    policy = dict(
        directive.split(" ", 1)
        for directive in response.headers["Content-Security-Policy"].split("; ")
    )
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    (style,) = re.findall(r"<style[^>]*>(.*?)</style>", await response.text(), re.DOTALL)
    digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy["style-src"] == f"'self' 'sha256-{digest}'"
    assert policy["form-action"] == "'none'"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["X-Frame-Options"] == "DENY"


async def test_a_worker_may_ask_only_its_own_server(gateway: Gateway) -> None:
    response = await gateway.client.get(app_js())
    policy = response.headers["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", "connect-src 'self'"} <= set(policy)


@pytest.mark.parametrize(
    ("name", "content_type"),
    [("app.js", "text/javascript"), ("styles/base.css", "text/css"), ("icon.svg", "image/svg+xml")],
)
async def test_a_file_is_cached_for_ever(gateway: Gateway, name: str, content_type: str) -> None:
    response = await gateway.client.get(f"/page/{page().version}/{name}", headers=PLAIN)
    assert (response.status, response.content_type) == (200, content_type)
    assert await response.read() == page().files[name].plain
    assert "immutable" in response.headers["Cache-Control"]


async def test_a_file_of_another_version_is_the_present_one_and_not_kept(gateway: Gateway) -> None:
    response = await gateway.client.get("/page/0123/app.js", headers=PLAIN)
    assert await response.read() == page().files["app.js"].plain
    assert response.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    "path", ["nothing.js", "../files.py", "..%2ffiles.py", "%2e%2e/files.py", "index.html", "core"]
)
async def test_only_files_of_the_page_are_sent(gateway: Gateway, path: str) -> None:
    assert (await gateway.client.get(f"/page/{page().version}/{path}")).status == 404


async def test_the_page_is_asked_for_again_and_sent_only_if_it_has_changed(
    gateway: Gateway,
) -> None:
    for path in ("/", app_js()):
        for coding in ("gzip", "identity"):
            fields = {"Accept-Encoding": coding}
            first = await gateway.client.get(path, headers=fields)
            tag = first.headers["ETag"]
            for known in (tag, f'W/{tag}, "x"', f'"x", {tag}', "*"):
                again = await gateway.client.get(path, headers={**fields, "If-None-Match": known})
                assert (again.status, await again.read()) == (304, b"")
                assert again.headers["ETag"] == tag
                assert again.headers["Cache-Control"] == first.headers["Cache-Control"]
                assert again.headers["Vary"] == "Accept-Encoding"
            other = await gateway.client.get(path, headers={**fields, "If-None-Match": '"x"'})
            assert other.status == 200
    assert (await gateway.client.get("/")).headers["Cache-Control"] == "no-cache"


async def test_files_are_sent_compressed_to_clients_that_accept_it(gateway: Gateway) -> None:
    # Without the client's own decoding
    tags = set()
    for accepted, compressed in (
        ("gzip, deflate, br, zstd", True), ("gzip;q=0.5", True), ("gzip;q=0", False),
        ("br", False), ("identity", False),
    ):  # fmt: skip
        response = await gateway.client.get(
            app_js(), headers={"Accept-Encoding": accepted}, auto_decompress=False
        )
        body = await response.read()
        assert response.headers["Vary"] == "Accept-Encoding"
        assert (response.headers.get("Content-Encoding") == "gzip") == compressed
        assert (gzip.decompress(body) if compressed else body) == page().files["app.js"].plain
        tags.add((compressed, response.headers["ETag"]))
    assert len(tags) == 2, "each coding has a tag of its own"


async def test_head_is_answered_as_get_without_content(gateway: Gateway) -> None:
    for path in ("/", app_js()):
        got = await gateway.client.get(path, headers=PLAIN)
        head = await gateway.client.head(path, headers=PLAIN)
        assert (head.status, await head.read()) == (200, b"")
        for name in ("Content-Length", "Content-Type", "ETag", "Cache-Control", "Vary"):
            assert head.headers[name] == got.headers[name]
