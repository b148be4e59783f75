"""What storage and its callers say to each other over HTTP. Internal: not for clients.

    PUT    /blobs/{key}                   JSON {"size", "sha256", "metadata"} -> 200 blob
    GET    /blobs/{key}/info              -> 200 blob; with `?peek=1` by `Blobs.peek`
    PUT    /blobs/{key}/chunks/{offset}   the chunk as raw body, of any length -> 200 blob; with
                                          `?token={n}` as one of a turn, with `&keep=1` by
                                          `Blobs.append`
    PUT    /blobs/{key}/size              JSON {"size"} -> 200 blob
    PUT    /blobs/{key}/turn              -> 200 {"blob", "token"}
    PUT    /blobs/{key}/parts             JSON {"parts", "metadata"} -> 200 blob
    GET    /blobs/{key}                   -> 200 the bytes; with `?start={n}&stop={n}` exactly
                                             that interval, 409 if not all of it has been
                                             received, 400 if it is outside of the blob. HEAD too
    DELETE /blobs/{key}                   -> 204, whether there was one or not
    DELETE /blobs/{key}?idle_for={s}      -> 200 {"removed"}, by `Blobs.expire`
    GET    /blobs?kind={kind}             -> 200 {"key", "idle", "complete"} for each blob,
                                             one a line
    GET    /ping                          -> 204 if blobs can be used now

A key is one segment of the path: its slashes are percent-encoded (`uploads%2F<id>`). A blob is
`{"key", "size", "received": [[start, stop], ...], "complete", "sha256", "metadata",
"completed_at"}`, positions in bytes, `stop` exclusive; `size` is null until it is declared,
`completed_at` (Unix seconds) until the blob is complete. Reads are plain intervals of bytes: the
gateway alone evaluates conditions and ranges of HTTP (RFC 9110). Every request shows
`Authorization: Bearer <token>`; every method is idempotent (RFC 9110, section 9.2.2).

A refusal is `{"code", "message", "field"}`: the code of an error of `shared.errors`, its message,
and the field of an InvalidInput. It may come before the body has been read. While the digest of
a large blob is verified, storage sends `102 Processing` (RFC 9110, section 15.2: a client that
does not know it ignores it), so that silence always means that something is wrong.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from shared.blobs.blob import AppendLease, BlobActivity, BlobInfo, parse_key
from shared.blobs.byte_ranges import RangeSet
from shared.errors import InvalidInput, error_classes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.blobs.blob import BlobKey
    from shared.errors import CsvmillError

PROCESSING_INTERVAL = 10.0
"""Seconds between two `102 Processing`; callers wait several times as long for a sign of life."""

_TOKEN = re.compile(r"[0-9]{1,20}")
_POSITION = re.compile(r"[0-9]{1,19}")


def blob_path(key: BlobKey) -> str:
    """The path of a blob, encoded."""
    return f"/blobs/{quote(key, safe='')}"


def chunk_path(key: BlobKey, offset: int, token: int | None = None) -> str:
    """The path to which a chunk is put."""
    path = f"{blob_path(key)}/chunks/{offset}"
    return path if token is None else f"{path}?token={token}"


def append_path(key: BlobKey, offset: int, token: int) -> str:
    """The path to which is put what shall be kept as far as it comes."""
    return f"{chunk_path(key, offset, token)}&keep=1"


def size_path(key: BlobKey) -> str:
    """The path to which the size of a blob is put that was created without."""
    return f"{blob_path(key)}/size"


def append_lease_path(key: BlobKey) -> str:
    """The path under which a turn of appending is begun."""
    return f"{blob_path(key)}/turn"


def parts_path(key: BlobKey) -> str:
    """The path to which the keys are put of which a blob is assembled."""
    return f"{blob_path(key)}/parts"


def parse_token(text: str | None) -> int | None:
    """Read the token in a path. Raises InvalidInput unless it is a number."""
    if text is None:
        return None
    if not _TOKEN.fullmatch(text):
        raise InvalidInput(f"not a token: {text!r}", field="token")
    return int(text)


def info_path(key: BlobKey) -> str:
    """The path under which a blob is described."""
    return f"{blob_path(key)}/info"


def peek_path(key: BlobKey) -> str:
    """The path under which a blob is described, without this being a use of it."""
    return f"{info_path(key)}?peek=1"


def expire_path(key: BlobKey, idle_for: float) -> str:
    """The path under which a blob is removed that was idle for so many seconds."""
    return f"{blob_path(key)}?idle_for={quote(str(idle_for))}"


def parse_idle_for(text: str) -> float:
    """Read the seconds in `expire_path`. Raises InvalidInput unless they are a number."""
    try:
        return float(text)
    except ValueError:
        raise InvalidInput(f"not a number of seconds: {text!r}", field="idle_for") from None


def walk_path(kind: str) -> str:
    """The path under which the blobs of a kind are listed."""
    return f"/blobs?kind={quote(kind, safe='')}"


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


def _position(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name)
    if text is None:
        return None
    if not _POSITION.fullmatch(text):
        raise InvalidInput(f"{name} {text!r} is not a number of bytes", field=name)
    return int(text)


def encode_info(info: BlobInfo) -> dict[str, object]:
    """A blob as JSON."""
    return {
        "key": info.key,
        "size": info.size,
        "received": [[held.start, held.stop] for held in info.received],
        "complete": info.complete,
        "sha256": info.sha256,
        "metadata": dict(info.metadata),
        "completed_at": info.completed_at,
    }


def decode_info(fields: Mapping[str, Any]) -> BlobInfo:
    """Read what `encode_info` made. Raises ValueError, KeyError or TypeError for anything else."""
    return BlobInfo(
        parse_key(fields["key"]),
        fields["size"],
        RangeSet.of((start, stop) for start, stop in fields["received"]),
        fields["sha256"],
        fields["metadata"],
        fields.get("completed_at"),
    )


def encode_append_lease(turn: AppendLease) -> dict[str, object]:
    """A turn as JSON."""
    return {"blob": encode_info(turn.blob), "token": turn.token}


def decode_append_lease(fields: Mapping[str, Any]) -> AppendLease:
    """Read what `encode_append_lease` made. Raises as `decode_info` does."""
    return AppendLease(decode_info(fields["blob"]), int(fields["token"]))


def encode_activity(activity: BlobActivity) -> bytes:
    """A blob in a list, as a line of JSON."""
    fields = {"key": activity.key, "idle": activity.idle, "complete": activity.complete}
    return json.dumps(fields).encode() + b"\n"


def decode_activity(line: bytes) -> BlobActivity:
    """Read what `encode_activity` made. Raises as `decode_info` does."""
    fields = json.loads(line)
    complete = fields.get("complete", False)  # storage of an earlier version does not say
    return BlobActivity(parse_key(fields["key"]), float(fields["idle"]), bool(complete))


def encode_error(error: CsvmillError) -> dict[str, object]:
    """An error of the tree as JSON."""
    field = error.field if isinstance(error, InvalidInput) else None
    return {"code": error.code, "message": str(error), "field": field}


def decode_error(fields: Mapping[str, Any]) -> CsvmillError | None:
    """The error that `encode_error` was given; None if its code is not known here."""
    message = str(fields.get("message"))
    code = fields.get("code")
    if code == InvalidInput.code:
        return InvalidInput(message, field=fields.get("field"))
    error_class = error_classes().get(str(code))
    return error_class(message) if error_class else None
