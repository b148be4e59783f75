"""The tokens of the storage service, of which two are valid while one replaces the other."""

from __future__ import annotations

import re

from shared.errors import InvalidInput

_BETWEEN = re.compile("[,\n]")


def parse_tokens(text: str) -> tuple[str, ...]:
    """Return the tokens of the setting `CSVMILL_STORAGE_TOKEN`, the current one first.

    They are separated by commas or line ends. Storage accepts each; its clients send the first.
    Raises InvalidInput if there is none.
    """
    tokens = tuple(token.strip() for token in _BETWEEN.split(text) if token.strip())
    if not tokens:
        raise InvalidInput("CSVMILL_STORAGE_TOKEN: it has no token")
    return tokens
