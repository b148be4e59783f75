"""Specs that say how the result is written."""

from __future__ import annotations

import json

import pytest

from shared.aggregation.json_codec import decode_aggregation, encode_aggregation
from shared.aggregation.json_reader import parse_aggregation
from shared.errors import InvalidInput


def test_formulas_of_csv_are_escaped_if_the_spec_says_so() -> None:
    for output in ("csv", "csv.gz", "csv.zst"):
        spec = {"group_by": [1], "output": output, "output_options": {"escape_formulas": True}}
        found = parse_aggregation(json.dumps(spec), "spec")
        assert found.escape_formulas
        assert decode_aggregation(encode_aggregation(found)) == found
    for text in ('{"group_by": [1]}', '{"group_by": [1], "output_options": {}}'):
        found = parse_aggregation(text, "spec")
        assert not found.escape_formulas
        assert "output_options" not in encode_aggregation(found)


def test_the_default_aggregation_may_escape_formulas_too() -> None:
    found = parse_aggregation('{"output_options": {"escape_formulas": true}}', "spec")

    assert found.is_default
    assert found.escape_formulas
    assert decode_aggregation(encode_aggregation(found)) == found


@pytest.mark.parametrize("output", ["jsonl", "parquet"])
def test_only_csv_has_formulas_to_escape(output: str) -> None:
    spec = {"group_by": [1], "output": output, "output_options": {"escape_formulas": True}}

    with pytest.raises(InvalidInput, match="files have no formulas; leave it out") as refused:
        parse_aggregation(json.dumps(spec), "spec")

    assert refused.value.field == "spec.output_options.escape_formulas"
    spec["output_options"] = {"escape_formulas": False}
    assert not parse_aggregation(json.dumps(spec), "spec").escape_formulas


def test_options_of_the_output_are_checked() -> None:
    for options, message in [
        ('{"escape_formulas": "yes"}', "send true or false"),
        ('{"escape_formula": true}', "did you mean escape_formulas"),
        ("true", "send an object"),
    ]:
        with pytest.raises(InvalidInput, match=message):
            parse_aggregation(f'{{"group_by": [1], "output_options": {options}}}', "spec")
