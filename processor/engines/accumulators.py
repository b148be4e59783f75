"""The accumulators of the aggregate functions, one for each.

The state of a group is None until the first value. States are written to runs on disk, so they
consist of numbers, bytes and tuples. Results do not depend on how rows were divided among runs.
Arithmetic needs the decimal context `shared.aggregation.cells.EXACT`.
"""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

from shared.aggregation.kinds import NUMERIC

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shared.aggregation.functions import Function
    from shared.aggregation.spec import Aggregate

AVG_DECIMALS = 6
"""The maximum number of decimals that an average has in addition to those of its values."""

_HALF, _ZERO, _ONE = Decimal("0.5"), Decimal(0), Decimal(1)


class Accumulator(Protocol):
    """Computes one aggregate. `add` and `merge` must not change their arguments."""

    def add(self, state: Any, value: Any) -> Any:
        """Return the state with one more value. Values come in file order."""
        ...

    def merge(self, state: Any, other: Any) -> Any:
        """Return both states in one."""
        ...

    def finish(self, state: Any, values: Iterator[Any]) -> bytes:
        """Return the result as text, which is empty without values.

        `values` are the sorted values of the group if the function keeps them.
        """
        ...


def accumulator(aggregate: Aggregate) -> Accumulator:
    """Return the accumulator of an aggregate."""
    numeric = aggregate.kind in NUMERIC and aggregate.function in _OF_NUMBERS
    return (_OF_NUMBERS if numeric else _ACCUMULATORS)[aggregate.function]()


class Count:
    """The number of values."""

    def add(self, state: int | None, _value: object) -> int:
        """See `Accumulator`."""
        return (state or 0) + 1

    def merge(self, state: int, other: int) -> int:
        """See `Accumulator`."""
        return state + other

    def finish(self, state: int | None, _values: Iterator[Any]) -> bytes:
        """See `Accumulator`."""
        return b"%d" % (state or 0)


class CountDistinct:
    """The number of different values; `finish` gets each once."""

    def add(self, _state: None, _value: object) -> None:
        """See `Accumulator`."""

    def merge(self, _state: None, _other: None) -> None:
        """See `Accumulator`."""

    def finish(self, _state: None, values: Iterator[Any]) -> bytes:
        """See `Accumulator`."""
        return b"%d" % sum(1 for _ in values)


class Sum:
    """The sum of numbers, with as many decimals as the number with the most."""

    def add(self, state: Decimal | None, value: Decimal) -> Decimal:
        """See `Accumulator`."""
        return value if state is None else state + value

    def merge(self, state: Decimal, other: Decimal) -> Decimal:
        """See `Accumulator`."""
        return state + other

    def finish(self, state: Decimal | None, _values: Iterator[Any]) -> bytes:
        """See `Accumulator`."""
        return b"" if state is None else _text(state)


class Average:
    """The mean. The state is sum and count; only `finish` divides and rounds."""

    def add(self, state: tuple[Decimal, int] | None, value: Decimal) -> tuple[Decimal, int]:
        """See `Accumulator`."""
        return (value, 1) if state is None else (state[0] + value, state[1] + 1)

    def merge(self, state: tuple[Decimal, int], other: tuple[Decimal, int]) -> tuple[Decimal, int]:
        """See `Accumulator`."""
        return state[0] + other[0], state[1] + other[1]

    def finish(self, state: tuple[Decimal, int] | None, _values: Iterator[Any]) -> bytes:
        """See `Accumulator`."""
        if state is None:
            return b""
        total, count = state
        decimals = _decimals(total)
        places = decimals + AVG_DECIMALS
        # As Decimal, because the conversion to int takes quadratic time.
        quotient, rest = divmod(total.scaleb(places), count)
        twice = 2 * abs(rest)
        if twice > count or (twice == count and quotient % 2):
            quotient += _ONE.copy_sign(total)
        return _text(_trimmed(quotient.scaleb(-places), decimals))


class Extreme:
    """The least or greatest value. If values are tuples, the result is the last member."""

    def __init__(self, extreme: Any) -> None:
        self._extreme = extreme

    def add(self, state: Any, value: Any) -> Any:
        """See `Accumulator`."""
        return value if state is None else self._extreme(state, value)

    def merge(self, state: Any, other: Any) -> Any:
        """See `Accumulator`."""
        return self._extreme(state, other)

    def finish(self, state: Any, _values: Iterator[Any]) -> bytes:
        """See `Accumulator`."""
        if state is None:
            return b""
        found: bytes = state[-1] if isinstance(state, tuple) else state
        return found


class NumberExtreme:
    """The least or greatest number, with as many decimals as the number with the most."""

    def __init__(self, extreme: Any) -> None:
        self._extreme = extreme

    def add(self, state: tuple[Decimal, int] | None, value: Decimal) -> tuple[Decimal, int]:
        """See `Accumulator`."""
        decimals = _decimals(value)
        return (value, decimals) if state is None else self.merge(state, (value, decimals))

    def merge(self, state: tuple[Decimal, int], other: tuple[Decimal, int]) -> tuple[Decimal, int]:
        """See `Accumulator`."""
        return self._extreme(state[0], other[0]), max(state[1], other[1])

    def finish(self, state: tuple[Decimal, int] | None, _values: Iterator[Any]) -> bytes:
        """See `Accumulator`."""
        return b"" if state is None else _text(_padded(*state))


class Median:
    """The middle of the sorted numbers, or half the sum of the two in the middle."""

    def add(self, state: tuple[int, int] | None, value: Decimal) -> tuple[int, int]:
        """See `Accumulator`."""
        return self.merge(state or (0, 0), (1, _decimals(value)))

    def merge(self, state: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
        """See `Accumulator`."""
        return state[0] + other[0], max(state[1], other[1])

    def finish(self, state: tuple[int, int] | None, values: Iterator[Decimal]) -> bytes:
        """See `Accumulator`."""
        if state is None:
            return b""
        count, decimals = state
        middle = list(islice(values, (count - 1) // 2, count // 2 + 1))
        half = sum(middle, _ZERO) * _HALF if len(middle) == 2 else middle[0]
        return _text(_trimmed(half, decimals))


_ACCUMULATORS: dict[Function, Callable[[], Accumulator]] = {
    "sum": Sum,
    "count": Count,
    "count_distinct": CountDistinct,
    "avg": Average,
    "median": Median,
    "min": partial(Extreme, min),
    "max": partial(Extreme, max),
    # Their values begin with the position of the row.
    "first": partial(Extreme, min),
    "last": partial(Extreme, max),
}
_OF_NUMBERS: dict[Function, Callable[[], Accumulator]] = {
    "min": partial(NumberExtreme, min),
    "max": partial(NumberExtreme, max),
}
"""The accumulators that replace these for columns of numbers."""


def _decimals(value: Decimal) -> int:
    # `as_tuple` copies all digits, so it is called on zero with the exponent of the value.
    exponent = (value * _ZERO).as_tuple().exponent
    assert isinstance(exponent, int)  # noqa: S101 - it is finite
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
