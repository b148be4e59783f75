"""What docs/csv.md says of each malformation, row by row of its table."""

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
    """The records, and the problems if those are skipped."""
    problems: list[Problem] = []
    # How a file is written is known here; what is found out of it, tests of `detect` say.
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
def test_it_fails_the_job_or_is_read(name: str, kind: Kind) -> None:
    if kind.refused:
        with pytest.raises(MalformedInput, match=re.escape(kind.refused)):
            read(kind, skip=False)
    elif kind.fails is None:
        assert read(kind, skip=False) == (kind.good, [])
    else:
        with pytest.raises(MalformedInput, match=re.escape(f"found {kind.fails}")):
            read(kind, skip=False)


@pytest.mark.parametrize(("name", "kind"), EACH, ids=[name for name, _ in EACH])
def test_if_bad_rows_are_skipped_all_others_are_read(name: str, kind: Kind) -> None:
    if kind.refused:
        with pytest.raises(MalformedInput, match=re.escape(kind.refused)):
            read(kind, skip=True)
        return
    good, problems = read(kind, skip=True)

    assert good == kind.good
    assert tuple(problem.record for problem in problems) == kind.rejected


def test_the_table_has_them_all_and_says_what_becomes_of_them() -> None:
    rows = table("Malformed records")

    assert list(rows) == list(KINDS)
    for name, kinds in KINDS.items():
        outcome, found_out = rows[name]
        bad_ones = sum(kind.fails is not None for kind in kinds)
        said = outcome.startswith("bad"), "bad" in outcome
        assert said == (bad_ones == len(kinds), bad_ones > 0), name
        assert bool(found_out) == any(kind.if_detected for kind in kinds), name


def test_the_table_of_what_is_no_such_file_has_them_all() -> None:
    assert list(table("Files that are not CSV")) == list(FILES)
