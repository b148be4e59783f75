"""Functions of numbers, for expected results: with fractions and the `statistics` module."""

from __future__ import annotations

import statistics
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction
from typing import TYPE_CHECKING

from tests.oracle_values import decimal_text, number_of, shortest_decimal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.aggregation.spec import Aggregate

    Number = tuple[Fraction | int, int]
    """A number, exactly, and the count of its written decimals."""


def calculated(operator: str, left: str, right: str) -> Number:
    """Return what an operator gives for two cells."""
    (a, a_decimals), (b, b_decimals) = number_of(left), number_of(right)
    if operator == "multiply":
        return a * b, a_decimals + b_decimals
    return (a + b if operator == "add" else a - b), max(a_decimals, b_decimals)


def ratio_of(above: str, below: str) -> str:
    """Return the quotient of two results."""
    if not above or not below:
        return ""
    (a, a_decimals), (b, b_decimals) = number_of(above), number_of(below)
    decimals = max(a_decimals, b_decimals)
    return rounded(Fraction(a) / Fraction(b), decimals + 6, decimals) if b else ""


def rounded(value: Fraction, places: int, decimals: int) -> str:
    """Format a number with up to `places` decimals and at least `decimals`."""
    # Fractions round half to even.
    return shortest_decimal(Fraction(round(value * 10**places), 10**places), decimals)


def of_numbers(aggregate: Aggregate, numbers: Sequence[Number]) -> str:
    """Return the result of a function of numbers."""
    values = sorted(value for value, _ in numbers)
    function = aggregate.function
    if function == "count_distinct":
        return str(len(set(values)))
    if not values:
        return ""
    decimals = max(decimals for _, decimals in numbers)
    if function == "avg":
        return rounded(sum(values) / Fraction(len(values)), decimals + 6, decimals)
    if function in ("median", "percentile"):
        return shortest_decimal(percentile(values, Fraction(aggregate.p or 50)), decimals)
    if function in ("variance", "stddev"):
        return spread(function, values, decimals)
    found = {
        "sum": sum(values),
        "sum_if": sum(values),
        "min": values[0],
        "max": values[-1],
        "mode": min(statistics.multimode(values)),
    }
    return decimal_text(Fraction(found[function]), decimals)


def percentile(values: Sequence[Fraction | int], p: Fraction) -> Fraction:
    """Return the percentile of sorted values: the mean of its neighbours by their distances."""
    place = p * (len(values) - 1) / 100
    below = place.numerator // place.denominator
    above = -(-place.numerator // place.denominator)
    if below == above:
        return Fraction(values[below])
    return values[below] * (above - place) + values[above] * (place - below)


def spread(function: str, values: Sequence[Fraction | int], decimals: int) -> str:
    """Return the sample variance, or the square root of it."""
    if len(values) < 2:
        return ""
    variance = statistics.variance(list(map(Fraction, values)))
    if function == "variance":
        return rounded(variance, 2 * decimals + 6, decimals)
    with localcontext() as context:
        # Many more digits than the result has.
        context.prec = 4000
        root = (Decimal(variance.numerator) / Decimal(variance.denominator)).sqrt()
        places = Decimal(1).scaleb(-(decimals + 6))
        return shortest_decimal(Fraction(root.quantize(places, ROUND_HALF_EVEN)), decimals)
