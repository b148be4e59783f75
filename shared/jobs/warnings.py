"""Warnings: what was read in a file, but may mean something else. Each kind is a row of `KINDS`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shared.aggregation.cells import CANONICAL
from shared.csv.encodings import ENCODING_NAMES
from shared.csv.problems import show

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from shared.aggregation.cells import Notation
    from shared.csv.dialect import Dialect, Encoding


@dataclass(frozen=True, slots=True)
class Finding:
    """What the engine found. It has no words for it."""

    kind: str
    """A key of `KINDS`."""
    count: int
    """How often; at least 1."""
    others: int = 0
    """The number of what is like it, but not doubtful."""
    line: int | None = None
    """The line on which the record of the first one begins, from 1; None if unknown."""
    column: int | None = None
    """The column of the first one, from 1; None if it is none, or unknown."""
    example: str = ""
    """The first one, quoted and escaped as by `shared.csv.problems.show`."""
    encoding: Encoding = "windows-1252"
    """As which the text was read, if that is what is doubtful."""
    file: str | None = None
    """The name of the file of the first one, if the job has several files."""


@dataclass(frozen=True, slots=True)
class FileWarning:
    """A finding in words."""

    kind: str
    count: int
    line: int | None
    column: int | None
    example: str
    message: str
    """What was found, and what it may mean."""
    remedy: str
    """What to send, or to change in the file, to settle it."""
    file: str | None = None
    """The name of the file of the first one, if the job has several files."""

    def __str__(self) -> str:
        places = [] if self.file is None else [show(self.file.encode())]
        if self.line is not None:
            places.append(f"line {self.line}")
        if not places:
            return self.message
        first = "in" if self.count == 1 else "first in"
        return f"{self.message} ({first} {', '.join(places)})"


@dataclass(frozen=True, slots=True)
class WarningKind:
    """The words of a kind: templates whose fields are those of `_fields_of`."""

    found: str
    meaning: str
    remedy: str


KINDS: dict[str, WarningKind] = {
    "assumed_encoding": WarningKind(
        "the text is not UTF-8 and was read as {encoding}",
        "in another encoding{such_as} it has other letters",
        "set input.encoding to that of the file, or to {encoding_code!r}",
    ),
    "utf8_text": WarningKind(
        "all text beyond ASCII, such as {example}, is valid UTF-8, but was read in the encoding "
        "that was declared",
        "if the file is in UTF-8, its letters beyond ASCII are wrong",
        "set input.encoding to 'utf-8', or leave it out",
    ),
    "assumed_header": WarningKind(
        "the first record was read as the header",
        "nothing in the file shows that it is one; if it is a record, the result lacks it",
        "set input.header to true or false",
    ),
    "assumed_quote": WarningKind(
        "quotes at the start of cells were read as text",
        "most of them have no closing quote; cells that are in quotes kept them",
        "set input.quote to 'none', or to '\"' if quotes enclose cells",
    ),
    "unit_row": WarningKind(
        "the record below the header, {example}, seems to have the units of the columns",
        "it was read as data",
        "pass over its line with input.comment, or leave it out with where",
    ),
    "grouped_integers": WarningKind(
        "{place}: {cells} such as {example} with exactly three decimals, {others} without "
        "decimals, none with others",
        "they may be integers with {decimal!r} between groups of digits, but were read as decimals",
        "if they are integers, set input.decimal to {thousands!r} and input.thousands to "
        "{decimal!r}; if not, set input.thousands to {thousands!r}",
    ),
    "quote_in_text": WarningKind(
        "{place}: {cells} such as {example} with a quote that is not at the start",
        "such a quote is text, and a delimiter or line end after it ends the field",
        "if the quotes are to enclose text, quote whole fields and double the quotes within them; "
        "if they are text, set input.quote to 'none'",
    ),
    "repeated_header": WarningKind(
        "{records} {are} the header again",
        "such records were counted as data; several files may have been joined",
        "remove such lines, or leave them out with where",
    ),
    "similar_header": WarningKind(
        "{records} such as {example} {have} the names of half of the columns or more, in these "
        "columns",
        "another table may begin there, whose names and records were counted as data",
        "leave out what is below with input.skip_footer or where",
    ),
    "total_row": WarningKind(
        "{place}: {records} {are} called {example} or the like",
        "such a record may sum others, which then count twice",
        "leave such records out with where, unless their group is like the others",
    ),
    "total_group": WarningKind(
        "{place}: {groups} {are} called {example} or the like, and {have} the sum of all others",
        "such records may sum others, which then count twice",
        "leave such records out with where",
    ),
    "sum_row": WarningKind(
        "{place}: the last or first record has {example}, the sum of all other records",
        "it may be a total, so that all records count twice",
        "leave it out with where, or remove it from the file",
    ),
    "empty_row": WarningKind(
        "{records} {have} only cells that are empty or blank",
        "such records were counted as data",
        "remove such lines, or leave them out with where",
    ),
    "note_row": WarningKind(
        "{place}: the last record has {example}, and no other cell",
        "it may be a note below the table, but was counted as data",
        "leave it out with input.skip_footer or where",
    ),
    "blank_group": WarningKind(
        "{place}: {cells} {are} empty or blank",
        "such records form a group without a name",
        "leave them out with where, or fill the cells",
    ),
    "below_empty_line": WarningKind(
        "{records} such as {example} {follow} an empty line",
        "another table may begin there, whose names and records were counted as data",
        "leave out what is below with input.skip_footer or where, or remove the empty lines",
    ),
    "padded_records": WarningKind(
        "{records} such as {example} {have} fewer cells than the header, and {were} filled with "
        "empty ones",
        "cells may be missing in the middle, so that values are in the wrong column",
        "if that is not meant, set input.on_ragged to 'fail' or 'truncate'",
    ),
    "truncated_records": WarningKind(
        "{records} such as {example} {have} more cells than the header, and {were} cut",
        "a delimiter within a cell may have divided it, so that values are in the wrong column",
        "if that is not meant, set input.on_ragged to 'fail' or 'pad'",
    ),
    "records_in_quotes": WarningKind(
        "{records} of several lines such as {example} {have} as many delimiters in each line as a "
        "record",
        "two stray quotes may enclose several records, which were counted as one",
        "double the quotes in the file, or set input.quote to 'none'",
    ),
    "trailing_delimiters": WarningKind(
        "all records, such as {example}, end in a delimiter, but not the header",
        "the empty last column was dropped, but a name may be missing in the header",
        "add the delimiter, or the missing name, to the header",
    ),
    "similar_groups": WarningKind(
        "{place}: {groups} {look} like another one, such as {example}",
        "they differ only by blanks, invisible characters, upper and lower case, or the form of "
        "accented letters",
        "if they are the same, set trim, case or normalize for this column in group_by; remove "
        "other blanks and invisible characters from the file",
    ),
    "similar_distinct": WarningKind(
        "{place}: {values} {look} like another one of {their} group, such as {example}",
        "they were counted or listed as different values, though they differ only by blanks, "
        "invisible characters, upper and lower case, or the form of accented letters",
        "if they are the same, correct the cells in the file, or add this column to group_by with "
        "trim, case or normalize; if not, ignore this",
    ),
    "similar_values": WarningKind(
        "{place}: {cells} {look} like a value in where without being equal to it, such as "
        "{example}",
        "where excluded such records, though the cells differ from the value only by blanks, "
        "invisible characters, upper and lower case, or the form of accented letters",
        "if they are the same, give each spelling to where with the operator in, or correct the "
        "cells in the file; if not, ignore this",
    ),
    "kept_values": WarningKind(
        "{place}: {cells} {look} like a value that where excludes without being equal to it, such "
        "as {example}",
        "where kept such records, though the cells differ from the value only by blanks, "
        "invisible characters, upper and lower case, or the form of accented letters",
        "if they are the same, exclude each spelling in where with the operator in and not, or "
        "correct the cells in the file; if not, ignore this",
    ),
}
"""The kinds of warnings, in the order of a report. Their codes never change."""


def warning_of(finding: Finding, names: Sequence[str], notation: Notation) -> FileWarning:
    """Return a finding in words.

    `names` are those of the columns of the file, and `notation` is how its numbers were read.
    """
    kind = KINDS[finding.kind]
    fields = _fields_of(finding, names, notation)
    return FileWarning(
        kind=finding.kind,
        count=finding.count,
        line=finding.line,
        column=finding.column,
        example=finding.example,
        message=f"{kind.found}: {kind.meaning}".format(**fields),
        remedy=kind.remedy.format(**fields),
        file=finding.file,
    )


def warnings_of(
    findings: Iterable[Mapping[str, Any]],
    names: Sequence[str],
    notation: Notation = CANONICAL,
    more: Iterable[Finding] = (),
) -> tuple[FileWarning, ...]:
    """Return the warnings for the findings in an event of the engine, and for `more`.

    Raises TypeError and KeyError for a finding that this version does not know.
    """
    return in_words([*(Finding(**finding) for finding in findings), *more], names, notation)


def in_words(
    findings: Iterable[Finding], names: Sequence[str], notation: Notation
) -> tuple[FileWarning, ...]:
    """Return findings in words, in the order of `KINDS`. See `warning_of`."""
    order = list(KINDS)
    found = sorted(findings, key=lambda finding: order.index(finding.kind))
    return tuple(warning_of(finding, names, notation) for finding in found)


def of_dialect(dialect: Dialect | None) -> list[Finding]:
    """Return what was assumed when the dialect of a file was detected."""
    found = []
    if dialect is not None and dialect.assumed_encoding:
        found.append(
            Finding(
                "assumed_encoding", 1, example=dialect.other_encoding, encoding=dialect.encoding
            )
        )
    if dialect is not None and dialect.assumed_header:
        found.append(Finding("assumed_header", 1))
    if dialect is not None and dialect.assumed_quote:
        found.append(Finding("assumed_quote", 1))
    if dialect is not None and dialect.unit_row:
        line, example = dialect.unit_row
        found.append(Finding("unit_row", 1, line=line, example=example))
    return found


def refusal(warnings: Sequence[FileWarning]) -> str:
    """Return why a job with `on_warning` `fail` has no result: the first of its warnings."""
    more = len(warnings) - 1
    others = f" (and {more} more warning{'s' if more > 1 else ''})" if more else ""
    first = warnings[0]
    return f"on_warning is 'fail': {first}; {first.remedy}{others}"


def _fields_of(finding: Finding, names: Sequence[str], notation: Notation) -> dict[str, Any]:
    return {
        "place": _place(finding.column, names),
        "cells": _number(finding.count, "cell"),
        "records": _number(finding.count, "record"),
        "groups": _number(finding.count, "group"),
        "values": _number(finding.count, "value"),
        "their": "its" if finding.count == 1 else "their",
        "are": "is" if finding.count == 1 else "are",
        "follow": "follows" if finding.count == 1 else "follow",
        "look": "looks" if finding.count == 1 else "look",
        "have": "has" if finding.count == 1 else "have",
        "were": "was" if finding.count == 1 else "were",
        "example": finding.example,
        "encoding": ENCODING_NAMES[finding.encoding],
        "encoding_code": finding.encoding,
        "such_as": f", such as {finding.example}," if finding.example else "",
        "others": f"{finding.others:,}",
        "decimal": notation.decimal,
        "thousands": "," if notation.decimal == "." else ".",
    }


def _place(column: int | None, names: Sequence[str]) -> str:
    if column is None:
        return "the file"
    name = names[column - 1] if column <= len(names) else ""
    return f"column {column} ({show(name.encode())})" if name else f"column {column}"


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
