"""Log lines in JSON and as text."""

from __future__ import annotations

import json
import logging
import os
import pty
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from shared.telemetry.ids import Ids, bound_ids
from shared.telemetry.logs import JsonFormatter, TextFormatter
from shared.telemetry.trace_context import TraceContext

UPLOAD = UUID("2b1d3f60-92c1-4f0c-8c55-0d3c7f1a9e11")
JOB = UUID("0c3f6b1e-92b5-4d0b-8f6f-1d2f4a7c9e55")
IDS = Ids("req-1", UPLOAD, JOB, 2, TraceContext("4b" * 16, "00f067aa0ba902b7"))
AT = datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC)


def record(message: str, *args: object, level: int = logging.INFO, **extra: Any) -> Any:
    made = logging.getLogger("a.b").makeRecord("a.b", level, "f.py", 1, message, args, None)
    made.created = AT.timestamp()
    vars(made).update(extra)
    return made


def test_a_json_line_has_message_logger_time_and_ids() -> None:
    with bound_ids(IDS):
        line = JsonFormatter("storage").format(record("took %d s", 3, seconds=3.25))
    assert json.loads(line) == {
        "timestamp": "2026-01-02T03:04:05.678Z",
        "level": "INFO",
        "logger": "a.b",
        "message": "took 3 s",
        "service": "storage",
        "request_id": "req-1",
        "upload_id": str(UPLOAD),
        "job_id": str(JOB),
        "attempt": 2,
        "trace_id": "4b" * 16,
        "seconds": 3.25,
    }


def test_unknown_ids_are_omitted() -> None:
    fields = json.loads(JsonFormatter("gateway").format(record("begins")))
    assert set(fields) == {"timestamp", "level", "logger", "message", "service"}


@pytest.mark.parametrize("text", ["two\nlines", "\x00\x1b[31m", "\ud800", "Čaj 🎵 \u2028", '"}{'])
def test_any_message_becomes_one_line_that_can_be_written(text: str) -> None:
    line = JsonFormatter("gateway").format(record("%s", text, path={1}))
    assert "\n" not in line
    assert json.loads(line)["message"] == text
    line.encode()


def test_a_traceback_is_a_field_of_the_same_line() -> None:
    error = ZeroDivisionError("by nothing")
    failed = record("failed", level=logging.ERROR, exc_info=(type(error), error, None))
    line = JsonFormatter("gateway").format(failed)
    assert "\n" not in line
    assert json.loads(line)["exception"].endswith("ZeroDivisionError: by nothing")


def test_text_appends_the_ids_that_the_message_does_not_contain() -> None:
    with bound_ids(Ids("req-1", job_id=JOB, attempt=2)):
        line = TextFormatter().format(record("job=%s attempt=2 failed", JOB))
    assert line == (
        f"2026-01-02T03:04:05.678Z INFO a.b: job={JOB} attempt=2 failed  [request_id=req-1]"
    )


def test_what_a_client_sends_neither_begins_a_line_of_text_nor_controls_the_terminal() -> None:
    sent = "/x\tČaj\n2026-01-02 INFO gateway: all is well\r\x1b[2J\x9b\u2028\x00"
    line = TextFormatter().format(record("GET %s", sent))
    assert line.endswith(r"Čaj\n2026-01-02 INFO gateway: all is well\r\x1b[2J\x9b\u2028\x00")
    assert "GET /x\tČaj" in line
    assert len(line.splitlines()) == 1


PROGRAM = """
import logging, sys
from shared.telemetry.logs import LogSettings, configure_logging
configure_logging(LogSettings(), "gateway")
logging.getLogger("x").info("hello")
"""


@pytest.mark.parametrize(
    ("log_format", "terminal", "as_json"),
    [
        (None, False, True),
        (None, True, False),
        ("auto", False, True),
        ("json", True, True),
        ("text", False, False),
    ],
)
def test_lines_are_json_unless_standard_error_is_a_terminal(
    log_format: str | None, terminal: bool, as_json: bool
) -> None:
    env = {name: value for name, value in os.environ.items() if name != "CSVMILL_LOG_FORMAT"}
    if log_format:
        env["CSVMILL_LOG_FORMAT"] = log_format
    reader, writer = pty.openpty() if terminal else os.pipe()
    with open(reader, "rb", buffering=0) as output:  # noqa: PTH123  (a descriptor)
        subprocess.run([sys.executable, "-c", PROGRAM], stderr=writer, env=env, check=True)
        line = output.read(10_000).decode()
        os.close(writer)
    assert "hello" in line
    assert line.startswith('{"timestamp": ') == as_json
