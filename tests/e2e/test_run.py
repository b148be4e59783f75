"""`csvmill run` as a real process: killed, disconnected, and continued."""

from __future__ import annotations

import asyncio
import bz2
import gzip
import hashlib
import json
import random
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from csvmill.client import AsyncClient, Refused
from csvmill.commands.exit_codes import Exit
from shared.jobs.job import SONG_PLAYS
from tests.chaos.proxy import Link
from tests.oracle import expected_result
from tests.services import until

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.e2e.conftest import Deployment, Standalone
    from tests.processes import ServiceProcess

    Start = Callable[..., ServiceProcess]

WAIT = 60.0
MIB = 1 << 20
CHUNK = 256 << 10
HEADER = "Song,Date,Number of Plays\n"


def write_distinct_rows(path: Path, rows: int) -> bytes:
    """Write a file whose result is about as large; return the expected result."""
    lines = [HEADER, *(f"song {n * 7919 % rows},2026-01-01,{n}\n" for n in range(rows))]
    data = "".join(lines).encode()
    path.write_bytes(data)
    return expected_result(SONG_PLAYS, data)[0]


def answer(process: ServiceProcess, exit_code: int = 0) -> dict[str, Any]:
    """Wait for a command; return the JSON that it printed."""
    assert process.wait(WAIT) == exit_code, process.tail()
    until_read = process.wait_for_line(r"^\{", timeout=WAIT).string
    parsed: dict[str, Any] = json.loads(until_read)
    return parsed


@pytest.fixture
def run(start_process: Start, tmp_path: Path) -> Callable[..., ServiceProcess]:
    """Start `csvmill run plays.csv -o totals.csv --json` with further arguments."""

    def begin(*arguments: str, env: Mapping[str, str] | None = None) -> ServiceProcess:
        files = (str(tmp_path / "plays.csv"), "-o", str(tmp_path / "totals.csv"))
        options = ("--json", "--chunk-size", str(CHUNK), *arguments)
        return start_process("csvmill", "run", *files, *options, env=env)

    return begin


def leftovers(folder: Path) -> list[str]:
    """Return the names of files that a run has left beside its output."""
    return sorted({path.name for path in folder.glob("totals.csv*")} - {"totals.csv"})


async def test_without_a_server_a_run_starts_one_and_leaves_no_files_behind(
    run: Callable[..., ServiceProcess], tmp_path: Path
) -> None:
    expected = write_distinct_rows(tmp_path / "plays.csv", 20_000)
    process = run()
    output = await asyncio.to_thread(answer, process)
    assert (tmp_path / "totals.csv").read_bytes() == expected
    assert leftovers(tmp_path) == []
    size = (tmp_path / "plays.csv").stat().st_size
    assert output == {
        "status": "done",
        "server": None,
        "job_id": output["job_id"],
        "input": {"path": str(tmp_path / "plays.csv"), "size": size},
        "output": {
            "path": str(tmp_path / "totals.csv"),
            "size": len(expected),
            "sha256": output["output"]["sha256"],
        },
        "rows_in": 20_000,
        "rows_out": 20_000,
        "uploaded_bytes": size,
        "downloaded_bytes": len(expected),
        "seconds": output["seconds"],
        "report": output["report"],
        "problems": [],
        "problem_count": 0,
    }
    assert (output["report"]["rows_in"], output["report"]["rows_aggregated"]) == (20_000, 20_000)
    assert sorted(output["seconds"]) == ["download", "job", "upload"]


@pytest.mark.parametrize("name", ["plays.csv.gz", "plays.TSV", "plays.csv.bz2"])
async def test_a_file_may_be_compressed_or_have_another_delimiter(
    standalone: Standalone, start_process: Start, tmp_path: Path, name: str
) -> None:
    expected = write_distinct_rows(tmp_path / "plain.csv", 1000)
    data = (tmp_path / "plain.csv").read_bytes()
    written = {
        "plays.csv.gz": gzip.compress(data),
        "plays.csv.bz2": bz2.compress(data),
        "plays.TSV": data.replace(b",", b"\t"),
    }
    (tmp_path / name).write_bytes(written[name])
    spec = json.dumps(
        {
            "group_by": ["Song", "Date"],
            "aggregates": [
                {"function": "sum", "column": 3, "name": "Total Number of Plays for Date"}
            ],
        }
    )
    target = tmp_path / "totals.csv"
    process = start_process(
        "csvmill", "run", str(tmp_path / name), "-o", str(target), "--spec", spec, "--json",
        "--server", standalone.url,
    )  # fmt: skip
    output = await asyncio.to_thread(answer, process)
    assert target.read_bytes() == expected
    async with AsyncClient(standalone.url) as client:
        assert (await client.job(output["job_id"])).filename == name


