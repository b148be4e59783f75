"""Specs that say what warnings do, and what settles some of them."""

from __future__ import annotations

import json

import pytest

from shared.aggregation.json_codec import decode_aggregation, encode_aggregation
from shared.aggregation.json_reader import parse_aggregation
from shared.errors import InvalidInput


def test_warnings_may_fail_any_job_the_default_one_too() -> None:
    for text in ('{"on_warning": "fail"}', '{"on_warning": "fail", "input": {"decimal": ","}}'):
        found = parse_aggregation(text, "spec")
        assert found.is_default
        assert found.on_warning == "fail"
        assert decode_aggregation(encode_aggregation(found)) == found
    given = parse_aggregation('{"group_by": [1], "on_warning": "fail"}', "spec")
    assert not given.is_default
    assert decode_aggregation(encode_aggregation(given)) == given
    assert parse_aggregation('{"group_by": [1]}', "spec").on_warning == "report"
    with pytest.raises(InvalidInput, match="on_warning is 'stop'; send 'report' or 'fail'"):
        parse_aggregation('{"group_by": [1], "on_warning": "stop"}', "spec")


def test_a_text_is_normalized_as_a_whole() -> None:
    text = '{"group_by": [{"column": 1, "normalize": "nfc", "trim": true, "case": "lower"}]}'
    (group,) = parse_aggregation(text, "spec").group_by
    assert (group.normalize, group.trim, group.case) == ("nfc", True, "lower")
    found = parse_aggregation(text, "spec")
    assert decode_aggregation(encode_aggregation(found)) == found
    others = {"truncate": "day", "match": "a", "substring": [1, 2], "part": "year"}
    for key, value in others.items():
        refused = {"group_by": [{"column": 1, "normalize": "nfc", key: value}]}
        with pytest.raises(InvalidInput, match=f"send {key} or normalize, not both"):
            parse_aggregation(json.dumps(refused), "spec")
