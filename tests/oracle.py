"""What a result must be, computed the plain way: the `csv` module, dictionaries, Python integers.

Shares nothing with the code under test but the aggregation.
"""

from __future__ import annotations

import csv
import io
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.jobs import Aggregation

csv.field_size_limit(1 << 30)


def expected_result(aggregation: Aggregation, data: bytes) -> tuple[bytes, int, int]:
    """The result for a well-formed file, the number of its records, and of its groups."""
    sys.set_int_max_str_digits(0)
    text = io.StringIO(data.decode("utf-8-sig"), newline="")
    rows = [row for row in csv.reader(text, strict=True) if row]
    totals: dict[tuple[bytes, ...], int] = {}
    for row in rows[1:]:
        assert len(row) == len(rows[0])
        key = tuple(row[column].encode() for column in aggregation.group_by)
        totals[key] = totals.get(key, 0) + int(row[aggregation.sum_of])
    groups = [[*(part.decode() for part in key), str(totals[key])] for key in sorted(totals)]
    lines = map(csv_line, [aggregation.header, *groups])
    return "".join(lines).encode(), len(rows) - 1, len(totals)


def csv_line(fields: Iterable[str]) -> str:
    """One line as the `csv` module writes it, ending in LF."""
    line = io.StringIO()
    # With this line terminator the module quotes fields with CR as well as those with LF.
    csv.writer(line, lineterminator="\r\n").writerow(fields)
    return line.getvalue().removesuffix("\r\n") + "\n"
