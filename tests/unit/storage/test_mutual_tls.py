"""Storage that is called with certificates, as real processes."""

from __future__ import annotations

import ssl
import urllib.request
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from pydantic import ValidationError

from shared.blobs.blob import upload_key
from shared.blobs.client import HttpBlobs
from shared.blobs.mutual_tls import MutualTlsSettings
from shared.errors import InvalidInput, StorageUnavailable
from tests.blob_backends import read, stream
from tests.certificates import Authority
from tests.processes import ServiceProcess

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = upload_key(UUID(int=1))
TOKEN = "a token"
CONTENT = bytes(range(256)) * 8192


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"), "authority")


@pytest.fixture(scope="module")
def storage(
    authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServiceProcess]:
    folder = tmp_path_factory.mktemp("storage")
    settings = {
        "data_dir": folder / "data",
        "storage_token": TOKEN,
        "storage_port": 0,
        **authority.settings("storage"),
    }
    env = {f"CSVMILL_{name.upper()}": str(value) for name, value in settings.items()}
    with ServiceProcess("storage", log_path=folder / "storage.log", env=env) as process:
        yield process


def caller(authority: Authority, name: str = "gateway") -> ssl.SSLContext:
    context = MutualTlsSettings.model_validate(authority.settings(name)).tls_of_client()
    assert context is not None
    return context


def without_certificate(authority: Authority) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=authority.path)


async def test_bytes_pass_between_services_that_show_certificates(
    storage: ServiceProcess, authority: Authority
) -> None:
    assert storage.url.startswith("https://")
    async with HttpBlobs(storage.url, TOKEN, tls=caller(authority)) as blobs:
        await blobs.create(KEY, len(CONTENT))
        await blobs.write(KEY, 0, stream(CONTENT[:1_000_000], CONTENT[1_000_000:]))
        assert await read(blobs, KEY) == CONTENT


async def test_a_caller_without_a_certificate_is_refused_although_it_has_the_token(
    storage: ServiceProcess, authority: Authority
) -> None:
    async with HttpBlobs(storage.url, TOKEN, tls=without_certificate(authority)) as blobs:
        with pytest.raises(StorageUnavailable, match="certificate of CSVMILL_INTERNAL_CA"):
            await blobs.info(KEY)


async def test_a_caller_with_a_certificate_needs_the_token_too(
    storage: ServiceProcess, authority: Authority
) -> None:
    async with HttpBlobs(storage.url, "another", tls=caller(authority)) as blobs:
        with pytest.raises(StorageUnavailable, match="CSVMILL_STORAGE_TOKEN"):
            await blobs.info(KEY)


async def test_certificates_of_another_authority_are_refused_by_both_ends(
    storage: ServiceProcess, authority: Authority, tmp_path: Path
) -> None:
    stranger = Authority(tmp_path, "stranger")
    # A caller that would trust storage, with a certificate of the other
    certificate, key = stranger.issue("gateway")
    trusting = without_certificate(authority)
    trusting.load_cert_chain(certificate, key)
    for tls in (trusting, caller(stranger)):
        async with HttpBlobs(storage.url, TOKEN, tls=tls) as blobs:
            with pytest.raises(StorageUnavailable):
                await blobs.info(KEY)


async def test_plain_http_is_not_answered(storage: ServiceProcess) -> None:
    async with HttpBlobs(storage.url.replace("https", "http"), TOKEN) as blobs:
        with pytest.raises(StorageUnavailable):
            await blobs.info(KEY)


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_probes_need_no_certificate(
    storage: ServiceProcess, authority: Authority, path: str
) -> None:
    with urllib.request.urlopen(  # noqa: S310  (the URL is that of the process)
        f"{storage.url}{path}", context=without_certificate(authority), timeout=60
    ) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("missing", ["internal_ca", "internal_certificate", "internal_key"])
def test_two_of_the_three_files_are_refused(authority: Authority, missing: str) -> None:
    given = authority.settings("gateway") | {missing: ""}
    with pytest.raises(ValidationError, match=r"CSVMILL_INTERNAL_CA.*or none of them"):
        MutualTlsSettings.model_validate(given)


def test_files_that_cannot_be_used_are_refused(authority: Authority, tmp_path: Path) -> None:
    settings = authority.settings("gateway")
    _, key_of_another = authority.issue("another")
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    for wrong in (
        {"internal_key": key_of_another},
        {"internal_ca": empty},
        {"internal_certificate": tmp_path / "missing.pem"},
    ):
        with pytest.raises(InvalidInput, match="the files cannot be used"):
            MutualTlsSettings.model_validate(settings | wrong).tls_of_client()


def test_without_files_there_is_no_tls() -> None:
    settings = MutualTlsSettings()
    assert settings.tls_of_client() is None
    assert settings.tls_of_server() is None
