"""Rendezvous hashing: the order in which servers are asked for a key.

Every process finds the same order. If a server is added or removed, only the keys that it comes
first for change their first server (Thaler and Ravishankar, 1998).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from shared.blobs.blob import BlobKey

T = TypeVar("T")


def ranked(key: BlobKey, servers: Iterable[T], name: Callable[[T], str]) -> list[T]:
    """Return the servers in the order for this key. `name` is what identifies a server."""

    def weight(server: T) -> bytes:
        return hashlib.blake2b(f"{name(server)}\n{key}".encode(), digest_size=16).digest()

    return sorted(servers, key=weight, reverse=True)
