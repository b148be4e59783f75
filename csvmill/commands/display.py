"""What a run shows: progress bars on a terminal, else messages alone."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from csvmill.client import JobView, TransferProgress
    from csvmill.run.request import RunListener


@contextmanager
def display(*, quiet: bool) -> Iterator[RunListener]:
    """Show what happens on standard error; nothing if `quiet`."""
    if not quiet and sys.stderr.isatty():
        from csvmill.commands.bars import Bars  # rich takes long to import

        with Bars(quiet=False) as bars:
            yield bars
    else:
        yield Messages(quiet=quiet)


class Messages:
    """Prints messages to standard error, and shows no progress. See `RunListener`."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet

    def note(self, text: str) -> None:
        """Print a line of text."""
        if not self._quiet:
            print(text, file=sys.stderr, flush=True)  # noqa: T201

    def uploading(self, progress: TransferProgress) -> None:
        """Show nothing."""

    def working(self, job: JobView) -> None:
        """Show nothing."""

    def downloading(self, progress: TransferProgress) -> None:
        """Show nothing."""
