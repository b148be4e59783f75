"""Where the executors of a cluster read an input, by ranges of bytes.

It needs the standard library only: executors have no other part of this program.
"""

from __future__ import annotations

import http.client
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol, cast
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

TIMEOUT = 60.0
"""Seconds without a byte after which a server counts as lost."""


class Place(Protocol):
    """A file that any machine of the cluster can read."""

    def open(self, begin: int) -> BinaryIO:
        """Return the bytes from `begin` to the end. Raises OSError."""
        ...


@dataclass(frozen=True, slots=True)
class SharedFile:
    """A file in a folder that all machines have under the same path."""

    path: str

    def open(self, begin: int) -> BinaryIO:
        """See `Place.open`."""
        file = Path(self.path).open("rb")  # noqa: SIM115 - the caller closes it
        file.seek(begin)
        return file


@dataclass(frozen=True, slots=True)
class StoredBlob:
    """A blob of the storage service, whose answers to `?start=` are its bytes from there on."""

    urls: tuple[str, ...]
    """Without a query. If one does not answer, another one is asked."""
    fields: dict[str, str] = field(repr=False)
    """The header fields of a request, which authorize it."""
    start_field: str
    """The field of the answer with the position of its first byte."""

    def open(self, begin: int) -> BinaryIO:
        """See `Place.open`."""
        # Neighbouring ranges are read from different servers.
        first = (begin >> 20) % len(self.urls)
        in_turn = (*self.urls[first:], *self.urls[:first])
        for url in in_turn[:-1]:
            with suppress(OSError):
                return _opened(self, url, begin)
        return _opened(self, in_turn[-1], begin)


def _opened(blob: StoredBlob, server: str, begin: int) -> BinaryIO:
    url = urlsplit(server)
    connect: Callable[..., http.client.HTTPConnection] = http.client.HTTPConnection
    if url.scheme == "https":
        connect = http.client.HTTPSConnection
    connection = connect(url.hostname, url.port, timeout=TIMEOUT)
    try:
        # So the answer ends the connection when it is closed.
        fields = {**blob.fields, "Connection": "close"}
        connection.request("GET", f"{url.path}?start={begin}", headers=fields)
        answer = connection.getresponse()
    except http.client.HTTPException as error:
        connection.close()
        raise OSError(f"storage answered what is not HTTP: {error!r}") from error
    except BaseException:
        connection.close()
        raise
    start = answer.headers.get(blob.start_field)
    if answer.status != http.client.OK or start != str(begin):
        answer.close()
        raise OSError(f"storage answered {answer.status} and not the bytes from {begin}")
    return cast("BinaryIO", answer)
