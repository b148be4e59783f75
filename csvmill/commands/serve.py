"""`csvmill serve`: the standalone service."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


@click.command(short_help="Run the whole service in one process.")
@click.option("--host", help="Address to listen on.  [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="0 picks a free one.  [default: 8000]")
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where uploads, results and jobs are kept.  [default: ./data]",
)
@click.option(
    "--with-parent",
    is_flag=True,
    help="End when standard input ends: no later than the process that holds its other end.",
)
def serve(with_parent: bool, **options: Any) -> None:
    """Run the whole service in this process, with nothing to install beside it.

    Every option, and more, can be set as an environment variable: CSVMILL_HOST, CSVMILL_PORT,
    CSVMILL_DATA_DIR, CSVMILL_MEMORY_LIMIT (bytes for one job), CSVMILL_LOG_LEVEL, ...

    \b
    Example:
      csvmill serve --port 8000 --data-dir /var/lib/csvmill
    """
    # The services take longer to import than all other commands take.
    from pydantic import ValidationError

    from csvmill.standalone import app as standalone
    from csvmill.standalone.child import end_with_parent

    given = {name: value for name, value in options.items() if value is not None}
    try:
        settings = standalone.StandaloneSettings(**given)
    except ValidationError as error:
        raise click.UsageError(str(error)) from error
    if with_parent:
        end_with_parent()
    standalone.serve(settings)
