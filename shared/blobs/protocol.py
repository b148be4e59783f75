"""The HTTP API of the storage service: its URLs. Internal: not for clients.

    PUT    /blobs/{key}                   JSON {"size", "sha256", "metadata"} -> 200 blob
    GET    /blobs/{key}/info              -> 200 blob; `?peek=1` for `Blobs.peek`
    PUT    /blobs/{key}/writes/{offset}   an opening and a chunk -> 200, two answers; see below
    PUT    /blobs/{key}/chunks/{offset}   a chunk as raw body, of any length -> 200 blob
    PUT    /blobs/{key}/size              JSON {"size"} -> 200 blob
    PUT    /blobs/{key}/append-lease              -> 200 {"blob", "token"}: an append lease
    PUT    /blobs/{key}/parts             JSON {"parts", "metadata"} -> 200 blob
    PUT    /blobs/{key}/adoption/{epoch}  -> 200 blob, for `AdoptsUploads.adopt`
    DELETE /blobs/{key}/adoption/{epoch}  -> 204, for `AdoptsUploads.abandon`; `?deleted=1`
    GET    /blobs/{key}                   -> 200 the bytes; with `?start={n}&stop={n}` exactly
                                             that interval, 409 if not all of it has been
                                             received, 400 if it is outside of the blob. HEAD too
    GET    /blobs/{key}/growth            -> 200 the bytes from `?start={n}` on as they arrive, for
                                             `Blobs.follow`; `&version={v}&wait={s}`
    GET    /blobs/{key}/link              -> 200 {"url"}, for `LinksBlobs.link`, null if the blob
                                             is not in object storage;
                                             `?seconds={n}&type={t}&disposition={d}`
    DELETE /blobs/{key}                   -> 204, whether the blob existed or not
    DELETE /blobs/{key}?idle_for={s}&used={time} -> 200 {"removed"}, for `Blobs.expire`
    GET    /blobs?kind={kind}             -> 200 {"key", "idle", "complete", "used"} a line;
                                             `&here=1` for `AdoptsUploads.walk_here`
    GET    /ping                          -> 204 if blobs can be used now; with `?room=1`, 507 if
                                             uploads have no space; with `&shared=1`, 400 if
                                             the server cannot be one of several

A key is one segment of the path: its slashes are percent-encoded (`uploads%2F<id>`). A blob is
`{"key", "size", "received": [[start, stop], ...], "complete", "sha256", "metadata",
"completed_at", "version"}`, positions in bytes, `stop` exclusive; `size` is null until it is
declared, `completed_at` (Unix seconds) until the blob is complete. Reads are plain intervals of
bytes: the gateway alone evaluates conditions and ranges of HTTP (RFC 9110). Every request carries
`Authorization: Bearer <token>`; every method is idempotent (RFC 9110, section 9.2.2).

`writes` creates a blob, leases it, describes it and writes to it in one request. The body begins
with a line of JSON `{"declaration", "append", "whole", "token"}`, where `declaration` and `token`
may be null; the chunk follows. Storage answers 200 and a line `{"blob"}` with the blob before the
chunk. The caller sends no byte of the chunk before it has read this line, and may then end the
body without one, which changes nothing. When the chunk has been recorded, or was refused, storage
sends a last line: `{"blob"}`, or `{"status", "error"}`. Empty lines show that storage is alive.

A request for a blob may carry `Csvmill-Epoch` (see `AdoptsUploads.hold`); 409 `blob_moved` if the
upload is at another server now. A server that shares no object storage ignores it, and answers 404
for an adoption.

A refusal is `{"code", "message", "field"}`: the code of an error of `shared.errors`, its message,
and the field of an InvalidInput. It may be sent before the body has been read. While storage
verifies the digest of a large blob, it sends `102 Processing` (RFC 9110, section 15.2: clients
that do not know it ignore it), so silence always means a failure. The JSON is in
`shared.blobs.codecs`.

Deprecated: `chunks` with `?token={n}` (the chunk of an append lease) and `&keep=1` (keep what
arrives) is for gateways of the version before; later versions may remove it.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from shared.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.blobs.blob import BlobKey

PROCESSING_INTERVAL = 10.0
"""Seconds between two signs of life; callers wait several times as long."""

LONGEST_WAIT = 60.0
"""Seconds for which a response to `growth_path` may wait for bytes at most."""

_TOKEN = re.compile(r"[0-9]{1,20}")
_POSITION = re.compile(r"[0-9]{1,19}")


def blob_path(key: BlobKey) -> str:
    """The path of a blob, encoded."""
    return f"/blobs/{quote(key, safe='')}"


def chunk_path(key: BlobKey, offset: int) -> str:
    """The path to which a chunk is sent as raw body."""
    return f"{blob_path(key)}/chunks/{offset}"


def write_path(key: BlobKey, offset: int) -> str:
    """The path to which an opening and a chunk are sent."""
    return f"{blob_path(key)}/writes/{offset}"


def size_path(key: BlobKey) -> str:
    """The path to which the size of a blob is sent that was created without one."""
    return f"{blob_path(key)}/size"


def append_lease_path(key: BlobKey) -> str:
    """The path that grants an append lease."""
    return f"{blob_path(key)}/append-lease"


def parts_path(key: BlobKey) -> str:
    """The path to which the keys of the parts of an assembled blob are sent."""
    return f"{blob_path(key)}/parts"


def adoption_path(key: BlobKey, epoch: int) -> str:
    """The path by which an upload is adopted or abandoned."""
    return f"{blob_path(key)}/adoption/{epoch}"


def parse_token(text: str | None) -> int | None:
    """Read the token of a query. Raises InvalidInput unless it is a number."""
    if text is None:
        return None
    if not _TOKEN.fullmatch(text):
        raise InvalidInput(f"not a token: {text!r}", field="token")
    return int(text)


def info_path(key: BlobKey) -> str:
    """The path that describes a blob."""
    return f"{blob_path(key)}/info"


ROOM_PATH = "/ping?room=1"
"""The path that tells whether uploads have space."""


SHARED_PATH = f"{ROOM_PATH}&shared=1"
"""The path that tells whether uploads have space on a server that can be one of several."""


def peek_path(key: BlobKey) -> str:
    """The path that describes a blob without counting as a use of it."""
    return f"{info_path(key)}?peek=1"


def expire_path(key: BlobKey, idle_for: float, used: float | None) -> str:
    """The path that removes a blob: `idle_for` and `used` as in `Blobs.expire`."""
    path = f"{blob_path(key)}?idle_for={quote(str(idle_for))}"
    return path if used is None else f"{path}&used={quote(str(used))}"


def parse_seconds(field: str, text: str) -> float:
    """Read a parameter of `expire_path`. Raises InvalidInput unless it is a number."""
    try:
        return float(text)
    except ValueError:
        raise InvalidInput(f"not a number of seconds: {text!r}", field=field) from None


def walk_path(kind: str, *, here: bool = False) -> str:
    """The path that lists the blobs of a kind; `here` only those on the server's own disk."""
    return f"/blobs?kind={quote(kind, safe='')}{'&here=1' if here else ''}"


