"""The objects that describe blobs, as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Self

from shared.blobs.blob import BlobInfo
from shared.blobs.byte_ranges import RangeSet
from shared.errors import StorageUnavailable

if TYPE_CHECKING:
    from shared.blobs.blob import BlobKey


@dataclass(frozen=True, slots=True)
class _Document:
    key: BlobKey

    def encode(self) -> bytes:
        """Return the content of the object."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def decode(cls, content: bytes) -> Self:
        """Read the content of an object. Raises StorageUnavailable if it is damaged."""
        names = {field.name for field in fields(cls)}
        try:
            found = json.loads(content)
            return cls(**{name: value for name, value in found.items() if name in names})
        except (ValueError, TypeError, AttributeError) as error:
            raise StorageUnavailable(f"object storage: a {cls.__name__} is damaged") from error


@dataclass(frozen=True, slots=True)
class About(_Document):
    """A complete blob. It never changes."""

    size: int
    sha256: str | None
    metadata: dict[str, str]
    version: str
    completed_at: float
    """Unix seconds."""
    data: str | None
    """The name of the object with the bytes; None if there are none."""

    def info(self) -> BlobInfo:
        """Return the description of the blob."""
        return BlobInfo(
            self.key,
            self.size,
            RangeSet.of([(0, self.size)]),
            self.sha256,
            dict(self.metadata),
            self.completed_at,
            self.version,
        )


@dataclass(frozen=True, slots=True)
class Inflight(_Document):
    """An upload in flight, of which parts are in object storage."""

    size: int | None
    sha256: str | None
    metadata: dict[str, str]
    version: str
    """That of the bytes in the parts."""
    data: str
    """The name of the object of which they are parts."""
    upload_id: str
    """The multipart upload."""
    part_size: int
    """Bytes of the first part."""
    growing: bool
    """Whether later parts are larger (see `storage.s3.parts.PartSizes`)."""
    epoch: int = 0
    """See `shared.ports.adoption`."""
