"""The form fields of Dropzone's chunked uploads.

`dzuuid` names the upload, `dzchunkbyteoffset` is the offset of the chunk, `dzchunksize` the nominal
size of a chunk, `dztotalfilesize` the size of the file; all sizes in bytes. A request without any
of them is a whole file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.uploads.filenames import csv_base_name
from shared.errors import ChunkOutOfBounds, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE = "file"
"""The name of the part with the bytes."""
SPEC = "spec"
"""The name of the part with the spec, as JSON (docs/aggregation.md)."""
REQUIRED = {
    "dzuuid": "the id of the upload, the same for all its chunks",
    "dzchunkbyteoffset": "where the chunk belongs in the file, in bytes",
    "dzchunksize": "the nominal size of a chunk in bytes",
    "dztotalfilesize": "the size of the whole file in bytes",
}
_OPTIONAL = ("dzfilename", "dzchunkindex", "dztotalchunkcount")
FIELDS = (*REQUIRED, *_OPTIONAL)
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class DropzoneFields:
    """The fields of one request. Sizes and offsets in bytes."""

    dzuuid: str
    offset: int
    chunk_size: int
    total: int
    filename: str | None

    @property
    def offset_depends_on_length(self) -> bool:
        """Whether the real offset is known only when the length of the chunk is.

        One client in use computes the last offset as total minus nominal size, though its last
        chunk is shorter. A correct client sends this for the last of equal chunks.
        """
        return self.offset + self.chunk_size == self.total

    def offset_of(self, length: int) -> int:
        """Return the offset of a chunk of `length` bytes.

        Raises ChunkOutOfBounds if the chunk is not within the file.
        """
        if length == 0:
            return max(self.offset, 0)
        if self.offset_depends_on_length and length < self.chunk_size:
            offset = self.total - length
        else:
            offset = self.offset
        if offset < 0 or offset + length > self.total:
            raise ChunkOutOfBounds(
                f"{length} bytes at dzchunkbyteoffset {self.offset} are not within "
                f"dztotalfilesize {self.total}"
            )
        return offset


class FieldReader:
    """Collects the fields of one request, in any order."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    def add(self, name: str, value: str) -> None:
        """Add a field. Raises InvalidInput if it was given before with another value."""
        if self._values.setdefault(name, value) != value:
            raise InvalidInput(
                f"field {name} is given twice, as {self._values[name]!r} and as {value!r}; "
                "send it once",
                field=name,
            )

    @property
    def any(self) -> bool:
        """Whether any of Dropzone's fields was given."""
        return bool(self._values)

    @property
    def complete(self) -> bool:
        """Whether all required fields were given."""
        return all(name in self._values for name in REQUIRED)

    @property
    def filename(self) -> str | None:
        """`dzfilename`, if it was given."""
        return self._values.get("dzfilename")

    def read(self) -> DropzoneFields:
        """Return the values. Raises InvalidInput that names a missing or malformed field."""
        if missing := [name for name in REQUIRED if not self._values.get(name, "").strip()]:
            raise InvalidInput(
                "missing: " + "; ".join(f"{name} ({REQUIRED[name]})" for name in missing),
                field=missing[0],
            )
        values = self._values
        total = _integer(values, "dztotalfilesize", at_least=0)
        chunk_size = _integer(values, "dzchunksize", at_least=0)
        offset = _integer(values, "dzchunkbyteoffset")
        if "dzchunkindex" in values:
            _integer(values, "dzchunkindex", at_least=0)
        if "dztotalchunkcount" in values:
            _integer(values, "dztotalchunkcount", at_least=1)
        if offset > total or (offset < 0 and offset + chunk_size != total):
            raise InvalidInput(
                f"dzchunkbyteoffset {offset} is not within dztotalfilesize {total}",
                field="dzchunkbyteoffset",
            )
        return DropzoneFields(values["dzuuid"], offset, chunk_size, total, self.filename)


def csv_filename(dzfilename: str | None, part_filename: str | None) -> str:
    """Return the base name of the file: `dzfilename`, or the name of the file part.

    Raises InvalidInput unless it is the name of a CSV file.
    """
    name = dzfilename or part_filename
    if not name:
        raise InvalidInput(
            "the file has no name; send dzfilename, or a filename with the file part",
            field="dzfilename",
        )
    return csv_base_name(name, field="dzfilename")


def _integer(values: Mapping[str, str], name: str, *, at_least: int | None = None) -> int:
    text = values[name].strip()
    if not _INTEGER.fullmatch(text):
        raise InvalidInput(
            f"{name} is {text!r}; send a whole number of at most 18 digits", field=name
        )
    value = int(text)
    if at_least is not None and value < at_least:
        raise InvalidInput(f"{name} is {value}; send {at_least} or more", field=name)
    return value
