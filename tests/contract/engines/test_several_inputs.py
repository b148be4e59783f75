"""Several files are aggregated as one with all their records; their columns match by name."""

from __future__ import annotations

import csv
import gzip
import io
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from processor.engines.port import EngineLimits
from shared.aggregation.spec import (
    FILE_COLUMN,
    Aggregate,
    Aggregation,
    Condition,
    GroupColumn,
    Negation,
)
from shared.csv.dialect import Input
from shared.errors import MalformedInput
from shared.jobs.report import Report, Rows, report_of
from tests.contract.engines.runs import ignore, leftovers
from tests.contract.engines.sources import LocalSource, StreamSource

if TYPE_CHECKING:
    from pathlib import Path

    from processor.engines.port import Engine, EngineProgress, Output, Source
    from tests.contract.engines.runs import MakeEngine

SUMS = Aggregation((GroupColumn("Song"),), (Aggregate("sum", "Plays", "total", "number"),))
OF_FILES = replace(SUMS, group_by=(GroupColumn(FILE_COLUMN),))
MAY = b"Song,Date,Plays\na,2026-05-01,1\nb,2026-05-02,2\n"
JUNE = b"Plays,Song,Date\n10,b,2026-06-01\n20,c,2026-06-02\n"


def streams(**files: bytes) -> list[Source]:
    return [StreamSource(data, name=f"{name}.csv") for name, data in files.items()]


async def run(
    engine: Engine, scratch: Path, sources: list[Source], aggregation: Aggregation = SUMS
) -> Output:
    before = leftovers(scratch)
    output = await engine.aggregate(aggregation, sources, scratch, ignore)
    files = {file.path for file in (output, output.rejects, output.preview) if file}
    assert leftovers(scratch) - before == files
    return output


async def rows_of(
    engine: Engine, scratch: Path, sources: list[Source], aggregation: Aggregation = SUMS
) -> list[list[str]]:
    output = await run(engine, scratch, sources, aggregation)
    return list(csv.reader(io.StringIO(output.path.read_text(encoding="utf-8"))))[1:]


async def refusal(
    engine: Engine, scratch: Path, sources: list[Source], aggregation: Aggregation = SUMS
) -> str:
    before = leftovers(scratch)
    with pytest.raises(MalformedInput) as refused:
        await engine.aggregate(aggregation, sources, scratch, ignore)
    assert leftovers(scratch) == before
    report = report_of(refused.value)
    assert report is not None
    assert report.bytes_in == sum(source.size for source in sources)
    return str(refused.value)


async def test_columns_in_another_order_are_matched_by_name(engine: Engine, scratch: Path) -> None:
    found = await rows_of(engine, scratch, streams(may=MAY, june=JUNE))
    assert found == [["a", "1"], ["b", "12"], ["c", "20"]]


async def test_columns_by_position_are_those_of_the_first_file(
    engine: Engine, scratch: Path
) -> None:
    by_position = Aggregation((GroupColumn(1),), (Aggregate("sum", 3, "total", "number"),))
    found = await rows_of(
        engine, scratch, streams(may=MAY, june=JUNE), replace(by_position, input=Input(header=True))
    )
    assert found == [["a", "1"], ["b", "12"], ["c", "20"]]


async def test_local_files_compressed_ones_and_streams_may_be_mixed(
    engine: Engine, scratch: Path, tmp_path: Path
) -> None:
    path = tmp_path / "may.csv"
    path.write_bytes(MAY)
    sources: list[Source] = [
        LocalSource(path),
        StreamSource(gzip.compress(JUNE), name="june.csv.gz"),
        StreamSource(JUNE, name="again.csv"),
    ]
    output = await run(engine, scratch, sources)
    assert output.path.read_text() == "Song,total\na,1\nb,22\nc,40\n"
    report = output.report
    assert report.bytes_in == sum(source.size for source in sources)
    assert report.bytes_decompressed == len(MAY) + 2 * len(JUNE)
    assert [each.compression for each in report.inputs] == ["none", "gzip", "none"]


