"""Whether a reading of a file is right, where the truth is known."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from tests.unit.shared.inspection.corpus import UTF

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from benchmarks.detection.reading import Reading
    from tests.unit.shared.inspection.corpus import Known, Question

Outcome = Literal["right", "refused", "warned", "wrong"]
OUTCOMES: dict[Outcome, str] = {
    "right": "read as it was written",
    "refused": "refused",
    "warned": "read otherwise, with a warning",
    "wrong": "**read otherwise, silently**",
}
"""The outcomes, and their names in the table."""

Answer = dict[str, tuple[Decimal | None, Decimal | None]]
"""The sum and the maximum of each group; None if it has no number."""

EXCUSES: Mapping[str, frozenset[str]] = {
    "trailing below": frozenset({"trailing_delimiters"}),
    "quote in text": frozenset({"quote_in_text"}),
    "grouped integers": frozenset({"grouped_integers"}),
    "blank group": frozenset({"blank_group"}),
    "similar groups": frozenset({"similar_groups"}),
    "header again": frozenset({"repeated_header"}),
    "header in the middle": frozenset({"repeated_header"}),
    "total": frozenset({"total_row", "sum_row"}),
    "total of another name": frozenset({"sum_row"}),
    "subtotal": frozenset({"total_row"}),
    "empty cells": frozenset({"empty_row"}),
    "note in cells": frozenset({"note_row"}),
    "units row": frozenset({"unit_row"}),
    "second table": frozenset({"below_empty_line"}),
}
"""The kinds of warnings that tell of a kind of dirt. No other warning excuses a wrong reading."""

NOT_TOLD = {
    "total of another name": "a total that no list has, in a job without a sum",
    "second table without an empty line": "a second table whose names are others",
}
"""What docs/report.md says is not told if a job reads texts only, by the kind of dirt."""


def outcome(known: Known, reading: Reading) -> Outcome:
    """Compare a reading with the truth.

    Records that are wider or narrower than the table may be among those that were read: who
    gets them sees that.
    """
    if reading.records is None:
        return "refused"
    header, *below = known.records if known.header else ((), *known.records)
    width = len(known.records[0])
    found = Counter(tuple(record) for record in reading.records if len(record) == width)
    names = reading.names or []
    # A reader may name a column that has no name.
    same_names = len(names) == len(header) and all(
        name in ("", other) for name, other in zip(header, names, strict=True)
    )
    if same_names and found == Counter(below):
        return "right"
    return _told(known, reading.warnings)


def outcome_of_answer(
    known: Known, question: Question, answer: Answer | None, warnings: Collection[str]
) -> Outcome:
    """Compare the answer to a question with the truth. None is that of a job that failed."""
    if answer is None:
        return "refused"
    return "right" if answer == question.answer else _told(known, warnings)


def _told(known: Known, warnings: Collection[str]) -> Outcome:
    """Return whether one of these warnings is of what may be wrong in a file."""
    kinds = set(EXCUSES.get(known.dirt, ()))
    if known.declared_header is None and not known.header:
        kinds.add("assumed_header")
    if known.encoding not in UTF:
        kinds.add("assumed_encoding")
    return "wrong" if kinds.isdisjoint(warnings) else "warned"
