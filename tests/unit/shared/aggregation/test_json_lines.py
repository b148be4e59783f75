"""What a spec may declare about the lines of a file, and which declarations contradict others."""

from __future__ import annotations

from typing import Any

import pytest

from shared.aggregation.json_codec import (
    aggregation_json,
    decode_aggregation,
    encode_aggregation,
)
from shared.aggregation.json_reader import read_aggregation
from shared.csv.dialect import Input
from shared.errors import InvalidInput


def read(**declared: Any) -> Input:
    return read_aggregation({"group_by": ["k"], "input": declared}, "spec").input


@pytest.mark.parametrize(
    "declared",
    [
        {"skip_lines": 3},
        {"skip_lines": 3, "header_starts_with": "Name;"},
        {"header_line": 4, "header": True},
        {"skip_lines": 2, "header": False},
        {"comment": "#", "skip_footer": 2},
        {"comment": "//", "skip_footer": "Total"},
        {"on_ragged": "pad_or_truncate"},
    ],
)
def test_declarations_are_read_and_written_as_they_were_sent(declared: dict[str, Any]) -> None:
    aggregation = read_aggregation({"group_by": ["k"], "input": declared}, "spec")
    assert aggregation.input == Input(**declared)
    assert aggregation_json(aggregation)["input"] == {
        key: value for key, value in declared.items() if value != getattr(Input(), key)
    }
    assert decode_aggregation(encode_aggregation(aggregation)) == aggregation


def test_null_is_the_same_as_a_missing_key() -> None:
    nulls = dict.fromkeys(["header_line", "header_starts_with", "comment", "skip_footer"])
    assert read(**nulls) == Input()


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ({"header_line": 2, "header_starts_with": "k"}, "both say where the header is"),
        ({"header_line": 2, "header": False}, "send no header_line with header false"),
        ({"header_starts_with": "k", "header": False}, "send no header_starts_with with header"),
        ({"header_line": 2, "skip_lines": 1}, "send header_line or skip_lines"),
        ({"comment": '"x'}, "begins with neither a quote nor the delimiter"),
        ({"comment": ";", "delimiter": ";"}, "begins with neither a quote nor the delimiter"),
        ({"comment": ""}, r"spec\.input\.comment is ''; send at least 1 character"),
        ({"comment": "a\nb"}, r"spec\.input\.comment is 'a\\nb'"),
        ({"comment": "x" * 17}, "send 16 characters or fewer"),
        ({"skip_lines": -1}, "send 0 or more"),
        ({"header_line": 0}, "send 1 or more"),
        ({"skip_footer": 0}, r"spec\.input\.skip_footer is 0; send 1 or more"),
        ({"skip_footer": 1001}, r"spec\.input\.skip_footer is 1001; send 1000 or less"),
        ({"skip_footer": True}, r"spec\.input\.skip_footer is True; send a whole number"),
        ({"skip_footer": ""}, r"spec\.input\.skip_footer is ''; send at least 1 character"),
        ({"on_ragged": "cut"}, r"spec\.input\.on_ragged is 'cut'"),
    ],
)
def test_declarations_that_are_wrong_or_contradict_each_other_are_refused(
    declared: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        read(**declared)


def test_a_comment_may_begin_with_what_is_no_quote() -> None:
    assert read(comment="'", quote='"').comment == "'"
    assert read(comment='"', quote="none").comment == '"'
