"""The options that describe a spec: their names, and what the context of a command has of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shared.aggregation.functions import FUNCTIONS, AggregateFunction

if TYPE_CHECKING:
    from collections.abc import Mapping

FUNCTION_OPTIONS: dict[str, AggregateFunction] = {
    "count-of" if each.name == "count" else each.name.replace("_", "-"): each
    for each in FUNCTIONS.values()
}
INPUT_OPTIONS = (
    "delimiter", "quote", "escape", "encoding", "header", "line_end", "compression", "sheet",
    "decimal", "thousands", "date", "on_bad_row", "on_ragged", "skip_lines", "header_line",
    "header_starts_with", "comment", "skip_footer", "columns",
)  # fmt: skip
NUMBER_OPTIONS = ("currency", "percent", "parentheses")
OPTION_ORDER = "csvmill.spec_options.order"
"""Where the context of a command has the order of its options."""
GIVEN_SPEC = "csvmill.spec_options.given"
"""Where it has its spec, a `GivenSpec`."""


@dataclass(frozen=True, slots=True)
class GivenSpec:
    """The spec of a command, and how it was given."""

    spec: Mapping[str, Any] | None
    """Its JSON; None for the default."""
    as_json: bool
    """Whether it was given as JSON, not as options."""
