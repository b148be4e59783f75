"""The words of warnings."""

from __future__ import annotations

import re

import pytest

from shared.aggregation.cells import CANONICAL, Notation
from shared.api.report import _KIND
from shared.jobs.warnings import KINDS, Finding, refusal, warning_of, warnings_of
from tests.malformations import table

NAMES = ["Stadt", "Einwohner", ""]


def test_the_page_about_csv_has_a_row_for_each_kind_in_order() -> None:
    rows = list(table("Warnings"))
    assert [row for row in rows if row not in ("`kind`", "---")] == [f"`{kind}`" for kind in KINDS]


def test_the_table_of_doubts_has_each_kind_in_order() -> None:
    rows = table("Doubts")
    assert rows.pop("doubt") == ["the job"]
    answers = [row[0] for row in rows.values()]
    told = re.findall(r"warns[^|]*?: `([a-z0-9_]+)`", "|".join(answers))
    assert told == list(KINDS)
    assert [
        row for row in answers if not re.match("warns|is refused|fails|does .not report it", row)
    ] == []


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_a_message_and_a_remedy(kind: str) -> None:
    finding = Finding(kind, 1234, 5, 7, 2, "'x'")
    warning = warning_of(finding, NAMES, CANONICAL)
    assert (warning.kind, warning.count, warning.line, warning.column) == (kind, 1234, 7, 2)
    assert "{" not in warning.message + warning.remedy
    assert ": " in warning.message
    assert str(warning) == f"{warning.message} (first in line 7)"


def test_a_message_names_the_column_and_counts_in_words() -> None:
    few = warning_of(Finding("blank_group", 1, 0, 3, 1, "''"), NAMES, CANONICAL)
    assert few.message.startswith("column 1 ('Stadt'): 1 cell is empty or blank: ")
    many = warning_of(Finding("blank_group", 1200, 0, None, 3, "''"), NAMES, CANONICAL)
    assert many.message.startswith("column 3: 1,200 cells are empty or blank: ")
    assert str(many) == many.message


def test_the_separator_that_numbers_may_have_is_the_decimal_mark() -> None:
    finding = Finding("grouped_integers", 2, 1, 2, 2, "'336,465'")
    warning = warning_of(finding, NAMES, Notation(","))
    assert warning.remedy == (
        "if they are integers, set input.decimal to '.' and input.thousands to ','; if not, set "
        "input.thousands to '.'"
    )


def test_warnings_are_in_the_order_of_kinds_and_the_first_is_the_reason() -> None:
    events = [
        {"kind": kind, "count": 1, "others": 0, "line": 2, "column": None, "example": "''"}
        for kind in reversed(KINDS)
    ]
    warnings = warnings_of(events, NAMES)
    assert [warning.kind for warning in warnings] == list(KINDS)
    more = len(KINDS) - 1
    assert refusal(warnings).startswith(f"on_warning is 'fail': {warnings[0]}; ")
    assert refusal(warnings).endswith(f" (and {more} more warnings)")
    assert refusal(warnings[:2]).endswith(" (and 1 more warning)")
    assert refusal(warnings[:1]).endswith(warnings[0].remedy)


def test_the_api_describes_every_kind() -> None:
    assert set(re.findall("`([a-z_0-9]+)`", _KIND)) == KINDS.keys()
