"""The aggregate functions, each computed from all values of a group."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from fractions import Fraction
from math import isqrt
from typing import TYPE_CHECKING, Any

from shared.aggregation.functions import FUNCTIONS
from shared.aggregation.kinds import NUMERIC
from shared.errors import MalformedInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.aggregation.spec import Aggregate

AVG_DECIMALS = 6
"""The most decimals that an average has in addition to those of its values."""

LONGEST_FACTOR = 1000
"""The most digits, and the most decimals, of a number that is multiplied."""
MAX_CONCATENATED = 64 << 10
"""The most bytes of a result of `concat_distinct`."""

_ZERO, _ONE = Decimal(0), Decimal(1)
_MOST_DECIMALS_OF_RANK = 8
"""The most decimals of a percentage, divided by 100."""


def compute(aggregate: Aggregate, values: Sequence[Any]) -> bytes:
    """Return the result for the values of a group in file order; empty cells are not among them.

    A number is a Decimal, a date its sort key with its text, everything else bytes. Needs the
    decimal context `shared.aggregation.cells.EXACT`. A ratio is empty: see `ratio`.
    """
    function = FUNCTIONS[aggregate.function].computed_as or aggregate.function
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
    if function == "concat_distinct":
        return _concatenated(aggregate, values)
    if function == "mode":
        counts = Counter(values)
        most = max(counts.values())
        found = min(value for value, count in counts.items() if count == most)
        numeric = isinstance(found, Decimal)
        return _text(_padded(found, max(map(_decimals, values)))) if numeric else bytes(found)
    if aggregate.kind in NUMERIC:
        return _of_numbers(aggregate, function, values)
    found = min(values) if function == "min" else max(values)
    text = found[-1] if isinstance(found, tuple) else found
    return text


def ratio(above: bytes, below: bytes) -> bytes:
    """Return the quotient of two results, rounded half to even. Raises MalformedInput."""
    if not above or not below:
        return b""
    numbers = [Decimal(cell.decode()) for cell in (above, below)]
    if any(map(is_long, numbers)):
        raise MalformedInput(
            f"a ratio cannot divide a number of more than {LONGEST_FACTOR} digits or decimals"
        )
    if not numbers[1]:
        return b""
    decimals = max(map(_decimals, numbers))
    quotient = Fraction(numbers[0]) / Fraction(numbers[1])
    return _text(_trimmed(_rounded(quotient, decimals + AVG_DECIMALS), decimals))


def is_long(value: Decimal) -> bool:
    """Return whether a number is too long to be multiplied."""
    digits = len(str(abs(int(value.scaleb(_decimals(value))))))
    return _decimals(value) > LONGEST_FACTOR or digits > LONGEST_FACTOR


def _concatenated(aggregate: Aggregate, values: Sequence[bytes]) -> bytes:
    text = aggregate.joined_by.encode().join(sorted(set(values)))
    if len(text) > MAX_CONCATENATED:
        raise MalformedInput(
            f"a cell of concat_distinct would have more than {MAX_CONCATENATED} bytes: group by "
            "more columns, leave out rows with where, or send count_distinct"
        )
    return text


def _of_numbers(aggregate: Aggregate, function: str, values: Sequence[Decimal]) -> bytes:
    decimals = max(map(_decimals, values))
    if function == "avg":
        return _text(_average(sum(values, _ZERO), len(values)))
    if function in ("variance", "stddev"):
        return _spread(function, values, decimals)
    if function in ("median", "percentile"):
        place = Fraction(aggregate.p or "50") / 100 * (len(values) - 1)
        low, part = int(place), place - int(place)
        ranked = sorted(values)
        value = Fraction(ranked[low])
        if part:
            value += part * (Fraction(ranked[low + 1]) - value)
        return _text(_trimmed(_rounded(value, decimals + _MOST_DECIMALS_OF_RANK), decimals))
    found = {"sum": lambda: sum(values, _ZERO), "min": lambda: min(values)}
    return _text(_padded(found.get(function, lambda: max(values))(), decimals))


def _spread(function: str, values: Sequence[Decimal], decimals: int) -> bytes:
    """Return the sample variance, or its square root."""
    count = len(values)
    if count < 2:
        return b""
    numbers = list(map(Fraction, values))
    mean = sum(numbers, Fraction(0)) / count
    variance = sum(((number - mean) ** 2 for number in numbers), Fraction(0)) / (count - 1)
    if function == "variance":
        result = _rounded(variance, 2 * decimals + AVG_DECIMALS)
    else:
        places = decimals + AVG_DECIMALS
        square = variance * 100**places
        root = isqrt(int(square))
        middle = (root + Fraction(1, 2)) ** 2
        if square > middle or (square == middle and root % 2):
            root += 1
        result = Decimal(root).scaleb(-places)
    return _text(_trimmed(result, decimals))


def _rounded(value: Fraction, places: int) -> Decimal:
    """Return a number with this many decimals; fractions round half to even."""
    return Decimal(round(value * 10**places)).scaleb(-places)


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
