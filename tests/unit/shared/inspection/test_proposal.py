"""What `inspect` proposes to declare about numbers, dates and missing values, and its doubts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from shared.aggregation.json_reader import read_aggregation
from shared.inspection.inspect import inspect
from shared.inspection.inspection_view import inspection_view

if TYPE_CHECKING:
    from collections.abc import Sequence


def inspected(columns: dict[str, Sequence[str]], declared: dict[str, Any] | None = None) -> Any:
    rows = zip(*columns.values(), strict=True)
    text = "\n".join([";".join(columns), *map(";".join, rows), ""])
    spec = {"group_by": [1], "input": {"delimiter": ";", "header": True, **(declared or {})}}
    found = inspect(text.encode(), whole=True, aggregation=read_aggregation(spec, "spec"))
    return inspection_view(found)


NAMES = ["x", "y", "z"]


@pytest.mark.parametrize(
    ("cells", "proposed"),
    [
        (["$5", "7", "-$1"], {"number": {"currency": True}}),
        (["5 EUR", "7 EUR", "1.5 EUR"], {"number": {"currency": True}}),
        (["5%", "7 %", "1.5%"], {"number": {"percent": True}}),
        (["(5)", "7", "1"], {"number": {"parentheses": "negative"}}),
        (["($5)", "7", "-"],
         {"null": ["-"], "number": {"currency": True, "parentheses": "negative"}}),
        (["5", "NA", "n/a"], {"null": ["NA", "n/a"]}),
        (["2020-01-31", "NA", "2020-02-01"], {"null": ["NA"]}),
        (["31/01/2020", "01/02/2020", ""], {"date": "%d/%m/%Y"}),
        (["1/31/2020", "1/2/2020", "?"], {"null": ["?"], "date": "%m/%d/%Y"}),
        (["31.01.20", "01.02.20", ""], {"date": "%d.%m.%y"}),
        (["2020/01/31", "2020/02/01", ""], {"date": "%Y/%m/%d"}),
        (["2020-1-31", "2020-2-1", ""], {"date": "%Y-%m-%d"}),
        (["1 Jan 2020", "2 June 2020", "x"], None),
        (["1 January 2020", "2 June 2020", ""], {"date": "%d %B %Y"}),
        (["31.1.2020 1:05 PM", "1.2.2020 2:05 AM", ""], {"date": "%d.%m.%Y %I:%M %p"}),
        (["2020-01-31T10:00Z", "2020-01-31T10:00+02:00", ""], {"date": "iso_zoned"}),
        (["10/Oct/2000:13:55:36 -0700", "", ""], {"date": "%d/%b/%Y:%H:%M:%S %z"}),
        # These need nothing, or nothing helps
        (["5", "7", "1"], None),
        (["2020-01-31", "", ""], None),
        (["a", "NA", "b"], None),
        (["NA", "NA", "NA"], None),
        (["1580515199", "1580515200", "1580515201"], None),
        (["1,50 €", "7 €", "1 €"], None),
        (["5 kg", "7 kg", "1 kg"], None),
    ],
)  # fmt: skip
def test_what_is_sure_is_proposed(cells: list[str], proposed: dict[str, Any] | None) -> None:
    found = inspected({"name": NAMES, "value": cells})

    assert found.proposal == (None if proposed is None else {"input": proposed})
    # With the proposal, the column is one of numbers or dates, and nothing else is proposed
    if proposed is not None:
        again = inspected({"name": NAMES, "value": cells}, proposed)
        assert again.columns[1].type in ("integer", "number", "date")
        assert again.proposal is None


@pytest.mark.parametrize(
    ("cells", "note"),
    [
        (
            ["01/02/2020", "03/04/2020", ""],
            (
                "column 2 ('value'): '01/02/2020' is read as text; if it is a date, set "
                "input.date to "
                "'%d/%m/%Y' or '%m/%d/%Y'"
            ),
        ),
        (
            ["10/11/12", "", ""],
            (
                "column 2 ('value'): '10/11/12' is read as text; if it is a date, set "
                "input.date to "
                "'%d/%m/%y' or '%m/%d/%y' or '%y/%m/%d'"
            ),
        ),
        (
            ["$5", "7 €", ""],
            (
                "column 2 ('value'): there are amounts in several currencies, '$' and '€'; "
                "sums would "
                "mix them"
            ),
        ),
        (
            ["5%", "0.07", ""],
            (
                "column 2 ('value'): some numbers have a percent sign, such as '5%', and "
                "others have "
                "none"
            ),
        ),
        (["(1)", "(2)", ""], "column 2 ('value'): all numbers are in parentheses, such as '(1)'"),
    ],
)
def test_what_is_in_doubt_is_a_note(cells: list[str], note: str) -> None:
    found = inspected({"name": NAMES, "value": cells})

    assert found.proposal is None
    assert note in found.notes


def test_a_text_that_is_missing_in_one_column_and_a_value_in_another_is_a_note() -> None:
    found = inspected({"country": ["NA", "DE", "FR"], "value": ["NA", "5", "-"]})

    assert found.proposal == {"input": {"null": ["-"]}}
    assert (
        "'NA' stands for a missing value in other columns, but is a text in column 1, where "
        "input.null would make it empty too"
    ) in found.notes


@pytest.mark.parametrize(
    ("other", "shown"),
    [
        (["1/13/2020", "1/1/2020", ""], "'%d/%m/%Y', '%m/%d/%Y'"),
        (["2020-01-31", "", ""], "ISO 8601, '%d/%m/%Y'"),
    ],
)
def test_several_formats_of_dates_are_a_note(other: list[str], shown: str) -> None:
    found = inspected({"from": ["13/1/2020", "1/1/2020", ""], "to": other})

    assert found.proposal is None
    assert f"columns have dates in several formats, {shown}; input.date can be one" in found.notes


def test_a_proposal_contains_what_is_declared_already() -> None:
    declared = {"null": ["none"], "number": {"percent": True}}
    found = inspected({"a": ["5%", "none", "1%"], "b": ["$5", "-", "(1)"]}, declared)

    assert found.proposal == {
        "input": {
            "null": ["none", "-"],
            "number": {"percent": True, "currency": True, "parentheses": "negative"},
        }
    }
    assert found.input.null == ["none"]
    assert found.columns[0].empty == 1
