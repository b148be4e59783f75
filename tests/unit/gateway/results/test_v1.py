"""`GET` and `HEAD /api/v1/jobs/{job_id}/result`, where it differs from the older download."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import http.client
import random
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from shared.aggregation.spec import SONG_PLAYS
from tests.unit.gateway.results.test_download import ask

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from shared.aggregation.formats import FormatName
    from tests.unit.gateway.conftest import Gateway

# Several pieces, and half of it can be compressed.
RESULT = random.Random(4).randbytes(1_500_000) + b"Hello,2026-01-01,7\n" * 80_000
SHA256 = hashlib.sha256(RESULT).hexdigest()
VARY = "Accept-Encoding, Accept, Sec-Fetch-Mode"
BROWSERS = "gzip, deflate, br, zstd"
"""What browsers accept, in each of their requests."""
DECODERS = {"gzip": gzip.decompress, "zstd": zstd.decompress}


@pytest.fixture
async def path(gateway: Gateway) -> str:
    """The path of a result of 3 MB."""
    job = await gateway.finished_job(RESULT)
    return f"/api/v1/jobs/{job.id}/result"


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
async def test_an_accepted_content_coding_is_used(gateway: Gateway, path: str, coding: str) -> None:
    status, headers, body = await ask(gateway, path, Accept_Encoding=coding)
    assert (status, headers["Content-Encoding"]) == (200, coding)
    assert DECODERS[coding](body) == RESULT
    assert len(body) < len(RESULT)
    assert headers["ETag"] == f'W/"{SHA256}-{coding}"'
    assert headers["Vary"] == VARY
    # Fields that are unknown before the content is sent, or that do not apply
    for field in ("Content-Length", "Accept-Ranges", "Repr-Digest", "Content-Digest"):
        assert field not in headers
    _, of_head, nothing = await ask(gateway, path, "HEAD", Accept_Encoding=coding)
    assert nothing == b""
    assert of_head["ETag"] == headers["ETag"]
    assert of_head["Content-Encoding"] == coding
    assert "Content-Length" not in of_head


@pytest.mark.parametrize(
    ("output", "media_type", "coding"),
    [
        ("csv", "text/csv; charset=utf-8", "zstd"),
        ("csv.gz", "application/gzip", None),
        ("csv.zst", "application/zstd", None),
        ("jsonl", "application/x-ndjson", "zstd"),
        ("parquet", "application/vnd.apache.parquet", None),
    ],
)
async def test_each_format_has_its_media_type_and_compressed_formats_get_no_coding(
    gateway: Gateway, output: FormatName, media_type: str, coding: str | None
) -> None:
    job = await gateway.finished_job(RESULT, aggregation=replace(SONG_PLAYS, output=output))
    path = f"/api/v1/jobs/{job.id}/result"

    _, headers, _ = await ask(gateway, path, Accept_Encoding="zstd")
    status, partial, body = await ask(gateway, path, Range="bytes=5-9")

    assert (headers["Content-Type"], headers["Content-Encoding"]) == (media_type, coding)
    assert (status, partial["Content-Type"], body) == (206, media_type, RESULT[5:10])
    name = "plays.csv" if output == "csv" else f"plays.{output}"
    assert headers["Content-Disposition"] == f'attachment; filename="{name}"'


async def test_there_is_no_coding_without_accept_encoding(gateway: Gateway, path: str) -> None:
    for accepted in ({}, {"Accept_Encoding": "identity"}, {"Accept_Encoding": "br"}):
        status, headers, body = await ask(gateway, path, **accepted)
        assert (status, body == RESULT, headers["Content-Encoding"]) == (200, True, None)
        assert headers["ETag"] == f'"{SHA256}"'
        assert headers["Vary"] == VARY
        assert headers["Cache-Control"] == "private, max-age=604800, immutable, no-transform"


async def test_the_older_download_has_no_content_coding(gateway: Gateway, path: str) -> None:
    older = path.replace("/v1/jobs/", "/download_file/").removesuffix("/result")
    for accepted in ("gzip, zstd", "gzip, identity;q=0"):
        status, headers, body = await ask(gateway, older, Accept_Encoding=accepted)
        assert (status, body == RESULT, headers["Content-Encoding"]) == (200, True, None)
        assert "Vary" not in headers


@pytest.mark.parametrize(
    "fields",
    [
        {"Sec_Fetch_Mode": "navigate"},
        {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"},
    ],
    ids=["secure origin", "other origin"],
)
async def test_what_a_browser_saves_can_be_resumed(
    gateway: Gateway, path: str, fields: dict[str, str]
) -> None:
    status, headers, body = await ask(gateway, path, Accept_Encoding=BROWSERS, **fields)
    assert (status, headers["Content-Encoding"], body == RESULT) == (200, None, True)
    assert (headers["Accept-Ranges"], headers["ETag"]) == ("bytes", f'"{SHA256}"')
    assert (headers["Content-Length"], headers["Vary"]) == (str(len(RESULT)), VARY)
    status, headers, body = await ask(
        gateway,
        path,
        Accept_Encoding=BROWSERS,
        Range="bytes=9-",
        If_Range=headers["ETag"],
        **fields,
    )
    assert (status, body == RESULT[9:]) == (206, True)
    # Unless it refuses that
    status, headers, _ = await ask(gateway, path, Accept_Encoding="gzip, identity;q=0", **fields)
    assert (status, headers["Content-Encoding"]) == (200, "gzip")


async def test_scripts_of_pages_get_a_coding_as_other_programs_do(
    gateway: Gateway, path: str
) -> None:
    _, headers, body = await ask(
        gateway, path, Accept_Encoding=BROWSERS, Accept="*/*", Sec_Fetch_Mode="cors"
    )
    assert (headers["Content-Encoding"], DECODERS["zstd"](body) == RESULT) == ("zstd", True)


@pytest.mark.parametrize("output", ["result", "rejects"])
async def test_a_url_can_ask_for_no_coding(gateway: Gateway, path: str, output: str) -> None:
    url = path.removesuffix("result") + output
    status, headers, _ = await ask(gateway, f"{url}?encoding=identity", Accept_Encoding=BROWSERS)
    assert (status, headers["Content-Encoding"], headers["Accept-Ranges"]) == (200, None, "bytes")
    assert "Vary" not in headers
    status, headers, body = await ask(gateway, f"{url}?encoding=zstd")
    assert (status, headers["Content-Type"]) == (400, "application/problem+json; charset=utf-8")
    assert b"encoding is 'zstd'; send identity" in body


async def test_an_http_1_0_client_can_get_a_content_coding(gateway: Gateway, path: str) -> None:
    reader, writer = await asyncio.open_connection(*gateway.address)
    writer.write(f"GET {path} HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n".encode())
    head, _, body = (await asyncio.wait_for(reader.read(), 30)).partition(b"\r\n\r\n")
    writer.close()
    assert b"Transfer-Encoding" not in head
    assert gzip.decompress(body) == RESULT


async def test_each_coding_has_its_own_etag(gateway: Gateway, path: str) -> None:
    for coding in ("gzip", "zstd"):
        tag = f'W/"{SHA256}-{coding}"'
        status, headers, body = await ask(gateway, path, Accept_Encoding=coding, If_None_Match=tag)
        assert (status, headers["ETag"], body) == (304, tag, b"")
        assert headers["Vary"] == VARY
        assert headers["Cache-Control"] == "private, max-age=604800, immutable, no-transform"
        for other in ({}, {"Accept_Encoding": "gzip" if coding == "zstd" else "zstd"}):
            assert (await ask(gateway, path, If_None_Match=tag, **other))[0] == 200


async def test_ranges_refer_to_the_result_without_coding(gateway: Gateway, path: str) -> None:
    # A request for a range gets it without a coding
    status, headers, body = await ask(
        gateway, path, Accept_Encoding="gzip, zstd", Range="bytes=5-9"
    )
    assert (status, headers["Content-Encoding"], body) == (206, None, RESULT[5:10])
    assert headers["ETag"] == f'"{SHA256}"'
    # Unless it refuses that
    status, headers, body = await ask(
        gateway, path, Accept_Encoding="gzip, identity;q=0", Range="bytes=5-9"
    )
    assert (status, headers["Content-Encoding"]) == (200, "gzip")
    assert gzip.decompress(body) == RESULT


async def test_an_encoded_download_is_not_resumed_without_its_coding(
    gateway: Gateway, path: str
) -> None:
    tag = f'W/"{SHA256}-gzip"'
    for validator in (tag, tag.removeprefix("W/")):
        status, headers, body = await ask(
            gateway, path, Accept_Encoding="gzip", Range="bytes=5-", If_Range=validator
        )
        assert (status, headers["Content-Encoding"], body == RESULT) == (200, None, True)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_no_acceptable_coding_is_406(gateway: Gateway, path: str, method: str) -> None:
    for accepted in ("identity;q=0", "*;q=0", "br, identity;q=0"):
        status, headers, body = await ask(gateway, path, method, Accept_Encoding=accepted)
        assert (status, headers["Vary"]) == (406, VARY)
        assert headers["Content-Type"].startswith("application/problem+json")
        assert b"Accept-Encoding" in body or method == "HEAD"


async def test_an_interrupted_download_does_not_look_complete(gateway: Gateway) -> None:
    # Given a result whose file was truncated
    job = await gateway.finished_job(random.Random(1).randbytes(24_000_000))
    assert job.result is not None
    file = gateway.blobs.local_path(job.result.key)
    assert file is not None
    with file.open("r+b") as data:
        data.truncate(12_000_000)
    for coding in ("gzip", "zstd"):
        with pytest.raises((http.client.IncompleteRead, ConnectionError)):
            await ask(gateway, f"/api/v1/jobs/{job.id}/result", Accept_Encoding=coding)


async def test_errors_are_problem_details(gateway: Gateway, path: str) -> None:
    async def problem(path: str, **headers: str) -> tuple[int, str]:
        response = await gateway.client.get(path, headers=headers)
        assert response.content_type == "application/problem+json"
        answer = await response.json()
        assert answer["status"] == response.status
        return response.status, answer["type"]

    pending = await gateway.pending_job()
    assert await problem(f"/api/v1/jobs/{pending.id}/result") == (
        409,
        "urn:csvmill:problem:no-result",
    )
    assert await problem("/api/v1/jobs/1/result") == (404, "urn:csvmill:problem:job-not-found")
    for status, name, fields in (
        (416, "range-not-satisfiable", {"Range": "bytes=99999999-"}),
        (412, "precondition-failed", {"If-Match": '"x"'}),
        (406, "not-acceptable", {"Accept-Encoding": "br, identity;q=0"}),
    ):
        assert await problem(path, **fields) == (status, f"urn:csvmill:problem:{name}")
    await gateway.jobs.expire(finished_before=time.time() + 1, now=time.time(), limit=9)
    assert await problem(path) == (410, "urn:csvmill:problem:result-expired")
