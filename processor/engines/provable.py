"""The aggregations that the fast plan can prove. The exact plan computes all others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.aggregation.cells import CANONICAL
from shared.aggregation.formats import FORMATS
from shared.aggregation.kinds import NUMERIC
from shared.aggregation.spec import conditions
from shared.inspection.detect import dialect_of

if TYPE_CHECKING:
    from shared.aggregation.spec import Aggregate
    from shared.csv.dialect import Dialect
    from shared.jobs.job import Aggregation

_OPERATORS = ("=", "!=", "in", "is_empty")
_DELIMITERS = frozenset(",;\t|:^~")
_ROWS = ("csv", "parquet")
"""The row encodings that the fast plan writes."""


def why_not_fast(aggregation: Aggregation) -> str | None:
    """Return why the fast plan does not attempt an aggregation; None if it does."""
    if not aggregation.group_by or not aggregation.aggregates:
        return "no group columns, or no aggregates"
    if any(group.truncate or group.case or group.trim for group in aggregation.group_by):
        return "group columns with trim, case or truncate"
    if not all(map(_is_provable, aggregation.aggregates)):
        return "aggregates other than counts, and sum, min and max of numbers"
    where = conditions(aggregation.where)
    if any(c.kind != "text" or c.operator not in _OPERATORS for c in where):
        return "a where that does more than compare text for equality"
    if aggregation.having:
        return "a having"
    if FORMATS[aggregation.output].rows not in _ROWS:
        return f"output as {FORMATS[aggregation.output].label}"
    if aggregation.notation != CANONICAL:
        return "numbers in another notation"
    return why_not_fast_for(dialect_of(b"", whole=True, declared=aggregation.input, strict=True))


def why_not_fast_for(dialect: Dialect) -> str | None:
    """Return why the fast plan does not attempt a file of this dialect; None if it does."""
    if dialect.delimiter not in _DELIMITERS:
        return "an unusual delimiter"
    if dialect.quote not in ("", '"') or dialect.escape:
        return "an unusual quote, or an escape character"
    if dialect.line_end != "lf":
        return "lines that end in CR"
    return None


def _is_provable(aggregate: Aggregate) -> bool:
    """Return whether an aggregate counts, or computes an integer from integers."""
    if aggregate.function == "count":
        return not aggregate.strict
    return aggregate.function in ("sum", "min", "max") and aggregate.kind in NUMERIC
