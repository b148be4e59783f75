"""`csvmill run` that is killed, interrupted or cut off, and continued."""

from __future__ import annotations

import asyncio
import json
import random
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

from csvmill.client import AsyncClient
from csvmill.commands.exit_codes import Exit
from tests.e2e.runs import (
    PART,
    ROWS,
    WAIT,
    answer,
    exists,
    leftovers,
    link_to,
    result_of,
    settled,
    write_distinct_rows,
)
from tests.services import until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.conftest import Deployment, Standalone
    from tests.processes import ServiceProcess

    Start = Callable[..., ServiceProcess]


async def test_a_run_killed_during_the_upload_sends_only_missing_bytes_when_continued(
    deployment: Deployment, run: Callable[..., ServiceProcess], tmp_path: Path
) -> None:
    expected = write_distinct_rows(tmp_path / "plays.csv", ROWS)
    size = (tmp_path / "plays.csv").stat().st_size
    async with link_to(deployment.url) as link, AsyncClient(deployment.url) as client:
        server = ("--server", f"http://127.0.0.1:{link.port}")
        # Given a run that was killed when half of the file was uploaded
        link.stall(after=size // 2)
        process = run(*server)
        await asyncio.wait_for(link.stalled.wait(), WAIT)
        process.kill()
        key = json.loads((tmp_path / "totals.csv.csvmill" / "run.json").read_text())["key"]
        link.flow()
        assert not (tmp_path / "totals.csv").exists()
        # When the same command is run again
        held = await settled(client, key)
        assert size // 4 < held < size
        process = run(*server)
        output = await asyncio.to_thread(answer, process)
        # Then it sends only the missing bytes
        assert output["uploaded_bytes"] == size - held
    assert (tmp_path / "totals.csv").read_bytes() == expected
    assert leftovers(tmp_path) == []


async def test_a_run_killed_during_the_download_fetches_only_missing_bytes_when_continued(
    deployment: Deployment, run: Callable[..., ServiceProcess], tmp_path: Path
) -> None:
    expected = write_distinct_rows(tmp_path / "plays.csv", ROWS)
    size = (tmp_path / "plays.csv").stat().st_size
    record = tmp_path / "totals.csv.csvmill" / "result.json"

    def recorded() -> int:
        if not record.exists():
            return 0
        return sum(stop - start for start, stop in json.loads(record.read_text())["received"])

    async def half_is_recorded() -> bool:
        return recorded() > len(expected) // 4

    async with link_to(deployment.url) as link:
        server = ("--server", f"http://127.0.0.1:{link.port}")
        link.stall(after=size + len(expected) // 2)
        process = run(*server)
        await asyncio.wait_for(link.stalled.wait(), WAIT)
        await until(half_is_recorded)
        process.kill()
        link.flow()
        held = recorded()
        assert not (tmp_path / "totals.csv").exists()
        process = run(*server)
        output = await asyncio.to_thread(answer, process)
    assert (output["uploaded_bytes"], output["downloaded_bytes"]) == (0, len(expected) - held)
    assert (tmp_path / "totals.csv").read_bytes() == expected
    assert leftovers(tmp_path) == []


async def test_a_killed_run_with_its_own_service_continues_with_the_same_data(
    run: Callable[..., ServiceProcess], tmp_path: Path
) -> None:
    expected = write_distinct_rows(tmp_path / "plays.csv", 2 * ROWS)
    uploads = tmp_path / "totals.csv.csvmill" / "service" / "blobs" / "uploads"
    sizes: list[int] = []

    async def a_part_is_there() -> bool:
        # The journal grows with each chunk, and is replaced by the data when it is complete.
        for journal in uploads.glob("*/journal"):
            with suppress(FileNotFoundError):
                sizes.append(journal.stat().st_size)
        return len(set(sizes) - {0}) > 1 or any(uploads.glob("*/data"))

    process = run("--parallel", "1", "--chunk-size", "16KiB")
    await until(a_part_is_there)
    process.kill()
    output = await asyncio.to_thread(answer, run())
    assert output["uploaded_bytes"] < (tmp_path / "plays.csv").stat().st_size
    assert (tmp_path / "totals.csv").read_bytes() == expected
    assert leftovers(tmp_path) == []


async def test_a_run_interrupted_by_ctrl_c_reports_it_and_can_be_continued(
    shared_standalone: Standalone, run: Callable[..., ServiceProcess], tmp_path: Path
) -> None:
    expected = write_distinct_rows(tmp_path / "plays.csv", ROWS)
    async with link_to(shared_standalone.url) as link:
        server = ("--server", f"http://127.0.0.1:{link.port}")
        link.stall(after=PART)
        process = run(*server)
        await asyncio.wait_for(link.stalled.wait(), WAIT)
        process.send_signal(signal.SIGINT)
        output = await asyncio.to_thread(answer, process, Exit.INTERRUPTED)
        assert (output["error"], output["exit_code"]) == ("interrupted", 130)
        link.flow()
        await asyncio.to_thread(answer, run(*server))
    assert (tmp_path / "totals.csv").read_bytes() == expected


async def test_broken_connections_only_delay_a_run(
    deployment: Deployment, run: Callable[..., ServiceProcess], tmp_path: Path
) -> None:
    expected = write_distinct_rows(tmp_path / "plays.csv", ROWS)
    size = (tmp_path / "plays.csv").stat().st_size
    draw = random.Random(5)
    async with link_to(deployment.url) as link:

        async def cut() -> None:
            for number in range(12):
                link.cut(after=draw.randrange(size // 2), reset=draw.random() < 0.5)
                while link.cuts <= number:  # noqa: ASYNC110  (a proxy sets no event)
                    await asyncio.sleep(0.005)

        cutting = asyncio.create_task(cut())
        process = run("--server", f"http://127.0.0.1:{link.port}")
        output = await asyncio.to_thread(answer, process)
        cutting.cancel()
        assert link.cuts >= 4
    assert output["rows_in"] == ROWS
    assert (tmp_path / "totals.csv").read_bytes() == expected


async def test_a_changed_input_is_refused_and_restart_starts_over(
    shared_standalone: Standalone, run: Callable[..., ServiceProcess], tmp_path: Path
) -> None:
    write_distinct_rows(tmp_path / "plays.csv", ROWS)
    async with link_to(shared_standalone.url) as link, AsyncClient(shared_standalone.url) as client:
        server = ("--server", f"http://127.0.0.1:{link.port}")
        link.stall(after=PART)
        process = run(*server)
        await asyncio.wait_for(link.stalled.wait(), WAIT)
        process.kill()
        link.flow()
        key = json.loads((tmp_path / "totals.csv.csvmill" / "run.json").read_text())["key"]
        # When the file has other content of the same size
        data = (tmp_path / "plays.csv").read_bytes()
        changed = data.replace(b"song 5,", b"song X,")
        (tmp_path / "plays.csv").write_bytes(changed)
        output = await asyncio.to_thread(answer, run(*server), Exit.CHANGED)
        assert output["error"] == "input-changed"
        assert "--restart" in output["message"]
        assert not (tmp_path / "totals.csv").exists()
        # Then only --restart proceeds, with a new upload; the old one is cancelled
        output = await asyncio.to_thread(answer, run(*server, "--restart"))
        assert output["uploaded_bytes"] == len(changed)
        assert not await exists(client, key)
    expected = result_of(changed.decode().splitlines(keepends=True)[1:])
    assert (tmp_path / "totals.csv").read_bytes() == expected


async def test_a_job_that_failed_for_another_reason_is_retried_without_an_upload(
    run: Callable[..., ServiceProcess], tmp_path: Path
) -> None:
    expected = write_distinct_rows(tmp_path / "plays.csv", 50_000)
    limits = {"CSVMILL_TIME_LIMIT": "0.01", "CSVMILL_MAX_ATTEMPTS": "1"}
    output = await asyncio.to_thread(answer, run(env=limits), Exit.UNSUCCESSFUL)
    assert "not done within 0.01 s" in output["message"]
    assert leftovers(tmp_path) == ["totals.csv.csvmill"]
    output = await asyncio.to_thread(answer, run())
    assert output["uploaded_bytes"] == 0
    assert (tmp_path / "totals.csv").read_bytes() == expected
    assert leftovers(tmp_path) == []


async def test_an_unavailable_server_has_its_own_exit_code_and_the_state_is_kept(
    standalone: Standalone, run: Callable[..., ServiceProcess], tmp_path: Path
) -> None:
    expected = write_distinct_rows(tmp_path / "plays.csv", 1_000)
    url = standalone.url
    standalone.kill()
    arguments = ("--server", url, "--retry-for", "0.2")
    output = await asyncio.to_thread(answer, run(*arguments), Exit.UNAVAILABLE)
    assert output["error"] == "server-unavailable"
    assert leftovers(tmp_path) == ["totals.csv.csvmill"]
    standalone.start()
    # A run cannot be continued on another server
    output = await asyncio.to_thread(answer, run("--server", "http://127.0.0.1:9"), Exit.CHANGED)
    assert output["error"] == "run-differs"
    # Nor with another spec
    output = await asyncio.to_thread(answer, run(*arguments, "--limit", "1"), Exit.CHANGED)
    assert output["error"] == "run-differs"
    assert "another spec" in output["message"]
    output = await asyncio.to_thread(answer, run("--server", standalone.url, "--restart"))
    assert (tmp_path / "totals.csv").read_bytes() == expected


async def test_two_runs_with_one_output_do_not_interfere(
    shared_standalone: Standalone, run: Callable[..., ServiceProcess], tmp_path: Path
) -> None:
    expected = write_distinct_rows(tmp_path / "plays.csv", ROWS)
    async with link_to(shared_standalone.url) as link:
        server = ("--server", f"http://127.0.0.1:{link.port}")
        link.stall(after=PART)
        first = run(*server)
        await asyncio.wait_for(link.stalled.wait(), WAIT)
        second = run(*server)
        link.flow()
        for process in (first, second):
            await asyncio.to_thread(answer, process)
    assert (tmp_path / "totals.csv").read_bytes() == expected
    assert leftovers(tmp_path) == []
