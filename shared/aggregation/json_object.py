"""The base class of the JSON objects that clients send: an unknown key is an error."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

UNKNOWN_KEY = "unknown_key"


class JsonObject(BaseModel):
    """An object that refuses an unknown key, with a hint at the key that was probably meant."""

    # The docstring of a key is its description in the JSON Schema.
    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        use_attribute_docstrings=True,
        defer_build=True,  # which takes a tenth of a second: many processes read no such object
    )

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_keys(cls, fields: Any) -> Any:
        known = [info.alias or name for name, info in cls.model_fields.items()]
        for key in fields if isinstance(fields, dict) else ():
            if key not in known:
                close = get_close_matches(str(key).lower(), known, 1, 0.5)
                hint = f"did you mean {close[0]}?" if close else f"send {', '.join(known)}"
                raise PydanticCustomError(
                    UNKNOWN_KEY, "is not a known key; {hint}", {"key": key, "hint": hint}
                )
        return fields
