"""Each malformation is treated as the table in docs/csv.md says, row by row."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from shared.csv.problems import refuse
from shared.csv.records import RecordReader
from shared.errors import MalformedInput
from shared.inspection.open_text import open_text
from tests.malformations import FILES, KINDS, Kind, table

if TYPE_CHECKING:
    from shared.csv.problems import Problem

EACH = [(name, kind) for name, kinds in KINDS.items() for kind in kinds]


def read(kind: Kind, *, skip: bool) -> tuple[list[list[bytes]], list[Problem]]:
    """Read a file; return its records, and its problems if they are skipped."""
    problems: list[Problem] = []
    # The dialect is declared here; test_detect.py covers its detection.
    blocks = [kind.data[:9], kind.data[9:]]
    dialect, text = open_text(blocks, kind.declared, strict=True)
    reader = RecordReader(text, dialect, problems.append if skip else refuse)
    records = iter(reader)
    _, header = next(records)
    found: list[list[bytes]] = []
    for _, fields in records:
        if len(fields) == len(header):
            found.append(fields)
        else:
            reader.reject_ragged(fields, len(header))
    return found, problems


@pytest.mark.parametrize(("name", "kind"), EACH, ids=[name for name, _ in EACH])
def test_a_malformed_record_fails_the_job_or_is_read(name: str, kind: Kind) -> None:
    if kind.refused:
        with pytest.raises(MalformedInput, match=re.escape(kind.refused)):
            read(kind, skip=False)
    elif kind.fails is None:
        assert read(kind, skip=False) == (kind.good, [])
    else:
        with pytest.raises(MalformedInput, match=re.escape(f"found {kind.fails}")):
            read(kind, skip=False)


@pytest.mark.parametrize(("name", "kind"), EACH, ids=[name for name, _ in EACH])
def test_with_skip_all_other_records_are_read(name: str, kind: Kind) -> None:
    if kind.refused:
        with pytest.raises(MalformedInput, match=re.escape(kind.refused)):
            read(kind, skip=True)
        return
    good, problems = read(kind, skip=True)

    assert good == kind.good
    assert tuple(problem.record for problem in problems) == kind.rejected


def test_the_table_of_malformed_records_is_complete_and_right() -> None:
    rows = table("Malformed records")

    assert list(rows) == list(KINDS)
    for name, kinds in KINDS.items():
        outcome, detected = rows[name]
        bad = sum(kind.fails is not None for kind in kinds)
        documented = outcome.startswith("bad"), "bad" in outcome
        assert documented == (bad == len(kinds), bad > 0), name
        assert bool(detected) == any(kind.if_detected for kind in kinds), name


def test_the_table_of_files_that_are_not_csv_is_complete() -> None:
    assert list(table("Files that are not CSV")) == list(FILES)
