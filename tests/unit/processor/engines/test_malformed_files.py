"""How the kernel treats each malformation, with a declared and with a detected dialect."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace

import pytest

from shared.csv.dialect import Input
from shared.errors import MalformedInput
from shared.jobs.report import report_of
from tests.malformations import FILES, KINDS, SUMS, Kind
from tests.oracle import expected_of_dirty
from tests.unit.processor.engines.kernel import run

KINDS_AND_FILES = [(name, kind) for name, kinds in (KINDS | FILES).items() for kind in kinds]
DECLARED = [
    pytest.param(kind, kind.complete_declaration, id=f"{name}, declared")
    for name, kind in KINDS_AND_FILES
    if name in KINDS
]
DETECTED = [
    pytest.param(kind.detected(), Input(), id=f"{name}, detected") for name, kind in KINDS_AND_FILES
]
CASES = [*DECLARED, *DETECTED]


@pytest.mark.parametrize(("kind", "how"), CASES)
def test_bad_records_are_skipped_and_reported(kind: Kind, how: Input) -> None:
    skipping = replace(SUMS, input=replace(how, on_bad_row="skip"))
    if kind.refused:
        with pytest.raises(MalformedInput, match=re.escape(kind.refused)):
            run(kind.data, skipping)
        return

    found = run(kind.data, skipping)

    assert found.result == kind.totals()
    text = io.StringIO(found.rejects.decode(errors="surrogateescape"), newline="")
    rejects = list(csv.DictReader(text))
    assert [row["record"].encode(errors="surrogateescape") for row in rejects] == kind.rejects()
    assert all(row["reason"].startswith(f"found {kind.fails or ''}") for row in rejects)
    assert found.rows == (len(kind.good) + len(kind.rejected) - len(rejects), 0, len(rejects))


@pytest.mark.parametrize(("kind", "how"), CASES)
def test_without_skip_a_bad_record_fails_the_job(kind: Kind, how: Input) -> None:
    strict = replace(SUMS, input=how)
    if not kind.refused and not kind.rejects():
        assert run(kind.data, strict).result == kind.totals()
        return

    why = kind.refused or f"found {kind.fails or ''}"
    with pytest.raises(MalformedInput, match=re.escape(why)) as refused:
        run(kind.data, strict)
    if not kind.refused:
        report = report_of(refused.value)
        assert report is not None
        assert report.problem_count == len(kind.rejects())


@pytest.mark.parametrize(("kind", "how"), DECLARED)
def test_the_oracle_agrees_byte_for_byte(kind: Kind, how: Input) -> None:
    if kind.refused or kind.data.startswith(b"sep="):
        return
    skipping = replace(SUMS, input=replace(how, on_bad_row="skip"))

    assert run(kind.data, skipping) == expected_of_dirty(skipping, kind.data)
