"""The aggregate functions, each computed from all values of a group."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from shared.aggregation.kinds import NUMERIC

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.aggregation.spec import Aggregate

AVG_DECIMALS = 6
"""The most decimals that an average has in addition to those of its values."""

_HALF, _ZERO, _ONE = Decimal("0.5"), Decimal(0), Decimal(1)


def compute(aggregate: Aggregate, values: Sequence[Any]) -> bytes:
    """Return the result for the values of a group in file order; empty cells are not among them.

    A number is a Decimal, a date its sort key with its text, everything else bytes. Needs the
    decimal context `shared.aggregation.cells.EXACT`.
    """
    function = aggregate.function
    if function == "count":
        return b"%d" % len(values)
    if function == "count_distinct":
        return b"%d" % len(set(values))
    if not values:
        return b""
    text: bytes
    if function in ("first", "last"):
        text = values[0 if function == "first" else -1]
        return text
    if aggregate.kind in NUMERIC:
        return _of_numbers(function, values)
    found = min(values) if function == "min" else max(values)
    text = found[-1] if isinstance(found, tuple) else found
    return text


def _of_numbers(function: str, values: Sequence[Decimal]) -> bytes:
    decimals = max(map(_decimals, values))
    if function == "avg":
        return _text(_average(sum(values, _ZERO), len(values)))
    if function == "median":
        middle = sorted(values)[(len(values) - 1) // 2 : len(values) // 2 + 1]
        half = sum(middle, _ZERO) * _HALF if len(middle) == 2 else middle[0]
        return _text(_trimmed(half, decimals))
    found = {"sum": lambda: sum(values, _ZERO), "min": lambda: min(values)}
    return _text(_padded(found.get(function, lambda: max(values))(), decimals))


def _average(total: Decimal, count: int) -> Decimal:
    """Return the mean, rounded half to even."""
    decimals = _decimals(total)
    places = decimals + AVG_DECIMALS
    quotient, rest = divmod(total.scaleb(places), count)
    twice = 2 * abs(rest)
    if twice > count or (twice == count and quotient % 2):
        quotient += _ONE.copy_sign(total)
    return _trimmed(quotient.scaleb(-places), decimals)


def _decimals(value: Decimal) -> int:
    exponent = (value * _ZERO).as_tuple().exponent
    assert isinstance(exponent, int)
    return max(0, -exponent)


def _padded(value: Decimal, decimals: int) -> Decimal:
    """Return `value` with at least this many decimals."""
    return value if _decimals(value) >= decimals else value.quantize(Decimal((0, (0,), -decimals)))


def _trimmed(value: Decimal, decimals: int) -> Decimal:
    """Return `value` with at least this many decimals, without trailing zeros after them."""
    return _padded(value.normalize(), decimals)


def _text(value: Decimal) -> bytes:
    """Return a number in digits, without an exponent. Zero has no sign."""
    return format(value + _ZERO, "f").encode()
