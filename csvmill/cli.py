"""The command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError

from csvmill import standalone
from csvmill.job_commands import jobs


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="csvmill")
def main() -> None:
    """Aggregate CSV files too large for memory, over resumable HTTP."""


main.add_command(jobs)


@main.command()
@click.option("--host", help="Address to listen on.  [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="0 picks a free one.  [default: 8000]")
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where uploads, results and jobs are kept.  [default: ./data]",
)
def serve(**options: Any) -> None:
    """Run the whole service in this process, with nothing to install beside it.

    Every option, and more, can be set as an environment variable: CSVMILL_HOST, CSVMILL_PORT,
    CSVMILL_DATA_DIR, CSVMILL_MEMORY_LIMIT (bytes for one job), CSVMILL_LOG_LEVEL, ...

    \b
    Example:
      csvmill serve --port 8000 --data-dir /var/lib/csvmill
    """
    given = {name: value for name, value in options.items() if value is not None}
    try:
        settings = standalone.StandaloneSettings(**given)
    except ValidationError as error:
        raise click.UsageError(str(error)) from error
    standalone.serve(settings)
