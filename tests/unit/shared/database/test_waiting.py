"""How a process that starts waits for its database: with a clock of the test's own."""

from __future__ import annotations

import logging

import pytest

from shared.database import waiting
from shared.database.waiting import REFUSED_FOR, REMINDER, until_there
from shared.errors import DatabaseUnavailable

AWAY = DatabaseUnavailable("database: connection refused")
REFUSED = DatabaseUnavailable("database: password authentication failed")


class Database:
    """Raises what the test says, one after the other, then is there; each try takes a while."""

    def __init__(self, *errors: DatabaseUnavailable, seconds: float) -> None:
        self.now = 0.0
        self._errors = list(errors)
        self._seconds = seconds

    def clock(self) -> float:
        return self.now

    async def step(self) -> None:
        self.now += self._seconds
        if self._errors:
            raise self._errors.pop(0)

    async def wait(self, timeout: float | None = None) -> None:
        await until_there(
            self.step,
            "",
            timeout=timeout,
            is_refusal=lambda error: error is REFUSED,
            clock=self.clock,
        )


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "FIRST_PAUSE", 0.0)
    monkeypatch.setattr(waiting, "LONGEST_PAUSE", 0.0)


async def test_a_database_that_is_away_is_waited_for_without_end_and_that_is_said_now_and_then(
    caplog: pytest.LogCaptureFixture,
) -> None:
    seconds, tries = 5.0, 1000
    database = Database(*[AWAY] * tries, seconds=seconds)
    with caplog.at_level(logging.WARNING):
        await database.wait()
    assert database.now == (tries + 1) * seconds
    said = [record.message for record in caplog.records]
    assert set(said) == {"waiting for the database: database: connection refused"}
    assert len(said) == pytest.approx(tries * seconds / REMINDER, abs=1)


async def test_with_a_time_out_it_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(DatabaseUnavailable, match="connection refused"):
        await Database(*[AWAY] * 99, seconds=5.0).wait(timeout=20.0)
    assert caplog.records


async def test_a_database_that_lets_nobody_in_is_a_wrong_setting_which_is_told() -> None:
    database = Database(*[REFUSED] * 99, seconds=5.0)
    with pytest.raises(DatabaseUnavailable, match="password"):
        await database.wait()
    assert database.now == pytest.approx(REFUSED_FOR, abs=10.0)


async def test_one_that_goes_away_between_refusals_is_waited_for() -> None:
    errors = [REFUSED, REFUSED, REFUSED, AWAY] * 20
    await Database(*errors, seconds=8.0).wait()