async def test_each_file_has_a_dialect_of_its_own_unless_it_is_declared(
    engine: Engine, scratch: Path
) -> None:
    july = "Date;Song;Plays\n2026-07-01;é;5\n".encode("utf-16")
    output = await run(engine, scratch, streams(may=MAY, july=july))
    assert output.path.read_text(encoding="utf-8") == "Song,total\na,1\nb,2\né,5\n"
    assert [(each.delimiter, each.encoding) for each in output.report.inputs] == [
        (",", "utf-8"), (";", "utf-16-le"),
    ]  # fmt: skip
    declared = replace(SUMS, input=Input(delimiter=",", encoding="utf-8"))
    reason = await refusal(engine, scratch, streams(may=MAY, july=july), declared)
    assert reason.startswith("'july.csv': ")


@pytest.mark.parametrize(
    ("header", "told"),
    [
        (b"Song,Date", "'Plays' is missing"),
        (b"Song,Plays,Date,Country", "'Country' is additional"),
        (b"Song,Date,plays", "'Plays' is missing and 'plays' is additional"),
        (b"Song,Date,Plays,Song", "'Song' is additional"),
    ],
)
async def test_a_file_with_other_columns_is_refused_by_name(
    engine: Engine, scratch: Path, header: bytes, told: str
) -> None:
    sources = streams(may=MAY, june=JUNE, other=header + b"\n")
    reason = await refusal(engine, scratch, sources)
    assert reason.startswith(f"'other.csv' has other columns than 'may.csv': {told}; ")


async def test_with_union_a_column_that_a_file_lacks_is_empty_there(
    engine: Engine, scratch: Path
) -> None:
    country = b"Country,Song\nDE,a\nAT,a\n"
    union = Aggregation(
        (GroupColumn("Song"), GroupColumn("Country")),
        (Aggregate("count", None, "rows"), Aggregate("sum", "Plays", "total", "number")),
        input=Input(columns="union"),
    )
    found = await rows_of(engine, scratch, streams(may=MAY, country=country), union)
    assert found == [["a", "", "1", "1"], ["a", "AT", "1", ""], ["a", "DE", "1", ""],
                     ["b", "", "1", "2"]]  # fmt: skip


async def test_an_empty_cell_of_a_column_that_a_file_lacks_may_be_an_error(
    engine: Engine, scratch: Path
) -> None:
    strict = replace(
        SUMS,
        aggregates=(Aggregate("sum", "Plays", "total", "number", strict=True),),
        input=Input(columns="union", on_bad_row="skip"),
    )
    output = await run(engine, scratch, streams(may=MAY, short=b"Song\na\n"), strict)
    (problem,) = output.report.problems
    assert (problem.file, problem.line, problem.column, problem.name) == (
        "short.csv", 2, None, "Plays",
    )  # fmt: skip
    assert str(problem).startswith("'short.csv', line 2, column 'Plays': found '', expected a num")


async def test_without_headers_columns_are_matched_by_position(
    engine: Engine, scratch: Path
) -> None:
    plain = Aggregation(
        (GroupColumn(1),), (Aggregate("sum", 2, "total", "number"),), input=Input(header=False)
    )
    found = await rows_of(engine, scratch, streams(a=b"x,1\ny,2\n", b=b"y,3\n"), plain)
    assert found == [["x", "1"], ["y", "5"]]
    reason = await refusal(engine, scratch, streams(a=b"x,1\n", b=b"y,3,4\n"), plain)
    assert "'column3' is additional" in reason


