"""No file of a generated corpus is read wrongly: it is read as it was written, or refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, assume, event, given, settings

from shared.csv.dialect import Input
from shared.csv.records import RecordReader
from shared.errors import MalformedInput
from shared.inspection.open_text import open_text
from tests.unit.shared.inspection.corpus import READABLE, SEVERAL_BYTES, known_files

if TYPE_CHECKING:
    from tests.unit.shared.inspection.corpus import Known


def read(known: Known, declared: Input) -> list[tuple[str, ...]]:
    """Read a file as jobs do that do not skip bad records. Raises MalformedInput."""
    dialect, text = open_text([known.data], declared)
    reader = RecordReader(text, dialect)
    records = []
    for _, fields in reader:
        if len(fields) != len(reader.header):
            reader.reject_ragged(fields, len(reader.header))
        records.append(tuple(field.decode() for field in fields))
    return records if dialect.header else records[1:]


def check(known: Known) -> None:
    declared = Input(header=known.header)
    try:
        records = read(known, declared)
    except MalformedInput:
        event(f"refused: {known.dirt}")
        return
    event(f"read: {known.dirt}, {known.encoding}")
    assume(not known.is_ambiguous)
    detectable = known.encoding in (*READABLE, *SEVERAL_BYTES)
    assert detectable or all(map(str.isascii, "".join(sum(records, ()))))
    assert records == list(known.records)


@given(known_files())
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_file_is_read_as_it_was_written_or_refused(known: Known) -> None:
    check(known)


@pytest.mark.long
@pytest.mark.timeout(900)
@given(known_files())
@settings(max_examples=10_000, deadline=None, suppress_health_check=list(HealthCheck))
def test_each_of_many_files_is_read_as_it_was_written_or_refused(known: Known) -> None:
    check(known)