async def test_a_run_killed_during_the_upload_sends_only_missing_bytes_when_continued(
    deployment: Deployment, run: Callable[..., ServiceProcess], tmp_path: Path
) -> None:
    expected = write_distinct_rows(tmp_path / "plays.csv", 150_000)
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
    expected = write_distinct_rows(tmp_path / "plays.csv", 150_000)
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
    expected = write_distinct_rows(tmp_path / "plays.csv", 150_000)
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
    standalone: Standalone, run: Callable[..., ServiceProcess], tmp_path: Path
) -> None:
    expected = write_distinct_rows(tmp_path / "plays.csv", 100_000)
    async with link_to(standalone.url) as link:
        server = ("--server", f"http://127.0.0.1:{link.port}")
        link.stall(after=MIB)
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
    expected = write_distinct_rows(tmp_path / "plays.csv", 80_000)
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
    assert output["rows_in"] == 80_000
    assert (tmp_path / "totals.csv").read_bytes() == expected


async def test_a_changed_input_is_refused_and_restart_starts_over(
    standalone: Standalone, run: Callable[..., ServiceProcess], tmp_path: Path
) -> None:
    write_distinct_rows(tmp_path / "plays.csv", 100_000)
    async with link_to(standalone.url) as link, AsyncClient(standalone.url) as client:
        server = ("--server", f"http://127.0.0.1:{link.port}")
        link.stall(after=MIB)
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
    expected = expected_result(SONG_PLAYS, changed)[0]
    assert (tmp_path / "totals.csv").read_bytes() == expected


async def test_a_spec_that_does_not_fit_ends_the_run_at_once_and_a_corrected_one_starts_over(
    standalone: Standalone, run: Callable[..., ServiceProcess], tmp_path: Path
) -> None:
    write_distinct_rows(tmp_path / "plays.csv", 150_000)
    server = ("--server", standalone.url, "--parallel", "1")
    output = await asyncio.to_thread(answer, run(*server, "--group-by", "Sogn"), Exit.FAILED)
    assert "did you mean 'Song'?" in output["message"]
    assert leftovers(tmp_path) == []
    spec = ("--sum", "Number of Plays", "--where", "Song=song 7919")
    output = await asyncio.to_thread(answer, run(*server, *spec))
    assert (output["rows_in"], output["report"]["rows_aggregated"]) == (150_000, 1)
    assert (tmp_path / "totals.csv").read_text() == "sum(Number of Plays)\n1\n"


async def test_a_file_that_is_refused_at_creation_leaves_no_state(
    standalone: Standalone, start_process: Start, tmp_path: Path
) -> None:
    (tmp_path / "book.xlsx").write_bytes(b"PK")
    files = (str(tmp_path / "book.xlsx"), "-o", str(tmp_path / "totals.csv"))
    process = start_process("csvmill", "run", *files, "--json", "--server", standalone.url)
    output = await asyncio.to_thread(answer, process, Exit.FAILED)
    assert "must be a csv file" in output["message"]
    assert leftovers(tmp_path) == []


async def test_a_result_without_rows_can_be_empty(
    deployment: Deployment, start_process: Start, run: Callable[..., ServiceProcess], tmp_path: Path
) -> None:
    write_distinct_rows(tmp_path / "plays.csv", 100)
    spec = ("--format", "jsonl", "--sum", "Number of Plays", "--group-by", "Song")
    none = ("--where", "Number of Plays>999999")
    (tmp_path / "totals.csv").write_text("what was there before")
    output = await asyncio.to_thread(answer, run("--server", deployment.url, *spec, *none))
    assert output["output"] == {
        "path": str(tmp_path / "totals.csv"),
        "size": 0,
        "sha256": hashlib.sha256(b"").hexdigest(),
    }
    assert (output["rows_out"], output["report"]["rows_filtered"]) == (0, 100)
    assert (tmp_path / "totals.csv").read_bytes() == b""
    assert leftovers(tmp_path) == []
    # Other commands and the client can download it, too
    options = ("--server", deployment.url, "--json")
    again = tmp_path / "again.jsonl"
    process = start_process("csvmill", "download", output["job_id"], "-o", str(again), *options)
    fetched = await asyncio.to_thread(answer, process)
    assert fetched == {**output["output"], "path": str(again)}
    assert again.read_bytes() == b""
    async with AsyncClient(deployment.url) as client:
        result = await client.result(output["job_id"])
        assert (result.size, result.sha256) == (0, fetched["sha256"])


