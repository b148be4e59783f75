"""A processor sweeps with the shortest retention while another processor runs a job."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING
from uuid import UUID

from csvmill.client import AsyncClient
from gateway.uploads.upload import upload_id_of
from shared.blobs.blob import result_key, upload_key
from shared.errors import BlobNotFound
from tests.chunks import get, send_chunk
from tests.gate import Gate
from tests.integration.plays import PLAYS
from tests.services import line, until

if TYPE_CHECKING:
    from pathlib import Path

    from shared.blobs.blob import BlobKey
    from shared.jobs.store import SqlJobStore
    from tests.processes import ServiceProcess
    from tests.services import Services

SHORTEST = {
    "upload_ttl": 0.1,
    "result_ttl": 0.1,
    "sweep_grace": 0,
    "sweep_interval": 0.1,
}


async def test_the_input_of_a_running_job_survives_every_sweep_and_is_removed_afterwards(
    services: Services, gateway: ServiceProcess, store: SqlJobStore, tmp_path: Path
) -> None:
    async with services.blobs() as blobs:

        async def is_gone(key: BlobKey) -> bool:
            try:
                await blobs.info(key)
            except BlobNotFound:
                return True
            return False

        # Given a job during its second attempt, because the first was lost
        gate = Gate(tmp_path, "swept", PLAYS)
        with closing(gate):
            with services.processor(blob_dir=gate.blob_dir) as first:
                job_id = UUID((await send_chunk(gateway.url, "swept", PLAYS)).job_id)
                await gate.reached()
                first.kill()
            async with services.blobs() as orphan:
                await orphan.create(result_key(job_id, 1), 5)
            again = Gate(tmp_path / "again", "swept", PLAYS)
            with closing(again), services.processor(blob_dir=again.blob_dir) as worker:
                await again.reached()
                # When a sweeper has removed everything that it may remove
                await send_chunk(gateway.url, "left", PLAYS, stop=10)
                with services.processor(**SHORTEST) as sweeper:
                    for key in (upload_key(upload_id_of("left")), result_key(job_id, 1)):
                        await line(sweeper, f"removed {key}")
                        assert await is_gone(key)
                    # Then the input still exists, and the job succeeds
                    assert (await blobs.info(upload_key(upload_id_of("swept")))).complete
                    again.open()
                    async with AsyncClient(gateway.url) as client:
                        await client.wait(str(job_id), timeout=30)
                    await line(worker, f"job={job_id} attempt=2 succeeded")
                    # And after its TTL, input and result are removed, and clients get 410
                    for key in (upload_key(upload_id_of("swept")), result_key(job_id, 2)):
                        await line(sweeper, f"removed {key}")
                    gone = await get(f"{gateway.url}/api/download_file/{job_id}")
                    assert gone.status == 410
        assert [a.outcome for a in await store.attempts(job_id)] == ["lost", "success"]
        await until(lambda: is_gone(upload_key(upload_id_of("swept"))))
