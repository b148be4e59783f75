"""`csvmill specs`, and jobs that are asked for by the name of a spec."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from csvmill.cli import main
from csvmill.client import AsyncClient, Refused

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import Standalone

PLAYS = b"Song,Date,Plays\na,2026-01-01,2\na,2026-01-02,3\nb,2026-01-01,7\n"


class Shell:
    """Runs commands on one server."""

    def __init__(self, url: str) -> None:
        self.url = url

    def __call__(self, *arguments: str, code: int = 0) -> str:
        done = CliRunner().invoke(main, [*arguments, "--server", self.url])
        assert done.exit_code == code, done.output
        return done.output if code else done.stdout


@pytest.fixture
def shell(shared_standalone: Standalone) -> Shell:
    return Shell(shared_standalone.url)


def test_a_spec_is_saved_shown_listed_and_deleted(shell: Shell) -> None:
    assert (
        shell("specs", "save", "e2e-a", "--group-by", "Song", "--sum", "Plays") == "e2e-a saved\n"
    )
    shown = json.loads(shell("specs", "show", "e2e-a"))
    assert shown["group_by"] == ["Song"]
    assert "e2e-a" in shell("specs", "list")
    assert "not as expected" in shell("specs", "save", "e2e-a", "--count", "--new", code=1)
    saved = json.loads(shell("specs", "save", "e2e-a", "--spec", json.dumps(shown), "--json"))
    assert saved["aggregation"] == shown
    assert shell("specs", "delete", "e2e-a") == "e2e-a deleted\n"
    assert "no saved spec" in shell("specs", "delete", "e2e-a", code=1)
    assert "e2e-a" in shell("specs", "show", "e2e-a", code=1)


async def test_a_job_computes_what_a_name_stands_for(
    shared_standalone: Standalone, shell: Shell, tmp_path: Path
) -> None:
    path = tmp_path / "saved-specs.csv"
    path.write_bytes(PLAYS)
    async with AsyncClient(shared_standalone.url) as client:
        spec = {"group_by": ["Song"], "aggregates": [{"function": "sum", "column": "Plays"}]}
        saved = await client.save_spec("e2e-b", spec, is_new=True)
        with pytest.raises(Refused) as refused:
            await client.save_spec("e2e-b", spec, is_new=True)
        assert refused.value.status == 412
        (summary,) = [each for each in await client.specs() if each.name == "e2e-b"]
        again = await client.save_spec("e2e-b", spec, etag=summary.etag)
        assert again.aggregation == saved.aggregation
        with pytest.raises(Refused) as refused:
            await client.save_spec("e2e-b", spec, etag=summary.etag)
        assert refused.value.status == 412
        upload = await client.store(path)
        job = await client.ask(upload.id, "e2e-b")
        done = await client.wait(job.id)
        assert (done.state, done.spec_name) == ("SUCCESS", "e2e-b")
        target = tmp_path / "result.csv"
        await client.download(job.id, target)
        assert target.read_text().splitlines()[1:] == ["a,5", "b,7"]
        printed = await asyncio.to_thread(shell, "ask", upload.id, "--spec-name", "e2e-b")
        named = await client.job(printed.strip())
        assert named.spec_name == "e2e-b"
        await client.delete_spec("e2e-b")
        with pytest.raises(Refused) as refused:
            await client.ask(upload.id, "e2e-b")
        assert refused.value.status == 404
