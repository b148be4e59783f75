"""Find out whether all records but the header end in a delimiter."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from shared.csv.records import RecordReader
from shared.errors import MalformedInput
from shared.inspection.sample import SampleEnded, up_to

if TYPE_CHECKING:
    from shared.csv.dialect import Dialect
    from shared.inspection.sample import Sample

_RECORDS = 2000


def has_trailing_delimiters(sample: Sample, dialect: Dialect) -> bool:
    """Return whether each record has one more field than the header, which is empty.

    Of the first records of a sample, those that are not well-formed do not count.
    """
    reader = RecordReader(sample.blocks(), replace(dialect, header=True), up_to(_RECORDS))
    width, found = 0, False
    try:
        for _line, fields in islice(reader, 1 + _RECORDS):
            if not width:
                width = len(fields)
            elif len(fields) != width + 1 or fields[-1]:
                return False
            else:
                found = True
    except SampleEnded:
        return found
    except MalformedInput:
        return False
    return found
