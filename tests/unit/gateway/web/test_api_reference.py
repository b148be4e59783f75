"""`GET /docs` and its files: what is sent, and that the renderer is the one that is pinned."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gateway.web.api_reference import reference

if TYPE_CHECKING:
    from tests.unit.gateway.conftest import Gateway

ROOT = Path(__file__).parents[4]
VENDOR = ROOT / "gateway/web/reference/vendor"


async def test_the_html_loads_only_files_that_are_there(gateway: Gateway) -> None:
    response = await gateway.client.get("/docs")
    assert (response.status, response.content_type) == (200, "text/html")
    assert response.headers["Cache-Control"] == "no-cache"
    loaded = re.findall(r'(?:src|href)="([^"]+\.(?:js|css|svg))"', await response.text())
    assert len(loaded) == 5
    for path in loaded:
        # Relative, so that they are found below a path prefix too
        assert not path.startswith(("/", "http"))
        assert (await gateway.client.get(f"/{path}")).status == 200


async def test_the_policy_allows_nothing_from_elsewhere_and_no_evaluation(gateway: Gateway) -> None:
    response = await gateway.client.get("/docs")
    policy = dict(
        directive.split(" ", 1)
        for directive in response.headers["Content-Security-Policy"].split("; ")
    )
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert not re.search(r"unsafe-eval|https?:|\*", " ".join(policy.values()))
    assert response.headers["X-Frame-Options"] == "DENY"


async def test_its_files_are_cached_for_ever_in_the_url_of_their_version(gateway: Gateway) -> None:
    for version, cached in ((reference().version, "immutable"), ("0", "no-cache")):
        path = f"/docs/{version}/vendor/swagger-ui-bundle.js"
        response = await gateway.client.get(path, headers={"Accept-Encoding": "gzip"})
        assert (response.status, response.content_type) == (200, "text/javascript")
        assert response.headers["Content-Encoding"] == "gzip"
        assert cached in response.headers["Cache-Control"]
        assert await response.read() == (VENDOR / "swagger-ui-bundle.js").read_bytes()


@pytest.mark.parametrize("path", ["index.html", "vendor", "vendor/SHA256SUMS", "../files.py"])
async def test_other_files_are_not_sent(gateway: Gateway, path: str) -> None:
    assert (await gateway.client.get(f"/docs/{reference().version}/{path}")).status == 404


def test_the_renderer_is_unchanged_and_comes_with_its_licences() -> None:
    lines = [line.split("  ") for line in (VENDOR / "SHA256SUMS").read_text().splitlines()]
    listed = {name: digest for digest, name in lines}
    there = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.iterdir()
        if path.name != "SHA256SUMS"
    }
    assert there == listed
    assert "Apache License" in (VENDOR / "LICENSE.txt").read_text()


def test_the_renderer_is_of_the_version_that_is_pinned() -> None:
    folder = ROOT / "requirements/reference"
    wanted = json.loads((folder / "package.json").read_text())["dependencies"]["swagger-ui-dist"]
    locked = json.loads((folder / "package-lock.json").read_text())["packages"]
    assert locked["node_modules/swagger-ui-dist"]["version"] == wanted
    # Swagger UI writes its version into its program.
    assert f'"{wanted}"' in (VENDOR / "swagger-ui-bundle.js").read_text()
