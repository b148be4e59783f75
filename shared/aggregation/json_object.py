"""The base class of the JSON objects that clients send: an unknown key is an error."""

from __future__ import annotations

import ast
import inspect
import textwrap
from difflib import get_close_matches
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema

UNKNOWN_KEY = "unknown_key"


class JsonObject(BaseModel):
    """An object that refuses an unknown key, with a hint at the key that was probably meant."""

    # Built when the first is read: that takes long, and many processes read none.
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Describe each key by its docstring.

        Not by `use_attribute_docstrings`, which reads the source of the class when it is imported.
        """
        shown = handler(schema)
        described = handler.resolve_ref_schema(shown)["properties"]
        for name, text in _docstrings(cls):
            described[cls.model_fields[name].alias or name].setdefault("description", text)
        return shown

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


def _docstrings(kind: type) -> Iterator[tuple[str, str]]:
    """Yield the attributes of a class that have a docstring, with it."""
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(definition, ast.ClassDef)  # noqa: S101
    for field, after in pairwise(definition.body):
        match field, after:
            case ast.AnnAssign(target=ast.Name(name)), ast.Expr(ast.Constant(str(text))):
                yield name, inspect.cleandoc(text)
