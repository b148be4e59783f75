"""A service that is started for one program answers to no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp
import pytest

from csvmill.client import AsyncClient, Refused
from csvmill.standalone.child import local_service

if TYPE_CHECKING:
    from pathlib import Path


async def test_only_the_holder_of_the_token_reaches_the_service(tmp_path: Path) -> None:
    data = tmp_path / "plays.csv"
    data.write_text("Song,Date,Number of Plays\na,2026-01-01,1\n")
    async with local_service(tmp_path / "data", tmp_path / "log", token="secret") as url:
        async with AsyncClient(url, api_key="secret") as client:
            job = await client.upload(data)
            assert (await client.wait(job)).state == "SUCCESS"
        async with AsyncClient(url) as stranger:
            with pytest.raises(Refused) as refused:
                await stranger.job(job)
            assert refused.value.status == 401
        async with aiohttp.ClientSession() as page:
            headers = {"Origin": "https://evil.example"}
            answer = await page.delete(f"{url}/api/v1/jobs/{job}", headers=headers)
            assert answer.status == 403
            answer = await page.get(f"{url}/api/v1/jobs", headers={"Host": "evil.example"})
            assert answer.status == 421
    assert "secret" not in (tmp_path / "log").read_text()


@pytest.mark.parametrize("needless", [True, False])
async def test_a_service_whose_data_is_not_needed_any_more_is_killed(
    tmp_path: Path, needless: bool
) -> None:
    log = tmp_path / "log"
    async with (
        local_service(tmp_path / "data", log, is_needless=lambda: needless) as url,
        AsyncClient(url) as client,
    ):
        await client.about()
    stopped = not (tmp_path / "data" / "jobs.sqlite-wal").exists()
    assert stopped != needless
    with pytest.raises(aiohttp.ClientError):
        async with aiohttp.ClientSession() as session:
            await session.get(url)


@pytest.mark.parametrize("key", ["", "two words", "line\nbreak", "k\u00e9y"])
async def test_a_key_that_no_header_can_have_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(ValueError, match="this is not a valid API key") as error:
        AsyncClient("http://127.0.0.1", api_key=key)
    assert not key or key not in str(error.value)
