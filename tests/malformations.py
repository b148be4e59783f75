"""Every malformation in docs/csv.md and docs/aggregation.md, with its expected outcome."""

from __future__ import annotations

import codecs
import io
import re
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

from shared.aggregation.spec import Aggregate, Aggregation, GroupColumn
from shared.csv.dialect import UNDECLARED, Input
from tests.oracle import csv_line

DOCS = Path(__file__).parents[1] / "docs"
PAGES = ("csv.md", "aggregation.md", "report.md")


@dataclass(frozen=True)
class Kind:
    """A file with the header `a,b`, and its expected records."""

    data: bytes
    good: list[list[bytes]]
    fails: str | None = None
    """The `found` of the problem, if a record breaks a rule."""
    rejected: tuple[bytes, ...] = ()
    """The rejected records, as they are written in the file."""
    declared: Input = UNDECLARED
    if_detected: Kind | None = None
    """The different outcome, if any, when the dialect is detected instead of declared."""
    refused: str = ""
    """Why the file has no result, whether bad rows are skipped or not."""
    columns: tuple[int, int] = (0, 1)
    """The positions of `a` and `b` in its records, from 0."""

    @property
    def complete_declaration(self) -> Input:
        """The declaration, completed with the values of RFC 4180."""
        declared = self.declared
        sep_line = self.data.startswith(b"sep=")
        wide = self.data.startswith(codecs.BOM_UTF16_LE)
        return Input(
            delimiter=declared.delimiter or (None if sep_line else ","),
            quote='"',
            escape="",
            line_end=declared.line_end or "lf",
            encoding=declared.encoding or ("utf-16-le" if wide else "utf-8"),
        )

    @property
    def is_between_records(self) -> bool:
        """Whether it is in the middle of a file without a declaration."""
        whole = self.data.startswith(b"a,b\np,1\n") and self.data.endswith(b"\nq,2\n")
        return whole and self.declared == UNDECLARED

    def detected(self) -> Kind:
        """Return the outcome when the dialect is detected."""
        return replace(self.if_detected or self, data=self.data)

    def totals(self) -> bytes:
        """Return the result of `SUMS`."""
        name, number = self.columns
        sums: dict[bytes, list[int]] = {}
        for record in self.good:
            if record[number].isdigit() or not record[number]:
                sums.setdefault(record[name], []).append(int(record[number] or -1))
        lines = [b"a,rows,sum\n"]
        for key, values in sorted(sums.items()):
            numbers = [value for value in values if value >= 0]
            cells = [key.decode(), str(len(values)), str(sum(numbers)) if numbers else ""]
            lines.append(csv_line(cells).encode())
        return b"".join(lines)

    def rejects(self) -> list[bytes]:
        """Return the rejects of `SUMS`: bad records, and records without a number in `b`."""
        numbers = [(record, record[self.columns[1]]) for record in self.good]
        no_numbers = [b",".join(record) for record, cell in numbers if cell and not cell.isdigit()]
        return [*self.rejected, *no_numbers]


SUMS = Aggregation(
    (GroupColumn("a"),), (Aggregate("count", None, "rows"), Aggregate("sum", "b", "sum", "number"))
)
P, Q = [b"p", b"1"], [b"q", b"2"]
CR_IN_HEADER = "line 1, column 2: found a carriage return after 'b'"


def bad(text: bytes, fails: str, *, declared: Input = UNDECLARED, end: bytes = b"\n") -> Kind:
    """Return a file with one bad record between two good ones."""
    data = b"a,b\np,1\n" + text + end + b"q,2\n"
    return Kind(data, [P, Q], fails, (text,), declared)


def good_if_detected(kind: Kind, good: list[list[bytes]]) -> Kind:
    """Return the same file with `good` as its records when the dialect is detected."""
    return replace(kind, if_detected=Kind(b"", good))


def good(text: bytes, *fields: list[bytes], declared: Input = UNDECLARED) -> Kind:
    """Return a file whose records are all good."""
    return Kind(b"a,b\np,1\n" + text + b"\nq,2\n", [P, *fields, Q], declared=declared)


def no_result(data: bytes, refused: str, *, declared: Input = UNDECLARED) -> Kind:
    """Return a file that has no result."""
    return Kind(data, [], refused=refused, declared=declared)


