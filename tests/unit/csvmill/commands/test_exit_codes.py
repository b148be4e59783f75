"""Exit codes, and errors as text and as JSON."""

from __future__ import annotations

import json

import click
import pytest
import stamina
from stamina.instrumentation import set_on_retry_hooks

from csvmill.cli import main
from csvmill.client import (
    ClientError,
    ConnectionLost,
    InputChanged,
    JobUnsuccessful,
    NotVerified,
    Refused,
    Retries,
    ServerUnavailable,
)
from csvmill.commands.exit_codes import EXITS, MEANINGS, Exit, report_errors, run_async
from csvmill.run.errors import RunBusy, RunDiffers

CASES = [
    (ServerUnavailable("away"), 3, "server-unavailable"),
    (ConnectionLost("away"), 3, "server-unavailable"),
    (JobUnsuccessful("failed"), 4, "job-unsuccessful"),
    (InputChanged("other"), 5, "input-changed"),
    (RunDiffers("other"), 5, "run-differs"),
    (NotVerified("damaged"), 6, "not-verified"),
    (RunBusy("busy"), 7, "busy"),
    (Refused(404, "no such job"), 1, "refused"),
    (ClientError("odd"), 1, "failed"),
    (FileNotFoundError(2, "No such file", "x"), 1, "file"),
    (KeyboardInterrupt(), 130, "interrupted"),
]


@pytest.mark.parametrize(("error", "code", "name"), CASES)
def test_each_error_has_its_exit_code_and_name(
    error: BaseException, code: int, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for as_json in (False, True):
        with pytest.raises(click.exceptions.Exit) as ended, report_errors(as_json=as_json):
            raise error
        assert ended.value.exit_code == code
    shown = capsys.readouterr()
    answer = json.loads(shown.out)
    assert answer == {
        "status": "error", "error": name, "exit_code": code, "message": answer["message"]
    }  # fmt: skip
    assert answer["message"]
    assert shown.err == f"Error: {answer['message']}\n"


def test_an_unexpected_exception_is_not_caught() -> None:
    with pytest.raises(ZeroDivisionError), report_errors(as_json=True):
        raise ZeroDivisionError


def test_every_exit_code_is_used_and_explained_in_the_help() -> None:
    assert set(MEANINGS) == set(Exit)
    assert {code for _, code, _ in EXITS} | {Exit.DONE, Exit.USAGE} == set(Exit)
    for code, meaning in MEANINGS.items():
        assert f"{code:>3}  {meaning}" in (main.epilog or "")


def test_lasting_retries_are_noted_once_and_the_first_retry_is_not() -> None:
    notes: list[str] = []

    async def work(failures: int) -> None:
        async for attempt in Retries(attempts=6):
            with attempt:
                if attempt.num <= failures:
                    raise ServerUnavailable("the server is away")

    stamina.set_testing(True, attempts=6)
    try:
        run_async(work(1), notes.append)
        assert notes == []
        with pytest.raises(ServerUnavailable):
            run_async(work(6), notes.append)
        assert notes == ["the server is away; retrying"]
    finally:
        stamina.set_testing(False)
        set_on_retry_hooks(None)
