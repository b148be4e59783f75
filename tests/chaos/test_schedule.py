"""The schedule and the files depend on the seed only."""

from __future__ import annotations

from tests.chaos.inputs import KINDS, make_input
from tests.chaos.schedule import (
    BROKER,
    DATABASE,
    GATEWAYS,
    LONG_OUTAGE,
    PROCESSORS,
    STORAGE,
    Fault,
    overtime,
    schedule,
)
from tests.chaos.test_chaos import MINUTES, SEED


def test_a_seed_gives_the_same_schedule() -> None:
    assert schedule(7, 300) == schedule(7, 300)
    assert schedule(7, 300) != schedule(8, 300)


def test_a_longer_run_starts_with_the_faults_of_a_shorter_one() -> None:
    shorter, longer = schedule(7, 60), schedule(7, 600)
    assert longer[: len(shorter)] == shorter
    assert len(longer) > 8 * len(shorter)


def test_overtime_has_the_faults_of_a_longer_run_without_long_outages() -> None:
    longer = schedule(7, 180)
    later = [action for action in longer if action.at >= 60]
    extra = overtime(7, 60, 180)
    assert [action for action in later if action not in extra] == [
        action for action in longer if action.duration == LONG_OUTAGE
    ]
    assert extra == [action for action in later if action in extra]


def test_two_minutes_contain_every_fault_and_kill_every_kind_of_process() -> None:
    for seed in range(20):
        actions = schedule(seed, 120)
        killed = {action.target for action in actions if action.fault is Fault.KILL}
        assert {STORAGE, DATABASE, BROKER} < killed
        assert killed & set(GATEWAYS)
        assert killed & set(PROCESSORS)
        assert {action.fault for action in actions} == set(Fault)


def test_the_minute_of_every_test_run_does_too() -> None:
    actions = schedule(SEED, 60 * MINUTES)
    killed = {action.target for action in actions if action.fault is Fault.KILL}
    assert {STORAGE, DATABASE, BROKER} < killed
    assert killed & set(GATEWAYS)
    assert killed & set(PROCESSORS)
    assert {action.fault for action in actions} == set(Fault)


def test_ten_minutes_contain_a_long_outage_of_database_and_broker() -> None:
    for seed in range(5):
        outages = [
            action.target for action in schedule(seed, 600) if action.duration == LONG_OUTAGE
        ]
        assert {DATABASE, BROKER} == set(outages)
        # And short runs contain none
        assert all(action.duration < LONG_OUTAGE for action in schedule(seed, 119))


def test_a_file_is_reproducible_and_malformed_at_its_line() -> None:
    for number in range(len(KINDS)):
        file = make_input(5, number)
        assert file == make_input(5, number)
        assert (file.result is None) == (file.malformed_line is not None)
        if file.malformed_line is not None:
            line = file.data.decode().split("\n")[file.malformed_line - 1]
            assert line.startswith("Song")
            assert not line.removeprefix("Song,2026-01-01,").isdigit()
