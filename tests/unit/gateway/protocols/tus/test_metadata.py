"""`Upload-Metadata` of the tus protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.gateway.protocols.tus.test_handlers import ask, created, encoded

if TYPE_CHECKING:
    from tests.unit.gateway.conftest import Gateway


@pytest.mark.parametrize(
    ("filetype", "name"),
    [
        ("application/gzip", "upload.csv.gz"),
        ("Application/ZIP; x=y", "upload.csv.zip"),
        ("text/tab-separated-values", "upload.tsv"),
        ("text/csv", "upload.csv"),
        ("", "upload.csv"),
    ],
)
async def test_a_file_without_a_name_is_named_after_its_type(
    gateway: Gateway, filetype: str, name: str
) -> None:
    path = await created(gateway, 0, Upload_Metadata=f"filetype {encoded(filetype)}")
    view = await gateway.client.get(path.replace("/api/tus/", "/api/v1/uploads/"))
    assert (await view.json())["name"] == name


async def test_a_file_with_a_name_of_any_type_keeps_it(gateway: Gateway) -> None:
    given = f"filetype {encoded('application/gzip')},filename {encoded('a.csv')}"
    path = await created(gateway, 0, Upload_Metadata=given)
    view = await gateway.client.get(path.replace("/api/tus/", "/api/v1/uploads/"))
    assert (await view.json())["name"] == "a.csv"


async def test_unused_metadata_may_be_any_bytes(gateway: Gateway) -> None:
    given = f"thumbnail {encoded(bytes(range(256)))},filename {encoded('a.csv')}"
    path = await created(gateway, 0, Upload_Metadata=given)
    assert (await ask(gateway, "HEAD", path, 200)).headers["Upload-Metadata"] == given
