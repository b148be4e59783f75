"""A file that is cut into several gives the bytes that it gives as a whole."""

from __future__ import annotations

import asyncio
import csv
import gzip
import io
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from processor.engines import several_inputs
from processor.engines.messages import Knobs
from processor.engines.native import NativeEngine
from processor.engines.port import EngineLimits
from shared.errors import MalformedInput
from shared.jobs.report import Report, Rows, report_of
from tests.aggregations import RFC_4180, cases
from tests.contract.engines.sources import StreamSource
from tests.csv_files import encode, styles
from tests.reference.file import aggregate

if TYPE_CHECKING:
    from shared.csv.dialect import OnBadRow
    from shared.jobs.job import Aggregation

BAD = [["too", "few"], ["1", "2", "3", "4", "5", "6"]]


@dataclass(frozen=True)
class Cut:
    """An aggregation, a file, and the same records in several files."""

    aggregation: Aggregation
    whole: bytes
    files: list[bytes]


@st.composite
def cuts(draw: st.DrawFn) -> Cut:
    """Draw files with some records each; the columns of the first one are those of the whole."""
    case = draw(cases())
    names, *rows = case.rows
    rows = [*rows, *draw(st.lists(st.sampled_from(BAD), max_size=3))]
    rows = draw(st.permutations(rows))
    ends = sorted(draw(st.lists(st.integers(0, len(rows)), min_size=1, max_size=5)))
    on_bad_row: OnBadRow = draw(st.sampled_from(["skip", "skip", "fail"]))
    aggregation = replace(
        case.aggregation, input=replace(RFC_4180, compression=None, on_bad_row=on_bad_row)
    )
    files = []
    for number, (begin, end) in enumerate(zip([0, *ends], [*ends, len(rows)], strict=True)):
        order = draw(st.permutations(range(5))) if number else range(5)
        table = [
            [row[i] for i in order] if len(row) == 5 else row for row in [names, *rows[begin:end]]
        ]
        data = encode(table, draw(styles))
        files.append(gzip.compress(data) if draw(st.booleans()) else data)
    return Cut(aggregation, encode([names, *rows], draw(styles)), files)


@dataclass(frozen=True)
class Found:
    """What an aggregation gives, but for where bad records are in their files."""

    result: bytes
    rows: Rows
    groups: int
    rejected: list[str]
    """The records, in order."""
    failed: bool


def found(result: bytes, rejects: bytes, report: Report, reason: str = "") -> Found:
    rows = csv.DictReader(io.StringIO(rejects.decode(), newline=""))
    # Files are quoted in different ways.
    records = [row["record"].replace('"', "") for row in rows]
    return Found(result, report.rows, report.groups, records, bool(reason))


def of_several(cut: Cut, engine: NativeEngine) -> Found:
    with tempfile.TemporaryDirectory() as name:
        sources = [
            StreamSource(data, piece=50, name=f"{i}.csv") for i, data in enumerate(cut.files)
        ]
        try:
            output = asyncio.run(
                engine.aggregate(cut.aggregation, sources, Path(name), lambda _progress: None)
            )
        except MalformedInput as error:
            report = report_of(error)
            assert report is not None
            return found(b"", b"", report, str(error))
        rejects = b"" if output.rejects is None else output.rejects.path.read_bytes()
        assert [each.name for each in output.report.inputs] == [s.name for s in sources]
        of_inputs = [each.rows for each in output.report.inputs]
        assert output.report.rows == Rows(
            sum(rows.aggregated for rows in of_inputs),
            sum(rows.filtered for rows in of_inputs),
            sum(rows.rejected for rows in of_inputs),
        )
        return found(output.path.read_bytes(), rejects, output.report)


@pytest.mark.timeout(600)  # several processes for each example
@given(
    cut=cuts(),
    block=st.sampled_from([1, 64, 1 << 20]),
    groups=st.sampled_from([1, 2000, None]),
    kept=st.sampled_from([1, 2, 64]),
)
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_several_files_give_the_bytes_of_one_with_all_their_records(
    cut: Cut, block: int, groups: int | None, kept: int
) -> None:
    engine = NativeEngine(EngineLimits(), Knobs(block=block, groups=groups))
    expected = aggregate(cut.whole, cut.aggregation)
    assert expected.report is not None

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(several_inputs, "MOST_STATES", kept)
        assert of_several(cut, engine) == found(
            expected.result,
            expected.rejects,
            expected.report,
            expected.reason,
        )
