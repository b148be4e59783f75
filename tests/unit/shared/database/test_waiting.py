"""The wait for the database at the start of a process, on a simulated clock."""

from __future__ import annotations

import logging

import pytest

from shared.database import waiting
from shared.database.waiting import REFUSED_FOR, REMINDER, until_available
from shared.errors import DatabaseUnavailable

AWAY = DatabaseUnavailable("database: connection refused")
REFUSED = DatabaseUnavailable("database: password authentication failed")


class Database:
    """Raises each of `errors` once, and is available then. Each try takes `seconds`."""

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
        await until_available(
            self.step,
            "",
            timeout=timeout,
            is_refusal=lambda error: error is REFUSED,
            clock=self.clock,
        )


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "FIRST_BACKOFF", 0.0)
    monkeypatch.setattr(waiting, "LONGEST_BACKOFF", 0.0)


async def test_the_wait_for_an_unavailable_database_is_unlimited_and_rarely_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    seconds, tries = 5.0, 1000
    database = Database(*[AWAY] * tries, seconds=seconds)
    with caplog.at_level(logging.WARNING):
        await database.wait()
    assert database.now == (tries + 1) * seconds
    messages = [record.message for record in caplog.records if record.name == waiting.__name__]
    assert set(messages) == {"waiting for the database: database: connection refused"}
    assert len(messages) == pytest.approx(tries * seconds / REMINDER, abs=1)


async def test_the_wait_ends_with_the_error_after_the_timeout(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with pytest.raises(DatabaseUnavailable, match="connection refused"):
        await Database(*[AWAY] * 99, seconds=5.0).wait(timeout=20.0)
    assert caplog.records


async def test_a_database_that_only_refuses_is_reported_as_a_wrong_setting() -> None:
    database = Database(*[REFUSED] * 99, seconds=5.0)
    with pytest.raises(DatabaseUnavailable, match="password"):
        await database.wait()
    assert database.now == pytest.approx(REFUSED_FOR, abs=10.0)


async def test_refusals_with_outages_in_between_do_not_end_the_wait() -> None:
    errors = [REFUSED, REFUSED, REFUSED, AWAY] * 20
    await Database(*errors, seconds=8.0).wait()
