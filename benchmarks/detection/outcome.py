"""Whether a reading of a file is right, where the truth is known."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from benchmarks.detection.reading import Reading
    from tests.unit.shared.inspection.corpus import Known

Outcome = Literal["right", "refused", "warned", "wrong"]
OUTCOMES: dict[Outcome, str] = {
    "right": "read as it was written",
    "refused": "refused",
    "warned": "read otherwise, with a warning",
    "wrong": "**read otherwise, silently**",
}
"""The outcomes, and their names in the table."""


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
    return "warned" if reading.told else "wrong"
