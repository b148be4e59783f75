"""`csvmill upload` and `csvmill download`: the first and the last step of a run."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import ExitStack, nullcontext
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from csvmill.client.defaults import CHUNK_SIZE
from csvmill.client.loading import load_client
from csvmill.commands.display import display
from csvmill.commands.exit_codes import report_errors, run_async, show_json
from csvmill.commands.options import (
    STREAM,
    chunk_option,
    given_api_key,
    input_argument,
    job_argument,
    json_option,
    output_option,
    parallel_option,
    quiet_option,
    retry_option,
    send_to_stdout,
    server_option,
)
from csvmill.commands.spec_options import GRAMMAR, SpecCommand, spec_options
from csvmill.run.fingerprint import fingerprint
from csvmill.run.request import PIPED_NAME
from csvmill.run.state import RunFolder, RunState

if TYPE_CHECKING:
    from csvmill.client import AsyncClient, ResultView


@click.command(
    cls=SpecCommand,
    epilog=GRAMMAR,
    short_help="Upload a file; print the id of its job.",
)
@input_argument(allow_dash=True)
@server_option
@click.option("--name", metavar="NAME", help="File name; stdin.csv for standard input.")
@click.option("--restart", is_flag=True, help="Discard the state of an earlier upload.")
@click.option("--sha256", "digest", metavar="HEX", help="Digest for the server to verify.")
@chunk_option
@parallel_option
@retry_option
@quiet_option
@json_option
@spec_options
def upload(
    file: Path,
    server: str,
    aggregation: dict[str, Any] | None,
    name: str | None,
    restart: bool,
    digest: str | None,
    chunk_size: int | None,
    parallel: int,
    retry_for: float,
    quiet: bool,
    as_json: bool,
) -> None:
    """Upload FILE and print the id of its job.

    If it is interrupted, run the same command again: it continues where it stopped. Its state is
    kept in CSVMILL_STATE_DIR (default ~/.local/state/csvmill). An upload of standard input, `-`,
    cannot be continued.

    \b
    Examples:
      csvmill upload plays.csv --server http://mill.example:8000
      csvmill upload plays.csv --group-by Song --sum Plays
      zcat plays.csv.gz | csvmill upload - --name plays.csv
    """

    async def send_file(state: RunState) -> str:
        async with _client(server, retry_for) as client:
            return await client.upload(
                file, key=state.key, name=name, sha256=digest, aggregation=aggregation,
                chunk_size=chunk_size, parallel=parallel, progress=shown.uploading,
            )  # fmt: skip

    async def send_stream() -> str:
        async with _client(server, retry_for) as client:
            return await client.upload_stream(
                sys.stdin.buffer, name or PIPED_NAME, sha256=digest, aggregation=aggregation,
                chunk_size=chunk_size or CHUNK_SIZE, parallel=parallel, progress=shown.uploading,
            )  # fmt: skip

    def show(job_id: str) -> None:
        show_json({"job_id": job_id}) if as_json else click.echo(job_id)

    with ExitStack() as stack:
        stack.enter_context(report_errors(as_json=as_json))
        shown = stack.enter_context(display(quiet=quiet or as_json))
        if file == STREAM:
            show(run_async(send_stream(), shown.note))
            return
        folder = _upload_folder(file, server)
        waiting = "waiting for another upload of this file"
        stack.enter_context(folder.locked(lambda: shown.note(waiting)))
        found = fingerprint(file)
        state = None if restart else folder.load()
        if state is None or state.input != found or state.aggregation != aggregation:
            # A changed file needs a new upload: it must not be mixed with the old content.
            state = RunState.begin(server, found, aggregation)
            folder.save(state)
        # Print before removing the state: if printing fails, the same command prints the same id
        # again instead of creating a second job.
        show(run_async(send_file(state), shown.note))
        folder.remove()


@click.command(short_help="Download the result of a job, verified.")
@job_argument
@output_option("Where to write the result; `-` is standard output.")
@click.option("--rejects", is_flag=True, help="Download the rejected records, not the result.")
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

    If it is interrupted, run the same command again: it continues where it stopped. Until the
    result is complete and verified, its bytes are in the output's path + `.part`.

    \b
    Examples:
      csvmill download 9f3f2d1c-5f0e-4b7b-8a43-2b9d8f2b8c55 -o totals.csv
      csvmill download 9f3f2d1c-5f0e-4b7b-8a43-2b9d8f2b8c55 -o - | head
      csvmill download 9f3f2d1c-5f0e-4b7b-8a43-2b9d8f2b8c55 --rejects -o rejects.csv
    """
    if as_json and output == STREAM:
        raise click.UsageError("--json and `-o -` both write to standard output; use one of them")

    async def receive() -> ResultView:
        async with _client(server, retry_for) as client:
            fetch = client.download_rejects if rejects else client.download
            return await fetch(job_id, target, parallel=parallel, progress=shown.downloading)

    temporary = (
        tempfile.TemporaryDirectory(prefix="csvmill-") if output == STREAM else nullcontext()
    )
    with report_errors(as_json=as_json), temporary as folder:
        target = Path(folder) / "result.csv" if folder else output
        with display(quiet=quiet or as_json) as shown:
            result = run_async(receive(), shown.note)
        if output == STREAM:
            send_to_stdout(target)
        elif as_json:
            show_json({"path": str(output), "size": result.size, "sha256": result.sha256})


def _client(server: str, retry_for: float) -> AsyncClient:
    """Return a client that retries for so many seconds while the server is unavailable."""
    load_client(server)
    from csvmill.client import AsyncClient, Retries

    retries = Retries(attempts=None, within=retry_for)
    return AsyncClient(server, api_key=given_api_key(), retries=retries)


def _upload_folder(file: Path, server: str) -> RunFolder:
    """Return the folder that keeps the state of uploading this file to this server."""
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    base = os.environ.get("CSVMILL_STATE_DIR") or Path(home) / "csvmill"
    name = sha256(f"{server}\0{file.resolve()}".encode()).hexdigest()[:32]
    return RunFolder(Path(base) / "uploads" / name)
