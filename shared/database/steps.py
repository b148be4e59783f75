"""Transactions as generators: they yield statements, and get their rows.

So a whole transaction can run where the database is, such as in the thread of SQLite.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from shared.database.port import Statement, Tell

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.database.port import Row, Steps, Value

    Execute = Callable[[Statement], Sequence[Row]]

T = TypeVar("T")


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