async def test_a_malformed_file_fails_with_a_reason_and_succeeds_once_corrected(
    run: Callable[..., ServiceProcess], tmp_path: Path
) -> None:
    plays = tmp_path / "plays.csv"
    plays.write_text(HEADER + "a,2026-01-01,many\n")
    output = await asyncio.to_thread(answer, run(), Exit.UNSUCCESSFUL)
    assert output["error"] == "job-unsuccessful"
    assert "line 2" in output["message"]
    assert "'many'" in output["message"]
    assert leftovers(tmp_path) == []
    plays.write_text(HEADER + "a,2026-01-01,1\n")
    await asyncio.to_thread(answer, run())
    assert (tmp_path / "totals.csv").read_text().endswith("\na,2026-01-01,1\n")


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


async def test_dashes_stand_for_standard_input_and_output(
    standalone: Standalone, tmp_path: Path
) -> None:
    expected = write_distinct_rows(tmp_path / "plays.csv", 20_000)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "csvmill", "run", "-", "-o", "-", "--server", standalone.url),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, errors = await asyncio.wait_for(
        process.communicate((tmp_path / "plays.csv").read_bytes()), WAIT
    )
    assert (process.returncode, errors) == (0, b"")
    assert output == expected


async def test_ctrl_c_ends_a_run_that_waits_for_standard_input(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "csvmill", "run", "-", "-o", str(tmp_path / "totals.csv")),
        stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    await until(lambda: is_there(tmp_path / "totals.csv.csvmill" / "input.csv"))
    process.send_signal(signal.SIGINT)
    assert await asyncio.wait_for(process.wait(), WAIT) == Exit.INTERRUPTED


async def test_a_reader_that_closes_the_pipe_early_causes_no_error_message(
    standalone: Standalone, tmp_path: Path
) -> None:
    write_distinct_rows(tmp_path / "plays.csv", 20_000)
    command = f"{sys.executable} -m csvmill run plays.csv -o - --server {standalone.url} | head -1"
    process = await asyncio.create_subprocess_exec(
        *("bash", "-c", command), cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, errors = await asyncio.wait_for(process.communicate(), WAIT)
    assert (output, errors) == (b"Song,Date,Total Number of Plays for Date\n", b"")


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
    standalone: Standalone, run: Callable[..., ServiceProcess], tmp_path: Path
) -> None:
    expected = write_distinct_rows(tmp_path / "plays.csv", 100_000)
    async with link_to(standalone.url) as link:
        server = ("--server", f"http://127.0.0.1:{link.port}")
        link.stall(after=MIB)
        first = run(*server)
        await asyncio.wait_for(link.stalled.wait(), WAIT)
        second = run(*server)
        link.flow()
        for process in (first, second):
            await asyncio.to_thread(answer, process)
    assert (tmp_path / "totals.csv").read_bytes() == expected
    assert leftovers(tmp_path) == []


async def is_there(path: Path) -> bool:
    return await asyncio.to_thread(path.exists)


def link_to(url: str) -> Any:
    """Return a proxy to the server at `url`, as a context manager."""
    return Link("gateway", int(url.rpartition(":")[2])).open()


async def settled(client: AsyncClient, key: str) -> int:
    """Return the size of an upload once the server has closed the broken connections."""
    seen = [-1, -2]

    async def steady() -> bool:
        seen.append((await client.upload_status(key)).received_bytes)
        await asyncio.sleep(0.1)
        return len(set(seen[-5:])) == 1

    await until(steady)
    return seen[-1]


async def exists(client: AsyncClient, key: str) -> bool:
    try:
        await client.upload_status(key)
    except Refused as error:
        if error.status != 404:
            raise
        return False
    return True
