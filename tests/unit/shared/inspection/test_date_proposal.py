"""Of the formats of dates, only those are tried that may fit: no format that fits is left out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from shared.aggregation.cells import CANONICAL
from shared.aggregation.date_format import ZONED, DateFormat
from shared.inspection.proposal import FORMATS, ColumnReadings

MOMENTS = (
    datetime(2020, 1, 31, 23, 59, 58, 123456, UTC),
    datetime(1999, 12, 1, 3, 4, 5, 600000, UTC),
)
ZONES = (UTC, timezone(timedelta(hours=2)), timezone(timedelta(hours=-3, minutes=-30)))


@pytest.mark.parametrize("text", FORMATS)
def test_each_format_is_found_with_all_others_that_read_the_same_cell(text: str) -> None:
    for moment in MOMENTS:
        for zone in ZONES:
            found = moment.replace(tzinfo=zone)
            cell = (found.isoformat() if text == ZONED else found.strftime(text)).encode()
            for written in {cell, cell.replace(b"+0000", b"Z"), cell.replace(b"+0200", b"+02:00")}:
                readings = ColumnReadings(CANONICAL)
                readings.add(written)
                assert [each.text for each in readings.formats or ()] == [
                    other for other in FORMATS if DateFormat(other).read(written) is not None
                ]
