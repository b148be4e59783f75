from __future__ import annotations

import json
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidInput
from shared.jobs.wake_up import WakeUp

ID = "2b1d3f60-92c1-4f0c-8c55-0d3c7f1a9e11"

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.uuids(), st.booleans())
def test_a_wake_up_is_decoded_as_it_was_encoded(job_id: UUID, small: bool) -> None:
    wakeup = WakeUp(job_id, small)
    assert WakeUp.decode(wakeup.encode()) == wakeup


def test_the_message_body_is_what_other_versions_expect() -> None:
    assert json.loads(WakeUp(UUID(ID)).encode()) == {"version": 1, "job_id": ID}
    small = WakeUp(UUID(ID), small=True).encode()
    assert json.loads(small) == {"version": 1, "job_id": ID, "small": True}


@given(json_values)
def test_a_size_that_another_version_encodes_otherwise_is_not_small(value: object) -> None:
    body = json.dumps({"version": 1, "job_id": ID, "small": value}).encode()
    assert WakeUp.decode(body) == WakeUp(UUID(ID), small=value is True)


def test_fields_that_a_later_version_adds_are_ignored() -> None:
    body = json.dumps({"version": 1, "job_id": ID, "priority": 3}).encode()
    assert WakeUp.decode(body) == WakeUp(UUID(ID))


@pytest.mark.parametrize("version", [0, 2, "1", None])
def test_a_wake_up_of_another_version_is_refused(version: object) -> None:
    body = json.dumps({"version": version, "job_id": ID}).encode()
    with pytest.raises(InvalidInput, match=r"wake-up version .* is not 1") as raised:
        WakeUp.decode(body)
    assert raised.value.field == "version"


@given(st.binary())
def test_arbitrary_bytes_raise_invalid_input_only(body: bytes) -> None:
    with pytest.raises(InvalidInput, match="not a wake-up message"):
        WakeUp.decode(body)


def test_deeply_nested_json_raises_invalid_input_only() -> None:
    with pytest.raises(InvalidInput, match="not a wake-up message"):
        WakeUp.decode(b"[" * 1_000_000)


@given(json_values)
def test_arbitrary_json_raises_invalid_input_only(value: object) -> None:
    with pytest.raises(InvalidInput, match="not a wake-up message"):
        WakeUp.decode(json.dumps(value).encode())


@given(json_values)
def test_a_malformed_job_id_is_refused(value: object) -> None:
    with pytest.raises(InvalidInput, match="not a wake-up message"):
        WakeUp.decode(json.dumps({"version": 1, "job_id": value}).encode())
