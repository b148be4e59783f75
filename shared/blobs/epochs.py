"""The epoch under which requests to storage are made (see `shared.ports.adoption`)."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from shared.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator

EPOCH_FIELD = "Csvmill-Epoch"
"""The field of a request that names the epoch of the upload; none if it has not moved about."""
_DIGITS = 18

_current: ContextVar[int | None] = ContextVar("epoch", default=None)


@contextmanager
def under_epoch(epoch: int | None) -> Iterator[None]:
    """Make all requests of this context to storage under an epoch of the upload."""
    token = _current.set(epoch)
    try:
        yield
    finally:
        _current.reset(token)


def epoch_headers() -> dict[str, str]:
    """Return the field with the current epoch, if there is one."""
    epoch = _current.get()
    return {} if epoch is None else {EPOCH_FIELD: str(epoch)}


def parse_epoch(text: str) -> int:
    """Read an epoch. Raises InvalidInput unless it is a number from 0 on."""
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
        raise InvalidInput(f"not an epoch: {text!r}", field="epoch")
    return int(text)
