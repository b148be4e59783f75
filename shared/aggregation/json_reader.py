"""Read the specs that clients send, and name the path of what is wrong in them."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from shared.aggregation.check import check
from shared.aggregation.json_model import MAX_DEPTH, AggregationIn
from shared.aggregation.json_object import UNKNOWN_KEY
from shared.aggregation.spec import conditions
from shared.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic_core import ErrorDetails

    from shared.aggregation.spec import Aggregation

MAX_LENGTH = 64 << 10
"""The maximum size of a spec in bytes."""

MAX_COST = 10_000
"""The largest product of the number of aggregates and that of conditions: so a row of a file costs
some microseconds at most."""

_SHOWN = 80
_HINTS = {
    "model_type": "send an object",
    "list_type": "send a list",
    "string_type": "send a string",
    "bool_type": "send true or false",
    "int_type": "send a whole number",
    "greater_than_equal": "send {ge} or more",
    "less_than_equal": "send {le} or less",
    "string_too_short": "send at least {min_length} character",
    "string_too_long": "send {max_length} characters or fewer",
    "too_short": "send at least {min_length} of them",
    "too_long": "send {max_length} of them or fewer",
}
_MODEL: TypeAdapter[AggregationIn] = TypeAdapter(AggregationIn)


def parse_aggregation(text: str, field: str) -> Aggregation:
    """Return the aggregation that a client sent as JSON in `field`.

    Raises InvalidInput with the path of the wrong value, the value, and what to send instead.
    """
    if len(text.encode(errors="surrogatepass")) > MAX_LENGTH:
        raise InvalidInput(f"{field} is longer than {MAX_LENGTH} bytes", field=field)
    try:
        fields = json.loads(text, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{field} is not JSON: {error}", field=field) from error
    return read_aggregation(fields, field)


def read_aggregation(fields: object, field: str) -> Aggregation:
    """Return the aggregation that parsed JSON means, with fractions as Decimal.

    Raises InvalidInput as `parse_aggregation` does.
    """
    if _depth(fields) > MAX_DEPTH:
        raise InvalidInput(f"{field} is nested deeper than {MAX_DEPTH}; flatten it", field=field)
    try:
        length = len(json.dumps(fields, default=str, ensure_ascii=False).encode())
    except UnicodeEncodeError as error:
        raise InvalidInput(f"{field} has half of a surrogate pair", field=field) from error
    if length > MAX_LENGTH:
        raise InvalidInput(f"{field} is longer than {MAX_LENGTH} bytes", field=field)
    try:
        aggregation = _MODEL.validate_python(fields).aggregation()
        check(aggregation)
        _check_cost(aggregation)
        return aggregation
    except InvalidInput as error:
        raise InvalidInput(f"{field}.{error}", field=f"{field}.{error.field}") from error
    except ValidationError as error:
        # Only the first error: later ones often follow from it.
        path, message = _explained(error.errors(include_url=False)[0])
        raise InvalidInput(f"{field}{path} {message}", field=f"{field}{path}") from error


def _check_cost(aggregation: Aggregation) -> None:
    """Raise InvalidInput if the aggregation costs too much for each row of a file."""
    computed = len(aggregation.aggregates)
    compared = sum(
        len(conditions(part))
        for part in (
            aggregation.where,
            aggregation.having,
            *(aggregate.where for aggregate in aggregation.aggregates),
        )
    )
    if computed * compared > MAX_COST:
        raise InvalidInput(
            f"aggregates has {computed} items, and the spec {compared} conditions; send fewer of "
            f"either: their product may be {MAX_COST} at most",
            field="aggregates",
        )


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a spec."""
    return _MODEL.json_schema()


def _explained(error: ErrorDetails) -> tuple[str, str]:
    """Return the path of an error, such as `.aggregates[0].column`, and its message."""
    # The branches of a union are named `#...`, and are not part of the path.
    steps = [step for step in error["loc"] if not str(step).startswith("#")]
    if error["type"] == UNKNOWN_KEY:
        return _path([*steps, str(error["ctx"]["key"])]), error["msg"]
    if error["type"] == "missing":
        return _path(steps), "is missing"
    found = str(error["input"]) if isinstance(error["input"], Decimal) else repr(error["input"])
    if len(found) > _SHOWN:
        found = found[:_SHOWN] + "..."
    hint = error["msg"]
    if error["type"] in _HINTS:
        hint = _HINTS[error["type"]].format(**error.get("ctx", {}))
    hint = hint.removeprefix("Value error, ").replace("Input should be", "send")
    return _path(steps), f"is {found}; {hint}"


def _path(steps: Sequence[str | int]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)


def _depth(value: object) -> int:
    deepest, level = 0, [value]
    while level:
        deepest += 1
        level = [
            inner
            for outer in level
            if isinstance(outer, (dict, list))
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return deepest


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not a JSON value")
