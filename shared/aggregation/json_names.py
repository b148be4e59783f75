"""Other names for the values of a field of a spec."""

from __future__ import annotations

from typing import Any

from pydantic import BeforeValidator


def named(**names: str) -> BeforeValidator:
    """Accept other names for some values, in upper or lower case."""

    def value(given: Any) -> Any:
        return (
            names.get(given.lower().replace("-", "_"), given) if isinstance(given, str) else given
        )

    return BeforeValidator(value)
