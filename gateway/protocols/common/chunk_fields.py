"""Form fields that number a chunk, for other clients than Dropzone.

A form may have fields that mean nothing here, such as the hidden ones of a page. A chunk must not
count as a whole file, so what looks like the number of a chunk is refused, whatever its client
(docs/decisions/0053-fields-of-forms.md).
"""

from __future__ import annotations

import re

from gateway.protocols.common.foreign import SPOKEN
from shared.errors import InvalidInput

_KNOWN = {
    "resumableChunkNumber": ("resumable.js", "resumableTotalChunks"),
    "flowChunkNumber": ("flow.js", "flowTotalChunks"),
    "chunkNumber": ("simple-uploader.js", "totalChunks"),
    "chunk": ("Plupload", "chunks"),
    "qqpartindex": ("Fine Uploader", "qqtotalparts"),
    "_chunkNumber": ("ng-file-upload", None),
    "chunk-index": ("Syncfusion", "total-chunk"),
    "chunkMetadata": ("DevExtreme", None),
}
"""The client that sends a field, and its field with the number of chunks."""
_TOTALS = {total for _, total in _KNOWN.values() if total}
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_OF_CHUNKS = re.compile(
    r"(chunk|part|slice|segment|block|piece)s?(count|index|no|num|number|size)?"
)
_OF_POSITION = {"index", "offset", "range", "total"}
_NUMBERS = re.compile(r"(bytes[ =])?[0-9]{1,18}([-/][0-9*]{1,18}){0,2}")
NUMBER_LIMIT = 64
"""Bytes of the longest value that is the number of a chunk."""


class ChunkFields:
    """Collects the fields of a form that number a chunk for other clients than Dropzone."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    @staticmethod
    def may_have(name: str) -> bool:
        """Whether a field of this name may number a chunk."""
        return name in _KNOWN or name in _TOTALS or _is_like_one(name)

    def add(self, name: str, value: str | None) -> None:
        """Add such a field; without a value if that is longer than `NUMBER_LIMIT`, or no text."""
        if name in _KNOWN or _NUMBERS.fullmatch((value or "").strip()):
            self._values[name] = (value or "").strip()

    def refuse_part_of_file(self) -> None:
        """Raise InvalidInput unless the chunk is the only one of its file."""
        for name, (client, total) in _KNOWN.items():
            if name in self._values and (total is None or self._values.get(total) != "1"):
                raise InvalidInput(
                    f"field {name} belongs to chunks of {client}, which are not supported; "
                    f"{SPOKEN}",
                    field=name,
                )
        if any(value == "1" and _is_total(name) for name, value in self._values.items()):
            return
        for name, value in self._values.items():
            raise InvalidInput(
                f"field {name} is {value!r}, which looks like the number of a chunk of an unknown "
                f"protocol; {SPOKEN}; if the form contains the whole file, leave the field out",
                field=name,
            )


def _is_like_one(name: str) -> bool:
    words = [word.lower() for word in _WORD.findall(name)]
    return any(_OF_CHUNKS.fullmatch(word) for word in words) or (
        len(words) == 1 and words[0] in _OF_POSITION
    )


def _is_total(name: str) -> bool:
    """Whether a field has the number of chunks, which is 1 for a whole file."""
    words = {word.lower() for word in _WORD.findall(name)}
    return name in _TOTALS or bool(words & {"total", "count", "chunks", "parts"})
