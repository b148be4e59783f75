"""`csvmill inspect`, without a server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from click.testing import CliRunner

from csvmill.cli import main
from csvmill.commands.outcomes import Exit

if TYPE_CHECKING:
    from pathlib import Path

DATA = b"Song;Plays\nUmbrella;3\nHello;\n"


def inspect(*arguments: str, said: bytes | None = None) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["inspect", *arguments], input=said)
    return done.exit_code, done.output


def test_it_tells_what_it_understands_of_a_file_and_of_what_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "plays.csv"
    path.write_bytes(DATA)

    code, text = inspect(str(path), "--sum", "Plays")

    assert code == 0
    assert text.splitlines() == [
        'written  semicolons, quote ", utf-8, lines end in LF',
        "header   yes: a column is asked for by its name",
        "rows     2",
        "columns  2",
        "@1       Song   text     Umbrella, Hello",
        "@2       Plays  integer  1 empty; 3",
        "asked    gives sum(Plays)",
    ]
    assert inspect("-", said=DATA) == inspect(str(path))


def test_whether_there_is_a_header_is_told_and_why() -> None:
    assert "header   yes: column 2 is 'Plays', over numbers" in inspect("-", said=DATA)[1]
    assert (
        "header   no: line 1 is a record: column 2 is '1.5'" in inspect("-", said=b"a,1.5\nb,2")[1]
    )
    code, text = inspect("-", "--group-by", "@1", said=b"a,1\nb,2\n")
    assert code == Exit.FAILED
    assert "reads as a record (column 2 is '1'): say --header or --no-header" in text


def test_a_long_header_is_read_to_its_end_and_an_endless_one_is_an_error() -> None:
    header = b",".join(b"column %d" % n for n in range(200_000)) + b"\n"
    code, text = inspect("-", said=header)
    assert code == 0
    assert "columns  200,000" in text
    code, text = inspect("-", said=b"column," * (3 << 20))
    assert code == Exit.FAILED
    assert "the header does not end within the first 16 MiB" in text


def test_what_does_not_fit_or_cannot_be_read_is_told_and_ends_with_an_exit_code(
    tmp_path: Path,
) -> None:
    code, text = inspect("-", "--json", "--sum", "Playes", said=DATA)
    view = json.loads(text)
    assert (code, view["fits"], view["whole"]) == (Exit.FAILED, False, True)
    assert "did you mean 'Plays'?" in view["misfit"]
    code, text = inspect("-", said=b"\x1f\x8b\x08 no gzip")
    assert code == Exit.FAILED
    assert "not gzip data" in text
    assert inspect(str(tmp_path / "none.csv"))[0] == Exit.USAGE


def test_of_a_large_file_the_beginning_is_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "plays.csv"
    path.write_bytes(b"a;b\n" + b"1;2\n" * 1_000_000)
    code, text = inspect(str(path))
    assert code == 0
    assert "in the first 1,048,576 bytes" in text
