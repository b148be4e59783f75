"""A port that a test puts in front of the real one."""

from __future__ import annotations

from typing import Any


class Forwarding:
    """Forwards every call to the port behind it. A subclass replaces the methods it names."""

    def __init__(self, behind: Any) -> None:
        self._behind = behind

    def __getattr__(self, name: str) -> Any:
        if name == "_behind":
            raise AttributeError(name)  # not set yet
        return getattr(self._behind, name)
