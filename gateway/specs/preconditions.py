"""What the header of a change demands of the saved spec (RFC 9110, 13.1)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shared.errors import InvalidInput
from shared.http.conditions import field_value
from shared.jobs.saved_spec import Expected

if TYPE_CHECKING:
    from multidict import MultiMapping

ANY = "*"
_TAG = r'(?:W/)?"[^"]*"'
_TAGS = re.compile(rf"\s*{_TAG}(?:\s*,\s*{_TAG})*\s*")


def expected_by(headers: MultiMapping[str]) -> Expected:
    """Return what `If-Match`, or `If-None-Match: *`, demands. Raises InvalidInput.

    Weak tags match nothing, as the comparison is a strong one.
    """
    match = field_value(headers, "If-Match")
    none_match = field_value(headers, "If-None-Match")
    if none_match is not None and (match is not None or none_match.strip() != ANY):
        raise InvalidInput(
            "If-None-Match of a change is `*`, for a spec that is new, without If-Match",
            field="If-None-Match",
        )
    if none_match is not None:
        return Expected(is_new=True)
    if match is None:
        return Expected()
    if match.strip() == ANY:
        return Expected(exists=True)
    if not _TAGS.fullmatch(match):
        raise InvalidInput(f'If-Match is {match!r}; send "<tag>", or *', field="If-Match")
    tags = [tag for tag in re.findall(_TAG, match) if not tag.startswith("W/")]
    return Expected(versions=tuple(tag.strip('"') for tag in tags), exists=True)
