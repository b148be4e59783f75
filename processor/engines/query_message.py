"""The message that tells the kernel what to compute."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from processor.engines.messages import encode
from shared.aggregation.cells import CANONICAL
from shared.aggregation.formats import FORMATS
from shared.aggregation.functions import FUNCTIONS
from shared.aggregation.patterns import (
    Accept,
    Assert,
    Characters,
    Jump,
    Save,
    Split,
    compile_pattern,
)
from shared.aggregation.resolve import Combination
from shared.aggregation.spec import Arithmetic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from processor.engines.messages import Constant, Message
    from shared.aggregation.resolve import Query, Restriction


def encode_query(
    query: Query, constants: Sequence[Constant] = (), numbers: Sequence[int] = ()
) -> bytes:
    """Return the second message to the kernel, which has read the header.

    `constants` are columns after those of the file. `numbers` are those that all its columns have
    among the columns of several files; if there are none, they are the same.
    """
    aggregation = query.aggregation
    notation = aggregation.notation
    return encode(
        {
            "group_by": [
                {
                    "column": column,
                    "trim": group.trim,
                    "truncate": group.truncate,
                    "case": group.case,
                    "part": group.part,
                    "substring": group.substring,
                    "match": None if group.match is None else _program(group.match),
                    "normalize": group.normalize,
                }
                for column, group in zip(query.group_by, aggregation.group_by, strict=True)
            ],
            "aggregates": [_aggregate(query, i) for i in range(len(aggregation.aggregates))],
            "where": _restriction(query.where),
            "having": _restriction(query.having),
            "order_by": [
                {"column": order.column, "descending": order.descending} for order in query.order_by
            ],
            "limit": aggregation.limit,
            "names": query.names,
            # What is not JSON lines is made from the kernel's CSV.
            "format": "jsonl" if FORMATS[aggregation.output].rows == "jsonl" else "csv",
            "escape_formulas": aggregation.escape_formulas,
            "decimal": notation.decimal,
            "thousands": notation.thousands,
            "decorations": sorted(notation.decorations),
            "date": notation.dates.text,
            "null": aggregation.input.null,
            "skip": aggregation.input.on_bad_row == "skip",
            "hints": not (aggregation.is_default and notation == CANONICAL),
            "constants": [asdict(constant) for constant in constants],
            "numbers": list(numbers),
        }
    )


def _program(pattern: str) -> list[Message]:
    """Return the steps of a pattern."""
    steps: list[Message] = []
    for each in compile_pattern(pattern):
        match each:
            case Characters(ranges):
                steps.append({"op": "characters", "ranges": ranges})
            case Split(first, second):
                steps.append({"op": "split", "first": first, "second": second})
            case Jump(to):
                steps.append({"op": "jump", "first": to})
            case Save(end):
                steps.append({"op": "save", "end": end})
            case Assert(anchor):
                steps.append({"op": "assert", "anchor": anchor})
            case Accept():
                steps.append({"op": "accept"})
    return steps


def _aggregate(query: Query, number: int) -> Message:
    aggregate = query.aggregation.aggregates[number]
    function = FUNCTIONS[aggregate.function]
    column = aggregate.column
    return {
        "function": function.computed_as or function.name,
        "column": query.columns[number],
        "operator": column.operator if isinstance(column, Arithmetic) else None,
        "operand": query.operands[number],
        "kind": aggregate.kind or "text",
        "strict": aggregate.strict,
        "output": aggregate.output_kind,
        "where": _restriction(query.filters[number]),
        "p": aggregate.p,
        "separator": aggregate.joined_by,
        "of": query.ratios[number],
    }


def _restriction(restriction: Restriction | None) -> Message | None:
    if restriction is None:
        return None
    if isinstance(restriction, Combination):
        parts = [_restriction(part) for part in restriction.parts]
        return {"all" if restriction.operator == "and" else "any": parts}
    return {
        "column": restriction.column,
        "op": restriction.operator,
        "kind": restriction.kind,
        "values": restriction.values,
        "negated": restriction.negated,
    }
