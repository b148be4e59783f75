"""Reads where a client wants its job to be computed."""

from __future__ import annotations

from shared.errors import InvalidInput
from shared.jobs.engine_choice import EngineChoice


def read_engine(given: object) -> EngineChoice:
    """Return the choice that the member `engine` of a request is. Raises InvalidInput."""
    for choice in EngineChoice:
        if given == choice:
            return choice
    raise InvalidInput(f"engine is {given!r}; send {_CHOICES}", field="engine")


_CHOICES = " or ".join((", ".join(list(EngineChoice)[:-1]), list(EngineChoice)[-1]))
