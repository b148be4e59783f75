"""Exit codes of the commands, and errors as text or as JSON."""

from __future__ import annotations

import json
import math
import time
from contextlib import contextmanager
from enum import IntEnum
from typing import TYPE_CHECKING, Any, TypeVar

import click

from csvmill.client.errors import (
    BadRows,
    ClientError,
    InputChanged,
    JobUnsuccessful,
    NotVerified,
    Refused,
    ServerUnavailable,
)
from csvmill.run.errors import RunBusy, RunDiffers

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from stamina.instrumentation import RetryDetails

T = TypeVar("T")

RETRY_NOTE_INTERVAL = 30.0
"""Seconds between two messages about retries."""


class Exit(IntEnum):
    """Exit codes. They mean the same for every command."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    UNAVAILABLE = 3
    UNSUCCESSFUL = 4
    CHANGED = 5
    NOT_VERIFIED = 6
    BUSY = 7
    INTERRUPTED = 130


MEANINGS = {
    Exit.DONE: "success",
    Exit.FAILED: "the server refused, a file could not be read or written, or a check failed",
    Exit.USAGE: "the command line is invalid",
    Exit.UNAVAILABLE: "the server was unavailable for too long; run the same command again later",
    Exit.UNSUCCESSFUL: "the job ended without a result",
    Exit.CHANGED: "the input, the server or the spec differs from that of the interrupted command",
    Exit.NOT_VERIFIED: "bytes do not have the declared digest",
    Exit.BUSY: "another run uses the same output",
    Exit.INTERRUPTED: "interrupted (Ctrl-C); run the same command again",
}
EXITS: tuple[tuple[type[BaseException], Exit, str], ...] = (
    (ServerUnavailable, Exit.UNAVAILABLE, "server-unavailable"),
    (JobUnsuccessful, Exit.UNSUCCESSFUL, "job-unsuccessful"),
    (BadRows, Exit.UNSUCCESSFUL, "bad-rows"),
    (InputChanged, Exit.CHANGED, "input-changed"),
    (RunDiffers, Exit.CHANGED, "run-differs"),
    (NotVerified, Exit.NOT_VERIFIED, "not-verified"),
    (RunBusy, Exit.BUSY, "busy"),
    (Refused, Exit.FAILED, "refused"),
    (ClientError, Exit.FAILED, "failed"),
    (OSError, Exit.FAILED, "file"),
    (KeyboardInterrupt, Exit.INTERRUPTED, "interrupted"),
)
"""The exit code of each error, and its name in JSON. The first match counts."""


@contextmanager
def report_errors(*, as_json: bool) -> Iterator[None]:
    """Print an expected error from inside the context, and exit with its code.

    The message goes to standard error, or with `as_json` to standard output as a JSON object.
    """
    try:
        yield
    except BrokenPipeError:
        raise  # the reader of standard output has closed it: click exits quietly
    except tuple(kind for kind, _, _ in EXITS) as error:
        code, name = next((code, name) for kind, code, name in EXITS if isinstance(error, kind))
        from csvmill.commands.option_words import spoken

        message = spoken(str(error)) or MEANINGS[code]
        if as_json:
            show_json(
                {"status": "error", "error": name, "exit_code": int(code), "message": message}
            )
        else:
            click.echo(f"Error: {message}", err=True)
        raise click.exceptions.Exit(code) from error


def run_async(
    work: Coroutine[Any, Any, T], on_retry: Callable[[str], None] = lambda _text: None
) -> T:
    """Run a coroutine. `on_retry` gets a message now and then while requests are retried."""
    # Imported here, as most of the time of a command that needs neither is that of imports.
    import asyncio

    from csvmill.client.retrying import tell_retries

    last_note = -math.inf

    def hook(details: RetryDetails) -> None:
        nonlocal last_note
        # The first retry is not worth a message.
        if details.retry_num > 1 and time.monotonic() - last_note > RETRY_NOTE_INTERVAL:
            last_note = time.monotonic()
            on_retry(f"{details.caused_by}; retrying")

    tell_retries(hook)
    return asyncio.run(work)


def show_json(value: Any) -> None:
    """Print a value as one line of JSON."""
    click.echo(json.dumps(value))
