"""Files whose delimiter is not certain, and what their clients then declare."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shared.errors import MalformedInput
from shared.inspection.open_text import open_text

if TYPE_CHECKING:
    from tests.aggregations import Case


def settled(case: Case) -> Case:
    """Return the case, with the delimiter of RFC 4180 declared if the service asks for it.

    A header such as `'; DROP TABLE groups; --` may be divided by semicolons too, if the columns are
    given by position and few records show that it is not. Any other refusal is an error.
    """
    aggregation = case.aggregation
    try:
        open_text(
            [case.data],
            aggregation.known_input,
            names=aggregation.named_columns,
            strict=aggregation.is_default,
        )
    except MalformedInput as error:
        if "set input.delimiter" not in str(error):
            raise
        declared = replace(aggregation.input, delimiter=",")
        return replace(case, aggregation=replace(aggregation, input=declared))
    return case
