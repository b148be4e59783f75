"""Downloads in ranges: resumed, verified and atomic."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import re
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from csvmill.client import ClientError, NotVerified, Refused, TransferProgress
from csvmill.client import downloading as downloading_module

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.csvmill.client.conftest import ClientOf

KIB = 1 << 10
CONTENT = random.Random(2).randbytes(100 * KIB)
SHA256 = hashlib.sha256(CONTENT)
NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
"""The SHA-256 of an empty file."""


class Server:
    """Serves `content` in ranges, with faults on request."""

    def __init__(self, content: bytes = CONTENT) -> None:
        self.content = content
        self.headers = {"ETag": f'"{SHA256.hexdigest()}"'}
        self.parts: list[tuple[int, int]] = []
        self.break_after: list[int] = []
        """Bytes after which the connections of the next parts break."""
        self.damage = 0
        """How many of the next parts have a wrong byte."""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        match = re.fullmatch(r"bytes=(\d+)-(\d+)", request.headers["Range"])
        assert match
        first, last = int(match[1]), int(match[2])
        if request.headers.get("If-Match", self.headers.get("ETag")) != self.headers.get("ETag"):
            return web.json_response({"type": "about:blank", "title": "changed"}, status=412)
        data = self.content[first : last + 1]
        describes_only = "If-Match" not in request.headers
        if not describes_only:
            self.parts.append((first, last + 1))
            if self.damage:
                self.damage -= 1
                data = bytes([data[0] ^ 1]) + data[1:]
        response = web.StreamResponse(
            status=206,
            headers={
                **self.headers,
                "Content-Range": f"bytes {first}-{last}/{len(self.content)}",
                "Content-Length": str(len(data)),
            },
        )
        await response.prepare(request)
        if self.break_after and not describes_only:
            await response.write(data[: self.break_after.pop(0)])
            assert request.transport
            request.transport.close()
            return response
        await response.write(data)
        return response


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloading_module, "PART_SIZE", 40 * KIB)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_a_result_is_downloaded_in_parts_and_appears_complete(
    client_of: ClientOf, tmp_path: Path
) -> None:
    server, target, seen = Server(), tmp_path / "totals.csv", list[TransferProgress]()
    async with client_of(server.handle) as client:
        result = await client.download("j", target, progress=seen.append)
    assert (result.size, result.sha256) == (len(CONTENT), SHA256.hexdigest())
    assert sorted(server.parts) == [
        (0, 40 * KIB), (40 * KIB, 80 * KIB), (80 * KIB, 100 * KIB)
    ]  # fmt: skip
    assert (names(tmp_path), target.read_bytes()) == (["totals.csv"], CONTENT)
    assert (seen[0].done, seen[-1].done) == (0, len(CONTENT))


async def test_a_broken_part_continues_at_the_next_byte(
    client_of: ClientOf, tmp_path: Path
) -> None:
    server = Server()
    # More breaks than retries: retries start again after bytes have arrived
    server.break_after = [3 * KIB] * 12
    async with client_of(server.handle) as client:
        await client.download("j", tmp_path / "totals.csv", parallel=1)
    assert server.parts[:3] == [(0, 40 * KIB), (3 * KIB, 40 * KIB), (6 * KIB, 40 * KIB)]
    assert (tmp_path / "totals.csv").read_bytes() == CONTENT


async def test_bytes_from_an_earlier_call_are_not_downloaded_again(
    client_of: ClientOf, tmp_path: Path
) -> None:
    server, target = Server(), tmp_path / "totals.csv"
    target.write_text("what was there before")
    server.break_after = [KIB] + [0] * 100
    async with client_of(server.handle) as client:
        with pytest.raises(ClientError):
            await client.download("j", target, parallel=1)
        assert target.read_text() == "what was there before"
        assert names(tmp_path) == ["totals.csv", "totals.csv.part", "totals.csv.part.json"]
        server.break_after, server.parts, seen = [], [], list[TransferProgress]()
        await client.download("j", target, parallel=1, progress=seen.append)
    assert server.parts[0] == (KIB, 41 * KIB)
    assert seen[0] == TransferProgress(KIB, len(CONTENT), KIB)
    assert (names(tmp_path), target.read_bytes()) == (["totals.csv"], CONTENT)


async def test_a_damaged_download_is_refused_and_the_target_is_unchanged(
    client_of: ClientOf, tmp_path: Path
) -> None:
    server, target = Server(), tmp_path / "totals.csv"
    target.write_text("what was there before")
    server.damage = 1
    async with client_of(server.handle) as client:
        with pytest.raises(NotVerified, match=SHA256.hexdigest()):
            await client.download("j", target)
        assert target.read_text() == "what was there before"
        # The same call starts over
        await client.download("j", target)
    assert target.read_bytes() == CONTENT


async def test_damage_in_a_partial_file_repeats_the_whole_download_once(
    client_of: ClientOf, tmp_path: Path
) -> None:
    # After a loss of power the record can cover more than the file
    server, partial = Server(), tmp_path / "totals.csv.part"
    partial.write_bytes(bytes(50 * KIB))
    record = {"size": len(CONTENT), "etag": server.headers["ETag"], "received": [[0, 50 * KIB]]}
    partial.with_name("totals.csv.part.json").write_text(json.dumps(record))
    async with client_of(server.handle) as client:
        await client.download("j", tmp_path / "totals.csv", parallel=1)
    assert [start for start, _ in server.parts] == [50 * KIB, 90 * KIB, 0, 40 * KIB, 80 * KIB]
    assert (tmp_path / "totals.csv").read_bytes() == CONTENT


@pytest.mark.parametrize(
    "record",
    [
        "",
        "{}",
        '{"size": 1, "etag": "x", "received": [[0, 1]]}',
        json.dumps({"size": len(CONTENT), "etag": '"another"', "received": [[0, 50]]}),
        json.dumps(
            {"size": len(CONTENT), "etag": f'"{SHA256.hexdigest()}"', "received": [[0, 9999]]}
        ),
        json.dumps({"size": len(CONTENT), "etag": f'"{SHA256.hexdigest()}"', "received": [[5, 1]]}),
    ],
)
async def test_a_record_that_does_not_match_is_ignored(
    client_of: ClientOf, tmp_path: Path, record: str
) -> None:
    server = Server()
    (tmp_path / "totals.csv.part").write_bytes(b"x" * 50)
    (tmp_path / "totals.csv.part.json").write_text(record)
    async with client_of(server.handle) as client:
        await client.download("j", tmp_path / "totals.csv")
    assert sum(stop - start for start, stop in server.parts) == len(CONTENT)
    assert (tmp_path / "totals.csv").read_bytes() == CONTENT


async def test_a_result_that_changes_during_the_download_is_refused(
    client_of: ClientOf, tmp_path: Path
) -> None:
    server = Server()

    async def change(request: web.Request) -> web.StreamResponse:
        if len(server.parts) == 1:
            server.headers = {"ETag": '"' + "0" * 64 + '"'}
        return await server.handle(request)

    async with client_of(change) as client:
        with pytest.raises(Refused, match="changed"):
            await client.download("j", tmp_path / "totals.csv", parallel=1)
    assert not (tmp_path / "totals.csv").exists()


async def test_the_digest_comes_from_repr_digest_or_from_a_hexadecimal_etag(
    client_of: ClientOf,
) -> None:
    server = Server()
    encoded = base64.b64encode(SHA256.digest()).decode()
    async with client_of(server.handle) as client:
        assert (await client.result("j")).sha256 == SHA256.hexdigest()
        server.headers = {"ETag": '"v1"', "Repr-Digest": f"sha-512=:AAAA:, sha-256=:{encoded}:"}
        assert (await client.result("j")).sha256 == SHA256.hexdigest()
        for headers in ({"ETag": '"v1"'}, {}, {"ETag": f'W/"{SHA256.hexdigest()}"'}):
            server.headers = headers
            with pytest.raises(ClientError, match="no SHA-256"):
                await client.result("j")


class NothingToServe:
    """Answers for an empty file, which cannot satisfy any range (RFC 9110, 14.1.2)."""

    def __init__(self) -> None:
        self.headers = {"ETag": f'"{NOTHING}"', "Content-Range": "bytes */0"}

    async def handle(self, request: web.Request) -> web.StreamResponse:
        assert request.headers["Range"] == "bytes=0-0"
        body = {"type": "about:blank", "title": "begins beyond the end"}
        return web.json_response(body, status=416, headers=self.headers)


@pytest.mark.parametrize("etag", [f'"{NOTHING}"', '"v1"'])
async def test_an_empty_result_is_downloaded(
    client_of: ClientOf, tmp_path: Path, etag: str
) -> None:
    server, target, seen = NothingToServe(), tmp_path / "totals.jsonl", list[TransferProgress]()
    server.headers["ETag"] = etag
    target.write_text("what was there before")
    (tmp_path / "totals.jsonl.part").write_text("of another result")
    async with client_of(server.handle) as client:
        result = await client.download("j", target, progress=seen.append)
        assert await client.result("j") == result
    assert (result.size, result.etag, result.sha256) == (0, etag, NOTHING)
    assert (names(tmp_path), target.read_bytes()) == (["totals.jsonl"], b"")
    assert seen == [TransferProgress(0, 0, 0)]


@pytest.mark.parametrize(
    "headers",
    [
        {"ETag": f'"{SHA256.hexdigest()}"'},
        {"ETag": '"v1"', "Repr-Digest": f"sha-256=:{base64.b64encode(SHA256.digest()).decode()}:"},
    ],
)
async def test_an_empty_result_with_another_digest_is_not_verified(
    client_of: ClientOf, tmp_path: Path, headers: dict[str, str]
) -> None:
    server = NothingToServe()
    server.headers |= headers
    async with client_of(server.handle) as client:
        with pytest.raises(NotVerified, match=SHA256.hexdigest()):
            await client.download("j", tmp_path / "totals.jsonl")
    assert not (tmp_path / "totals.jsonl").exists()


@pytest.mark.parametrize(
    "headers",
    [
        {"ETag": f'W/"{NOTHING}"'},
        {"ETag": ""},
        {"Content-Range": f"bytes */{len(CONTENT)}"},
        {"Content-Range": "bytes */*"},
        {"Content-Range": ""},
    ],
)
async def test_another_416_response_is_an_error(
    client_of: ClientOf, tmp_path: Path, headers: dict[str, str]
) -> None:
    server = NothingToServe()
    server.headers |= headers
    async with client_of(server.handle) as client:
        with pytest.raises(ClientError, match=r"SHA-256|in ranges"):
            await client.download("j", tmp_path / "totals.jsonl")
    assert names(tmp_path) == []


async def test_rejects_are_downloaded_like_the_result(client_of: ClientOf, tmp_path: Path) -> None:
    server, requested = Server(), set[str]()

    async def handle(request: web.Request) -> web.StreamResponse:
        requested.add(request.path)
        return await server.handle(request)

    async with client_of(handle) as client:
        view = await client.download_rejects("j", tmp_path / "rejects.csv")
    assert requested == {"/api/v1/jobs/j/rejects"}
    assert view.sha256 == SHA256.hexdigest()
    assert (names(tmp_path), (tmp_path / "rejects.csv").read_bytes()) == (["rejects.csv"], CONTENT)
