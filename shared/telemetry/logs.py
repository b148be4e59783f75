"""Logging: JSON for machines, text for a terminal. `__main__` configures it once a process."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal

from aiohttp.http_exceptions import HttpProcessingError, InvalidURLError
from aiohttp.web import RequestPayloadError
from pydantic_settings import BaseSettings, SettingsConfigDict
from stamina.instrumentation import set_on_retry_hooks

from shared.telemetry.ids import current_ids

LogFormat = Literal["auto", "json", "text"]

_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
_JSON = json.JSONEncoder(ensure_ascii=False, default=str)
_STANDARD = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}
"""The attributes of every record; all others are from `extra`."""


class LogSettings(BaseSettings):
    """The settings of logging, each an environment variable `CSVMILL_<NAME>`."""

    model_config = SettingsConfigDict(env_prefix="CSVMILL_", frozen=True, defer_build=True)

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: LogFormat = "auto"
    """`json`: one object per line; `text`: for people; `auto`: text on a terminal, else JSON."""


def configure_logging(settings: LogSettings, service: str) -> None:
    """Log to standard error. Every JSON line has `service`."""
    handler = logging.StreamHandler(sys.stderr)
    as_text = _is_text(settings.log_format)
    handler.setFormatter(TextFormatter() if as_text else JsonFormatter(service))
    logging.basicConfig(handlers=[handler], level=settings.log_level)
    # A line per request is for a proxy or for debugging.
    logging.getLogger("aiohttp.access").setLevel(
        logging.INFO if settings.log_level == "DEBUG" else logging.WARNING
    )
    logging.getLogger("aiohttp.server").addFilter(malformed_in_a_line)
    # By default stamina logs and counts retries itself; our own lines say what is waited for.
    set_on_retry_hooks(())


def last_words(service: str, message: str) -> str:
    """Return what a service prints when it cannot start or go on, in the format of its logs.

    It may be that no logging is configured, as the settings are wrong.
    """
    text = f"csvmill {service}: {message}"
    if _is_text(os.environ.get("CSVMILL_LOG_FORMAT", "auto")):
        return text
    record = logging.LogRecord(__name__, logging.CRITICAL, __file__, 0, text, (), None)
    return JsonFormatter(service).format(record)


def _is_text(log_format: str) -> bool:
    return log_format == "text" or (log_format != "json" and sys.stderr.isatty())


def malformed_in_a_line(record: logging.LogRecord) -> bool:
    """Filter the log lines about malformed HTTP requests: INFO, without a traceback.

    Any client can cause them. The line names the error and omits the bytes, which may be secrets.
    """
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, RequestPayloadError):
        # aiohttp raises it again when it skips the rest of a refused request.
        record.msg = "The rest of a request's body cannot be read"
    elif isinstance(error, InvalidURLError):
        record.msg = f"{record.msg}: answered {error.code}, Invalid URL"
    elif isinstance(error, HttpProcessingError):
        what = error.message.partition("\n")[0].partition(":")[0]
        record.msg = f"{record.msg}: answered {error.code}, {what}"
    else:
        return True
    record.exc_info = record.exc_text = None
    if record.levelno > logging.INFO:
        record.levelno, record.levelname = logging.INFO, "INFO"
    return logging.getLogger(record.name).isEnabledFor(record.levelno)


class JsonFormatter(logging.Formatter):
    """Formats a record as one JSON object: the message, its origin, the ids, and `extra`."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as a line of JSON. docs/observability.md lists the fields."""
        line: dict[str, Any] = {
            "timestamp": _timestamp(record),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "service": self._service,
            **current_ids().fields(),
            **_extras(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            line["stack"] = self.formatStack(record.stack_info)
        text = _JSON.encode(line)
        if text.isascii():
            return text
        return text.encode("utf-8", "backslashreplace").decode()  # may contain lone surrogates


class TextFormatter(logging.Formatter):
    """Formats a record for people: the message, then the ids that it does not contain."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        """Return the timestamp as in JSON. Ignores `datefmt`."""
        return _timestamp(record)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        """Return the line without the traceback, and on one line.

        What clients send in it neither begins another line nor controls the terminal.
        """
        line = _CONTROL.sub(lambda found: ascii(found[0])[1:-1], super().formatMessage(record))
        more = [
            f"{name}={value}"
            for name, value in current_ids().fields().items()
            if name != "attempt" and str(value) not in line
        ]
        return f"{line}  [{' '.join(more)}]" if more else line


def _timestamp(record: logging.LogRecord) -> str:
    """ISO 8601 in UTC, to the millisecond."""
    second, milliseconds = divmod(int(record.created * 1000), 1000)
    return f"{_second(second)}.{milliseconds:03d}Z"


@lru_cache(maxsize=1)
def _second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat().removesuffix("+00:00")


def _extras(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}
