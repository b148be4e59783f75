"""Objects of the API are read from JSON, as the types of their fields say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin, get_type_hints

if TYPE_CHECKING:
    from collections.abc import Iterable

Read = Callable[[Any, str], Any]
"""Returns the value of some JSON, or raises ValueError, which names the place."""


def read(kind: Any, json: Any) -> Any:
    """Return the object of a type that `json` is, without keys that the type does not have.

    Raises ValueError, which names the field, if one is missing or has a value of another type.
    """
    return _reader(kind)(json, kind.__name__)


@cache
def _reader(kind: Any) -> Read:
    if is_dataclass(kind):
        return _object(kind)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return _union([_reader(each) for each in arguments])
    if origin is tuple and arguments[-1] is not ...:
        return _pair([_reader(each) for each in arguments])
    if origin in (tuple, list):
        return _list(_reader(arguments[0]), origin)
    if origin in (dict, Mapping):
        return _mapping(_reader(arguments[1]))
    if kind is Any:
        return lambda value, _: value
    return _SCALARS[kind]


def _misfit(value: Any, place: str, expected: str) -> ValueError:
    return ValueError(f"{place}: expected {expected}, got {type(value).__name__}")


def _scalar(name: str, fits: Callable[[Any], bool], make: Callable[[Any], Any]) -> Read:
    def scalar(value: Any, place: str) -> Any:
        if not fits(value):
            raise _misfit(value, place, name)
        return make(value)

    return scalar


def _is_integer(value: Any) -> bool:
    return type(value) is int or (type(value) is float and value.is_integer())


def _as_it_is(value: Any) -> Any:
    return value


_SCALARS: Mapping[Any, Read] = {
    str: _scalar("text", lambda value: isinstance(value, str), _as_it_is),
    bool: _scalar("a boolean", lambda value: isinstance(value, bool), _as_it_is),
    int: _scalar("an integer", _is_integer, int),
    float: _scalar("a number", lambda value: type(value) in (int, float), float),
    NoneType: _scalar("null", lambda value: value is None, _as_it_is),
}


def _union(readers: list[Read]) -> Read:
    def union(value: Any, place: str) -> Any:
        reasons = []
        for each in readers:
            try:
                return each(value, place)
            except ValueError as error:
                reasons.append(str(error))
        raise ValueError("; or ".join(reasons))

    return union


def _items(value: Any, place: str) -> Iterable[tuple[Any, str]]:
    if not isinstance(value, list | tuple):
        raise _misfit(value, place, "an array")
    return ((each, f"{place}[{index}]") for index, each in enumerate(value))


def _list(item: Read, make: type[tuple[Any, ...]] | type[list[Any]]) -> Read:
    return lambda value, place: make(item(*each) for each in _items(value, place))


def _pair(items: list[Read]) -> Read:
    def pair(value: Any, place: str) -> Any:
        found = list(_items(value, place))
        if len(found) != len(items):
            raise ValueError(f"{place}: expected {len(items)} values, got {len(found)}")
        return tuple(item(*each) for item, each in zip(items, found, strict=True))

    return pair


def _of_object(value: Any, place: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _misfit(value, place, "an object")
    return value


def _mapping(item: Read) -> Read:
    def mapping(value: Any, place: str) -> Any:
        given = _of_object(value, place)
        return {key: item(each, f"{place}.{key}") for key, each in given.items()}

    return mapping


def _object(kind: Any) -> Read:
    hints = get_type_hints(kind)
    key_of = kind.__pydantic_config__.get("alias_generator", _as_it_is)
    parts = [
        (each.name, key_of(each.name), hints[each.name], _is_required(each))
        for each in fields(kind)
    ]

    def of_json(value: Any, place: str) -> Any:
        given = _of_object(value, place)
        known = {}
        for name, key, hint, required in parts:
            if key in given:
                known[name] = _reader(hint)(given[key], f"{place}.{key}")
            elif required:
                raise ValueError(f"{place}.{key}: is missing")
        return kind(**known)

    return of_json


def _is_required(field: Any) -> bool:
    return field.default is MISSING and field.default_factory is MISSING
