"""`csvmill ask`, `csvmill uploads`, and runs of uploads that are there."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from csvmill.client import AsyncClient, Client, Refused
from csvmill.commands.exit_codes import Exit
from tests.e2e.shells import Shell

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import Standalone


@pytest.fixture
def shell(shared_standalone: Standalone, tmp_path: Path) -> Shell:
    return Shell(tmp_path, shared_standalone.url)


async def test_a_file_that_was_stored_is_asked_again_and_again(
    shell: Shell, tmp_path: Path
) -> None:
    (tmp_path / "asked.csv").write_text("Song,Plays\na,1\nb,2\na,4\n")
    async with AsyncClient(shell.url) as client:
        upload = await client.store(tmp_path / "asked.csv", key="asked", keep=3600)
        assert (upload.complete, upload.job_id) == (True, None)
        # The same call continues the same upload
        assert (await client.store(tmp_path / "asked.csv", key="asked", keep=3600)).id == upload.id
        spec = {"group_by": ["Song"], "aggregates": [{"function": "sum", "column": "Plays"}]}
        job = await client.ask(upload.id, spec, name="by song", key="question")
        assert (await client.ask(upload.id, spec, name="by song", key="question")).id == job.id
        assert job.filename == "by song"
        assert [each.name for each in job.inputs] == ["asked.csv"]
        await client.wait(job.id)
        await client.download(job.id, tmp_path / "sums.csv")
        assert (tmp_path / "sums.csv").read_text() == "Song,sum(Plays)\na,5\nb,2\n"
    # By the command line, by name or by id
    for name in ("asked.csv", upload.id):
        job_id = (await shell("ask", name, "--count")).strip()
        assert "computes   count\n" in await shell("status", "--watch", job_id)
    output = await shell.json("run", "--upload", upload.id, "-o", "top.csv", "--max", "Plays")
    assert (tmp_path / "top.csv").read_text() == "max(Plays)\n4\n"
    assert (output["uploaded_bytes"], output["inputs"][0]["upload_id"]) == (0, upload.id)
    assert list(tmp_path.glob("*.csvmill")) == []  # noqa: ASYNC240


async def test_uploads_are_listed_kept_and_deleted(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "kept.csv").write_text("a\n1\n")

    def store() -> str:
        with Client(shell.url) as client:
            upload_id = client.store(tmp_path / "kept.csv").id
            assert [each.id for each in client.uploads(name="kept.csv")] == [upload_id]
            assert not client.keep(upload_id, keep=False).keep
            return upload_id

    upload_id = await asyncio.to_thread(store)
    line = (await shell("uploads", "--name", "kept.csv")).splitlines()[1]
    assert line.split()[:2] == [upload_id, "4"]
    assert line.endswith("kept.csv")
    kept = await shell.json("uploads", "keep", upload_id, "--for", "90d")
    assert (kept["id"], kept["keep"], kept["expires_at"] is None) == (upload_id, True, False)
    assert (await shell.json("uploads", "keep", upload_id))["expires_at"] is None
    assert await shell("uploads", "delete", upload_id) == f"{upload_id} deleted\n"
    assert await shell("uploads", "--name", "kept.csv") == ""
    async with AsyncClient(shell.url) as client:
        with pytest.raises(Refused) as refused:
            await client.ask("kept.csv", {"aggregates": [{"function": "count"}]})
    assert refused.value.status == 404


async def test_what_does_not_fit_is_refused_in_the_words_of_options(
    shell: Shell, tmp_path: Path
) -> None:
    (tmp_path / "fits.csv").write_text("Song,Plays\na,1\n")
    async with AsyncClient(shell.url) as client:
        await client.store(tmp_path / "fits.csv")
    said = await shell("ask", "fits.csv", "--sum", "Sogn", exit_code=Exit.FAILED)
    assert "--sum: 'Sogn': no column has this name; did you mean 'Song'?" in said
    said = await shell("ask", "fits.csv", exit_code=Exit.USAGE)
    assert "say what to compute" in said


async def test_a_run_whose_question_was_refused_sends_nothing_again_with_a_corrected_one(
    shell: Shell, tmp_path: Path
) -> None:
    (tmp_path / "sent.csv").write_text("Song,Plays\na,1\n")
    run = ("run", "sent.csv", "-o", "totals.csv", "--no-cache")
    failed = await shell.json(*run, "--sum", "Sogn", exit_code=Exit.FAILED)
    assert "did you mean 'Song'?" in failed["message"]
    output = await shell.json(*run, "--sum", "Plays")
    assert output["uploaded_bytes"] == 0
    assert (tmp_path / "totals.csv").read_text() == "sum(Plays)\n1\n"


async def test_several_files_are_asked_at_once(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "may-1.csv").write_text("Song,Plays\na,1\nb,few\nb,2\n")
    (tmp_path / "may-2.csv").write_text("Plays;Song\n4;a\n")
    spec = {
        "group_by": ["@file", "Song"],
        "aggregates": [{"function": "sum", "column": "Plays"}],
        "where": {"not": {"column": "Song", "op": "is_empty"}},
        "input": {"on_bad_row": "skip"},
    }
    async with AsyncClient(shell.url) as client:
        uploads = [(await client.store(tmp_path / f"may-{i}.csv")).id for i in (1, 2)]
        job = await client.ask(uploads, spec)
        job = await client.wait(job.id)
        await client.download(job.id, tmp_path / "sums.csv")
        await client.download_rejects(job.id, tmp_path / "rejects.csv")
    assert (tmp_path / "sums.csv").read_text() == (
        "@file,Song,sum(Plays)\nmay-1.csv,a,1\nmay-1.csv,b,2\nmay-2.csv,a,4\n"
    )
    assert job.report is not None
    assert [(each.name, each.rows_aggregated) for each in job.report.inputs] == [
        ("may-1.csv", 2),
        ("may-2.csv", 1),
    ]
    assert [(problem.file, problem.line) for problem in job.problems] == [("may-1.csv", 3)]
    lines = (tmp_path / "rejects.csv").read_text().splitlines()
    assert (lines[0], lines[1].split(",")[-1]) == (
        "line,offset,column,reason,record,file",
        "may-1.csv",
    )


async def test_a_saved_spec_is_used_by_its_name(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "named.csv").write_text("Song,Plays\na,1\na,2\n")
    asked = ("--group-by", "Song", "--sum", "Plays")
    await shell("specs", "save", "by-song", *asked)
    run = ("run", "named.csv", "-o", "totals.csv", "--spec-name")
    await shell(*run, "by-song")
    assert (tmp_path / "totals.csv").read_text() == "Song,sum(Plays)\na,3\n"
    job_id = (await shell("ask", "named.csv", "--spec-name", "by-song")).strip()
    assert "computes   sum(Plays) by Song\n" in await shell("status", "--watch", job_id)
    await shell("specs", "delete", "by-song")
    assert "by-song" in await shell("ask", "named.csv", "--spec-name", "by-song", exit_code=1)


async def test_a_result_that_was_computed_before_is_said_to_be(
    shell: Shell, tmp_path: Path
) -> None:
    (tmp_path / "again.csv").write_text("Song,Plays\na,1\na,2\n")
    run = ("run", "--upload", "again.csv", "-o", "totals.csv", "--sum", "Plays")
    async with AsyncClient(shell.url) as client:
        await client.store(tmp_path / "again.csv")
    first = await shell.json(*run)
    again = await shell.json(*run)
    assert "cached_from" not in first
    assert again["cached_from"] == first["job_id"]
    assert "cached_from" not in await shell.json(*run, "--no-cache")
    assert (tmp_path / "totals.csv").read_text() == "sum(Plays)\n3\n"


async def test_several_files_are_run_as_one(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "june-1.csv").write_text("Song,Plays\na,1\nb,2\n")
    (tmp_path / "june-2.csv").write_text("Plays,Song\n4,a\n")
    run = ("run", "june-*.csv", "-o", "totals.csv", "--group-by", "Song", "--sum", "Plays")
    output = await shell.json(*run)
    assert (tmp_path / "totals.csv").read_text() == "Song,sum(Plays)\na,5\nb,2\n"
    assert [each["name"] for each in output["inputs"]] == ["june-1.csv", "june-2.csv"]
    assert output["uploaded_bytes"] == output["input"]["size"] == 34
    said = await shell("run", "july-*.csv", "-o", "totals.csv", "--count", exit_code=Exit.USAGE)
    assert "no file matches 'july-*.csv'" in said


async def test_several_files_are_run_without_a_server(tmp_path: Path) -> None:
    for number in (1, 2):
        (tmp_path / f"part-{number}.csv").write_text(f"a\n{number}\n")
    command = ("run", "part-*.csv", "-o", "totals.csv", "--group-by", "@file", "--sum", "a")
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "csvmill", *command],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "totals.csv").read_text()
    assert text == "@file,sum(a)\npart-1.csv,1\npart-2.csv,2\n"


async def test_commands_say_where_a_job_is_computed(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "where.csv").write_text("Song,Plays\na,1\n")
    run = ("run", "where.csv", "-o", "where-sum.csv", "--sum", "Plays")
    # This server has no cluster, so it computes all itself.
    sent = await shell.json(*run, "--engine", "spark")
    assert (tmp_path / "where-sum.csv").read_text() == "sum(Plays)\n1\n"
    job = await shell.json("status", sent["job_id"])
    assert (job["engine"], job["report"]["cluster"]) == ("spark", None)
    upload = job["inputs"][0]["upload_id"]
    asked = await shell.json("ask", upload, "--count", "--engine", "local")
    assert asked["engine"] == "local"
    again = await shell.json(*run, "--no-cache", "--engine", "local")
    assert (await shell.json("status", again["job_id"]))["engine"] == "local"
    said = await shell("ask", upload, "--count", "--engine", "cluster", exit_code=Exit.USAGE)
    assert "'cluster' is not one of" in said
