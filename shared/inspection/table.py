"""The table within a sample: without the lines that the client says are not in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.csv.grammar import CR, LF
from shared.csv.records import BOM
from shared.csv.table_lines import begin_of_last
from shared.inspection.quoted_lines import quoted_lines
from shared.inspection.sample import Sample

if TYPE_CHECKING:
    from shared.csv.dialect import Dialect


def table_of(sample: Sample, dialect: Dialect) -> Sample:
    """Return the sample without the lines that `dialect` passes over, to detect the rest of it.

    They become empty lines, so that line numbers do not change. Delimiters are not known yet: what
    is quoted text may be mistaken.
    """
    if not (dialect.lines_above or dialect.header_starts_with or dialect.comment) and (
        dialect.skip_footer == 0
    ):
        return sample
    text = sample.text.removeprefix(BOM)
    # A line such as `sep=;` has shown what ends lines.
    by_cr = dialect.line_end == "cr" or (not dialect.sep_line and sample.ends_in_cr)
    newline = CR if by_cr else LF
    whole = sample.whole
    if whole and dialect.footer_lines:
        text = text[: begin_of_last(text, dialect.footer_lines, newline)]
    lines = text.split(newline)
    header = _header(lines, dialect)
    lines[:header] = [b""] * header
    quoted = quoted_lines(lines, newline, dialect)
    if dialect.comment:
        comment = dialect.comment.encode()
        # A header that the client names is no comment.
        for i in range(header + dialect.header_is_given, len(lines)):
            if lines[i].startswith(comment) and i not in quoted:
                lines[i] = b""
    if dialect.footer_text:
        footer = dialect.footer_text.encode()
        first = next((i for i in range(header, len(lines)) if lines[i].strip()), header)
        begin = next(
            (
                i
                for i in range(first + dialect.header, len(lines))
                if lines[i].startswith(footer) and i not in quoted
            ),
            None,
        )
        if begin is not None:
            lines, whole = [*lines[:begin], b""], True
    return Sample(newline.join(lines), whole)


def _header(lines: list[bytes], dialect: Dialect) -> int:
    """Return the number of lines above the header."""
    above = min(dialect.lines_above, len(lines))
    begin = dialect.header_starts_with.encode()
    if not begin:
        return above
    found = (i for i in range(above, len(lines)) if lines[i].startswith(begin))
    return next(found, len(lines))
