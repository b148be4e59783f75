"""An HTTP client of csvmill: upload in chunks, follow the job, download in ranges.

`AsyncClient` and `Client` have the same methods; see docs/client.md. A name is imported from its
module when it is first used, so that the command line does not import what it does not need.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from csvmill.client.async_client import AsyncClient
    from csvmill.client.errors import (
        BadRows,
        BodyTooLarge,
        ClientError,
        ConnectionLost,
        InputChanged,
        JobUnsuccessful,
        NotVerified,
        Refused,
        ServerUnavailable,
    )
    from csvmill.client.job_event import JobEvent
    from csvmill.client.models import (
        Aggregate,
        Aggregation,
        Arithmetic,
        AttemptView,
        Condition,
        DatasetView,
        GroupColumn,
        Input,
        JobInputView,
        JobProgress,
        JobView,
        Junction,
        Negation,
        OrderColumn,
        ProblemView,
        ReportView,
        SpecSummaryView,
        SpecView,
        UploadView,
        WarningView,
    )
    from csvmill.client.progress import TransferProgress
    from csvmill.client.result_view import ResultView
    from csvmill.client.retrying import Retries
    from csvmill.client.server_view import ServerView
    from csvmill.client.spec import Asked, Spec
    from csvmill.client.sync_client import Client

    Order = OrderColumn
    Progress = TransferProgress

_NAMES = {
    "csvmill.client.async_client": ("AsyncClient",),
    "csvmill.client.errors": (
        "BadRows", "BodyTooLarge", "ClientError", "ConnectionLost", "InputChanged",
        "JobUnsuccessful", "NotVerified", "Refused", "ServerUnavailable",
    ),
    "csvmill.client.job_event": ("JobEvent",),
    "csvmill.client.progress": ("TransferProgress",),
    "csvmill.client.result_view": ("ResultView",),
    "csvmill.client.retrying": ("Retries",),
    "csvmill.client.server_view": ("ServerView",),
    "csvmill.client.spec": ("Asked", "Spec"),
    "csvmill.client.sync_client": ("Client",),
    "csvmill.client.models": (
        "Aggregate", "Aggregation", "Arithmetic", "AttemptView", "Condition", "DatasetView",
        "GroupColumn", "Input", "JobInputView", "JobProgress", "JobView", "Junction", "Negation",
        "OrderColumn", "ProblemView", "ReportView", "SpecSummaryView", "SpecView", "UploadView",
        "WarningView",
    ),
}  # fmt: skip
"""The names of each module."""
_OTHERS = {
    "Order": ("csvmill.client.models", "OrderColumn"),
    "Progress": ("csvmill.client.progress", "TransferProgress"),
}
"""Names of earlier releases."""
_SOURCES = {name: (module, name) for module, names in _NAMES.items() for name in names} | _OTHERS


def __getattr__(name: str) -> Any:
    if name not in _SOURCES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _SOURCES[name]
    value = globals()[name] = getattr(import_module(module), attribute)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


__all__ = [
    "Aggregate",
    "Aggregation",
    "Arithmetic",
    "Asked",
    "AsyncClient",
    "AttemptView",
    "BadRows",
    "BodyTooLarge",
    "Client",
    "ClientError",
    "Condition",
    "ConnectionLost",
    "DatasetView",
    "GroupColumn",
    "Input",
    "InputChanged",
    "JobEvent",
    "JobInputView",
    "JobProgress",
    "JobUnsuccessful",
    "JobView",
    "Junction",
    "Negation",
    "NotVerified",
    "Order",
    "OrderColumn",
    "ProblemView",
    "Progress",
    "Refused",
    "ReportView",
    "ResultView",
    "Retries",
    "ServerUnavailable",
    "ServerView",
    "Spec",
    "SpecSummaryView",
    "SpecView",
    "TransferProgress",
    "UploadView",
    "WarningView",
]
