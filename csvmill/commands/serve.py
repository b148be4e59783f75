"""`csvmill serve`: the standalone service."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from csvmill.client.quick_start import collecting_later
from csvmill.commands.exit_codes import Exit


@click.command(short_help="Run the whole service in one process.")
@click.option("--host", help="Address to listen on.  [default: 127.0.0.1]")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="Port to listen on; 0 picks a free one.  [default: 8000]",
)
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of uploads, results and jobs.  [default: ./data]",
)
@click.option(
    "--with-parent",
    is_flag=True,
    help="Stop when standard input ends, so that the service never outlives its parent process.",
)
def serve(with_parent: bool, **options: Any) -> None:
    """Run the whole service in this process. It needs no database and no broker.

    Every option, and more, can be set as an environment variable: CSVMILL_HOST, CSVMILL_PORT,
    CSVMILL_DATA_DIR, CSVMILL_MEMORY_LIMIT (bytes for one job), CSVMILL_LOG_LEVEL, ...

    \b
    Example:
      csvmill serve --port 8000 --data-dir /var/lib/csvmill
    """
    # Importing the services takes longer than all other imports of the command line.
    with collecting_later():
        from pydantic import ValidationError

        from csvmill.standalone import app as standalone
        from csvmill.standalone.child import TOKEN_VARIABLE
        from csvmill.standalone.parent import stop_with_parent
        from csvmill.standalone.settings import StandaloneSettings
        from shared.errors import InvalidInput
        from shared.runtime.secrets import forget_secrets, secrets_in_files
        from shared.runtime.service import faults_of
        from shared.telemetry.logs import last_words

    given = {name: value for name, value in options.items() if value is not None}
    try:
        settings = StandaloneSettings(**{**secrets_in_files(StandaloneSettings), **given})
    except (ValidationError, InvalidInput) as error:
        faults = faults_of(error) if isinstance(error, ValidationError) else str(error)
        click.echo(last_words("standalone", faults), err=True)
        raise click.exceptions.Exit(Exit.USAGE) from error
    forget_secrets(StandaloneSettings)
    # The programs that the service starts need not know it.
    os.environ.pop(TOKEN_VARIABLE, None)
    if with_parent:
        stop_with_parent()
    standalone.serve(settings)
