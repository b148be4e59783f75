"""Write a result as a workbook (.xlsx), from the CSV of the kernel, in a child process.

A number is a number if a double holds its digits, and else text; so is a date that spreadsheets
cannot hold. Texts are never formulas (docs/aggregation.md, "Excel").
"""

from __future__ import annotations

import csv
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from processor.engines.child_side import end_with_parent, peak_memory, send_event, task_of_child
from processor.engines.confinement import confine
from processor.engines.conversion import convert_in_child, kinds_of
from shared.errors import MalformedInput
from shared.jobs.preview import LIMIT, MAX_ROWS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from processor.engines.messages import Message
    from processor.engines.port import EngineLimits, Written
    from processor.engines.usage import Usage
    from shared.aggregation.resolve import Query

_MODULE = f"{__package__}.xlsx"
_WORKBOOK, _PREVIEW = "result.xlsx", "preview.csv"

MOST_ROWS = 1 << 20
"""Rows of a sheet, with the header."""
MOST_COLUMNS = 1 << 14
LONGEST_TEXT = 32_767
"""UTF-16 code units of the text of a cell."""
SAFE_DIGITS = 15
"""Digits of a number that a double, and every spreadsheet, keeps."""
_GREATEST = 300
"""Digits before or after the decimal point that are far from the limits of a double."""
_FIRST_DATE = datetime(1900, 3, 1, tzinfo=UTC)
"""Spreadsheets disagree about earlier days: some have a 29 February 1900."""
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?)?", re.ASCII)
_MILLISECOND = 3
"""Digits of the fraction of a second that spreadsheets keep."""
_CREATED = datetime(2000, 1, 1)  # noqa: DTZ001 - the format has no time zone
"""Said of every workbook, so that the same rows are the same bytes."""


async def convert(
    rows: Path, query: Query, count: int, limits: EngineLimits, usage: Usage
) -> tuple[Written, Written]:
    """Write the CSV file `rows`, of `count` rows, as a workbook. Return it and its preview.

    Removes `rows`. Raises MalformedInput if a sheet cannot have so many rows or columns or so long
    a text, AttemptFailed and OSError.
    """
    check_size(count, len(query.names))
    task = {"kinds": kinds_of(query, day="date", group="text")}
    return await convert_in_child(
        _MODULE, rows, task, limits, usage, result=_WORKBOOK, preview=_PREVIEW
    )


def check_size(rows: int, columns: int) -> None:
    """Raise MalformedInput if a sheet cannot have so many rows, without the header, and columns."""
    if rows + 1 > MOST_ROWS:
        _refuse(f"the result has {rows} rows, and a sheet has at most {MOST_ROWS - 1} below its "
                "header")  # fmt: skip
    if columns > MOST_COLUMNS:
        _refuse(f"the result has {columns} columns, and a sheet has at most {MOST_COLUMNS}")


def _refuse(problem: str) -> NoReturn:
    raise MalformedInput(f"{problem}: choose another output, or ask for less")


def main() -> None:
    """Run the task from the control pipe, in the current folder, which is all that it may open."""
    # Imported before the rights to open files are given up.
    import xlsxwriter  # noqa: F401

    control = int(sys.argv[1])
    task = task_of_child(control)
    peak_memory()  # opens what it reads
    confine(memory=task["memory"], file_size=task["scratch"], folder=str(Path.cwd()))
    end_with_parent(control)
    event: Message = {"event": "finished"}
    try:
        write(task)
    except MalformedInput as error:
        event = {"event": "malformed", "reason": str(error)}
    except MemoryError:
        event = {"event": "failed", "reason": "out of memory while the workbook was written"}
    except Exception as error:  # noqa: BLE001 - the library has errors of its own for those of files
        event = {"event": "failed", "reason": f"the workbook could not be written: {error}"}
    send_event({**event, **peak_memory()})


