"""Reading `traceparent` and `tracestate`, by the cases of the W3C recommendation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.telemetry.trace_context import TraceContext, parse_trace

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"
VALID = f"00-{TRACE}-{PARENT}-01"


def test_the_example_of_the_recommendation_is_passed_on_unchanged() -> None:
    trace = parse_trace([VALID], ["rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"])
    assert trace == TraceContext(TRACE, PARENT, "01", "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE")
    assert trace.traceparent == VALID


@pytest.mark.parametrize(
    "value",
    [
        "",
        "00",
        VALID.upper(),
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-{PARENT}-1",
        f"00-{TRACE}-{PARENT}",
        f"00-{TRACE[:-1]}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-01-more",
        f"00-{TRACE}-{PARENT}-01-",
        f"01-{TRACE}-{PARENT}-01more",
        f"0g-{TRACE}-{PARENT}-01",
        f"00_{TRACE}_{PARENT}_01",
        f"00-{TRACE}-{PARENT}-01\n",
        f"{VALID},{VALID}",
    ],
)
def test_a_malformed_traceparent_is_ignored_and_its_tracestate_with_it(value: str) -> None:
    assert parse_trace([value], ["a=1"]) is None


def test_a_missing_or_repeated_traceparent_is_ignored() -> None:
    assert parse_trace([], ["a=1"]) is None
    assert parse_trace([VALID, VALID]) is None


@pytest.mark.parametrize("value", [f"cc-{TRACE}-{PARENT}-ff", f"01-{TRACE}-{PARENT}-03-what=ever"])
def test_the_known_fields_of_a_later_version_are_used(value: str) -> None:
    trace = parse_trace([value])
    assert trace is not None
    assert trace.traceparent == VALID


def test_blanks_around_the_value_are_ignored() -> None:
    assert parse_trace([f" \t{VALID} "]) == TraceContext(TRACE, PARENT, "01")


@pytest.mark.parametrize(
    ("values", "state"),
    [
        (["a=1", "b=2"], "a=1,b=2"),
        (["a=1 , \tb=2,,"], "a=1,b=2"),
        (["fw529a3039@dt=FfAxxkKA"], "fw529a3039@dt=FfAxxkKA"),
        (["a=1,a=2"], ""),
        (["a"], ""),
        (["A=1"], ""),
        (["a=ö"], ""),
        (["a=b=c"], ""),
        (["a="], ""),
        ([",".join(f"k{n}=1" for n in range(32))], ",".join(f"k{n}=1" for n in range(32))),
        ([",".join(f"k{n}=1" for n in range(33))], ""),
        ([f"a={'x' * 511}"], ""),
    ],
)
def test_a_malformed_tracestate_is_dropped_alone(values: list[str], state: str) -> None:
    assert parse_trace([VALID], values) == TraceContext(TRACE, PARENT, "01", state)


@given(st.lists(st.text(), max_size=3), st.lists(st.text(), max_size=3))
def test_arbitrary_headers_raise_no_error(traceparents: list[str], tracestates: list[str]) -> None:
    parse_trace(traceparents, tracestates)
    kept = parse_trace([VALID], tracestates)
    assert kept is not None
    assert kept.state.isascii()
    assert kept.state.isprintable()