def workbook() -> bytes:
    """Return a workbook, the default format of spreadsheet programs."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("[Content_Types].xml", "_rels/.rels", "xl/workbook.xml"):
            archive.writestr(name, '<?xml version="1.0"?><x/>')
    return out.getvalue()


KINDS: dict[str, list[Kind]] = {
    "too few fields": [bad(b"x", "1 column: 'x'")],
    "too many fields": [bad(b"x,1,2", "3 columns: 'x,1,2'")],
    "a trailing delimiter in a record, but not in the header": [bad(b"x,1,", "3 columns: 'x,1,'")],
    "another delimiter in some records": [bad(b"x;1", "1 column: 'x;1'")],
    "a decimal comma without quotes": [bad(b"x,1,5", "3 columns: 'x,1,5'")],
    "a trailing delimiter in every line": [
        Kind(b"a,b,\np,1,\n", [[b"p", b"1", b""]]),
    ],
    "a line of spaces": [bad(b"  ", "1 column: '  '")],
    "a comment line": [bad(b"# made by hand", "1 column: '# made by hand'")],
    "a note below the table": [bad(b"Source: our own", "1 column: 'Source: our own'")],
    "Ctrl-Z, or NULs, at the end of the file": [
        Kind(b"a,b\np,1\n\x1a", [P], "1 column: '\\x1a'", (b"\x1a",)),
        Kind(b"a,b\np,1\n\0\0\0", [P], "1 column: '\\x00\\x00\\x00'", (b"\0\0\0",)),
    ],
    "a truncated file": [Kind(b"a,b\np,1\nx", [P], "1 column: 'x'", (b"x",))],
    "an escaped delimiter outside quotes": [bad(b"x\\,y,1", "3 columns: 'x\\\\,y,1'")],
    "empty lines": [good(b"\n\r\n\n")],
    "no line end after the last record": [Kind(b"a,b\np,1", [P])],
    "mixed LF and CRLF": [Kind(b"a,b\r\np,1\nq,2\r\n", [P, Q])],
    "CR within a line, or before CRLF": [
        bad(b"x\ry,1", "a carriage return after 'x'"),
        bad(b"x,1\r", "a carriage return after '1'", end=b"\r\n"),
    ],
    "lines that end in CR": [
        Kind(b"a,b\rp,1\rq,2\r", [P, Q], declared=Input(line_end="cr")),
        Kind(b"a,b\rp,1\rq,2\r", [], refused=CR_IN_HEADER, if_detected=Kind(b"", [P, Q])),
    ],
    "LF in a file whose lines end in CR": [
        Kind(
            b"a,b\rp,1\rx\ny,1\rq,2\r",
            [P, Q],
            "a line feed after 'x'",
            (b"x\ny,1",),
            Input(line_end="cr"),
        )
    ],
    "text after a closing quote": [
        bad(b'"x"y,1', "'y' after the closing quote of 'x'"),
        bad(b'"x" ,1', "' ' after the closing quote of 'x'"),
    ],
    "an undoubled quote in quoted text": [
        bad(b'"say "hi"",1', "'h' after the closing quote of 'say '")
    ],
    "a backslash before a quote, if it is not the escape": [
        good_if_detected(
            bad(b'"say \\"hi\\"",1', "'h' after the closing quote of 'say \\\\'"),
            [P, [b'say "hi"', b"1"], Q],
        )
    ],
    "a quote without a closing quote": [
        bad(b'"x,1', "'\"x,1\\nq,2\\n', a quote without a closing quote"),
    ],
    "a quote that is closed only by a later one": [
        bad(b'"x,1\ny,2\n"z",3', "'z' after the closing quote of 'x,1\\ny,2\\n'"),
    ],
    "a quote elsewhere in a field": [
        good(b'7" single,1', [b'7" single', b"1"]),
        good(b'="001",1', [b'="001"', b"1"]),
        good(b'x"",1', [b'x""', b"1"]),
        bad(b'hat"warm, dry",1', "3 columns: 'hat\"warm, dry\",1'"),
    ],
    "a space before a quote": [
        good(b' "x",1', [b' "x"', b"1"]),
        bad(b' "x,y",1', "3 columns: ' \"x,y\",1'"),
    ],
    "typographic or single quotes": [
        good("“x”,'1'".encode(), ["“x”".encode(), b"'1'"]),
        bad("“x,y”,1".encode(), "3 columns: '“x,y”,1'"),
    ],
    "line ends and delimiters in quotes": [
        good(b'"x\r\n\ny,",1', [b"x\r\n\ny,", b"1"]),
    ],
    "NUL": [good(b"x\0,1", [b"x\0", b"1"])],
    "other control characters, no-break spaces, U+0085, U+2028": [
        good("x\x0b\x0c\u00a0\x85\u2028,1".encode(), ["x\x0b\x0c\u00a0\x85\u2028".encode(), b"1"])
    ],
    "a BOM in the middle of the file": [
        good(b"\xef\xbb\xbfx,1", [b"\xef\xbb\xbfx", b"1"]),
    ],
    "a repeated header, or several header lines": [
        good(b"a,b", [b"a", b"b"]),
    ],
    "a line of units below the header": [
        Kind(b"a,b\n(text),(kg)\np,1\n", [[b"(text)", b"(kg)"], P]),
    ],
    "a total below the table": [Kind(b"a,b\np,1\nq,2\nTotal,3\n", [P, Q, [b"Total", b"3"]])],
    "a subtotal in the middle": [
        Kind(
            b"a,b\np,1\nTotal,1\nq,2\nTotal,2\n",
            [P, [b"Total", b"1"], Q, [b"Total", b"2"]],
        ),
    ],
    "a second table below": [
        Kind(b"a,b\np,1\nq,2\n\nc,d\nx,1\n", [P, Q, [b"c", b"d"], [b"x", b"1"]]),
        bad(b"c,d,e", "3 columns: 'c,d,e'"),
    ],
    "a second table beside": [
        Kind(
            b"a,b,,c,d\np,1,,x,5\n,,,y,6\n",
            [[b"p", b"1", b"", b"x", b"5"], [b"", b"", b"", b"y", b"6"]],
        ),
    ],
    "duplicate or empty column names": [
        Kind(b"a,b,c,c\np,1,2,3\n", [[b"p", b"1", b"2", b"3"]]),
        Kind(b",a,b,\n0,p,1,\n", [[b"0", b"p", b"1", b""]], columns=(1, 2)),
    ],
    "a header without records": [Kind(b"a,b\n", [])],
    "bytes that are invalid in the encoding": [
        good_if_detected(bad(b"caf\xe9,1", "'caf\\\\xe9'"), [P, ["café".encode(), b"1"], Q]),
        replace(
            bad(b"x\x81,1", "'x\\\\x81'", declared=Input(encoding="windows-1252")),
            if_detected=Kind(b"", [], refused="the encoding is not certain"),
        ),
        Kind(
            "a,b\né,1\nü,2\n".encode() + b"x\xe9,1\n",
            [["é".encode(), b"1"], ["ü".encode(), b"2"]],
            "'x\\\\xe9'",
            (b"x\xe9,1",),
        ),
    ],
    "an unpaired surrogate, or an incomplete character at the end": [
        Kind(
            "a,b\np,1\n".encode("utf-16-le") + b"\x00\xd8" + ",1\nq,2\n".encode("utf-16-le"),
            [P, Q],
            "'\\\\xed\\\\xa0\\\\x80'",
            (b"\xed\xa0\x80,1",),
            Input(encoding="utf-16-le"),
        ),
        Kind(b"a,b\np,1\nx,\xc3", [P], "'\\\\xc3'", (b"x,\xc3",)),
    ],
    "a line `sep=;` before the header": [
        Kind(b"sep=;\r\na;b\r\np;1\r\n", [P]),
    ],
    "UTF-16 with a BOM, as spreadsheets save it": [
        Kind(
            "\ufeffa\tb\r\np\t1\r\n".encode("utf-16-le"),
            [P],
            declared=Input(delimiter="\t"),
        )
    ],
}
"""Malformed records, named as in the table of docs/csv.md."""

FILES: dict[str, list[Kind]] = {
    "nothing, or only empty lines": [
        *(no_result(data, "the file is empty") for data in (b"", b"\xef\xbb\xbf", b"\n\r\n\n")),
    ],
    "only lines of spaces": [no_result(b"  \n \n", "no column has this name")],
    "a title above the header": [
        no_result(
            b"Sales 2020\n\na,b\np,1\n",
            "no delimiter fits all lines: line 1 is 'Sales 2020', and of the 2 lines below it 2 "
            "have a comma: set input.header_line or input.skip_lines if there are lines above the "
            "header, or set input.delimiter",
        ),
        no_result(
            b"Sales 2020,\n,\na,b\np,1\n",
            "no column has this name; the columns are 'Sales 2020', ''",
        ),
    ],
    "names on two lines": [no_result(b"a,\n,b\np,1\n", "column is 'b': no column has this name")],
    "names with surrounding spaces, or in another case": [
        no_result(b"a, b\np, 1\n", "did you mean ' b'?"),
        no_result(b"A,b\np,1\n", "did you mean 'A'?"),
    ],
    "names that look like the requested one, but have other characters: a no-break space, "
    "a zero-width space, a composed `é`": [
        no_result("a,b\u200b\np,1\n".encode(), "did you mean 'b\\u200b'? It differs by U+200B"),
        no_result("a,b\u00a0\np,1\n".encode(), "did you mean 'b\\xa0'? It differs by U+00A0"),
    ],
    "columns by another delimiter": [
        no_result(b"a:b,c:d\np:1,q:2\n", "no column has this name"),
        no_result(b"b;x,a\n1;2,p\n", "the delimiter of the file may be ';'"),
    ],
    "two columns with the requested name": [
        no_result(b"a,b,b\np,1,2\n", "columns 2, 3 have this name; send a position"),
    ],
    "records without a header": [no_result(b"p,1\nq,2\n", "no column has this name")],
    "lines that are quoted as one field": [no_result(b'"a,b"\n"p,1"\n', "did you mean 'a,b'?")],
    "fixed-width columns": [no_result(b"a   b\np   1\n", "no column has this name")],
    "a second BOM": [no_result(b"\xef\xbb\xbf" * 2 + b"a,b\np,1\n", "did you mean '\\ufeffa'?")],
    "UTF-32": [
        no_result(
            "a,b\np,1\n".encode("utf-32"),
            "the file is in UTF-32, which is not supported: save it as UTF-8",
        ),
        no_result(b"\0\0\xfe\xff" + "a,b\n".encode("utf-32-be"), "the file is in UTF-32"),
        no_result("a,b\np,1\n".encode("utf-32-le"), "no column has this name"),
    ],
    "a workbook (.xlsx) that is damaged or encrypted, or has no sheet of this name": [
        no_result(workbook(), "the workbook is damaged")
    ],
    "a workbook (.xls), a PDF, a picture, a Parquet file": [
        *(
            no_result(data, f"the file is {name} and not CSV", declared=Input(encoding="latin-1"))
            for name, data in (
                (
                    "an office document, such as .xls,",
                    bytes.fromhex("d0cf11e0a1b11ae1") + bytes(504),
                ),
                ("a picture (PNG)", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
                ("a Parquet file", b"PAR1\x15\x04\x15\0\0PAR1"),
            )
        ),
        no_result(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n", "the file is a PDF document"),
    ],
    "an HTML page": [
        no_result(b"<!DOCTYPE html>\n<html><title>502</title>\n</html>\n", "are '<!DOCTYPE html>'"),
    ],
    "JSON": [
        no_result(b'[{"a":"p","b":1},\n{"a":"q","b":2}]\n', "found ':' after the closing quote"),
        no_result(b'{"a":"p","b":1}\n{"a":"q","b":2}\n', "found ':' after the closing quote"),
        no_result(b'[\n  {\n    "a": "p",\n    "b": 1\n  }\n]\n', "no column has this name"),
    ],
}
"""Files without readable columns `a` and `b`."""


def table(title: str) -> dict[str, list[str]]:
    """Return the rows of the table below a title in the documents, by their first cells."""
    text = "".join((DOCS / page).read_text(encoding="utf-8") for page in PAGES)
    section = re.split(r"\n#+ ", text.split(f" {title}\n")[1])[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return {row[0]: row[1:] for row in rows if row[0]}