async def test_names_that_are_there_twice_are_refused_only_where_it_matters(
    engine: Engine, scratch: Path
) -> None:
    twice = Aggregation((GroupColumn(1),), (Aggregate("sum", 3, "total", "number"),),
                        input=Input(header=True))  # fmt: skip
    same = streams(a=b"s,n,n\nx,1,2\n", b=b"s,n,n\nx,3,4\n")
    assert await rows_of(engine, scratch, same, twice) == [["x", "6"]]
    moved = streams(a=b"s,n,n\nx,1,2\n", b=b"n,s,n\n3,x,4\n")
    reason = await refusal(engine, scratch, moved, twice)
    assert reason.startswith("'b.csv' has its columns in another order than 'a.csv', and several")
    unused = replace(twice, aggregates=(Aggregate("count", None, "rows"),))
    assert await rows_of(engine, scratch, moved, unused) == [["x", "2"]]


async def test_the_name_of_the_file_is_a_column(engine: Engine, scratch: Path) -> None:
    files = {"may": MAY, "june": JUNE}
    found = await rows_of(engine, scratch, streams(**files), OF_FILES)
    assert found == [["june.csv", "30"], ["may.csv", "3"]]
    for where, expected in (
        (Condition(FILE_COLUMN, "starts_with", ("ma",)), [["may.csv", "3"]]),
        (Negation(Condition(FILE_COLUMN, "=", ("may.csv",))), [["june.csv", "30"]]),
    ):
        only = replace(OF_FILES, where=where)
        assert await rows_of(engine, scratch, streams(**files), only) == expected


async def test_of_one_file_the_name_is_a_column_too(engine: Engine, scratch: Path) -> None:
    assert await rows_of(engine, scratch, streams(may=MAY), OF_FILES) == [["may.csv", "3"]]
    null = replace(OF_FILES, input=Input(null=("may.csv",)))
    assert await rows_of(engine, scratch, streams(may=MAY), null) == [["may.csv", "3"]]


async def test_a_column_that_is_called_as_the_name_of_the_file_makes_it_ambiguous(
    engine: Engine, scratch: Path
) -> None:
    for sources in (
        streams(a=b"@file,Plays\nx,1\n"),
        streams(a=b"@file,Plays\nx,1\n", b=b"@file,Plays\nx,1\n"),
    ):
        reason = await refusal(engine, scratch, sources, OF_FILES)
        assert "it stands for the name of the file, but is also that of a column" in reason
        assert "send the position of the column, 1" in reason


async def test_bad_rows_and_rejects_name_their_files(engine: Engine, scratch: Path) -> None:
    bad = b"Plays,Song,Date\nmany,b,2026-06-01\n7,c\n5,c,2026-06-03\n"
    skipping = replace(SUMS, input=Input(on_bad_row="skip"))
    sources = streams(may=MAY + b"c,2026-05-03,few\n", bad=bad, june=JUNE)
    output = await run(engine, scratch, sources, skipping)

    report = output.report
    assert [(p.file, p.line, p.offset, p.column, p.name) for p in report.problems] == [
        ("may.csv", 4, len(MAY), 3, "Plays"),
        ("bad.csv", 2, 16, 1, "Plays"),
        ("bad.csv", 3, 34, 3, "Date"),
    ]
    assert output.rejects is not None
    with output.rejects.path.open(newline="", encoding="utf-8") as file:
        rejects = list(csv.DictReader(file))
    assert [*rejects[0]] == ["line", "offset", "column", "reason", "record", "file"]
    assert [(row["line"], row["record"], row["file"]) for row in rejects] == [
        ("4", "c,2026-05-03,few", "may.csv"),
        ("2", "many,b,2026-06-01", "bad.csv"),
        ("3", "7,c", "bad.csv"),
    ]
    assert report.rows == Rows(5, 0, 3)
    assert [(each.name, each.rows) for each in report.inputs] == [
        ("may.csv", Rows(2, 0, 1)), ("bad.csv", Rows(1, 0, 2)), ("june.csv", Rows(2, 0, 0)),
    ]  # fmt: skip

    reason = await refusal(engine, scratch, sources)
    assert reason.startswith("'may.csv', line 4, column 3 ('Plays'): found 'few', expected a num")
    assert reason.endswith("(and 2 more problems)")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "the file is empty"),
        (b'Song,"Date\n', "line 1"),
        (gzip.compress(JUNE, mtime=0)[:-1], "gzip"),
    ],
    ids=["empty", "cut within a quoted field", "cut gzip"],
)
async def test_what_is_wrong_with_a_file_as_a_whole_names_it(
    engine: Engine, scratch: Path, data: bytes, told: str
) -> None:
    reason = await refusal(engine, scratch, streams(may=MAY, wrong=data))
    assert reason.startswith("'wrong.csv'")
    assert told in reason


