"""What the objects of the API have in common: they are written to JSON, read from it, described."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self, overload

from shared.api.described import WithJsonSchema
from shared.api.reading import read

if TYPE_CHECKING:
    from collections.abc import Mapping

    from _typeshed import DataclassInstance
    from pydantic import TypeAdapter

Count = Annotated[int, WithJsonSchema({"type": "integer", "minimum": 0})]
"""A number of bytes, rows or files."""
Ordinal = Annotated[int, WithJsonSchema({"type": "integer", "minimum": 1})]
"""A number counted from 1."""
Time = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
"""A date-time in UTC (RFC 3339)."""
Id = Annotated[str, WithJsonSchema({"type": "string", "format": "uuid"})]
Path = Annotated[str, WithJsonSchema({"type": "string", "format": "uri-reference"})]
Sha256 = Annotated[str, WithJsonSchema({"type": "string", "pattern": "^[0-9a-f]{64}$"})]
"""A SHA-256 in hexadecimal."""

COMPONENT = "x-component"
"""The key of a schema that is a component of the OpenAPI document, described elsewhere."""


def component(name: str) -> WithJsonSchema:
    """Return the schema of a component that is described elsewhere."""
    return WithJsonSchema({COMPONENT: name})


class View:
    """Base of the objects of the API, which are frozen dataclasses.

    The order of the fields is that of the JSON. A field's docstring is its description in the
    OpenAPI document. A field that older servers do not send has a default, for the client; the
    gateway sends every field.
    """

    __slots__ = ()
    __pydantic_config__: ClassVar[dict[str, Any]] = {
        "extra": "ignore",
        "use_attribute_docstrings": True,
        "json_schema_serialization_defaults_required": True,
    }

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Self:
        """Read the JSON of an answer and ignore unknown keys.

        Raises ValueError if a field is missing or malformed.
        """
        found: Self = read(cls, answer)
        return found

    @classmethod
    def from_value(cls, value: DataclassInstance, /, **computed: Any) -> Self:
        """Return the view of a value: its attributes of the same name, except for `computed`."""
        names = _names(cls)  # type: ignore[arg-type]
        plain = {name: getattr(value, name) for name in names if name not in computed}
        return cls(**plain, **computed)

    def as_json(self) -> dict[str, Any]:
        """Return the object as `json.dumps` takes it."""
        shown: dict[str, Any] = adapter(type(self)).dump_python(self)
        return shown


@overload
def rfc3339(time: float) -> str: ...


@overload
def rfc3339(time: float | None) -> str | None: ...


def rfc3339(time: float | None) -> str | None:
    """Return Unix seconds as a date-time in UTC, to the millisecond (RFC 3339, 5.6)."""
    if time is None:
        return None
    text = datetime.fromtimestamp(time, UTC).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z"


def adapter(kind: Any) -> TypeAdapter[Any]:
    """Return what reads, writes and describes a type."""
    return _adapter(kind)


@cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)
