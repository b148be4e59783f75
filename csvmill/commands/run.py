"""`csvmill run`: a file in, its totals out."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from csvmill.commands.asking import GRAMMAR, AskingCommand, asking
from csvmill.commands.bars import Bars
from csvmill.commands.describing import rows_summed
from csvmill.commands.options import (
    chunk_option,
    input_argument,
    json_option,
    output_option,
    output_path,
    parallel_option,
    quiet_option,
    retry_option,
    server_url,
)
from csvmill.commands.outcomes import errors_shown, finish, show_json
from csvmill.commands.transfer import STREAM, send_to_stdout
from csvmill.run.order import Order
from csvmill.run.run import Run
from csvmill.run.state import RunFolder

if TYPE_CHECKING:
    from csvmill.run.order import Outcome


@click.command(
    cls=AskingCommand,
    epilog=GRAMMAR,
    short_help="A file in, its totals out: upload, follow, download, verify.",
)
@input_argument(allow_dash=True)
@output_option("Where the totals go; `-` is standard output.")
@click.option(
    "--server",
    metavar="URL",
    callback=server_url,
    envvar="CSVMILL_SERVER",
    show_envvar=True,
    help="The service to use.  [default: one that is started for the run]",
)
@click.option(
    "--rejects",
    callback=output_path,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Where records go that the job leaves out, with what is wrong with them.",
)
@click.option("--restart", is_flag=True, help="Forget what an earlier run has begun.")
@chunk_option
@parallel_option
@retry_option
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Where an unfinished run is kept.  [default: the output's path and .csvmill]",
)
@quiet_option
@json_option
@asking
def run(
    file: Path,
    output: Path,
    aggregation: dict[str, Any] | None,
    state: Path | None,
    quiet: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Aggregate FILE: upload it, follow the job, download and verify the result.

    Interrupted, by Ctrl-C, kill -9 or a lost network? The same command again goes on where this
    one was. The output appears, whole and verified, or not at all.

    \b
    Examples:
      csvmill run plays.csv -o totals.csv
      csvmill run plays.csv -o totals.csv --server http://mill.example:8000
      csvmill run plays.csv -o top.csv --group-by Song --sum Plays --order-by -Plays --limit 10
      csvmill run plays.csv -o totals.csv --spec totals.json
      zcat plays.csv.gz | csvmill run - -o - | head

    Without --server a service is started for the run, on a free port of this machine. FILE `-` is
    standard input, which is saved beside the output first. With `-o -` nothing is kept to go on
    from, unless --state says where.
    """
    if as_json and output == STREAM:
        raise click.UsageError("--json answers on standard output, where -o - puts the result")
    if file != STREAM and output != STREAM and output.exists() and output.samefile(file):
        raise click.UsageError(f"{output} is the input itself; name another output")
    rejects = options["rejects"]
    if rejects is not None and rejects in (file, output):
        raise click.UsageError(f"{rejects} is the input or the output; name another file")
    with ExitStack() as stack:
        stack.enter_context(errors_shown(as_json=as_json))
        folder, target = _places(stack, output, state)
        bars = stack.enter_context(Bars(quiet=quiet or as_json))
        order = Order(None if file == STREAM else file, target, aggregation=aggregation, **options)
        waiting = f"waiting for the run that is at work in {folder.path}"
        stack.enter_context(folder.locked(lambda: bars.note(waiting)))
        work = Run(order, folder, bars)
        work.begin()
        outcome = finish(work.carry_out(), bars.note)
        if output == STREAM:
            send_to_stdout(target)
        elif as_json:
            show_json(_as_json(order, outcome))
        else:
            bars.note(_as_text(order, outcome))


def _places(stack: ExitStack, output: Path, state: Path | None) -> tuple[RunFolder, Path]:
    """The run's folder, and where the result is to appear."""
    if output != STREAM:
        return RunFolder(state) if state else RunFolder.beside(output), output
    passing = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="csvmill-run-")))
    return RunFolder(state or passing / "state"), passing / "result.csv"


def _as_text(order: Order, outcome: Outcome) -> str:
    job, result = outcome.job, outcome.result
    told = (
        f"{order.output}: {job.rows_out:,} rows, {result.size:,} bytes, "
        f"from {job.rows_in:,} rows in {sum(outcome.seconds.values()):.1f} s"
    )
    report = job.report
    if report is not None and report.rows_in != report.rows_aggregated:
        told += f"\n{rows_summed(report)}"
    return told


def _as_json(order: Order, outcome: Outcome) -> dict[str, Any]:
    job, result = outcome.job, outcome.result
    return {
        "status": "done",
        "server": order.server,
        "job_id": job.id,
        "input": {"path": str(order.input) if order.input else None, "size": job.input_size},
        "output": {"path": str(order.output), "size": result.size, "sha256": result.sha256},
        "rows_in": job.rows_in,
        "rows_out": job.rows_out,
        "uploaded_bytes": outcome.uploaded_bytes,
        "downloaded_bytes": outcome.downloaded_bytes,
        "seconds": {stage: round(spent, 3) for stage, spent in outcome.seconds.items()},
        "report": asdict(job.report) if job.report else None,
        "problems": [asdict(problem) for problem in job.problems],
        "problem_count": job.problem_count,
    }
