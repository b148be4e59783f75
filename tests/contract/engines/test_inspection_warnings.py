"""An inspection of a whole small file tells what its job tells."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shared.inspection import total_names
from shared.inspection.inspect import inspect
from tests.contract.engines.test_warnings import CASES, told
from tests.reference.file import aggregate as reference
from tests.reference.total_names import ALL, NOTE_MARKS, NOTE_WORDS, TOTALS

if TYPE_CHECKING:
    from shared.aggregation.spec import Aggregation
    from shared.csv.dialect import Input
    from tests.contract.engines.test_warnings import Told

NEED_A_JOB = {
    "total_group",
    "sum_row",
    "similar_groups",
    "similar_distinct",
    "similar_values",
    "kept_values",
}
"""What only a job can find out, as docs/report.md says."""


@pytest.mark.parametrize(("data", "aggregation", "declared", "expected"), CASES)
def test_an_inspection_tells_what_the_job_tells(
    data: bytes, aggregation: Aggregation, declared: Input, expected: list[Told]
) -> None:
    asked = replace(aggregation, input=declared)
    report = reference(data, asked).report
    assert report is not None
    assert told(report.warnings) == expected
    found = inspect(data, whole=True, aggregation=asked)
    assert found.warnings == tuple(
        warning for warning in report.warnings if warning.kind not in NEED_A_JOB
    )


def test_an_inspection_knows_the_names_of_the_documentation() -> None:
    assert (total_names.TOTALS, total_names.ALL) == (TOTALS, ALL)
    assert (total_names.NOTE_WORDS, total_names.NOTE_MARKS) == (NOTE_WORDS, NOTE_MARKS)
    page = (Path(__file__).parents[3] / "docs" / "report.md").read_text()
    (kinds,) = re.findall("Only a job finds (.*?):", page, re.DOTALL)
    assert set(re.findall("`(.*?)`", kinds)) == NEED_A_JOB
