"""`csvmill run`: one command that uploads, waits and downloads."""

from __future__ import annotations

import asyncio
import bz2
import gzip
import json
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from csvmill.client import AsyncClient
from csvmill.commands.exit_codes import Exit
from tests.e2e.runs import HEADER, ROWS, WAIT, answer, is_there, leftovers, write_distinct_rows
from tests.services import until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.conftest import Standalone
    from tests.processes import ServiceProcess

    Start = Callable[..., ServiceProcess]


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


@pytest.mark.parametrize(
    "name", ["plays.csv.gz", "plays.TSV", "plays.csv.bz2", "plays.txt", "plays", "plays.dat"]
)
async def test_a_file_may_be_compressed_or_have_another_delimiter_or_name(
    shared_standalone: Standalone, start_process: Start, tmp_path: Path, name: str
) -> None:
    expected = write_distinct_rows(tmp_path / "plain.csv", 1000)
    data = (tmp_path / "plain.csv").read_bytes()
    written = {
        "plays.csv.gz": gzip.compress(data),
        "plays.csv.bz2": bz2.compress(data),
        "plays.TSV": data.replace(b",", b"\t"),
    }
    (tmp_path / name).write_bytes(written.get(name, data))
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
        "--server", shared_standalone.url,
    )  # fmt: skip
    output = await asyncio.to_thread(answer, process)
    assert target.read_bytes() == expected
    async with AsyncClient(shared_standalone.url) as client:
        assert (await client.job(output["job_id"])).filename == name


async def test_a_spec_that_does_not_fit_ends_the_run_at_once_and_a_corrected_one_starts_over(
    shared_standalone: Standalone, run: Callable[..., ServiceProcess], tmp_path: Path
) -> None:
    # More than 1 MiB, after which the header is checked
    write_distinct_rows(tmp_path / "plays.csv", 2 * ROWS)
    server = ("--server", shared_standalone.url, "--parallel", "1")
    output = await asyncio.to_thread(answer, run(*server, "--group-by", "Sogn"), Exit.FAILED)
    assert "did you mean 'Song'?" in output["message"]
    assert leftovers(tmp_path) == []
    spec = ("--sum", "Number of Plays", "--where", "Song=song 7919")
    output = await asyncio.to_thread(answer, run(*server, *spec))
    assert (output["rows_in"], output["report"]["rows_aggregated"]) == (2 * ROWS, 1)
    assert (tmp_path / "totals.csv").read_text() == "sum(Number of Plays)\n1\n"


async def test_a_file_that_is_refused_at_creation_leaves_no_state(
    shared_standalone: Standalone, start_process: Start, tmp_path: Path
) -> None:
    (tmp_path / "a\x01b.csv").write_bytes(b"a,b\n")
    files = (str(tmp_path / "a\x01b.csv"), "-o", str(tmp_path / "totals.csv"))
    process = start_process("csvmill", "run", *files, "--json", "--server", shared_standalone.url)
    output = await asyncio.to_thread(answer, process, Exit.FAILED)
    assert "has control characters" in output["message"]
    assert leftovers(tmp_path) == []


async def test_a_malformed_file_fails_with_a_reason_and_succeeds_once_corrected(
    run: Callable[..., ServiceProcess], tmp_path: Path
) -> None:
    plays = tmp_path / "plays.csv"
    plays.write_text(HEADER + "a,2026-01-01,many\n")
    output = await asyncio.to_thread(answer, run(), Exit.UNSUCCESSFUL)
    assert output["error"] == "job-unsuccessful"
    assert "line 2" in output["message"]
    assert "'many'" in output["message"]
    assert "No spec was given" in output["message"]
    assert f"`csvmill inspect {plays}` shows them" in output["message"]
    asked = await asyncio.to_thread(answer, run("--sum", "@3"), Exit.UNSUCCESSFUL)
    assert "No spec was given" not in asked["message"]
    assert leftovers(tmp_path) == []
    plays.write_text(HEADER + "a,2026-01-01,1\n")
    await asyncio.to_thread(answer, run())
    assert (tmp_path / "totals.csv").read_text().endswith("\na,2026-01-01,1\n")


async def test_dashes_stand_for_standard_input_and_output(
    shared_standalone: Standalone, tmp_path: Path
) -> None:
    expected = write_distinct_rows(tmp_path / "plays.csv", 20_000)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "csvmill", "run", "-", "-o", "-"),
        *("--server", shared_standalone.url),
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
    shared_standalone: Standalone, tmp_path: Path
) -> None:
    write_distinct_rows(tmp_path / "plays.csv", 20_000)
    command = (
        f"{sys.executable} -m csvmill run plays.csv -o - --server {shared_standalone.url} | head -1"
    )
    process = await asyncio.create_subprocess_exec(
        *("bash", "-c", command), cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, errors = await asyncio.wait_for(process.communicate(), WAIT)
    assert (output, errors) == (b"Song,Date,Total Number of Plays for Date\n", b"")
