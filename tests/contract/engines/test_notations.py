"""Decorated numbers, formats of dates and null texts: the smallest case of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.aggregation.json_reader import read_aggregation
from shared.errors import MalformedInput
from tests.contract.engines.runs import WITH_REFERENCE, aggregate
from tests.contract.engines.sources import StreamSource
from tests.reference.file import aggregate as reference

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from processor.engines.port import Engine

pytestmark = WITH_REFERENCE


def spec_of(declared: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"input": {"delimiter": ";", "header": True, **declared}, **spec}


ALL = {"currency": True, "percent": True, "parentheses": "negative"}
SUM = {"aggregates": [{"function": "sum", "column": "n", "name": "sum"}]}
RANGE = {
    "aggregates": [
        {"function": "min", "column": "d", "type": "date", "name": "min"},
        {"function": "max", "column": "d", "type": "date", "name": "max"},
    ]
}


async def result(engine: Engine, scratch: Path, text: str, spec: dict[str, Any]) -> list[str]:
    aggregation = read_aggregation(spec, "spec")
    output = await aggregate(engine, StreamSource(text.encode()), scratch, aggregation)
    return output.path.read_text(encoding="utf-8").splitlines()[1:]


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        *(("$5", "5"), ("-$5", "-5"), ("$-5", "-5"), ("+$ 5", "5"), ("US$5", "5"), ("5 US$", "5")),
        *(("5€", "5"), ("5 €", "5"), ("5\u00a0€", "5"), ("\u20ac\u202f5", "5"), ("5 EUR", "5")),
        *(("EUR 5", "5"), ("CHF5", "5"), ("1e3 $", "1000"), ("$.50", "0.50"), ("12.5%", "12.5")),
        *(("12.5 %", "12.5"), ("-1\u00a0%", "-1"), ("(5)", "-5"), ("(0.50)", "-0.50")),
        *(("($5)", "-5"), ("$(5)", "-5"), ("(5 €)", "-5"), ("(5) €", "-5"), ("(5%)", "-5")),
        *(("(5)%", "-5"), ("7", "7"), ("-7.5", "-7.5"), ("(007)", "-7"), ("5 z\u0142", "5")),
    ],
)
async def test_a_decorated_number_is_the_number(
    engine: Engine, scratch: Path, cell: str, number: str
) -> None:
    spec = spec_of({"number": ALL}, **SUM)

    assert await result(engine, scratch, f"n\n{cell}\n", spec) == [number]


@pytest.mark.parametrize(
    "cell",
    [
        *("$", "%", "()", "(", "5)", "(5", "(-5)", "-(5)", "--5", "$5$", "$5%", "%5", "5%%"),
        *("5  €", "$  5", "5 kg", "XAU 5", "5¢", "eur 5", "((5))", "- 5", "$ (5) %", "5 E UR"),
    ],
)
async def test_other_cells_are_no_numbers(engine: Engine, scratch: Path, cell: str) -> None:
    spec = spec_of({"number": ALL}, **SUM)

    with pytest.raises(MalformedInput, match="expected a number, such as 42"):
        await result(engine, scratch, f"n\n{cell}\n", spec)


@pytest.mark.parametrize(
    ("number", "cell"),
    [
        ({"percent": True}, "5€"),
        ({"currency": True}, "5%"),
        ({"currency": True}, "(5)"),
        ({}, "$5"),
    ],
)
async def test_a_decoration_is_read_only_if_it_is_declared(
    engine: Engine, scratch: Path, number: dict[str, Any], cell: str
) -> None:
    with pytest.raises(MalformedInput, match=r"if it is one, set input\.number\.[a-z]+ to "):
        await result(engine, scratch, f"n\n{cell}\n", spec_of({"number": number}, **SUM))


@pytest.mark.parametrize(
    ("cell", "number"), [("1.234,50 €", "1234.50"), ("€ 1.234", "1234"), ("(1.234,5%)", "-1234.5")]
)
async def test_decorations_combine_with_separators(
    engine: Engine, scratch: Path, cell: str, number: str
) -> None:
    spec = spec_of({"number": ALL, "decimal": ",", "thousands": "."}, **SUM)

    assert await result(engine, scratch, f"n\n{cell}\n", spec) == [number]


@pytest.mark.parametrize(
    ("cell", "declared", "hint"),
    [
        ("$5", {}, "input.number.currency to true"),
        ("(5 €)", {}, "input.number.currency to true and input.number.parentheses to 'negative'"),
        ("5%", {"number": {"currency": True}}, "input.number.percent to true"),
        ("1,50 €", {}, "input.decimal to ',' and input.number.currency to true"),
        ("1,50 €", {"number": {"currency": True}}, "input.decimal to ','"),
        (
            "1,234 €",
            {},
            (
                "input.thousands to ',' and input.number.currency to true or "
                "input.decimal to ',' and input.number.currency to true"
            ),
        ),
    ],
)
async def test_the_message_says_what_to_declare(
    engine: Engine, scratch: Path, cell: str, declared: dict[str, Any], hint: str
) -> None:
    with pytest.raises(MalformedInput) as refused:
        await result(engine, scratch, f"n\n{cell}\n", spec_of(declared, **SUM))

    assert str(refused.value).endswith(f"; if it is one, set {hint}")


@pytest.mark.parametrize(
    ("cell", "hint"),
    [
        ("31/01/2020", "one, set input.date to '%d/%m/%Y'"),
        ("1/2/2020", "one, set input.date to '%d/%m/%Y' or '%m/%d/%Y'"),
        ("1.2.2020 9:05", "one, set input.date to '%d.%m.%Y %H:%M'"),
        ("2020-2-1", "one, set input.date to '%Y-%m-%d'"),
        ("20200201", "one, set input.date to '%Y%m%d'"),
        ("May 1, 2020", "one, set input.date to '%b %d, %Y' or '%B %d, %Y'"),
        ("1580515199", "one, set input.date to 'epoch'"),
        ("1580515199000", "one, set input.date to 'epoch_ms'"),
        ("N/A", "add 'N/A' to input.null"),
        ("\u2014", "add '\u2014' to input.null"),
    ],
)
@pytest.mark.parametrize(
    "spec",
    [
        {"aggregates": [{"function": "max", "column": "n", "type": "date"}]},
        {"group_by": [{"column": "n", "truncate": "month"}]},
        {"group_by": [{"column": "n", "part": "year", "trim": True}]},
        {
            "where": {"column": "n", "op": ">", "value": "2020-01-01", "type": "date"},
            "aggregates": [{"function": "count"}],
        },
    ],
)
async def test_the_message_says_how_dates_and_missing_values_are_declared(
    engine: Engine, scratch: Path, cell: str, hint: str, spec: dict[str, Any]
) -> None:
    asked = spec_of({"delimiter": ";"}, **spec)
    data = f"n;m\n{cell};1\n"
    with pytest.raises(MalformedInput) as refused:
        await result(engine, scratch, data, asked)

    assert str(refused.value).endswith(hint)
    assert str(refused.value) == reference(data.encode(), read_aggregation(asked, "spec")).reason


@pytest.mark.parametrize(
    ("form", "cell", "iso"),
    [
        ("%d/%m/%Y", "01/02/2020", "2020-02-01"),
        ("%m/%d/%Y", "01/02/2020", "2020-01-02"),
        ("%d.%m.%Y", "1.2.2020", "2020-02-01"),
        ("%Y%m%d", "20200201", "2020-02-01"),
        ("%d-%m-%y", "01-02-68", "2068-02-01"),
        ("%d-%m-%y", "01-02-69", "1969-02-01"),
        ("%d %b %Y", "1 feb 2020", "2020-02-01"),
        ("%B %d, %Y", "FEBRUARY 29, 2020", "2020-02-29"),
        ("%d.%m.%Y %H:%M", "1.2.2020 9:05", "2020-02-01T09:05"),
        ("%d.%m.%Y %I:%M:%S %p", "1.2.2020 12:05:06 am", "2020-02-01T00:05:06"),
        ("%d.%m.%Y %I:%M %p", "1.2.2020 12:05 PM", "2020-02-01T12:05"),
        ("%Y-%m-%d %H:%M:%S.%f", "2020-02-01 03:04:05.670", "2020-02-01T03:04:05.670"),
        ("%d/%b/%Y:%H:%M:%S %z", "10/Oct/2000:13:55:36 -0700", "2000-10-10T13:55:36-07:00"),
        ("%d/%b/%Y:%H:%M:%S %z", "10/Oct/2000:13:55:36 Z", "2000-10-10T13:55:36Z"),
        ("iso_zoned", "2020-02-01 03:04+0100", "2020-02-01 03:04+0100"),
        ("epoch", "0", "1970-01-01T00:00:00Z"),
        ("epoch", "1580515199.50", "2020-01-31T23:59:59.5Z"),
        ("epoch", "-1", "1969-12-31T23:59:59Z"),
        ("epoch", "253402300799", "9999-12-31T23:59:59Z"),
        ("epoch_ms", "1580515199001", "2020-01-31T23:59:59.001Z"),
        ("epoch_ms", "-1", "1969-12-31T23:59:59.999Z"),
        ("%d%% %m %Y", "01% 02 2020", "2020-02-01"),
    ],
)
async def test_a_date_of_a_declared_format_is_written_as_iso_8601(
    engine: Engine, scratch: Path, form: str, cell: str, iso: str
) -> None:
    found = await result(engine, scratch, f"d\n{cell}\n", spec_of({"date": form}, **RANGE))

    assert found == [f"{iso},{iso}"]


@pytest.mark.parametrize(
    ("form", "cell"),
    [
        *(("%d/%m/%Y", cell) for cell in ("2020-02-01", "13/13/2020", "30/02/2020", "1/2/20")),
        *(("%d/%m/%Y", cell) for cell in ("1/2/2020 ", "001/2/2020", "1/2/2020 10:00", "x")),
        *(("%Y%m%d", "2020021"), ("%d %b %Y", "1 Sept 2020"), ("%d %b %Y", "1 M\u00e4r 2020")),
        *(("%d.%m.%Y %H:%M", "1.2.2020 24:00"), ("%d.%m.%Y %I:%M %p", "1.2.2020 13:00 PM")),
        *(("%d.%m.%Y %I:%M %p", "1.2.2020 0:00 AM"), ("%d.%m.%Y %H:%M", "1.2.2020 9:5")),
        *(("iso_zoned", "2020-02-01"), ("iso_zoned", "2020-02-01T10:00"), ("epoch", "1e9")),
        *(("epoch", "253402300800"), ("epoch_ms", "1.5"), ("epoch", "2020-02-01"), ("epoch", "+1")),
    ],
)
async def test_a_cell_of_another_format_is_no_date(
    engine: Engine, scratch: Path, form: str, cell: str
) -> None:
    with pytest.raises(MalformedInput, match=r"line 2, column 1 \('d'\): found"):
        await result(engine, scratch, f"d\n{cell}\n", spec_of({"date": form}, **RANGE))
    truncated = spec_of({"date": form}, group_by=[{"column": "d", "truncate": "day"}])
    with pytest.raises(MalformedInput, match=r"line 2, column 1 \('d'\): found"):
        await result(engine, scratch, f"d\n{cell}\n", truncated)


@pytest.mark.parametrize(
    ("truncate", "part"),
    [
        ("hour", "2020-12-31T23"),
        ("day", "2020-12-31"),
        ("week", "2020-W53"),
        ("month", "2020-12"),
        ("quarter", "2020-Q4"),
        ("year", "2020"),
    ],
)
@pytest.mark.parametrize(
    ("form", "cell"),
    [
        ("iso", "2020-12-31 23:59"),
        ("iso", "2020-12-31T23:59:59+02:00"),
        ("iso_zoned", "2020-12-31T23:59:59+02:00"),
        ("%d/%m/%Y %I:%M %p", "31/12/2020 11:59 PM"),
        ("epoch", "1609459199"),
        ("epoch_ms", "1609459199999"),
    ],
)
async def test_dates_are_truncated_as_they_are_written_and_epochs_in_utc(
    engine: Engine, scratch: Path, form: str, cell: str, truncate: str, part: str
) -> None:
    spec = spec_of({"date": form}, group_by=[{"column": "d", "truncate": truncate}])

    assert await result(engine, scratch, f"d\n{cell}\n", spec) == [part]


@pytest.mark.parametrize(
    ("month", "quarter"), [("01", 1), ("03", 1), ("04", 2), ("06", 2), ("07", 3), ("10", 4)]
)
async def test_a_quarter_has_three_months(
    engine: Engine, scratch: Path, month: str, quarter: int
) -> None:
    spec = spec_of({}, group_by=[{"column": "d", "truncate": "quarter"}])

    assert await result(engine, scratch, f"d\n0987-{month}-01\n", spec) == [f"0987-Q{quarter}"]


async def test_dates_with_zones_are_compared_as_points_in_time(
    engine: Engine, scratch: Path
) -> None:
    # Given 10:00 and 9:30 in UTC
    text = "d\n2020-01-01T12:00+02:00\n2020-01-01T09:30Z\n"
    before = {"column": "d", "op": "<", "value": "2020-01-01T09:45Z", "type": "date"}
    spec = spec_of({"date": "iso_zoned"}, **RANGE)

    assert await result(engine, scratch, text, spec) == ["2020-01-01T09:30Z,2020-01-01T12:00+02:00"]
    assert await result(engine, scratch, text, {**spec, "where": before}) == [
        "2020-01-01T09:30Z,2020-01-01T09:30Z"
    ]


@pytest.mark.parametrize(
    ("form", "cells", "reason"),
    [
        (
            "iso",
            ["2020-01-01", "2020-01-01T00:00Z"],
            (
                "found '2020-01-01T00:00Z', expected a date without a time zone, such as "
                "2020-01-31 or "
                "2020-01-31T23:59:59; if all dates have a time zone, set input.date to 'iso_zoned'"
            ),
        ),
        (
            "iso_zoned",
            ["2020-01-01T00:00Z", "2020-01-01"],
            "found '2020-01-01', expected a date with a time zone, such as 2020-01-31T23:59:59Z",
        ),
    ],
)
async def test_a_mix_of_dates_with_and_without_zone_is_refused(
    engine: Engine, scratch: Path, form: str, cells: list[str], reason: str
) -> None:
    text = "\n".join(["d", *cells, ""])

    with pytest.raises(MalformedInput) as refused:
        await result(engine, scratch, text, spec_of({"date": form}, **RANGE))

    assert str(refused.value) == f"line 3, column 1 ('d'): {reason}"


async def test_conditions_and_having_compare_declared_dates_with_iso_8601(
    engine: Engine, scratch: Path
) -> None:
    text = "k;d\na;01/02/2020\nb;02/01/2020\nc;03/03/2020\n"
    spec = spec_of(
        {"date": "%d/%m/%Y"},
        group_by=["k"],
        aggregates=[{"function": "max", "column": "d", "type": "date", "name": "max"}],
        where={"column": "d", "op": "<", "value": "2020-03-01", "type": "date"},
        having={"column": "max", "op": ">", "value": "2020-01-31"},
    )

    assert await result(engine, scratch, text, spec) == ["a,2020-02-01"]


async def test_a_null_text_is_an_empty_cell_wherever_it_is_read(
    engine: Engine, scratch: Path
) -> None:
    text = "k;n;d\nNA;NA;-\n;;\nNA ;5;2020-01-01\n"
    spec = spec_of(
        {"null": ["NA", "-"]},
        group_by=["k"],
        aggregates=[
            {"function": "count", "name": "rows"},
            {"function": "count", "column": "n", "name": "values"},
            {"function": "sum", "column": "n", "name": "sum"},
            {"function": "max", "column": "d", "type": "date", "name": "max"},
            {"function": "first", "column": "n", "name": "first"},
        ],
    )

    # A blank makes it another text
    assert await result(engine, scratch, text, spec) == [",2,0,,,", "NA ,1,1,5,2020-01-01,5"]


@pytest.mark.parametrize(
    ("condition", "rows"),
    [
        ({"op": "is_empty"}, "2"),
        ({"op": "=", "value": "NA"}, "0"),
        ({"op": "=", "value": ""}, "2"),
        ({"op": "!=", "value": 5}, "1"),
        ({"op": "<", "value": 9}, "2"),
    ],
)
async def test_conditions_see_a_null_text_as_an_empty_cell(
    engine: Engine, scratch: Path, condition: dict[str, Any], rows: str
) -> None:
    spec = spec_of(
        {"null": ["NA"]},
        aggregates=[{"function": "count", "name": "rows"}],
        where={"column": "n", **condition},
    )

    assert await result(engine, scratch, 'n\nNA\n""\n5\n6\n', spec) == [rows]


async def test_a_null_text_is_shown_where_an_empty_cell_is_an_error(
    engine: Engine, scratch: Path
) -> None:
    strict = {"function": "sum", "column": "n", "type": "integer", "empty": "fail", "name": "sum"}

    with pytest.raises(MalformedInput, match="found 'NA', expected an integer"):
        await result(engine, scratch, "n\nNA\n", spec_of({"null": ["NA"]}, aggregates=[strict]))


async def test_the_report_shows_what_was_declared(engine: Engine, scratch: Path) -> None:
    declared = {"null": ["NA"], "number": ALL, "date": "%d/%m/%Y"}
    aggregation = read_aggregation(spec_of(declared, **SUM), "spec")

    output = await aggregate(engine, StreamSource(b"n\n5\n"), scratch, aggregation)

    dialect, given = output.report.dialect, aggregation.input
    assert dialect is not None
    assert (dialect.null, dialect.number, dialect.date) == (given.null, given.number, given.date)
