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
from csvmill.commands.outcomes import EXITS, MEANINGS, Exit, errors_shown, finish
from csvmill.run.state import RunBusy, RunDiffers

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
        with pytest.raises(click.exceptions.Exit) as ended, errors_shown(as_json=as_json):
            raise error
        assert ended.value.exit_code == code
    shown = capsys.readouterr()
    said = json.loads(shown.out)
    assert said == {
        "status": "error", "error": name, "exit_code": code, "message": said["message"]
    }  # fmt: skip
    assert said["message"]
    assert shown.err == f"Error: {said['message']}\n"


def test_a_fault_of_the_program_is_no_answer() -> None:
    with pytest.raises(ZeroDivisionError), errors_shown(as_json=True):
        raise ZeroDivisionError


def test_every_code_is_explained_in_the_help_and_used() -> None:
    assert set(MEANINGS) == set(Exit)
    assert {code for _, code, _ in EXITS} | {Exit.DONE, Exit.USAGE} == set(Exit)
    for code, meaning in MEANINGS.items():
        assert f"{code:>3}  {meaning}" in (main.epilog or "")


def test_people_are_told_of_trouble_that_lasts_but_not_of_each_try() -> None:
    told: list[str] = []

    async def work(failures: int) -> None:
        async for attempt in Retries(attempts=6):
            with attempt:
                if attempt.num <= failures:
                    raise ServerUnavailable("the server is away")

    stamina.set_testing(True, attempts=6)
    try:
        finish(work(1), told.append)
        assert told == []
        with pytest.raises(ServerUnavailable):
            finish(work(6), told.append)
        assert told == ["the server is away; trying again"]
    finally:
        stamina.set_testing(False)
        set_on_retry_hooks(None)
