"""Dirty files of which nothing is said: they are read as if what is found out had been said."""

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
from tests.oracle import Malformed, expected_of_dirty
from tests.oracle_records import read_file
from tests.unit.processor.engines.plans import run_exact
from tests.written import Writer

if TYPE_CHECKING:
    from shared.csv.dialect import Encoding, LineEnd

SKIP = Input(on_bad_row="skip")


def declaring(dialect: Dialect) -> Input:
    """All that was found out, said."""
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


def assert_read_as_declared(case: Case, declared: Input, asked: Input, block: int) -> None:
    """The outcome under `asked` is what the reference has under `declared`, byte for byte."""
    aggregation = replace(case.aggregation, input=asked)
    try:
        expected = expected_of_dirty(replace(aggregation, input=declared), case.data)
    except Malformed:
        with pytest.raises(MalformedInput, match="rejected: line "):
            run_exact(case.data, aggregation, block=block)
    else:
        assert run_exact(case.data, aggregation, block=block) == expected


@given(dirty_written_cases(), st.sampled_from([1, 7, 64, 1 << 20]))
@settings(max_examples=60, deadline=None)
def test_any_dirty_file_is_read_as_if_its_dialect_had_been_declared(case: Case, block: int) -> None:
    said = case.aggregation.input
    asked = replace(SKIP, header=said.header, decimal=said.decimal, thousands=said.thousands)
    dialect, _ = open_text([case.data], asked)
    declared = declaring(dialect)
    # Another header has not the columns that are asked for; what becomes of that is told elsewhere.
    records = read_file(case.data, declared)
    first = [field.decode(errors="replace") for field in records[0].fields] if records else []
    assume(len(first) == len(case.rows[0]) and (not said.header or first == case.rows[0]))

    assert_read_as_declared(case, declared, asked, block)


@dataclass(frozen=True)
class Telling:
    """A file, most of whose records show how it is written."""

    case: Case
    writer: Writer


@st.composite
def telling_files(draw: st.DrawFn) -> Telling:
    """Thirty good records with all that a dialect has, and up to three pieces of dirt."""
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
    # One LF, and lines do not end in CR; one such byte, and it is Latin-1: as docs/csv.md says.
    assume(line_end == "lf" or "\n" not in text)
    assume(encoding != "windows-1252" or max(text) < "\ud800")
    aggregation = Aggregation(
        (GroupColumn("name"),),
        (Aggregate("sum", "amount", kind="number"), Aggregate("max", "day", kind="date")),
    )
    return Telling(Case(aggregation, writer.send(text)), writer)


@given(telling_files(), st.sampled_from([1, 64, 1 << 20]))
@settings(max_examples=60, deadline=None)
def test_some_dirt_in_a_file_does_not_change_its_dialect(file: Telling, block: int) -> None:
    dialect, _ = open_text([file.case.data], SKIP)

    assert declaring(dialect) == file.writer.declared
    assert_read_as_declared(file.case, file.writer.declared, SKIP, block)
