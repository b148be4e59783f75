"""How a command ends: its exit code, and its error as text or as JSON."""

from __future__ import annotations

import asyncio
import json
import math
import time
from contextlib import contextmanager
from enum import IntEnum
from typing import TYPE_CHECKING, Any, TypeVar

import click
from stamina.instrumentation import set_on_retry_hooks

from csvmill.client import (
    ClientError,
    InputChanged,
    JobUnsuccessful,
    NotVerified,
    Refused,
    ServerUnavailable,
)
from csvmill.run.state import RunBusy, RunDiffers

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from stamina.instrumentation import RetryDetails

T = TypeVar("T")

TROUBLE_EVERY = 30.0
"""Seconds between two words about the same trouble."""


class Exit(IntEnum):
    """Exit codes; the same command's always mean the same."""

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
    Exit.DONE: "done",
    Exit.FAILED: "the server refused, a file could not be read or written, a check failed",
    Exit.USAGE: "the command was not understood",
    Exit.UNAVAILABLE: "the server was away for too long; the same command goes on later",
    Exit.UNSUCCESSFUL: "the job ended without a result",
    Exit.CHANGED: "the input, or the server, is not the one that this was begun with",
    Exit.NOT_VERIFIED: "bytes did not have the digest that was announced",
    Exit.BUSY: "another run is at work on the same output",
    Exit.INTERRUPTED: "interrupted (Ctrl-C); the same command goes on",
}
EXITS: tuple[tuple[type[BaseException], Exit, str], ...] = (
    (ServerUnavailable, Exit.UNAVAILABLE, "server-unavailable"),
    (JobUnsuccessful, Exit.UNSUCCESSFUL, "job-unsuccessful"),
    (InputChanged, Exit.CHANGED, "input-changed"),
    (RunDiffers, Exit.CHANGED, "run-differs"),
    (NotVerified, Exit.NOT_VERIFIED, "not-verified"),
    (RunBusy, Exit.BUSY, "busy"),
    (Refused, Exit.FAILED, "refused"),
    (ClientError, Exit.FAILED, "failed"),
    (OSError, Exit.FAILED, "file"),
    (KeyboardInterrupt, Exit.INTERRUPTED, "interrupted"),
)
"""The exit code of what goes wrong, and its name in JSON; the first that fits."""


@contextmanager
def errors_shown(*, as_json: bool) -> Iterator[None]:
    """End the process with the exit code of what goes wrong inside, saying what it was.

    It is said on standard error; with `as_json` as an object on standard output.
    """
    try:
        yield
    except BrokenPipeError:
        raise  # whoever read standard output has had enough: click ends quietly
    except tuple(kind for kind, _, _ in EXITS) as error:
        code, name = next((code, name) for kind, code, name in EXITS if isinstance(error, kind))
        message = str(error) or MEANINGS[code]
        if as_json:
            show_json(
                {"status": "error", "error": name, "exit_code": int(code), "message": message}
            )
        else:
            click.echo(f"Error: {message}", err=True)
        raise click.exceptions.Exit(code) from error


def finish(work: Coroutine[Any, Any, T], trouble: Callable[[str], None] = lambda _text: None) -> T:
    """`asyncio.run`; `trouble` is told, now and then, that requests fail and are sent again."""
    told = -math.inf

    def retrying(details: RetryDetails) -> None:
        nonlocal told
        # The first try again is not worth a word.
        if details.retry_num > 1 and time.monotonic() - told > TROUBLE_EVERY:
            told = time.monotonic()
            trouble(f"{details.caused_by}; trying again")

    set_on_retry_hooks([retrying])
    return asyncio.run(work)


def show_json(value: Any) -> None:
    """One line of JSON on standard output."""
    click.echo(json.dumps(value))
