"""`csvmill upload`, `status`, `download`, `cancel`, `doctor` as real processes."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from yarl import URL

from csvmill.client import AsyncClient, Client, JobUnsuccessful, TransferProgress
from csvmill.commands.exit_codes import Exit
from csvmill.demo.sample import write_song_plays
from shared.jobs.job import SONG_PLAYS
from tests.chaos.proxy import Link
from tests.e2e.runs import answer, leftovers, write_distinct_rows
from tests.forked import run_command
from tests.oracle import expected_result

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.conftest import Deployment, Standalone
    from tests.processes import ServiceProcess

WAIT = 60.0
MIB = 1 << 20


class Shell:
    """Runs commands against a server, with a separate state folder."""

    def __init__(self, url: str, folder: Path) -> None:
        self.env = {"CSVMILL_SERVER": url, "CSVMILL_STATE_DIR": str(folder / "state")}
        self.folder = folder

    def __call__(self, *arguments: str, exit_code: int = 0, stdin: bytes = b"") -> str:
        done = run_command(
            *arguments,
            env={**os.environ, **self.env},
            cwd=self.folder,
            stdin=stdin,
            timeout=WAIT,
        )
        assert done.returncode == exit_code, (done.stdout + done.stderr).decode()
        return done.stdout.decode()

    def json(self, *arguments: str, exit_code: int = 0, stdin: bytes = b"") -> Any:
        return json.loads(self(*arguments, "--json", exit_code=exit_code, stdin=stdin))


@pytest.fixture
def shell(shared_standalone: Standalone, tmp_path: Path) -> Shell:
    return Shell(shared_standalone.url, tmp_path)


def test_a_file_is_uploaded_watched_and_downloaded(shell: Shell) -> None:
    plays = shell.folder / "plays.csv"
    write_song_plays(plays, 2_000, songs=50)
    expected = expected_result(SONG_PLAYS, plays.read_bytes())[0]
    job_id = shell("upload", "plays.csv").strip()
    job = shell.json("status", "--watch", job_id)
    assert (job["id"], job["state"], job["filename"]) == (job_id, "SUCCESS", "plays.csv")
    assert "state      SUCCESS\n" in shell("status", job_id)
    output = shell.json("download", job_id, "-o", "totals.csv")
    assert (output["size"], output["sha256"]) == (len(expected), job["result_sha256"])
    assert (shell.folder / "totals.csv").read_bytes() == expected
    assert shell("download", job_id, "-o", "-").encode() == expected
    # Another upload is another job: no state is kept of a finished upload
    assert shell.json("upload", "plays.csv")["job_id"] != job_id
    assert list((shell.folder / "state").rglob("run.json")) == []


@pytest.mark.parametrize("options", [(), ("--json",)], ids=["as text", "as JSON"])
def test_an_upload_whose_job_id_was_not_printed_prints_it_again_and_has_one_job(
    standalone: Standalone, tmp_path: Path, options: tuple[str, ...]
) -> None:
    shell = Shell(standalone.url, tmp_path)
    write_song_plays(shell.folder / "plays.csv", 1_000)
    command = [sys.executable, "-m", "csvmill", "upload", "plays.csv", *options]
    reading, writing = os.pipe()
    os.close(reading)
    unread = subprocess.run(
        command, env={**os.environ, **shell.env}, cwd=shell.folder, stdout=writing,
        stderr=subprocess.PIPE, timeout=WAIT,
    )  # fmt: skip
    os.close(writing)
    assert (unread.returncode, unread.stderr) == (1, b"")
    job_id = shell.json("upload", "plays.csv")["job_id"]
    (job,) = (json.loads(line) for line in shell("jobs", "--all", "--json").splitlines())
    assert job["id"] == job_id
    # The state is removed once the id was printed
    assert list((shell.folder / "state").rglob("run.json")) == []


def test_rejected_rows_are_counted_and_can_be_downloaded(shell: Shell) -> None:
    dirty = shell.folder / "dirty.csv"
    dirty.write_bytes(b"Song,Plays\nUmbrella,200\nYellow,many\nUmbrella,100\nCaf\xe9,1\n")
    spec = {
        "group_by": ["Song"],
        "aggregates": [{"function": "sum", "column": "Plays"}],
        "input": {"on_bad_row": "skip", "encoding": "utf-8"},
    }
    form = ["-F", f"spec={json.dumps(spec)}", "-F", f"file=@{dirty}"]
    url = f"{shell.env['CSVMILL_SERVER']}/api/upload_file"
    answer = subprocess.run(["curl", "-s", *form, url], check=True, capture_output=True)
    job_id = json.loads(answer.stdout)["job_id"]
    job = shell.json("status", "--watch", job_id)
    assert (job["state"], job["problem_count"]) == ("SUCCESS", 2)
    assert [(p["line"], p["column"], p["name"]) for p in job["problems"]] == [
        (3, 2, "Plays"), (5, 1, "Song"),
    ]  # fmt: skip
    text = shell("status", job_id)
    assert "rows       4 = 2 aggregated + 0 filtered + 2 rejected\n" in text
    assert "problem    line 3, column 2 ('Plays'): found 'many', expected a number" in text
    output = shell.json("download", job_id, "--rejects", "-o", "rejects.csv")
    rejects = (shell.folder / "rejects.csv").read_bytes()
    assert output["size"] == len(rejects)
    lines = rejects.splitlines()
    assert lines[0] == b"line,offset,column,reason,record"
    assert [line.rsplit(b',"', 1)[1] for line in lines[1:]] == [b'Yellow,many"', b'Caf\xe9,1"']
    shell("download", job_id, "-o", "totals.csv")
    assert (shell.folder / "totals.csv").read_bytes() == b"Song,sum(Plays)\nUmbrella,300\n"


def test_a_wrong_digest_is_refused_before_a_job_is_created(shell: Shell) -> None:
    write_song_plays(shell.folder / "plays.csv", 1_000)
    output = shell.json("upload", "plays.csv", "--sha256", "0" * 64, exit_code=Exit.NOT_VERIFIED)
    assert output["error"] == "not-verified"


def test_standard_input_of_any_size_becomes_a_job(shell: Shell) -> None:
    plays = shell.folder / "plays.csv"
    write_song_plays(plays, 20_000, songs=50)
    data = plays.read_bytes()
    assert len(data) > 4 * 65_536
    job_id = shell("upload", "-", "--chunk-size", "64KiB", stdin=data).strip()
    job = shell.json("status", "--watch", job_id)
    assert (job["filename"], job["input_size"]) == ("stdin.csv", len(data))
    expected = expected_result(SONG_PLAYS, data)[0]
    assert shell("download", job_id, "-o", "-").encode() == expected
    right = hashlib.sha256(data).hexdigest()
    named = shell.json("upload", "-", "--name", "a.csv", "--sha256", right, stdin=data)
    assert shell.json("status", named["job_id"])["filename"] == "a.csv"
    wrong = shell.json("upload", "-", "--sha256", "0" * 64, exit_code=Exit.NOT_VERIFIED, stdin=data)
    assert wrong["error"] == "not-verified"


async def test_a_stream_is_uploaded_over_a_broken_connection(
    shared_standalone: Standalone, tmp_path: Path
) -> None:
    plays = tmp_path / "plays.csv"
    await asyncio.to_thread(write_song_plays, plays, 20_000, songs=50)
    data = await asyncio.to_thread(plays.read_bytes)
    seen: list[TransferProgress] = []
    async with (
        Link("client to gateway", URL(shared_standalone.url).port or 0).open() as link,
        AsyncClient(f"http://127.0.0.1:{link.port}") as client,
    ):
        link.cut(after=150_000, reset=True)
        job_id = await client.upload_stream(
            io.BytesIO(data), "plays.csv", chunk_size=65_536, parallel=3, progress=seen.append
        )
        assert link.cuts == 1
        job = await client.wait(job_id, timeout=WAIT)
        assert job.input_size == len(data)
        await client.download(job_id, tmp_path / "totals.csv")
    result = await asyncio.to_thread((tmp_path / "totals.csv").read_bytes)
    assert result == expected_result(SONG_PLAYS, data)[0]
    assert (seen[-1].done, seen[-1].total) == (len(data), None)


def test_watching_a_failing_job_has_an_exit_code(shell: Shell) -> None:
    (shell.folder / "plays.csv").write_text("Song,Date,Number of Plays\na,2026-01-01,many\n")
    job_id = shell("upload", "plays.csv").strip()
    assert "'many'" in shell("status", "--watch", job_id, exit_code=Exit.UNSUCCESSFUL)
    output = shell.json("download", job_id, "-o", "totals.csv", exit_code=Exit.FAILED)
    assert output["error"] == "refused"
    assert "FAILURE" in output["message"]
    assert not (shell.folder / "totals.csv").exists()


def test_warnings_are_shown_and_fail_a_strict_job(shell: Shell) -> None:
    (shell.folder / "cities.csv").write_text("City,n\nUlm,1\nJena,2\nTotal,9\n")
    spec = ("--group-by", "City", "--sum", "n")
    output = shell.json("run", "cities.csv", "-o", "sums.csv", *spec)
    (warning,) = output["report"]["warnings"]
    assert (warning["kind"], warning["count"], warning["line"], warning["column"]) == (
        "total_row",
        1,
        4,
        1,
    )
    job = shell.json("status", output["job_id"])
    assert job["report"]["warnings"] == [warning]
    refused = shell.json(
        "run", "cities.csv", "-o", "strict.csv", *spec, "--strict", exit_code=Exit.UNSUCCESSFUL
    )
    assert warning["message"] in refused["message"]
    assert not (shell.folder / "strict.csv").exists()


async def test_a_killed_upload_is_continued_and_another_is_cancelled(
    shared_standalone: Standalone, start_process: Callable[..., ServiceProcess], tmp_path: Path
) -> None:
    plays = tmp_path / "plays.csv"
    write_song_plays(plays, 100_000, repeat=2)
    async with (
        Link("gateway", int(shared_standalone.url.rpartition(":")[2])).open() as link,
        AsyncClient(shared_standalone.url) as client,
    ):
        shell = Shell(f"http://127.0.0.1:{link.port}", tmp_path)

        async def kill_half_way() -> str:
            """Kill an upload half way; return its key."""
            arguments = ("upload", str(plays), "--chunk-size", "256KiB")
            process = start_process("csvmill", *arguments, env=shell.env)
            await asyncio.wait_for(link.stalled.wait(), WAIT)
            process.kill()
            link.flow()
            (state,) = (tmp_path / "state").rglob("run.json")
            key: str = json.loads(state.read_text())["key"]
            return key

        link.stall(after=MIB)
        key = await kill_half_way()
        first = await asyncio.to_thread(shell, "upload", "plays.csv")
        assert (await client.upload_status(key)).job_id == first.strip()
        # When another upload is cancelled in flight
        link.stall(after=MIB)
        key = await kill_half_way()
        assert await asyncio.to_thread(shell, "cancel", key) == f"{key} removed\n"
        output = await asyncio.to_thread(shell.json, "cancel", key, exit_code=Exit.FAILED)
        assert "no job" in output["message"]


def test_jobs_are_listed_as_a_table_and_as_json(shell: Shell) -> None:
    (shell.folder / "broken list.csv").write_text("Song,Date,Number of Plays\na,2026-01-01,many\n")
    (shell.folder / "list.csv").write_text("Song,Date,Number of Plays\na,2026-01-01,1\n")
    files = ["list.csv", "list.csv", "broken list.csv"]
    uploaded = [shell("upload", name).strip() for name in files]
    for job_id, code in zip(uploaded, (0, 0, Exit.UNSUCCESSFUL), strict=True):
        shell("status", "--watch", job_id, exit_code=code)
    head, newest, *_ = shell("jobs", "--limit", "3").splitlines()
    assert head.split() == ["ID", "STATE", "ATTEMPTS", "SIZE", "AGE", "COMPUTES", "NAME"]
    id_, state, attempts, size, unit, *_ = newest.split()
    assert (id_, state, attempts, size, unit) == (uploaded[2], "FAILURE", "1", "44", "bytes")
    assert newest.rstrip().endswith("broken list.csv")
    # Then filters apply, and JSON has every field of each job
    named = shell("jobs", "list", "--name", "list.csv", "--state", "success", "--json")
    found = [json.loads(line) for line in named.splitlines()]
    assert [job["id"] for job in found] == [uploaded[1], uploaded[0]]
    assert found[0] == shell.json("jobs", "show", uploaded[1])
    every = [json.loads(line)["id"] for line in shell("jobs", "--all", "--json").splitlines()]
    assert every[:3] == uploaded[::-1]
    assert len(shell("jobs", "--all", "--limit", "1").splitlines()) == 1 + len(every)
    assert len(shell("jobs", "--limit", "1").splitlines()) == 2
    assert shell("jobs", "--name", "none.csv") == ""
    output = shell.json("jobs", "retry", uploaded[0], exit_code=Exit.FAILED)
    assert "only a job in FAILURE can be retried" in output["message"]


def test_doctor_reports_a_healthy_server_and_a_missing_one(
    deployment: Deployment, tmp_path: Path
) -> None:
    shell = Shell(deployment.url, tmp_path)
    findings = {finding["check"]: finding["verdict"] for finding in shell.json("doctor")}
    assert findings == {
        "this machine": "ok", "disk": findings["disk"], "server": "ok", "version": "ok",
        "clock": "ok", "way": "ok", "storage": "ok", "database": "ok", "broker": "ok",
    }  # fmt: skip
    deployment.kill()
    findings = {f["check"]: f for f in shell.json("doctor", exit_code=Exit.FAILED)}
    assert findings["server"]["verdict"] == "fail"
    assert "csvmill serve" in findings["server"]["remedy"]


def test_the_blocking_client_uploads_waits_downloads_and_lists(
    shared_standalone: Standalone, tmp_path: Path
) -> None:
    plays, seen = tmp_path / "plays.csv", list[TransferProgress]()
    write_song_plays(plays, 2_000, songs=50)
    with Client(shared_standalone.url) as client:
        job_id = client.upload(plays, key="mine", progress=seen.append)
        assert client.upload(plays, key="mine") == job_id
        assert client.upload_status("mine").job_id == job_id
        assert client.wait(job_id, timeout=WAIT).rows_in == 2_000
        result = client.download(job_id, tmp_path / "totals.csv")
        assert result == client.result(job_id)
        (tmp_path / "plays.csv").write_text("Song,Date,Number of Plays\na,2026-01-01,many\n")
        failed = client.upload(plays)
        with pytest.raises(JobUnsuccessful, match="'many'"):
            client.wait(failed, timeout=WAIT)
        with pytest.raises(TimeoutError):
            client.wait(client.upload(plays, key="other"), timeout=0)
        jobs = client.jobs(filename="plays.csv", page_size=1)
        listed = [next(jobs), next(jobs), next(jobs)]
        assert [job.id for job in listed][1:] == [failed, job_id]
        assert len(list(client.jobs(state="SUCCESS", filename="plays.csv", page_size=1))) >= 1
        assert list(client.jobs(filename="none.csv")) == []
        found = {job.filename for job in client.jobs(search="AYS.c")}
        assert "plays.csv" in found
        assert all("ays.c" in name for name in found)
    assert seen[-1].done == seen[-1].total
    assert (tmp_path / "totals.csv").stat().st_size == result.size


async def test_a_result_without_rows_can_be_empty(
    deployment: Deployment,
    start_process: Callable[..., ServiceProcess],
    run: Callable[..., ServiceProcess],
    tmp_path: Path,
) -> None:
    write_distinct_rows(tmp_path / "plays.csv", 100)
    spec = ("--sum", "Number of Plays", "--group-by", "Song")
    none = ("--where", "Number of Plays>999999")
    (tmp_path / "totals.jsonl").write_text("what was there before")
    output = await asyncio.to_thread(
        answer, run("--server", deployment.url, *spec, *none, output="totals.jsonl")
    )
    assert output["output"] == {
        "path": str(tmp_path / "totals.jsonl"),
        "size": 0,
        "sha256": hashlib.sha256(b"").hexdigest(),
    }
    assert (output["rows_out"], output["report"]["rows_filtered"]) == (0, 100)
    assert (tmp_path / "totals.jsonl").read_bytes() == b""
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
