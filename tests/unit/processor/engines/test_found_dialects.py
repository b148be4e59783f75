"""Dirty files without a declared dialect are read as if the detected one had been declared."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from shared.aggregation.spec import Aggregate, Aggregation, GroupColumn
from shared.csv.dialect import Dialect, Input
from shared.errors import MalformedInput
from shared.inspection.open_text import open_text
from tests.aggregations import Case
from tests.dirt import dirtied, dirty_written_cases, first_line
from tests.oracle import expected_of_dirty
from tests.oracle_records import read_file
from tests.oracle_values import Malformed
from tests.unit.processor.engines.kernel import run
from tests.written import Writer

if TYPE_CHECKING:
    from shared.csv.dialect import Encoding, LineEnd

SKIP = Input(on_bad_row="skip")


def declaring(dialect: Dialect) -> Input:
    """The input options that declare a detected dialect."""
    return Input(
        delimiter=dialect.delimiter,
        quote=dialect.quote,
        escape=dialect.escape,
        header=dialect.header,
        line_end=dialect.line_end,
        encoding=dialect.encoding,
        compression=dialect.compression,
        decimal=dialect.decimal,  # type: ignore[arg-type]
        thousands=dialect.thousands,  # type: ignore[arg-type]
        on_bad_row="skip",
    )


def assert_read_as_declared(case: Case, declared: Input, undeclared: Input, block: int) -> None:
    """Check that `undeclared` gives the bytes of the oracle with `declared`."""
    aggregation = replace(case.aggregation, input=undeclared)
    try:
        expected = expected_of_dirty(replace(aggregation, input=declared), case.data)
    except Malformed:
        with pytest.raises(MalformedInput, match="rejected: line "):
            run(case.data, aggregation, block=block)
    else:
        assert run(case.data, aggregation, block=block) == expected


def is_refused_for_doubt(error: MalformedInput) -> bool:
    """Whether the client is asked to declare what the file leaves open."""
    return "input.delimiter" in str(error) or "input.encoding" in str(error)


@pytest.mark.timeout(600)  # a process for each example
@given(dirty_written_cases(), st.sampled_from([1, 7, 64, 1 << 20]))
@settings(max_examples=60, deadline=None)
def test_any_dirty_file_is_read_as_if_its_dialect_had_been_declared(case: Case, block: int) -> None:
    options = case.aggregation.input
    undeclared = replace(
        SKIP, header=options.header, decimal=options.decimal, thousands=options.thousands
    )
    try:
        dialect, _ = open_text(
            [case.data], undeclared, names=replace(case.aggregation, input=undeclared).named_columns
        )
    except MalformedInput as doubt:
        assume(not is_refused_for_doubt(doubt))
        raise
    declared = declaring(dialect)
    # Another header lacks the columns of the aggregation; other tests cover that.
    records = read_file(case.data, declared)
    first = [field.decode(errors="replace") for field in records[0].fields] if records else []
    assume(len(first) == len(case.rows[0]) and (not options.header or first == case.rows[0]))

    assert_read_as_declared(case, declared, undeclared, block)


@dataclass(frozen=True)
class ClearFile:
    """A file most of whose records show its dialect."""

    case: Case
    writer: Writer


@st.composite
def clear_files(draw: st.DrawFn) -> ClearFile:
    """Thirty good records that use every feature of a dialect, and up to three pieces of dirt."""
    line_end: LineEnd = draw(st.sampled_from(["lf", "cr"]))
    encodings: list[Encoding] = ["utf-8", "utf-16-le", "utf-16-be", "windows-1252"]
    encoding = draw(st.sampled_from(encodings))
    writer = Writer(
        Input(
            delimiter=draw(st.sampled_from([",", ";", "\t", "|"])),
            quote=draw(st.sampled_from(['"', "'"])),
            escape=draw(st.sampled_from(["", "\\"])),
            header=True,
            line_end=line_end,
            encoding=encoding,
            compression=draw(st.sampled_from(["none", "gzip", "zstd", "bzip2", "zip"])),
            on_bad_row="skip",
        ),
        ending="\r" if line_end == "cr" else draw(st.sampled_from(["\n", "\r\n"])),
        final_endings=draw(st.integers(0, 2)),
        bom=encoding.startswith("utf-") and draw(st.booleans()),
        quote_all=draw(st.booleans()),
    )
    quote, delimiter = writer.declared.quote or "", writer.declared.delimiter or ""
    names = draw(st.permutations(["name", "amount", "day"]))
    rows: list[list[str]] = []
    for i in range(30):
        letters = "é" if encoding == "windows-1252" else "é😀"
        name = f"{letters}{delimiter} {quote}{i % 7}{quote} x"
        cells = {"name": name, "amount": f"{i}.5", "day": "2020-01-31"}
        rows.append([cells[name] for name in names])
    text = dirtied(draw, writer, writer.text([names, *rows]), first_line(writer, [names]), most=3)
    assume(text[-1:] < "\ud800" or text[-1:] > "\udbff")
    # One LF excludes CR as the line end; one such byte makes the file Latin-1 (docs/csv.md).
    assume(line_end == "lf" or "\n" not in text)
    assume(encoding != "windows-1252" or max(text) < "\ud800")
    aggregation = Aggregation(
        (GroupColumn("name"),),
        (Aggregate("sum", "amount", kind="number"), Aggregate("max", "day", kind="date")),
    )
    return ClearFile(Case(aggregation, writer.send(text)), writer)


@pytest.mark.timeout(600)  # a process for each example
@given(clear_files(), st.sampled_from([1, 64, 1 << 20]))
@settings(max_examples=60, deadline=None)
def test_some_dirt_in_a_file_does_not_change_its_dialect(file: ClearFile, block: int) -> None:
    try:
        dialect, _ = open_text([file.case.data], SKIP)
    except MalformedInput as doubt:
        assume(not is_refused_for_doubt(doubt))
        raise

    assert declaring(dialect) == file.writer.declared
    assert_read_as_declared(file.case, file.writer.declared, SKIP, block)
