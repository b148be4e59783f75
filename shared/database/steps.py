"""A transaction as a generator: it yields statements, and gets their rows.

So the whole transaction can run where the database is, such as in the thread of SQLite.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

T = TypeVar("T")

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from shared.database.port import Row, Value


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, and the values of its parameters."""

    sql: str
    values: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class Tell:
    """Tells the listeners a text once the transaction is committed. See `Database.listen`."""

    text: str


if TYPE_CHECKING:
    Steps = Generator[Statement | Tell, Sequence[Row], T]
    Execute = Callable[[Statement], Sequence[Row]]


def statement(sql: str, *values: Value) -> Steps[Sequence[Row]]:
    """Yield one statement, and return its rows. For `yield from`."""
    return (yield Statement(sql, values))


def run_steps(steps: Steps[T], execute: Execute, told: list[str]) -> T:
    """Run all steps with `execute`, and return their result. Adds to `told` what they tell."""
    rows: Sequence[Row] = ()
    try:
        step = next(steps)
        while True:
            if isinstance(step, Tell):
                told.append(step.text)
                rows = ()
            else:
                rows = execute(step)
            step = steps.send(rows)
    except StopIteration as end:
        result: T = end.value
        return result
    finally:
        steps.close()
