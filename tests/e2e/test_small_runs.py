"""`csvmill run` of a small file without a server: it needs no service."""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest

from csvmill.commands.exit_codes import Exit
from tests.e2e.runs import answer, leftovers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.e2e.conftest import Standalone
    from tests.processes import ServiceProcess

    Start = Callable[..., ServiceProcess]

SALES = "Shop;Price\nA;1,50\nB;2,25\nA;free\nA;3,00\n"
ASKED = ("--group-by", "Shop", "--sum", "Price", "--decimal", ",", "--on-bad-row", "skip")


@pytest.fixture
def run_small(start_process: Start, tmp_path: Path) -> Start:
    """Start `csvmill run plays.csv -o totals.csv --json` with further arguments."""

    def begin(*arguments: str, env: Mapping[str, str] | None = None) -> ServiceProcess:
        files = (str(tmp_path / "plays.csv"), "-o", str(tmp_path / "totals.csv"))
        return start_process("csvmill", "run", *files, "--json", *arguments, env=env)

    return begin


def without_what_differs(output: dict[str, Any]) -> dict[str, Any]:
    """Return what `--json` printed, without what is different for each run."""
    for name in ("job_id", "seconds", "server", "uploaded_bytes", "downloaded_bytes", "output"):
        del output[name]
    for name in ("seconds", "peak_memory", "peak_scratch", "head_start"):
        del output["report"][name]
    return output


@pytest.mark.parametrize("form", ["csv", "jsonl", "csv.gz", "csv.zst", "parquet"])
async def test_a_small_file_gives_the_same_as_with_a_server(
    shared_standalone: Standalone, start_process: Start, tmp_path: Path, form: str
) -> None:
    sales = tmp_path / "sales.csv"
    sales.write_text(SALES)
    seen = {}
    for name, server in (("alone", ()), ("served", ("--server", shared_standalone.url))):
        target, rejects = tmp_path / f"{name}.{form}", tmp_path / f"{name}-rejects.csv"
        process = start_process(
            "csvmill", "run", str(sales), "-o", str(target), "--rejects", str(rejects), "--json",
            *ASKED, *server,
        )  # fmt: skip
        output = await asyncio.to_thread(answer, process)
        assert output["output"]["size"] == target.stat().st_size
        seen[name] = (target.read_bytes(), rejects.read_bytes(), without_what_differs(output))
    assert seen["alone"] == seen["served"]
    assert list(tmp_path.glob("*.csvmill")) == []  # noqa: ASYNC240


async def test_nothing_is_sent_and_a_run_without_rejects_writes_their_header(
    run_small: Start, tmp_path: Path
) -> None:
    (tmp_path / "plays.csv").write_text("a,b\n1,2\n")
    rejects = tmp_path / "rejects.csv"
    output = await asyncio.to_thread(answer, run_small("--count", "--rejects", str(rejects)))
    assert (output["server"], output["uploaded_bytes"], output["downloaded_bytes"]) == (None, 0, 0)
    assert sorted(output["seconds"]) == ["download", "job", "upload"]
    assert (tmp_path / "totals.csv").read_text() == "count\n1\n"
    assert rejects.read_text() == "line,offset,column,reason,record\n"
    assert leftovers(tmp_path) == []


async def test_a_small_file_with_a_bad_row_fails_with_the_reason_that_a_server_gives(
    shared_standalone: Standalone, run_small: Start, tmp_path: Path
) -> None:
    (tmp_path / "plays.csv").write_text("a,b\n1,2\n3,x\n")
    messages = []
    for server in ((), ("--server", shared_standalone.url)):
        failed = await asyncio.to_thread(
            answer, run_small("--sum", "b", *server), Exit.UNSUCCESSFUL
        )
        assert failed["error"] == "job-unsuccessful"
        messages.append(failed["message"].partition(": ")[2])
        assert not (tmp_path / "totals.csv").exists()
        assert leftovers(tmp_path) == []
    assert messages[0] == messages[1]
    assert "line 3" in messages[0]


async def test_a_small_file_that_expands_to_a_large_one_is_aggregated_by_a_service(
    run_small: Start, tmp_path: Path
) -> None:
    rows = 70 << 20 >> 3  # of 8 bytes: more than the 64 MiB of a small job
    with gzip.open(tmp_path / "plays.csv", "wb") as file:
        file.write(b"a,b\n" + b"1,23456\n" * rows)
    assert (tmp_path / "plays.csv").stat().st_size < 256 << 10
    output = await asyncio.to_thread(answer, run_small("--count"))
    assert (tmp_path / "totals.csv").read_text() == f"count\n{rows}\n"
    assert output["uploaded_bytes"] == (tmp_path / "plays.csv").stat().st_size


async def test_settings_of_a_service_in_the_environment_are_obeyed(
    run_small: Start, tmp_path: Path
) -> None:
    (tmp_path / "plays.csv").write_text("a,b\n1,2\n")
    output = await asyncio.to_thread(
        answer, run_small("--count", env={"CSVMILL_MAX_ATTEMPTS": "2"})
    )
    assert output["uploaded_bytes"] == 8
    assert json.loads((tmp_path / "totals.csv").read_text().splitlines()[1]) == 1


def write_texts(path: Path) -> None:
    """Write a file of more than 8 MiB in which no row has a number."""
    row = "a song with a long name,a long text where a number should be\n"
    path.write_text("Song,Note\n" + row * ((9 << 20) // len(row)))


async def test_a_run_ends_before_it_sends_a_file_of_which_all_first_rows_fail(
    shared_standalone: Standalone, run_small: Start, tmp_path: Path
) -> None:
    write_texts(tmp_path / "plays.csv")
    for server in ((), ("--server", shared_standalone.url)):
        process = run_small("--sum", "Note", *server)
        failed = await asyncio.to_thread(answer, process, Exit.UNSUCCESSFUL)
        assert failed["error"] == "bad-rows"
        assert "rows of plays.csv all fail: line 2, column 2 ('Note')" in failed["message"]
        assert "--keep-going" in failed["message"]
        assert leftovers(tmp_path) == []
    process = run_small("--sum", "Note", "--keep-going", "--server", shared_standalone.url)
    failed = await asyncio.to_thread(answer, process, Exit.UNSUCCESSFUL)
    assert failed["error"] in ("job-unsuccessful", "bad-rows")
    assert "rows of plays.csv all fail" not in failed["message"]


async def test_a_file_of_which_one_of_the_first_rows_is_good_is_sent(
    shared_standalone: Standalone, run_small: Start, tmp_path: Path
) -> None:
    write_texts(tmp_path / "plays.csv")
    text = (tmp_path / "plays.csv").read_text().replace("a long text where", "1", 1)
    (tmp_path / "plays.csv").write_text(text.replace("1 a number should be", "1", 1))
    server = ("--server", shared_standalone.url)
    skipped = run_small("--sum", "Note", "--on-bad-row", "skip", *server)
    output = await asyncio.to_thread(answer, skipped)
    assert output["report"]["rows_aggregated"] == 1
    failed = await asyncio.to_thread(answer, run_small("--sum", "Note", *server), Exit.UNSUCCESSFUL)
    assert "all fail" not in failed["message"]
