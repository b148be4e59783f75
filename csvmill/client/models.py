"""The models of specs and answers that the client shares with the services."""

from shared.aggregation.spec import (
    Aggregate,
    Aggregation,
    Arithmetic,
    Condition,
    GroupColumn,
    Junction,
    Negation,
    OrderColumn,
)
from shared.api.dataset import DatasetView
from shared.api.job import AttemptView, JobInputView, JobView
from shared.api.job import ProgressView as JobProgress
from shared.api.problem import ProblemView
from shared.api.report import ReportView, WarningView
from shared.api.saved_spec import SpecSummaryView, SpecView
from shared.api.upload import UploadView
from shared.csv.dialect import Input

__all__ = [
    "Aggregate",
    "Aggregation",
    "Arithmetic",
    "AttemptView",
    "Condition",
    "DatasetView",
    "GroupColumn",
    "Input",
    "JobInputView",
    "JobProgress",
    "JobView",
    "Junction",
    "Negation",
    "OrderColumn",
    "ProblemView",
    "ReportView",
    "SpecSummaryView",
    "SpecView",
    "UploadView",
    "WarningView",
]
