from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from shared.telemetry.ids import Ids, also_bound_ids, bind_ids, bound_ids, current_ids
from shared.telemetry.propagation import (
    ids_of_message,
    ids_of_request,
    outgoing_headers,
    outgoing_properties,
)
from shared.telemetry.trace_context import TraceContext

UPLOAD = UUID("2b1d3f60-92c1-4f0c-8c55-0d3c7f1a9e11")
JOB = UUID("0c3f6b1e-92b5-4d0b-8f6f-1d2f4a7c9e55")
TRACE = TraceContext("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", "01", "a=1")

all_ids = st.builds(
    Ids,
    st.from_regex(r"[A-Za-z0-9._~+/=:@-]{1,128}", fullmatch=True),
    st.none() | st.uuids(),
    st.none() | st.uuids(),
    st.none() | st.integers(1, 999_999_999),
    st.none() | st.just(TRACE),
)


@given(all_ids)
def test_ids_are_passed_unchanged_to_another_service(ids: Ids) -> None:
    with bound_ids(ids):
        headers = CIMultiDict(outgoing_headers())
    assert ids_of_request(headers, internal=True) == ids


def test_only_the_request_id_and_the_trace_are_accepted_from_clients() -> None:
    with bound_ids(Ids("r", UPLOAD, JOB, 3, TRACE)):
        headers = CIMultiDict(outgoing_headers())
    assert ids_of_request(headers, internal=False) == Ids("r", trace=TRACE)


@pytest.mark.parametrize("given_id", ["", "with blank", "new\nline", 'quo"te', "x" * 129, "ü"])
def test_a_request_without_a_valid_id_gets_a_new_one(given_id: str) -> None:
    made = [
        ids_of_request(CIMultiDict({"X-Request-Id": given_id}), internal=False).request_id or ""
        for _ in range(2)
    ]
    assert given_id not in made
    assert made[0] != made[1]
    assert all(len(one) == 32 and one.isalnum() for one in made)


@pytest.mark.parametrize("attempt", ["0", "-1", "1.5", "x", "9" * 10])
def test_malformed_ids_between_services_count_as_missing(attempt: str) -> None:
    headers = CIMultiDict(
        {"X-Request-Id": "r", "Csvmill-Upload-Id": "u", "Csvmill-Job-Id": "", "traceparent": "00-"}
    )
    headers["Csvmill-Attempt"] = attempt
    assert ids_of_request(headers, internal=True) == Ids("r")


@given(all_ids)
def test_a_message_carries_all_ids_but_the_attempt(ids: Ids) -> None:
    with bound_ids(ids):
        properties = outgoing_properties()
    assert ids_of_message(properties, JOB) == Ids(
        ids.request_id, ids.upload_id, JOB, None, ids.trace
    )


@pytest.mark.parametrize("value", [None, 1, b"bytes", [], "not an id\n", {}])
def test_malformed_ids_of_a_message_count_as_missing(value: object) -> None:
    properties = dict.fromkeys(("request_id", "upload_id", "traceparent", "tracestate"), value)
    assert ids_of_message(properties, JOB) == Ids(job_id=JOB)


def test_ids_are_bound_until_the_end_of_their_context() -> None:
    assert current_ids() == Ids()
    with bound_ids(Ids("r")):
        bind_ids(upload_id=UPLOAD)
        with also_bound_ids(job_id=JOB, attempt=1):
            assert current_ids() == Ids("r", UPLOAD, JOB, 1)
        assert current_ids() == Ids("r", UPLOAD)
        with bound_ids(Ids("other")):
            assert current_ids() == Ids("other")
        assert current_ids() == Ids("r", UPLOAD)
    assert current_ids() == Ids()