async def test_each_file_has_its_footer(engine: Engine, scratch: Path) -> None:
    footer = replace(SUMS, input=Input(skip_footer=1))
    sources = streams(may=MAY + b"Total,,3\n", june=JUNE + b"30,Total,\n")
    output = await run(engine, scratch, sources, footer)
    assert output.path.read_text() == "Song,total\na,1\nb,12\nc,20\n"
    assert output.report.lines_passed_over == 2


async def test_warnings_name_the_first_file_and_are_those_of_each_file(
    engine: Engine, scratch: Path
) -> None:
    with_sum = b"Song,Date,Plays\nx,,1\ny,,2\nz,,4\nu,,8\nSum of all,,15\n"
    other = b"Plays,Date,Song\n3,,p\n5,,q\n7,,r\n9,,s\n24,,\n"
    output = await run(
        engine, scratch, streams(may=MAY, a=with_sum, b=other, c=b"Song,Date,Plays\nX,,1\n")
    )
    told = {each.kind: each for each in output.report.warnings}
    assert (told["sum_row"].count, told["sum_row"].file, told["sum_row"].line) == (2, "a.csv", 6)
    assert (told["blank_group"].file, told["blank_group"].line) == ("b.csv", 6)
    assert "column 1 ('Song')" in told["blank_group"].message
    similar = told["similar_groups"]
    assert (similar.count, similar.example, similar.file) == (1, "'X' and 'x'", None)


async def test_progress_is_that_of_all_files(engine: Engine, scratch: Path) -> None:
    reported: list[EngineProgress] = []
    sources = streams(may=MAY, june=JUNE, again=MAY)
    await engine.aggregate(SUMS, sources, scratch, reported.append)
    size = sum(source.size for source in sources)
    assert {each.total for each in reported} == {size}
    done = [each.done for each in reported]
    assert done == sorted(done)
    assert (reported[-1].done, reported[-1].rows) == (size, 6)


async def test_many_files_need_little_disk(make_engine: MakeEngine, scratch: Path) -> None:
    songs = [f"song {i}" for i in range(500)]
    data = ("Song,Plays\n" + "".join(f"{song},1\n" for song in songs)).encode()
    engine = make_engine(EngineLimits(scratch=1 << 20))
    sources: list[Source] = [StreamSource(data, name=f"{i}.csv") for i in range(140)]
    output = await run(engine, scratch, sources)
    lines = output.path.read_text().splitlines()
    assert lines == ["Song,total", *(f"{song},140" for song in sorted(songs))]
    assert output.report.rows == Rows(140 * 500)
    assert len(output.report.inputs) == 100
    # Without merging, the states of all files would need more than this.
    assert output.report.peak_scratch <= 1 << 20


@pytest.mark.parametrize("aggregation", [SUMS, OF_FILES])
async def test_a_job_of_several_files_has_each_format(
    engine: Engine, scratch: Path, aggregation: Aggregation
) -> None:
    sources = streams(may=MAY, june=JUNE)
    lines = replace(aggregation, output="jsonl")
    output = await run(engine, scratch, sources, lines)
    assert output.path.read_bytes().count(b"\n") == output.report.groups
    parquet: Any = replace(aggregation, output="parquet")
    assert isinstance((await run(engine, scratch, sources, parquet)).report, Report)
