"""Backup, restore and removal of the stack. The last test of the stack removes it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from csvmill.client import AsyncClient
from tests.compose.files import Sample
from tests.compose.stack import docker
from tests.compose.waiting import documented, result_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.compose.stack import Stack


async def test_a_backup_is_restored_as_documented_with_its_jobs_and_results(
    stack: Stack, tmp_path: Path
) -> None:
    # Given a finished job
    sample = Sample(tmp_path / "plays.csv", 1_000)
    backup, restore = documented("## Back up and restore")
    async with AsyncClient(stack.url) as client:
        job_id = await client.upload(sample.path)
        assert await result_of(client, job_id, tmp_path) == sample.result
        # When the stack is backed up, removed with its volumes, and restored
        await asyncio.to_thread(stack.shell, backup, tmp_path)
        assert (tmp_path / "backup/blobs.tar").stat().st_size > sample.size
        await asyncio.to_thread(stack.compose, "down", "--volumes")
        await asyncio.to_thread(stack.shell, restore, tmp_path)
        await asyncio.to_thread(stack.up, gateway=2)
        # Then the result can be downloaded, and new jobs succeed
        (tmp_path / job_id).unlink()
        assert await result_of(client, job_id, tmp_path) == sample.result
        assert await result_of(client, await client.upload(sample.path), tmp_path) == sample.result


async def test_down_removes_everything(stack: Stack) -> None:
    stack.down()
    label = f"label=com.docker.compose.project={stack.project}"
    for kind in (["ps", "--all"], ["volume", "ls"], ["network", "ls"]):
        assert docker(*kind, "--quiet", "--filter", label) == ""
    assert docker("images", "--quiet", stack.image) == ""