START_FIELD = "Csvmill-Start"
"""The header field by which storage repeats the offset of the first byte that it sends."""


def interval_path(key: BlobKey, start: int, stop: int | None) -> str:
    """Return the path from which the bytes `start..stop` are read, to the end if `stop` is None."""
    end = "" if stop is None else f"&stop={stop}"
    return f"{blob_path(key)}?start={start}{end}"


def parse_interval(query: Mapping[str, str]) -> tuple[int, int | None]:
    """Read `start` and `stop` (bytes) of `interval_path`; without them, the whole blob.

    Raises InvalidInput unless both are numbers.
    """
    start, stop = (_position(query, name) for name in ("start", "stop"))
    return start or 0, stop


VERSION_FIELD = "Csvmill-Version"
"""The header field by which storage names the version of the blob that it sends."""


INODE_FIELD = "Csvmill-Inode"
"""The header field by which storage names the file of a blob that grows, if it sends no bytes."""


def growth_path(
    key: BlobKey, start: int, version: str | None, wait: float, boot: str | None = None
) -> str:
    """Return the path that sends the bytes of a blob from `start` on as they arrive.

    The response ends when the blob is complete, or after `wait` seconds without a byte. A caller
    that sees the folder of storage names its `boot`. If that is also the boot of storage, the
    response names the file (`INODE_FIELD`). Instead of bytes it has lines then: the offset up to
    which bytes have arrived, in decimal digits, whenever it grows.
    """
    given = "" if version is None else f"&version={quote(version, safe='')}"
    if boot is not None:
        given += f"&boot={quote(boot, safe='')}"
    return f"{blob_path(key)}/growth?start={start}&wait={wait:g}{given}"


def parse_wait(text: str | None) -> float:
    """Read the seconds of `growth_path`. Raises InvalidInput unless they are at most a minute."""
    try:
        wait = float(text or "")
    except ValueError:
        wait = math.nan
    if not 0 <= wait <= LONGEST_WAIT:
        raise InvalidInput(f"wait {text!r} is not 0 to {LONGEST_WAIT:g} seconds", field="wait")
    return wait


def _position(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name)
    if text is None:
        return None
    if not _POSITION.fullmatch(text):
        raise InvalidInput(f"{name} {text!r} is not a number of bytes", field=name)
    return int(text)
