"""`csvmill inspect`, without a server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from click.testing import CliRunner

from csvmill.cli import main
from csvmill.commands.exit_codes import Exit

if TYPE_CHECKING:
    from pathlib import Path

DATA = b"Song;Plays\nUmbrella;3\nHello;\n"


def inspect(*arguments: str, stdin: bytes | None = None) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["inspect", *arguments], input=stdin)
    return done.exit_code, done.output


def test_the_dialect_columns_and_output_columns_are_shown(tmp_path: Path) -> None:
    path = tmp_path / "plays.csv"
    path.write_bytes(DATA)

    code, text = inspect(str(path), "--sum", "Plays")

    assert code == 0
    assert text.splitlines() == [
        'dialect  semicolons, quote ", utf-8, lines end in LF',
        "header   yes: the spec names a column",
        "rows     2",
        "columns  2",
        "@1       Song   text     Umbrella  Hello",
        "@2       Plays  integer  1 empty; 3",
        "spec     gives sum(Plays)",
    ]
    assert inspect("-", stdin=DATA) == inspect(str(path))


def test_whether_there_is_a_header_is_shown_with_the_reason() -> None:
    assert "header   yes: column 2 is 'Plays', above numbers" in inspect("-", stdin=DATA)[1]
    assert (
        "header   no: line 1 is a record: column 2 is '1.5'" in inspect("-", stdin=b"a,1.5\nb,2")[1]
    )
    code, text = inspect("-", "--group-by", "@1", stdin=b"a,1\nb,2\n")
    assert code == Exit.FAILED
    assert "looks like a record (column 2 is '1'): use --header or --no-header" in text


def test_a_long_header_is_read_completely_and_an_endless_one_is_an_error() -> None:
    header = b",".join(b"column %0200d" % n for n in range(12_000)) + b"\n"
    code, text = inspect("-", stdin=header)
    assert code == 0
    assert "columns  12,000" in text
    code, text = inspect("-", stdin=(b"column" * 200 + b",") * 18_000)
    assert code == Exit.FAILED
    assert "the header does not end within the first 16 MiB" in text


def test_a_spec_that_does_not_fit_and_an_unreadable_file_have_an_exit_code(
    tmp_path: Path,
) -> None:
    code, text = inspect("-", "--json", "--sum", "Playes", stdin=DATA)
    view = json.loads(text)
    assert (code, view["fits"], view["whole"]) == (Exit.FAILED, False, True)
    assert "did you mean 'Plays'?" in view["misfit"]
    code, text = inspect("-", stdin=b"\x1f\x8b\x08 no gzip")
    assert code == Exit.FAILED
    assert "the gzip data of the file is damaged" in text
    assert inspect(str(tmp_path / "none.csv"))[0] == Exit.USAGE


def test_only_the_first_mib_of_a_large_file_is_inspected(tmp_path: Path) -> None:
    path = tmp_path / "plays.csv"
    path.write_bytes(b"a;b\n" + b"1;2\n" * 1_000_000)
    code, text = inspect(str(path))
    assert code == 0
    assert "in the first 1,048,576 bytes" in text


def test_lines_beside_the_table_are_proposed_as_options(tmp_path: Path) -> None:
    path = tmp_path / "plays.csv"
    path.write_bytes(b"The plays\n\n" + DATA)

    code, text = inspect(str(path))

    assert code == 0
    assert "proposal --skip-lines 2" in text
    assert "line 3 begins the table, below 'The plays'" in text
    code, text = inspect(str(path), "--header-line", "3", "--sum", "Plays")
    assert code == 0
    assert "proposal" not in text
    assert "spec     gives sum(Plays)" in text


def test_warnings_are_shown_once_with_the_options_that_settle_them() -> None:
    data = "Stadt;Einwohner\nKöln;1.234\nUlm;126.405\n\nTotal;127.639\n".encode("cp1252")

    code, text = inspect("-", stdin=data)

    assert code == 0
    shown = [line.removeprefix("warning ").strip() for line in text.splitlines()]
    told = [line for line in shown if "header   " not in line][-4:]
    assert [line.partition(":")[0] for line in told] == [
        "the text is not UTF-8 and was read as Windows-1252",
        "column 2 ('Einwohner')",
        "column 1 ('Stadt')",
        "1 record such as 'Total;127.639' follows an empty line",
    ]
    assert text.count("exactly three decimals") == text.count("use --decimal , and --thousands .")
    view = json.loads(inspect("-", "--json", stdin=data)[1])
    assert [each["kind"] for each in view["warnings"]] == [
        "assumed_encoding", "grouped_integers", "total_row", "below_empty_line",
    ]  # fmt: skip
    assert [each["line"] for each in view["warnings"]] == [None, 2, 5, 5]
