"""The counters of blobs."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from prometheus_client import CollectorRegistry

from shared.blobs.blob import result_key, upload_key
from storage.filesystem.blobs import FilesystemBlobs
from storage.metrics import StorageMetrics

if TYPE_CHECKING:
    from pathlib import Path


async def test_blobs_are_counted_once_when_created_and_when_removed(tmp_path: Path) -> None:
    registry = CollectorRegistry()

    def counted(kind: str, state: str) -> float | None:
        return registry.get_sample_value(
            "csvmill_storage_blobs_total", {"kind": kind, "state": state}
        )

    job, a, b, c, d = (UUID(int=number) for number in range(5))
    async with FilesystemBlobs(tmp_path / "blobs", listener=StorageMetrics(registry)) as blobs:
        for upload_id in (a, b, b, c):
            await blobs.create(upload_key(upload_id), 0)
        await blobs.create(result_key(job, 1), 0)
        await blobs.assemble(upload_key(d), [upload_key(a), upload_key(b)])
        await blobs.delete(upload_key(a))
        await blobs.delete(upload_key(a))
        assert await blobs.expire(upload_key(b), idle_for=0)
        assert not await blobs.expire(upload_key(c), idle_for=3600)
    uploads = [counted("uploads", state) for state in ("begun", "removed", "expired")]
    assert uploads == [4, 1, 1]
    results = [counted("results", state) for state in ("begun", "removed", "expired")]
    assert results == [1, 0, 0]
