"""How a command ends: its exit code, and its error as text or as JSON."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import contextmanager
from enum import IntEnum
from typing import TYPE_CHECKING, Any, TypeVar

import click

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
    from collections.abc import Coroutine, Iterator

T = TypeVar("T")


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


def run_quietly(work: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run`, without a warning for each request that is sent again."""
    logging.getLogger("stamina").setLevel(logging.ERROR)  # what comes of the tries is enough
    return asyncio.run(work)


def show_json(value: Any) -> None:
    """One line of JSON on standard output."""
    click.echo(json.dumps(value))
