"""`csvmill upload`, `csvmill download`: the two ends of a run, on their own."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from contextlib import ExitStack, nullcontext
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from csvmill.client import AsyncClient, Retries
from csvmill.commands.asking import GRAMMAR, AskingCommand, asking
from csvmill.commands.bars import Bars
from csvmill.commands.options import (
    chunk_option,
    input_argument,
    job_argument,
    json_option,
    output_option,
    parallel_option,
    quiet_option,
    retry_option,
    server_option,
)
from csvmill.commands.outcomes import errors_shown, finish, show_json
from csvmill.run.fingerprint import fingerprint
from csvmill.run.run import PIPED_NAME
from csvmill.run.state import RunFolder, RunState

if TYPE_CHECKING:
    from csvmill.client import ResultView

STREAM = Path("-")


@click.command(
    cls=AskingCommand,
    epilog=GRAMMAR,
    short_help="Upload a file in chunks; prints the id of its job.",
)
@input_argument(allow_dash=True)
@server_option
@click.option("--name", metavar="NAME", help="Of the file; that of standard input is stdin.csv.")
@click.option("--restart", is_flag=True, help="Forget what an earlier upload has begun.")
@click.option("--sha256", "digest", metavar="HEX", help="Have the server check the whole by it.")
@chunk_option
@parallel_option
@retry_option
@quiet_option
@json_option
@asking
def upload(
    file: Path,
    server: str,
    aggregation: dict[str, Any] | None,
    name: str | None,
    restart: bool,
    digest: str | None,
    chunk_size: int,
    parallel: int,
    retry_for: float,
    quiet: bool,
    as_json: bool,
) -> None:
    """Upload FILE in chunks, several at a time; prints the id of the job that it becomes.

    The same command again goes on where this one was interrupted. What it needs for that it keeps
    in CSVMILL_STATE_DIR (by default ~/.local/state/csvmill). Standard input, `-`, is sent as it
    comes, and cannot be gone on with by another command.

    \b
    Examples:
      csvmill upload plays.csv --server http://mill.example:8000
      csvmill upload plays.csv --group-by Song --sum Plays
      zcat plays.csv.gz | csvmill upload - --name plays.csv
    """

    async def send(state: RunState) -> str:
        retries = Retries(attempts=None, within=retry_for)
        async with AsyncClient(server, retries=retries) as client:
            return await client.upload(
                file, key=state.key, name=name, sha256=digest, aggregation=aggregation,
                chunk_size=chunk_size, parallel=parallel, progress=bars.uploading,
            )  # fmt: skip

    async def pass_on() -> str:
        retries = Retries(attempts=None, within=retry_for)
        async with AsyncClient(server, retries=retries) as client:
            return await client.upload_stream(
                sys.stdin.buffer, name or PIPED_NAME, sha256=digest, aggregation=aggregation,
                chunk_size=chunk_size, parallel=parallel, progress=bars.uploading,
            )  # fmt: skip

    def tell(job_id: str) -> None:
        show_json({"job_id": job_id}) if as_json else click.echo(job_id)

    with ExitStack() as stack:
        stack.enter_context(errors_shown(as_json=as_json))
        bars = stack.enter_context(Bars(quiet=quiet or as_json))
        if file == STREAM:
            tell(finish(pass_on(), bars.note))
            return
        folder = _upload_folder(file, server)
        stack.enter_context(folder.locked(lambda: bars.note("waiting for another upload of it")))
        found = fingerprint(file)
        state = None if restart else folder.load()
        if state is None or state.input != found or state.aggregation != aggregation:
            # A file that was changed is another upload: nothing of the old one may get into it.
            state = RunState.begin(server, found, aggregation)
            folder.save(state)
        # Told before it is forgotten: whoever missed it gets the same id again, and no second job.
        tell(finish(send(state), bars.note))
        folder.remove()


@click.command(short_help="Download the result of a job, verified.")
@job_argument
@output_option("Where the result goes; `-` is standard output.")
@click.option("--rejects", is_flag=True, help="The records that the job left out, not its result.")
@server_option
@parallel_option
@retry_option
@quiet_option
@json_option
def download(
    job_id: str,
    output: Path,
    rejects: bool,
    server: str,
    parallel: int,
    retry_for: float,
    quiet: bool,
    as_json: bool,
) -> None:
    """Download the result of a job in ranges, several at a time, and verify its SHA-256.

    The same command again goes on where this one was interrupted; until the result is whole and
    verified it is in the output's path and `.part`.

    \b
    Examples:
      csvmill download 9f3f2d1c-5f0e-4b7b-8a43-2b9d8f2b8c55 -o totals.csv
      csvmill download 9f3f2d1c-5f0e-4b7b-8a43-2b9d8f2b8c55 -o - | head
      csvmill download 9f3f2d1c-5f0e-4b7b-8a43-2b9d8f2b8c55 --rejects -o rejects.csv
    """
    if as_json and output == STREAM:
        raise click.UsageError("--json answers on standard output, where -o - puts the result")

    async def receive() -> ResultView:
        retries = Retries(attempts=None, within=retry_for)
        async with AsyncClient(server, retries=retries) as client:
            fetch = client.download_rejects if rejects else client.download
            return await fetch(job_id, target, parallel=parallel, progress=bars.downloading)

    passing = tempfile.TemporaryDirectory(prefix="csvmill-") if output == STREAM else nullcontext()
    with errors_shown(as_json=as_json), passing as folder:
        target = Path(folder) / "result.csv" if folder else output
        with Bars(quiet=quiet or as_json) as bars:
            result = finish(receive(), bars.note)
        if output == STREAM:
            send_to_stdout(target)
        elif as_json:
            show_json({"path": str(output), "size": result.size, "sha256": result.sha256})


def send_to_stdout(path: Path) -> None:
    """Copy a file to standard output, as bytes."""
    with path.open("rb") as file:
        shutil.copyfileobj(file, sys.stdout.buffer)
    sys.stdout.buffer.flush()


def _upload_folder(file: Path, server: str) -> RunFolder:
    """Where the upload of this file to this server is remembered while it is not done."""
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    base = os.environ.get("CSVMILL_STATE_DIR") or Path(home) / "csvmill"
    name = sha256(f"{server}\0{file.resolve()}".encode()).hexdigest()[:32]
    return RunFolder(Path(base) / "uploads" / name)
