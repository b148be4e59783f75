"""An HTTP client of csvmill: upload in chunks, follow the job, download in ranges.

`AsyncClient` and `Client` have the same methods; see docs/client.md.
"""

from csvmill.client.async_client import AsyncClient
from csvmill.client.errors import (
    BadRows,
    ClientError,
    ConnectionLost,
    InputChanged,
    JobUnsuccessful,
    NotVerified,
    Refused,
    ServerUnavailable,
)
from csvmill.client.job_event import JobEvent
from csvmill.client.progress import TransferProgress
from csvmill.client.result_view import ResultView
from csvmill.client.retrying import Retries
from csvmill.client.server_view import ServerView
from csvmill.client.spec import Asked, Spec
from csvmill.client.sync_client import Client
from shared.aggregation.spec import (
    Aggregate,
    Aggregation,
    Condition,
    GroupColumn,
    Junction,
    OrderColumn,
)
from shared.api.job import AttemptView, JobView
from shared.api.job import ProgressView as JobProgress
from shared.api.problem import ProblemView
from shared.api.report import ReportView
from shared.api.upload import UploadView
from shared.csv.dialect import Input

Order = OrderColumn
"""The name of `OrderColumn` in earlier releases."""

Progress = TransferProgress
"""The former name of `TransferProgress`."""

__all__ = [
    "Aggregate",
    "Aggregation",
    "Asked",
    "AsyncClient",
    "AttemptView",
    "BadRows",
    "Client",
    "ClientError",
    "Condition",
    "ConnectionLost",
    "GroupColumn",
    "Input",
    "InputChanged",
    "JobEvent",
    "JobProgress",
    "JobUnsuccessful",
    "JobView",
    "Junction",
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
    "TransferProgress",
    "UploadView",
]