def write(task: Message) -> None:
    """Write the rows of `task` and their preview. Raises MalformedInput and what xlsxwriter has."""
    import xlsxwriter

    csv.field_size_limit(sys.maxsize)
    rows = Path(task["rows"])
    options = {"constant_memory": True, "tmpdir": str(rows.parent)}
    book = xlsxwriter.Workbook(str(rows.with_name(_WORKBOOK)), options)
    book.use_zip64()
    book.set_properties({"created": _CREATED})
    sheet = book.add_worksheet("Result")
    try:
        with rows.open(encoding="utf-8", newline="") as text:
            _write_sheet(book, sheet, csv.reader(text, strict=True), task["kinds"])
    except BaseException:
        sheet.row_data_fh.close()
        raise
    book.close()
    _write_preview(rows, rows.with_name(_PREVIEW))


def _write_sheet(book: Any, sheet: Any, rows: Iterator[list[str]], kinds: Sequence[str]) -> None:
    sheet.freeze_panes(1, 0)
    names = next(rows)
    bold = book.add_format({"bold": True})
    for column, name in enumerate(names):
        _check_text(name, 0, name)
        sheet.write_string(0, column, name, bold)
    writers = [_writer(book, sheet, kind) for kind in kinds]
    for number, row in enumerate(rows, start=1):
        for column, cell in enumerate(row):
            if cell:
                if len(cell) > LONGEST_TEXT // 2:
                    _check_text(cell, number, names[column])
                writers[column](number, column, cell)


def _writer(book: Any, sheet: Any, kind: str) -> Callable[[int, int, str], object]:
    """Return what writes a cell of this kind that is not empty."""
    if kind in ("number", "integer"):

        def number(row: int, column: int, cell: str) -> object:
            value = number_of(cell)
            if value is None:
                return sheet.write_string(row, column, cell)
            return sheet.write_number(row, column, value)

        return number
    if kind != "date":
        text: Callable[[int, int, str], object] = sheet.write_string
        return text
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    second = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
    fraction = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss.000"})

    def date(row: int, column: int, cell: str) -> object:
        value = date_of(cell)
        if value is None:
            return sheet.write_string(row, column, cell)
        shown = day if len(cell) == len("2020-12-31") else fraction if "." in cell else second
        return sheet.write_datetime(row, column, value, shown)

    return date


def number_of(cell: str) -> float | None:
    """Return a number of a result as a double; None if a double does not keep its digits."""
    whole, _, decimals = cell.lstrip("-").partition(".")
    digits = (whole + decimals).strip("0")
    if len(digits) > SAFE_DIGITS or len(whole) > _GREATEST or len(decimals) > _GREATEST:
        return None
    return float(cell)


def date_of(cell: str) -> datetime | None:
    """Return a date of a result; None if spreadsheets do not hold it exactly."""
    match = _DATE.fullmatch(cell)
    if match is None:
        return None
    *parts, fraction = match.groups()
    digits = (fraction or "").rstrip("0")
    if len(digits) > _MILLISECOND:
        return None
    milliseconds = int(digits.ljust(_MILLISECOND, "0"))
    try:
        date = datetime(*(int(part or 0) for part in parts), milliseconds * 1000, tzinfo=UTC)  # type: ignore[misc,arg-type]
    except ValueError:
        return None
    return date.replace(tzinfo=None) if date >= _FIRST_DATE else None


def _check_text(cell: str, row: int, name: str) -> None:
    length = len(cell.encode("utf-16-le")) // 2
    if length > LONGEST_TEXT:
        _refuse(
            f"row {row} of the result has a text of {length} characters in column {name[:100]!r}, "
            f"and a cell of a sheet has at most {LONGEST_TEXT}"
        )


def _write_preview(rows: Path, to: Path) -> None:
    """Write the names and first rows of the CSV file (see `shared.jobs.preview`)."""
    with rows.open("rb") as file:
        start = file.read(LIMIT)
    kept = 0
    quoted = False
    found = 0
    for at, line in _lines(start):
        quoted ^= line.count(b'"') % 2 == 1
        if not quoted:
            kept, found = at + len(line), found + 1
            if found > MAX_ROWS:
                break
    to.write_bytes(start[:kept])


def _lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield each line that ends in LF, after its offset."""
    at = 0
    while (end := data.find(b"\n", at) + 1) > 0:
        yield at, data[at:end]
        at = end


if __name__ == "__main__":
    main()
