"""What the OpenAPI document says of a type. It is read when the document is made.

pydantic has classes for this too. Clients import the objects of the API without pydantic, which
takes longer to import than a small job takes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True, slots=True)
class WithJsonSchema:
    """Metadata of a type: its JSON schema, in place of the one that follows from the type."""

    schema: Mapping[str, Any]

    def __get_pydantic_json_schema__(
        self, _: object, _handler: Callable[[Any], dict[str, Any]]
    ) -> dict[str, Any]:
        """Return the schema. pydantic calls this."""
        return dict(self.schema)

    def __hash__(self) -> int:
        """Return the same for all: equal schemas have to have equal hashes."""
        return hash(WithJsonSchema)


@dataclass(frozen=True, slots=True)
class AlsoJsonSchema:
    """Metadata of a type: keys that are added to the JSON schema that follows from the type."""

    added: Mapping[str, Any]

    def __get_pydantic_json_schema__(
        self, core_schema: object, handler: Callable[[Any], dict[str, Any]]
    ) -> dict[str, Any]:
        """Return the schema of the type with what is added. pydantic calls this."""
        return {**handler(core_schema), **self.added}

    def __hash__(self) -> int:
        """Return the same for all: equal additions have to have equal hashes."""
        return hash(AlsoJsonSchema)


def described(text: str) -> AlsoJsonSchema:
    """Return the metadata of a type that has a description."""
    return AlsoJsonSchema({"description": text})
