"""Formats of dates: which are accepted, what they read, and how messages describe them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.aggregation.date_format import NAMED, DateFormat, check_date_format

zones = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 31))  # noqa: DTZ001
zoned = st.datetimes(datetime(1000, 1, 2), datetime(9999, 12, 30), timezones=zones)  # noqa: DTZ001
PATTERNS = [
    ("%d/%m/%Y", "%Y-%m-%d"),
    ("%Y%m%d%H%M%S", "%Y-%m-%dT%H:%M:%S"),
    ("%d %B %Y at %I:%M %p", "%Y-%m-%dT%H:%M"),
    ("%b-%d-%Y %H:%M:%S.%f", "%Y-%m-%dT%H:%M:%S.%f"),
    ("%% %d.%m.%Y", "%Y-%m-%d"),
]


@pytest.mark.parametrize(("pattern", "iso"), PATTERNS)
@given(moment=moments)
def test_what_strftime_writes_is_read(pattern: str, iso: str, moment: datetime) -> None:
    cell = moment.strftime(pattern).encode()

    assert DateFormat(pattern).iso(cell) == moment.strftime(iso).encode()


@given(moment=zoned)
def test_zones_are_read_and_applied(moment: datetime) -> None:
    dates = DateFormat("%d.%m.%Y %H:%M:%S%z")
    cell = moment.strftime("%d.%m.%Y %H:%M:%S%z").encode()
    in_utc = moment.astimezone(UTC)

    assert dates.iso(cell).decode() == moment.isoformat(timespec="seconds")
    assert dates.key(cell) == dates.key(in_utc.strftime("%d.%m.%Y %H:%M:%SZ").encode())
    seconds = (in_utc - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)
    assert dates.key(cell) == DateFormat("epoch").key(str(seconds).encode())


@given(moments=st.lists(zoned, min_size=2, max_size=2))
def test_points_in_time_are_in_order(moments: list[datetime]) -> None:
    first, second = moments
    dates = DateFormat("iso_zoned")
    keys = [dates.key(moment.isoformat().encode()) for moment in moments]

    assert None not in keys
    assert (keys[0] < keys[1], keys[0] == keys[1]) == (first < second, first == second)  # type: ignore[operator]


@pytest.mark.parametrize(
    "text",
    [*NAMED, "%d/%m/%Y", "%y%m%d", "%Y-%m-%d %I:%M:%S.%f %p %z", "%d. %B %Y", "%d%%%m%%%Y"],
)
def test_formats_that_are_accepted(text: str) -> None:
    check_date_format(text)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("ISO", "send iso, iso_zoned, epoch, epoch_ms, or a pattern"),
        ("", "send iso, iso_zoned, epoch, epoch_ms, or a pattern"),
        ("%d/%m/%Y" + 100 * " ", "at most 100 characters"),
        ("%d/%m/%Q", "send a pattern of %Y"),
        ("%d/%m/%Y %", "send a pattern of %Y"),
        ("%d/%m/%Y %d", "send each directive once"),
        ("%d/%m", "send one year: %Y or %y"),
        ("%d/%m/%Y %y", "send one year: %Y or %y"),
        ("%d %Y", "send one month: %m or %b or %B"),
        ("%m/%Y", "send one day: %d"),
        ("%d/%m/%Y %H %I %p", "send %H or %I, not both"),
        ("%d/%m/%Y %I", "send %p with %I"),
        ("%d/%m/%Y %p", "send %I with %p"),
        ("%d/%m/%Y %M", "send %H or %I with %M"),
        ("%d/%m/%Y %H:%S", "send %M with %S"),
        ("%d/%m/%Y %H:%M.%f", "send %S with %f"),
        ("%d/%m/%Y %z", "send %H or %I with %z"),
        ("%H:%M:%S.%f%d/%m/%Y", "not a digit after %f"),
    ],
)
def test_other_formats_are_refused_with_what_to_send(text: str, hint: str) -> None:
    with pytest.raises(ValueError, match="send") as refused:
        check_date_format(text)

    assert hint in str(refused.value)


@pytest.mark.parametrize(
    ("text", "description"),
    [
        ("%m/%d/%y %I:%M %p", "a date written as %m/%d/%y %I:%M %p, such as 01/31/20 11:59 PM"),
        ("%d %b %Y %%", "a date written as %d %b %Y %%, such as 31 Jan 2020 %"),
        ("epoch", "seconds since 1970-01-01T00:00:00Z, such as 1580515199"),
        ("epoch_ms", "milliseconds since 1970-01-01T00:00:00Z, such as 1580515199000"),
        ("iso_zoned", "a date with a time zone, such as 2020-01-31T23:59:59Z"),
    ],
)
def test_a_message_shows_the_format_with_an_example_that_it_reads(
    text: str, description: str
) -> None:
    dates = DateFormat(text)

    assert dates.expected() == dates.expected(truncate=True) == description
    moment = dates.read(description.rpartition("such as ")[2].encode())
    assert moment is not None
    assert moment.truncated("day") == b"2020-01-31"
