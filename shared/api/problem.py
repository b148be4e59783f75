"""Problems: of a file's records, and of requests (RFC 9457)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from shared.api.described import WithJsonSchema
from shared.api.view import Count, Ordinal, View, adapter
from shared.errors import error_classes

_TYPES = sorted({kind.problem_type for kind in error_classes().values()})
_Offset = Annotated[int | None, WithJsonSchema({"type": "integer", "minimum": 0})]


@dataclass(frozen=True, slots=True)
class ProblemView(View):
    """A rule that a record of the file breaks."""

    line: Ordinal
    """The line on which the record begins, from 1."""
    offset: Count
    """Bytes of the decompressed file before the record."""
    column: Ordinal | None
    """The column, from 1; null if the problem concerns the whole record."""
    name: str | None
    """The name of the column in the header. Without `column`, that of one that the file does not
    have (`columns: union`)."""
    found: str
    """What was found, shortened if it is long."""
    expected: str
    """What was expected."""
    file: str | None = None
    """The name of the file, if the job has several; else null."""


@dataclass(frozen=True, slots=True)
class ProblemDetails(View):
    """Every error of `/api/v1`: problem details (RFC 9457)."""

    # Members that do not apply are left out.
    __pydantic_config__: ClassVar[dict[str, Any]] = {
        **View.__pydantic_config__,
        "json_schema_serialization_defaults_required": False,
        "alias_generator": lambda name: name.replace("_", "-"),
    }

    type: Annotated[str, WithJsonSchema({"type": "string", "format": "uri", "enum": _TYPES})]
    """A stable URI; `about:blank` means what the status means."""
    title: str
    """The type in words."""
    status: Annotated[int, WithJsonSchema({"type": "integer", "minimum": 400, "maximum": 599})]
    detail: Annotated[str | None, WithJsonSchema({"type": "string"})] = None
    """What is wrong, and what to do."""
    field: Annotated[str | None, WithJsonSchema({"type": "string"})] = None
    """The field of the request that is wrong."""
    expected_offset: _Offset = None
    """The offset of the upload, in bytes."""
    provided_offset: _Offset = None
    """The offset of the request, in bytes."""

    def as_json(self) -> dict[str, Any]:
        """Return the object as `json.dumps` takes it, without the members that are None."""
        shown: dict[str, Any] = adapter(ProblemDetails).dump_python(
            self, by_alias=True, exclude_none=True
        )
        return shown
