"""Formats that are not CSV, told by the first bytes of a file."""

from __future__ import annotations

import re

SAVE_AS_CSV = "save the sheet as CSV"
EXPORT = "export the table as CSV"
DECOMPRESS = "decompress it, or compress it with gzip, zstd or bzip2"
NO_TABLE = "upload a CSV file"
SEND_FILE_ALONE = "send the bytes of the file alone, or the form to /api/upload_file"

_FORM = (
    # The part begins with any of its header fields: curl names another disposition if the request
    # has a Content-Type of its own.
    rb"--[0-9A-Za-z'()+_,./:=? -]{1,70}\r?\n"
    rb"(?i:Content-(?:Disposition|Type|Length|ID|Transfer-Encoding)): *[!-~]"
)

_FORMATS: tuple[tuple[re.Pattern[bytes], str, str], ...] = tuple(
    (re.compile(start, re.DOTALL), name, remedy)
    for start, name, remedy in (
        # Each has a byte that no text begins with, or control characters.
        (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an office document, such as .xls,", SAVE_AS_CSV),
        (rb"PAR1[\x00-\x1f]", "a Parquet file", EXPORT),
        (rb"ARROW1\x00\x00", "an Arrow file", EXPORT),
        (rb"ORC[\x00-\x08]", "an ORC file", EXPORT),
        (rb"Obj\x01", "an Avro file", EXPORT),
        (rb"SQLite format 3\x00", "a database of SQLite", EXPORT),
        (rb"\xfd7zXZ\x00", "compressed with xz", DECOMPRESS),
        (rb"\x04\x22\x4d\x18", "compressed with lz4", DECOMPRESS),
        (rb"7z\xbc\xaf\x27\x1c", "an archive of 7-Zip", DECOMPRESS),
        (rb"Rar!\x1a\x07", "an archive of RAR", DECOMPRESS),
        (rb"%PDF-\d\.\d[\r\n]+%[\x80-\xff]", "a PDF document", EXPORT),
        (rb"\x89PNG\r\n\x1a\n", "a picture (PNG)", NO_TABLE),
        (rb"GIF8[79]a.{4}[\x80-\xff]", "a picture (GIF)", NO_TABLE),
        (rb"\xff\xd8\xff[\xdb\xe0-\xef]", "a picture (JPEG)", NO_TABLE),
        (_FORM, "a form (multipart/form-data)", SEND_FILE_ALONE),
        (rb"\x7fELF[\x01\x02]", "a program", NO_TABLE),
    )
)
_is_form = re.compile(_FORM).match


def is_form(start: bytes) -> bool:
    """Whether a file that begins so is the body of a form (RFC 7578)."""
    return _is_form(start) is not None


def other_format(start: bytes) -> str | None:
    """Return what a file is that begins so, and what to do, if it is in a known other format."""
    for pattern, name, remedy in _FORMATS:
        if pattern.match(start):
            return f"the file is {name} and not CSV: {remedy}"
    return None
