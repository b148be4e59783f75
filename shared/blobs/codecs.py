"""The JSON of the storage API, which `shared.blobs.protocol` describes."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from shared.blobs.blob import AppendLease, BlobActivity, BlobInfo, Declaration, parse_key
from shared.blobs.byte_ranges import RangeSet
from shared.errors import InvalidInput, error_classes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.errors import CsvmillError


def encode_info(info: BlobInfo) -> dict[str, object]:
    """Return a blob as JSON."""
    return {
        "key": info.key,
        "size": info.size,
        "received": [[held.start, held.stop] for held in info.received],
        "complete": info.complete,
        "sha256": info.sha256,
        "metadata": dict(info.metadata),
        "completed_at": info.completed_at,
        "version": info.version,
    }


def decode_info(fields: Mapping[str, Any]) -> BlobInfo:
    """Read the JSON of a blob. Raises ValueError, KeyError or TypeError if it is not one."""
    return BlobInfo(
        parse_key(fields["key"]),
        fields["size"],
        RangeSet.of((start, stop) for start, stop in fields["received"]),
        fields["sha256"],
        fields["metadata"],
        fields.get("completed_at"),
        fields.get("version", ""),
    )


def encode_append_lease(lease: AppendLease) -> dict[str, object]:
    """Return an append lease as JSON."""
    return {"blob": encode_info(lease.blob), "token": lease.token}


def decode_append_lease(fields: Mapping[str, Any]) -> AppendLease:
    """Read the JSON of an append lease. Raises as `decode_info`."""
    return AppendLease(decode_info(fields["blob"]), int(fields["token"]))


@dataclass(frozen=True, slots=True)
class Opening:
    """What a request to `write_path` asks for, before the bytes of the chunk."""

    append: bool = False
    """Whether to append under a lease, which is taken unless there is a `token`."""
    whole: bool = False
    """Whether an append is all or nothing."""
    token: int | None = None
    declaration: Declaration | None = None


def encode_opening(opening: Opening) -> bytes:
    """Return an opening as a line of JSON."""
    return json.dumps(asdict(opening)).encode() + b"\n"


def decode_opening(line: bytes) -> Opening:
    """Read the line of an opening. Raises InvalidInput if it is not one."""
    try:
        fields = json.loads(line)
        declaration, token = fields["declaration"], fields["token"]
        return Opening(
            append=bool(fields["append"]),
            whole=bool(fields["whole"]),
            token=None if token is None else int(token),
            declaration=None if declaration is None else decode_declaration(declaration),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidInput(f"not an opening: {line[:200]!r}") from error


def decode_declaration(fields: Mapping[str, Any]) -> Declaration:
    """Read the JSON of a declaration. Raises InvalidInput that names the malformed field."""
    size, sha256, metadata = (fields.get(name) for name in ("size", "sha256", "metadata"))
    if sha256 is not None and not isinstance(sha256, str):
        raise InvalidInput(f"sha256 {sha256!r} is neither text nor null", field="sha256")
    return Declaration(
        None if size is None else decode_size(size), sha256, decode_metadata(metadata)
    )


def decode_size(size: object) -> int:
    """Read a number of bytes from JSON. Raises InvalidInput if it is not one."""
    if not isinstance(size, int) or isinstance(size, bool):
        raise InvalidInput(f"size {size!r} is not a number of bytes", field="size")
    return size


def decode_metadata(metadata: object) -> dict[str, str]:
    """Read the metadata of a blob from JSON. Raises InvalidInput unless all values are texts."""
    metadata = {} if metadata is None else metadata
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise InvalidInput("metadata is not an object of texts", field="metadata")
    return metadata


def encode_answer(blob: BlobInfo) -> bytes:
    """Return a line of the answer of `write_path`: the blob before or after the chunk."""
    return json.dumps({"blob": encode_info(blob)}).encode() + b"\n"


def encode_refusal(error: CsvmillError) -> bytes:
    """Return the last line of the answer of `write_path` if the chunk was refused."""
    fields = {"status": error.internal_status, "error": encode_error(error)}
    return json.dumps(fields).encode() + b"\n"


def encode_activity(activity: BlobActivity) -> bytes:
    """Return an item of the list of blobs as a line of JSON."""
    fields: dict[str, object] = {
        "key": activity.key,
        "idle": activity.idle,
        "complete": activity.complete,
    }
    if activity.used is not None:
        fields["used"] = activity.used
    return json.dumps(fields).encode() + b"\n"


def decode_activity(line: bytes) -> BlobActivity:
    """Read an item of the list of blobs. Raises as `decode_info`."""
    fields = json.loads(line)
    complete = fields.get("complete", False)  # missing in storage's first version
    used = fields.get("used")  # missing in storage of older versions
    return BlobActivity(
        parse_key(fields["key"]),
        float(fields["idle"]),
        bool(complete),
        None if used is None else float(used),
    )


def encode_error(error: CsvmillError) -> dict[str, object]:
    """Return an error as JSON."""
    field = error.field if isinstance(error, InvalidInput) else None
    return {"code": error.code, "message": str(error), "field": field}


def decode_error(fields: Mapping[str, Any]) -> CsvmillError | None:
    """Return the error of this JSON; None if its code is unknown."""
    message = str(fields.get("message"))
    code = fields.get("code")
    if code == InvalidInput.code:
        return InvalidInput(message, field=fields.get("field"))
    error_class = error_classes().get(str(code))
    return error_class(message) if error_class else None
