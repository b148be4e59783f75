"""`csvmill run`: aggregate a file and write the result."""

from __future__ import annotations

import shlex
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from csvmill.client.errors import BadRows, JobUnsuccessful
from csvmill.commands.display import display
from csvmill.commands.exit_codes import report_errors, run_async, show_json
from csvmill.commands.job_text import echo_warnings, row_counts
from csvmill.commands.options import (
    STREAM,
    api_key_option,
    chunk_option,
    given_api_key,
    input_argument,
    json_option,
    output_option,
    output_path,
    parallel_option,
    quiet_option,
    retry_option,
    send_to_stdout,
    server_url,
)
from csvmill.commands.spec_options import GRAMMAR, SpecCommand, spec_options
from csvmill.run.request import RunRequest
from csvmill.run.run import Run
from csvmill.run.state import RunFolder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from csvmill.run.request import RunResult


@click.command(
    cls=SpecCommand,
    epilog=GRAMMAR,
    short_help="Aggregate a file: upload, follow the job, download, verify.",
)
@input_argument(allow_dash=True)
@output_option("Where to write the result; `-` is standard output.")
@click.option(
    "--server",
    metavar="URL",
    callback=server_url,
    envvar="CSVMILL_SERVER",
    show_envvar=True,
    help="The service to use.  [default: one that is started for the run]",
)
@api_key_option
@click.option(
    "--rejects",
    callback=output_path,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Where to write rejected records, with the reason for each.",
)
@click.option(
    "--detect",
    is_flag=True,
    help="Declare what `csvmill inspect` proposes for FILE, and print that.",
)
@click.option(
    "--keep-going",
    is_flag=True,
    help="Run the job even if all of the first thousands of rows fail.",
)
@click.option("--restart", is_flag=True, help="Discard the state of an earlier run.")
@chunk_option
@parallel_option
@retry_option
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Where to keep an unfinished run.  [default: the output's path + .csvmill]",
)
@quiet_option
@json_option
@spec_options
def run(
    file: Path,
    output: Path,
    aggregation: dict[str, Any] | None,
    state: Path | None,
    detect: bool,
    quiet: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Aggregate FILE: upload it, follow the job, download and verify the result.

    If it is interrupted (Ctrl-C, kill -9, a lost network), run the same command again: it
    continues where it stopped. The output appears only when it is complete and verified.

    \b
    Examples:
      csvmill run plays.csv -o totals.csv
      csvmill run plays.csv -o totals.csv --server http://mill.example:8000
      csvmill run plays.csv -o top.csv --group-by Song --sum Plays --order-by -Plays --limit 10
      csvmill run plays.csv -o totals.csv --spec totals.json
      zcat plays.csv.gz | csvmill run - -o - | head

    Without --server, a service is started for the run on a free port of this machine, unless FILE
    is small. FILE `-` is standard input, which is first saved beside the output. A run with `-o -`
    can be continued only if --state is given.
    """
    if as_json and output == STREAM:
        raise click.UsageError("--json and `-o -` both write to standard output; use one of them")
    if file != STREAM and output != STREAM and output.exists() and output.samefile(file):
        raise click.UsageError(f"{output} is the input itself; use another output")
    if detect and file == STREAM:
        raise click.UsageError("--detect reads FILE before it is sent; give a file")
    rejects = options["rejects"]
    if rejects is not None and rejects in (file, output):
        raise click.UsageError(f"{rejects} is also the input or the output; use another file")
    with ExitStack() as stack:
        stack.enter_context(report_errors(as_json=as_json))
        folder, target = _paths(stack, output, state)
        shown = stack.enter_context(display(quiet=quiet or as_json))
        source = None if file == STREAM else file
        if detect:
            aggregation = _detected(file, aggregation)
        request = RunRequest(
            source, target, aggregation=aggregation, api_key=given_api_key(), **options
        )
        waiting = f"waiting for another run that is using {folder.path}"
        stack.enter_context(folder.locked(lambda: shown.note(waiting)))
        work = Run(request, folder, shown)
        work.begin()
        with _reminder(file, aggregation):
            result = run_async(work.execute(), shown.note)
        if not (quiet or as_json):
            echo_warnings(result.job)
        if output == STREAM:
            send_to_stdout(target)
        elif as_json:
            show_json(_result_json(request, result))
        else:
            shown.note(_result_text(request, result))


@contextmanager
def _reminder(file: Path, aggregation: dict[str, Any] | None) -> Iterator[None]:
    """Tell, if a file does not fit and nothing was asked, how to ask."""
    try:
        yield
    except (BadRows, JobUnsuccessful) as error:
        if aggregation is not None:
            raise
        seen = "" if file == STREAM else f"; `csvmill inspect {shlex.quote(str(file))}` shows them"
        raise type(error)(
            f"{error}\nNothing was asked, so plays were summed by song and date, as for a file "
            "with the columns Song, Date, Number of Plays. For another file, name its columns, "
            f"as in --group-by COLUMN --sum COLUMN{seen}."
        ) from error


def _detected(file: Path, aggregation: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the spec with what the file's inspection proposes, and print that."""
    from csvmill.commands.inspect import inspected, proposal_text
    from csvmill.commands.option_words import spoken

    with file.open("rb") as source:
        found = inspected(source, aggregation)
    if found.proposed is None:
        click.echo("detected: nothing to declare", err=True)
        return aggregation
    declared = found.proposed["input"]
    click.echo(f"detected: {proposal_text(found.proposed)}", err=True)
    for reason in found.lines.reasons:
        click.echo(f"  {spoken(reason)}", err=True)
    spec = aggregation or {}
    return {**spec, "input": {**declared, **spec.get("input", {})}}


def _paths(stack: ExitStack, output: Path, state: Path | None) -> tuple[RunFolder, Path]:
    """Return the run's folder, and the path of the result."""
    if output != STREAM:
        return RunFolder(state) if state else RunFolder.beside(output), output
    temporary = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="csvmill-run-")))
    return RunFolder(state or temporary / "state"), temporary / "result.csv"


def _result_text(request: RunRequest, done: RunResult) -> str:
    job, report = done.job, done.job.report
    text = (
        f"{request.output}: {job.rows_out:,} rows, {done.result.size:,} bytes, "
        f"from {job.rows_in:,} rows in {sum(done.seconds.values()):.1f} s"
    )
    if report is not None and report.rows_in != report.rows_aggregated:
        text += f"\n{row_counts(report)}"
    return text


def _result_json(request: RunRequest, done: RunResult) -> dict[str, Any]:
    job, result = done.job, done.result
    return {
        "status": "done",
        "server": request.shown_server,
        "job_id": job.id,
        "input": {"path": str(request.input) if request.input else None, "size": job.input_size},
        "output": {"path": str(request.output), "size": result.size, "sha256": result.sha256},
        "rows_in": job.rows_in,
        "rows_out": job.rows_out,
        "uploaded_bytes": done.uploaded_bytes,
        "downloaded_bytes": done.downloaded_bytes,
        "seconds": {stage: round(spent, 3) for stage, spent in done.seconds.items()},
        "report": asdict(job.report) if job.report else None,
        "problems": [asdict(problem) for problem in job.problems],
        "problem_count": job.problem_count,
    }
