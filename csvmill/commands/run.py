"""`csvmill run`: aggregate a file and write the result."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from csvmill.commands.display import display
from csvmill.commands.exit_codes import report_errors, run_async, show_json
from csvmill.commands.inputs import (
    cache_option,
    engine_option,
    files_argument,
    spec_name_option,
    upload_option,
)
from csvmill.commands.job_text import echo_warnings
from csvmill.commands.options import (
    STREAM,
    api_key_option,
    chunk_option,
    given_api_key,
    json_option,
    output_option,
    output_path,
    parallel_option,
    quiet_option,
    retry_option,
    send_to_stdout,
    server_url,
)
from csvmill.commands.run_text import reminder, result_json, result_text
from csvmill.commands.spec_options import GRAMMAR, SpecCommand, spec_options
from csvmill.run.request import RunRequest
from csvmill.run.run import Run
from csvmill.run.state import RunFolder


@click.command(
    cls=SpecCommand,
    epilog=GRAMMAR,
    short_help="Aggregate a file: upload, follow the job, download, verify.",
)
@files_argument
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
@upload_option
@cache_option
@engine_option
@spec_name_option
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
    files: tuple[Path, ...],
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
      csvmill run 'plays-2026-*.csv' -o year.csv --group-by Song --sum Plays
      csvmill run --upload plays.csv -o totals.csv --spec totals.json
      zcat plays.csv.gz | csvmill run - -o - | head

    Several files, patterns and uploads are read as one: their columns are matched by name.

    Without --server, a service is started for the run on a free port of this machine, unless FILE
    is small. FILE `-` is standard input, which is first saved beside the output. A run with `-o -`
    can be continued only if --state is given.
    """
    if as_json and output == STREAM:
        raise click.UsageError("--json and `-o -` both write to standard output; use one of them")
    _check(files, output, aggregation, options)
    if detect and (len(files) != 1 or STREAM in files):
        raise click.UsageError("--detect reads FILE before it is sent; give one file")
    with ExitStack() as stack:
        stack.enter_context(report_errors(as_json=as_json))
        folder, target = _paths(stack, output, state)
        shown = stack.enter_context(display(quiet=quiet or as_json))
        if detect:
            aggregation = _detected(files[0], aggregation)
        request = RunRequest(
            files[0] if files and STREAM not in files else None,
            target,
            more=files[1:],
            aggregation=aggregation,
            api_key=given_api_key(),
            **options,
        )
        waiting = f"waiting for another run that is using {folder.path}"
        stack.enter_context(folder.locked(lambda: shown.note(waiting)))
        work = Run(request, folder, shown)
        work.begin()
        with reminder(request):
            result = run_async(work.execute(), shown.note)
        if not (quiet or as_json):
            echo_warnings(result.job)
        if output == STREAM:
            send_to_stdout(target)
        elif as_json:
            show_json(result_json(request, result))
        else:
            shown.note(result_text(request, result))


def _check(
    files: tuple[Path, ...],
    output: Path,
    aggregation: dict[str, Any] | None,
    options: dict[str, Any],
) -> None:
    """Raise UsageError if options contradict each other."""
    if not files and not options["uploads"]:
        raise click.UsageError("give a FILE, or --upload ID")
    if options["uploads"] and (options["server"] is None or STREAM in files):
        raise click.UsageError("--upload needs --server, and cannot be combined with `-`")
    if options["spec_name"] is not None:
        if aggregation is not None:
            raise click.UsageError("--spec-name cannot be combined with other options of the spec")
        if options["server"] is None:
            raise click.UsageError("--spec-name needs --server, which has saved the spec")
    for file in files:
        if STREAM not in (file, output) and output.exists() and output.samefile(file):
            raise click.UsageError(f"{output} is the input itself; use another output")
    rejects = options["rejects"]
    if rejects is not None and rejects in (*files, output):
        raise click.UsageError(f"{rejects} is also the input or the output; use another file")


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
