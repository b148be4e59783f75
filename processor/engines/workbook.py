"""Read a sheet of a workbook (.xlsx) as CSV, in the process that decompresses files.

The file is read from its end, so a stream is first kept in a file of its own. The rows are read one
by one; of all other parts only the texts that cells share are in memory, up to a limit.
"""

from __future__ import annotations

import datetime
import errno
import os
import re
import tempfile
import zipfile
import zlib
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from shared.errors import AttemptFailed, MalformedInput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

BLOCK = 256 << 10
"""Bytes of CSV that are yielded at a time, but for longer rows."""
MOST_OF_A_PART = 64 << 20
"""Bytes of the largest part that is in memory as a whole, but for the texts."""
TEXTS = "xl/sharedStrings.xml"
_TEXTS_SHARE = 8
"""Bytes of memory for each byte of the part with the texts."""
_PIECE = 1 << 20
_OVERLAP = 64 << 10
"""Bytes of a cell that has a formula and no value, at most."""
_FORMULA_ONLY = re.compile(
    rb'<(?:\w+:)?c\b(?![^>]*\bt="str")[^>]*?\br="([A-Z]{1,3}\d{1,7})"[^>]*>\s*'
    rb"<(?:\w+:)?f\b(?:[^>]*/>|[^>]*>[^<]*</(?:\w+:)?f>)\s*"
    rb"(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
"""Only a text may be empty."""
_BY_QUOTES = re.compile('[",\r\n]').search
_NAMES_SHOWN = 20
_TOO_LARGE = "the workbook needs more memory than a job has: save the sheet as CSV"


class CountedFile:
    """A file that counts the bytes that are read of it."""

    def __init__(self, file: BinaryIO, counted: Callable[[int], None]) -> None:
        self._file = file
        self._counted = counted

    def read(self, size: int = -1) -> bytes:
        """Read up to `size` bytes."""
        data = self._file.read(size)
        self._counted(len(data))
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to another position."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Return the position."""
        return self._file.tell()

    def seekable(self) -> bool:
        """Return that it is."""
        return True


def spooled(source: int, size: int) -> int:
    """Copy the stream `source` to a file in the current folder without a name, and return that.

    Raises AttemptFailed if it has not `size` bytes, and OSError.
    """
    with tempfile.TemporaryFile(dir=Path.cwd()) as file:
        copied = 0
        while block := os.read(source, _PIECE):
            file.write(block)
            copied += len(block)
        if copied != size:
            raise AttemptFailed(f"the source ended after {copied} of {size} bytes")
        file.flush()
        return os.dup(file.fileno())


def sheet_as_csv(
    file: BinaryIO,
    *,
    sheet: str | int | None,
    decimal: str,
    memory: int,
    max_size: int,
) -> Iterator[bytes]:
    """Yield a sheet as CSV in UTF-8: separated by commas, quoted by `"`.

    `sheet` is its name, or its number from 1; None is the only one that is visible. Numbers are
    written with this `decimal` separator, dates in ISO 8601. Rows without a value are left out.
    Raises MalformedInput if the workbook is damaged, needs more than `memory` bytes, or its parts
    have more than `max_size` bytes; OSError if the file cannot be read.
    """
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        _check_parts(file, memory, max_size)
        book = openpyxl.load_workbook(cast("Any", file), read_only=True, data_only=True)
        chosen = _chosen(book, sheet)
        _check_formulas(file, chosen)
        # What a file says of its size may be wrong.
        chosen.reset_dimensions()
        yield from _blocks(_lines(chosen.iter_rows(values_only=True), decimal))
    except (MemoryError, RecursionError) as error:
        raise MalformedInput(_TOO_LARGE) from error
    except (
        zipfile.BadZipFile, InvalidFileException, EOFError, NotImplementedError, RuntimeError,
        zlib.error, OSError, ValueError, LookupError, TypeError, AttributeError, SyntaxError,
    ) as error:  # fmt: skip
        if fault := _fault_of_disk(error):
            raise fault from error
        # ParseError of XML is a SyntaxError; a part that is not as it must be, any of the others.
        raise MalformedInput(f"the workbook is damaged: {error}") from error


def _fault_of_disk(error: BaseException | None) -> OSError | None:
    """Return the OSError that an error stands for, if that is a fault of the disk.

    A part may claim to be where no byte can be, which is no such fault. zipfile raises BadZipFile
    for any OSError at the file's end.
    """
    while error is not None:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            return error
        error = error.__context__
    return None


def _check_parts(file: BinaryIO, memory: int, max_size: int) -> None:
    with zipfile.ZipFile(file) as archive:
        parts = {info.filename: info for info in archive.infolist()}
    if "xl/workbook.xml" not in parts:
        raise MalformedInput(
            "the file is an office document and no workbook (.xlsx): save the table as CSV"
        )
    if any(info.flag_bits & 1 for info in parts.values()):
        raise MalformedInput("the workbook is encrypted: send it decrypted")
    if sum(info.file_size for info in parts.values()) > max_size:
        raise MalformedInput(
            f"the workbook has more than {max_size} bytes once decompressed, the limit for its "
            "size: save the sheet as CSV, or raise CSVMILL_MAX_EXPANSION"
        )
    for name, info in parts.items():
        limit = memory // _TEXTS_SHARE if name == TEXTS else MOST_OF_A_PART
        if info.file_size > limit and not name.startswith(("xl/worksheets/", "xl/media/")):
            raise MalformedInput(
                f"{name} in the workbook has {info.file_size >> 20} MiB, and {limit >> 20} MiB fit "
                "into the memory of a job: save the sheet as CSV, or raise CSVMILL_MEMORY_LIMIT"
            )


def _chosen(book: Any, sheet: str | int | None) -> Any:
    sheets: Sequence[Any] = book.worksheets
    names = ", ".join(repr(each.title) for each in sheets[:_NAMES_SHOWN])
    if isinstance(sheet, str):
        found = [each for each in sheets if each.title == sheet]
    elif sheet is not None:
        found = list(sheets[sheet - 1 : sheet])
    else:
        found = [each for each in sheets if each.sheet_state == "visible"]
        if len(found) > 1:
            raise MalformedInput(
                f"the workbook has {len(found)} sheets: name one as input.sheet; there are {names}"
            )
    if not found:
        raise MalformedInput(f"the workbook has no such sheet; there are {names or 'none'}")
    return found[0]


def _check_formulas(file: BinaryIO, sheet: Any) -> None:
    """Refuse a sheet with a formula without a stored value: it would be an empty cell."""
    path: str = sheet._worksheet_path
    with zipfile.ZipFile(file) as archive, archive.open(path) as part:
        before = b""
        while piece := part.read(_PIECE):
            data = before + piece
            if (match := _FORMULA_ONLY.search(data)) is not None:
                raise MalformedInput(
                    f"cell {match[1].decode()} of sheet {sheet.title!r} has a formula without its "
                    "value: open the workbook in a spreadsheet program and save it"
                )
            before = data[-_OVERLAP:]


def _lines(rows: Any, decimal: str) -> Iterator[str]:
    width = 0
    for row in rows:
        cells = [_text(value, decimal) for value in row]
        while cells and not cells[-1]:
            cells.pop()
        if not cells:
            continue
        width = max(width, len(cells))
        cells += [""] * (width - len(cells))
        yield ",".join(map(_quoted, cells)) + "\n"


def _blocks(lines: Iterator[str]) -> Iterator[bytes]:
    block = bytearray()
    for line in lines:
        block += line.encode("utf-8", "surrogatepass")
        if len(block) >= BLOCK:
            yield bytes(block)
            block.clear()
    if block:
        yield bytes(block)


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if _BY_QUOTES(cell) else cell


def _text(value: object, decimal: str) -> str:
    """Return the text of a cell in CSV."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _number(value).replace(".", decimal)
    if isinstance(value, datetime.datetime):
        if value.time() == datetime.time():
            return value.date().isoformat()
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        seconds = value.total_seconds()
        minutes, rest = divmod(abs(round(seconds)), 60)
        sign = "-" if seconds < 0 else ""
        return f"{sign}{minutes // 60:02}:{minutes % 60:02}:{rest:02}"
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return str(value)


def _number(value: float) -> str:
    """Return the shortest digits that are this double, without an exponent."""
    text = format(Decimal(repr(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
