"""`csvmill retry`, `cancel` and `delete` of several jobs."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING
from uuid import uuid4

from csvmill.commands.exit_codes import Exit
from tests.e2e.shells import Shell

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import Standalone


async def upload(shell: Shell, name: str, content: str) -> str:
    """Upload a file, wait for the end of its job, and return the job's id."""
    await asyncio.to_thread((shell.folder / name).write_text, content)
    job_id = (await shell("upload", name, "--sum", "a")).strip()
    failed = "x" in content
    await shell("status", "--watch", job_id, exit_code=Exit.UNSUCCESSFUL if failed else 0)
    return job_id


async def test_failed_jobs_are_retried_together_after_a_dry_run(
    shared_standalone: Standalone, tmp_path: Path
) -> None:
    shell = Shell(tmp_path, shared_standalone.url)
    failed = [await upload(shell, f"bulk-{n}.csv", "a\nx\n") for n in range(2)]
    succeeded = await upload(shell, "bulk-2.csv", "a\n1\n")
    chosen = ("--state", "FAILURE", "--since", "1h", "--search", "bulk-")
    shown = await shell("retry", *chosen, "--dry-run")
    assert shown.splitlines() == [f"{failed[1]} bulk-1.csv", f"{failed[0]} bulk-0.csv"]
    assert (await shell.json("status", failed[0]))["attempt"] == 1
    lines = (await shell("retry", *chosen, "--json")).splitlines()
    assert [json.loads(line)["id"] for line in lines] == failed[::-1]
    assert all(json.loads(line)["changed"] for line in lines)
    for job_id in failed:
        job = await shell.json("status", "--watch", job_id, exit_code=Exit.UNSUCCESSFUL)
        assert job["attempt"] == 2
    # What is refused is said, and the others are changed
    said = await shell("retry", succeeded, failed[0], str(uuid4()), exit_code=Exit.FAILED)
    assert "only a job in FAILURE can be retried" in said
    assert "no job " in said
    assert "1 job retried, 2 refused" in said
    await shell("status", "--watch", failed[0], exit_code=Exit.UNSUCCESSFUL)
    # Deleted jobs are selected no more
    assert len((await shell("delete", "--search", "bulk-")).splitlines()) == 3
    assert await shell("delete", "--search", "bulk-") == ""


async def test_a_command_without_an_id_and_without_a_choice_changes_nothing(
    shared_standalone: Standalone, tmp_path: Path
) -> None:
    shell = Shell(tmp_path, shared_standalone.url)
    for command in ("retry", "cancel", "delete"):
        said = await shell(command, exit_code=Exit.USAGE)
        assert "give an ID, or options that select jobs" in said
    said = await shell("retry", "--since", "soon", exit_code=Exit.USAGE)
    assert "'soon' is not a time; give 2h or 7d (ago), or 2026-01-31T09:30Z" in said
    said = await shell("delete", "a", "--name", "b", exit_code=Exit.USAGE)
    assert "give ids, or options that select jobs, not both" in said
