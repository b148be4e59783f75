"""Files of other formats are named, and text that begins like one is read."""

from __future__ import annotations

import gzip
import lzma
import sqlite3
from typing import TYPE_CHECKING

import pytest

from shared.csv.dialect import Input
from shared.errors import MalformedInput
from shared.inspection.detect import dialect_of
from shared.inspection.other_formats import other_format
from tests.unit.gateway.forms import FormBody

if TYPE_CHECKING:
    from pathlib import Path


def test_files_that_their_own_programs_wrote_are_named(tmp_path: Path) -> None:
    database = tmp_path / "a.db"
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE t (a)")
    connection.close()

    assert other_format(database.read_bytes()) == (
        "the file is a database of SQLite and not CSV: export the table as CSV"
    )
    assert (other_format(lzma.compress(b"a,b\n")) or "").startswith(
        "the file is compressed with xz and not CSV: decompress it"
    )
    assert other_format(gzip.compress(b"a,b\n")) is None


@pytest.mark.parametrize(
    "text",
    ["PAR1,PAR2\n1,2\n", "ORC,b\n1,2\n", "%PDF-1.7,b\n1,2\n", "GIF89a,b\n1,2\n", "Obj,b\n1,2\n"],
)
def test_a_header_that_begins_like_another_format_is_text(text: str) -> None:
    names = text.partition("\n")[0].split(",")
    found = dialect_of(text.encode(), whole=True, declared=Input(), names=names)
    assert found.delimiter == ","


def test_another_format_is_refused_also_with_a_declared_encoding() -> None:
    with pytest.raises(MalformedInput, match="a picture"):
        dialect_of(b"\xff\xd8\xff\xe0\0\x10JFIF", whole=True, declared=Input(encoding="latin-1"))


def test_a_form_that_was_sent_as_a_file_is_refused_by_its_first_lines() -> None:
    form = FormBody.of(("file", b"a,b\n1,2\n", 'filename="a.csv"')).content
    attached = form.replace(b"form-data", b"attachment")  # as curl does with another Content-Type
    typed = form.replace(b"Content-Disposition", b"content-type: text/csv\r\nContent-Disposition")
    assert len({form, attached, typed}) == 3
    for content in (form, form.replace(b"\r\n", b"\n"), attached, typed):
        with pytest.raises(MalformedInput, match=r"a form .* send the bytes of the file alone"):
            dialect_of(content, whole=True, declared=Input(header=True, delimiter=","))
    text = b"--,Content-Disposition\n--a,Content-Disposition: x\n"
    assert dialect_of(text, whole=True, declared=Input(header=True)).delimiter == ","
