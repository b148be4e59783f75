"""The kernel gives result, rejects, reason and report of the reference, byte for byte."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from processor.engines.messages import Knobs
from processor.engines.native import NativeEngine
from processor.engines.port import EngineLimits
from shared.aggregation.spec import Aggregate, Aggregation, GroupColumn, OrderColumn
from shared.csv.dialect import Input
from shared.errors import MalformedInput
from shared.jobs.report import Report, Seconds, report_of
from tests.aggregations import Case, cases, dirty_cases, narrow_cases
from tests.contract.engines.sources import LocalSource, StreamSource
from tests.csv_files import Style, encode
from tests.dirt import dirty_written_cases
from tests.lined import lined_cases
from tests.reference.file import Outcome, aggregate
from tests.written import written_cases

if TYPE_CHECKING:
    from processor.engines.port import Source

knobs = st.builds(
    Knobs,
    block=st.sampled_from([1, 7, 64, 65, 200, 1 << 20]),
    vectors=st.booleans(),
    groups=st.sampled_from([1, 2000, 1 << 20, None]),
)


def declarations(aggregation: Aggregation) -> list[Input]:
    """Return other declarations for the same file: less, and that bad rows fail the job."""
    declared = aggregation.input
    notation = Input(
        header=declared.header,
        decimal=declared.decimal,
        thousands=declared.thousands,
        on_bad_row=declared.on_bad_row,
        on_ragged=declared.on_ragged,
        skip_lines=declared.skip_lines,
        header_line=declared.header_line,
        header_starts_with=declared.header_starts_with,
        comment=declared.comment,
        skip_footer=declared.skip_footer,
    )
    return [declared, replace(declared, on_bad_row="fail"), notation]


@st.composite
def any_cases(draw: st.DrawFn) -> Case:
    """Draw any aggregation of any file, clean or dirty, in any dialect, declared or not."""
    case = draw(
        cases()
        | narrow_cases()
        | written_cases()
        | dirty_cases()
        | dirty_written_cases()
        | lined_cases()
    )
    declared = draw(st.sampled_from(declarations(case.aggregation)))
    escaped = case.aggregation.output == "csv" and draw(st.booleans())
    return Case(replace(case.aggregation, input=declared, escape_formulas=escaped), case.data)


@pytest.mark.timeout(600)  # a process for each example
@given(
    case=any_cases(),
    knobs=knobs,
    threads=st.integers(1, 3),
    stream=st.booleans(),
    most=st.integers(0, 1000) | st.just(1 << 30),
)
@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_the_kernel_equals_the_reference(
    case: Case, knobs: Knobs, threads: int, stream: bool, most: int
) -> None:
    engine = NativeEngine(EngineLimits(threads=threads, rejects=most), knobs)

    found = kernel(engine, case, stream=stream)
    expected = aggregate(case.data, case.aggregation, most_rejects=most)

    assert comparable(found) == comparable(expected)


@given(
    cells=st.lists(
        st.text(alphabet="=+-@\t\r\n\",'a1", max_size=4).filter(lambda cell: cell != ""),
        min_size=1,
        max_size=12,
    ),
    name=st.sampled_from(["=a", "+", "-b,", "@", "\tc", "'", "d", "\ufeffe", "\ufeff,"]),
    order=st.booleans(),
    groups=st.sampled_from([1, None]),
)
@settings(max_examples=40, deadline=None)
def test_the_kernel_escapes_formulas_as_the_reference(
    cells: list[str], name: str, order: bool, groups: int | None
) -> None:
    aggregation = Aggregation(
        group_by=(GroupColumn(1, name),),
        aggregates=(Aggregate("first", 1, "+", "text"), Aggregate("sum", 2, "-", "number")),
        order_by=(OrderColumn("+", descending=True),) if order else (),
        escape_formulas=True,
        input=Input(delimiter=",", quote='"', header=True),
    )
    rows = [["n", "v"], *([cell, f"-{i}"] for i, cell in enumerate(cells))]
    case = Case(aggregation, encode(rows, Style("\n", 1, bom=False, quote_all=False)))

    found = kernel(NativeEngine(EngineLimits(), Knobs(groups=groups)), case, stream=False)

    assert comparable(found) == comparable(aggregate(case.data, aggregation))


def comparable(outcome: Outcome) -> Outcome:
    """Return an outcome without what depends on how much of a refused file was read."""
    report = outcome.report
    if report is None or not outcome.reason:
        return outcome
    if (
        outcome.reason.startswith("the aggregation does not fit the file")
        or "found a header of" in outcome.reason
    ):
        # The engine decides that, and does not know what the kernel found before a made-up header.
        return replace(outcome, report=None)
    if not report.rows.total:
        report = replace(report, bytes_decompressed=0, lines_passed_over=0)
        return replace(outcome, report=report)
    return outcome


def kernel(engine: NativeEngine, case: Case, *, stream: bool) -> Outcome:
    """Return the outcome of the kernel, without what it used."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source: Source = StreamSource(case.data, piece=1000)
        if not stream:
            path = folder / "input"
            path.write_bytes(case.data)
            source = LocalSource(path)
        try:
            output = asyncio.run(
                engine.aggregate(case.aggregation, [source], folder, lambda _progress: None)
            )
        except MalformedInput as error:
            return Outcome(b"", b"", str(error), _comparable(report_of(error)))
        return Outcome(
            output.path.read_bytes(),
            b"" if output.rejects is None else output.rejects.path.read_bytes(),
            "",
            _comparable(output.report),
        )


def _comparable(report: Report | None) -> Report | None:
    """Return the part of a report that the reference knows."""
    if report is None or report.dialect is None:
        return None
    return replace(
        report,
        engine="",
        engine_version="",
        plan="",
        bytes_in=0,
        bytes_out=0,
        seconds=Seconds(),
        peak_memory=0,
        peak_scratch=0,
        confinement=(),
    )
