"""The column `notify` of jobs and API keys: a list of URLs as JSON, NULL without any."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def notify_of(text: str | None) -> tuple[str, ...]:
    """Return the URLs in a column."""
    return () if text is None else tuple(json.loads(text))


def notify_value(urls: Sequence[str]) -> str | None:
    """Return the value of a column."""
    return json.dumps(list(urls)) if urls else None
