"""The schedule and the files are of the seed alone."""

from __future__ import annotations

from tests.chaos.inputs import make_input
from tests.chaos.schedule import (
    BROKER,
    DATABASE,
    GATEWAYS,
    LONG_OUTAGE,
    PROCESSORS,
    STORAGE,
    Fault,
    schedule,
)


def test_a_seed_always_means_the_same_actions() -> None:
    assert schedule(7, 300) == schedule(7, 300)
    assert schedule(7, 300) != schedule(8, 300)


def test_a_longer_run_begins_as_a_shorter_one_does() -> None:
    shorter, longer = schedule(7, 60), schedule(7, 600)
    assert longer[: len(shorter)] == shorter
    assert len(longer) > 8 * len(shorter)


def test_within_two_minutes_everybody_is_killed_and_every_fault_comes_up() -> None:
    for seed in range(20):
        actions = schedule(seed, 120)
        killed = {action.target for action in actions if action.fault is Fault.KILL}
        assert {STORAGE, DATABASE, BROKER} < killed
        assert killed & set(GATEWAYS)
        assert killed & set(PROCESSORS)
        assert {action.fault for action in actions} == set(Fault)


def test_database_and_broker_are_away_for_a_minute_in_a_run_of_ten() -> None:
    for seed in range(5):
        away = [action.target for action in schedule(seed, 600) if action.lasts == LONG_OUTAGE]
        assert {DATABASE, BROKER} == set(away)
        # And never while a run is short
        assert all(action.lasts < LONG_OUTAGE for action in schedule(seed, 119))


def test_a_file_is_the_same_each_time_and_its_malformed_line_is_where_it_says() -> None:
    for number in range(22):
        file = make_input(5, number)
        assert file == make_input(5, number)
        assert (file.result is None) == (file.malformed_line is not None)
        if file.malformed_line is not None:
            line = file.data.decode().split("\n")[file.malformed_line - 1]
            assert line.startswith("Song")
            assert not line.removeprefix("Song,2026-01-01,").isdigit()
