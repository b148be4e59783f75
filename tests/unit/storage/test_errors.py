"""What storage logs of errors."""

from __future__ import annotations

import logging

import pytest
from aiohttp.test_utils import make_mocked_request

from shared.errors import BlobNotFound, ObjectStorageUnavailable, StorageFull, StorageUnavailable
from storage.errors import log_refusal


@pytest.mark.parametrize("error", [StorageFull("x"), ObjectStorageUnavailable("x")], ids=repr)
def test_a_cause_outside_of_storage_is_a_warning_without_a_trace(
    error: StorageFull | ObjectStorageUnavailable, caplog: pytest.LogCaptureFixture
) -> None:
    log_refusal(make_mocked_request("GET", "/ping"), error)
    (record,) = caplog.records
    assert (record.levelno, record.exc_info) == (logging.WARNING, None)
    assert record.getMessage() == "GET /ping: x"


def test_a_fault_of_storage_is_logged_with_its_trace_and_a_refusal_is_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    request = make_mocked_request("GET", "/ping")
    log_refusal(request, StorageUnavailable("x"))
    log_refusal(request, BlobNotFound("x"))
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.exc_info
