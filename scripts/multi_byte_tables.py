"""Write the tables of encodings with several bytes a character for the kernel.

    python scripts/multi_byte_tables.py [--check]

They are taken from the codecs of this Python. With `--check`, compare the committed files with this
Python instead; the exit code is 1 if they differ, else 0.
"""

from __future__ import annotations

import sys
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

from shared.csv.encoding import SECOND_TILDE
from shared.csv.encodings import CODECS, ENCODING_NAMES, MULTI_BYTE

if TYPE_CHECKING:
    from shared.csv.dialect import Encoding

FOLDER = Path(__file__).resolve().parent.parent / "kernel" / "src" / "text"
_HEAD = """\
// Written by scripts/multi_byte_tables.py.
// clang-format off
#include "text/multi_byte_tables.hpp"

namespace csvmill {

// NOLINTBEGIN(readability-magic-numbers)
namespace {

using namespace std::string_view_literals;

"""
_TAIL = """\
// NOLINTEND(readability-magic-numbers)

}  // namespace csvmill
"""
_IN_LINE = 8
_UPPER = range(0x80, 0x100)
_THIRD = SECOND_TILDE[:1]
"""What a character of three bytes begins with."""
_FOUR_BYTES_OF_BMP = 39420
"""The four-byte characters of GB18030 before those beyond the basic plane."""


def file_of(name: Encoding) -> Path:
    """Return the path of the table of an encoding."""
    return FOLDER / f"{name.replace('-', '_')}_table.cpp"


def character(data: bytes, codec: str) -> str:
    """Return the one character that `data` is; empty if it is none, or several."""
    try:
        text = data.decode(codec)
    except UnicodeDecodeError:
        return ""
    return text if len(text) == 1 and data != SECOND_TILDE else ""


def four_bytes(number: int) -> bytes:
    """Return the four bytes of a character of GB18030."""
    number, fourth = divmod(number, 10)
    number, third = divmod(number, 126)
    first, second = divmod(number, 10)
    return bytes([0x81 + first, 0x30 + second, 0x81 + third, 0x30 + fourth])


def runs(codec: str) -> list[tuple[int, int]]:
    """Return the runs of consecutive four-byte characters: the number, and the first character."""
    found = []
    after = -1
    for number in range(_FOUR_BYTES_OF_BMP):
        code = ord(character(four_bytes(number), codec) or "\0")
        if code != after:
            found.append((number, code))
        after = code + 1 if code else 0
    return [*found, (_FOUR_BYTES_OF_BMP, 0)]


def rows(before: bytes, codec: str) -> tuple[int, list[tuple[int, str]]]:
    """Return the first lead byte, and the row of each lead: its first trail, and its characters.

    `before` precedes the lead. NUL is in place of characters that there are not.
    """
    found: dict[int, dict[int, str]] = {}
    for lead in _UPPER:
        if before or not character(bytes([lead]), codec):
            pairs = ((trail, bytes([lead, trail])) for trail in range(0x100))
            texts = ((trail, character(before + pair, codec)) for trail, pair in pairs)
            found[lead] = {trail: text for trail, text in texts if text}
    used = [lead for lead, texts in found.items() if texts]
    if not used:
        return 0, []
    return used[0], [_row(found.get(lead, {})) for lead in range(used[0], used[-1] + 1)]


def _row(texts: dict[int, str]) -> tuple[int, str]:
    if not texts:
        return 0, ""
    return min(texts), "".join(
        texts.get(trail, "\0") for trail in range(min(texts), max(texts) + 1)
    )


def literal(text: str) -> str:
    """Return a literal of C++. Characters without a shape of their own are escaped."""
    return "".join(
        "\\0"
        if char == "\0"
        else char
        if unicodedata.category(char) not in ("Cc", "Cf", "Co", "Cn", "Mn", "Mc", "Zs")
        and unicodedata.normalize("NFC", char) == char
        else f"\\u{ord(char):04X}"
        for char in text
    )


def _double(name: str, before: bytes, codec: str) -> tuple[str, str]:
    """Return the definition of the rows of a table, and the table itself."""
    lead, found = rows(before, codec)
    if not found:
        return "", "{}"
    lines = "".join(
        f'    {{0x{trail:02X}, u"{literal(row)}"sv}},\n' if row else "    {},\n"
        for trail, row in found
    )
    return (
        f"constexpr std::array<TrailRow, {len(found)}> {name}{{{{\n{lines}}}}};\n\n",
        f"{{0x{lead:02X}, {name}}}",
    )


def written(name: Encoding) -> str:
    """Return the file of an encoding."""
    codec = CODECS[name]
    identifier = name.replace("-", "_")
    rows_of_two, two = _double(f"{identifier}_rows", b"", codec)
    rows_of_three, three = (
        _double(f"{identifier}_rows_of_three", _THIRD, codec) if name == "euc-jp" else ("", "{}")
    )
    found = runs(codec) if name == "gb18030" else []
    in_runs = ""
    if found:
        lines = "".join(f"    {{{number}, 0x{code:04X}}},\n" for number, code in found)
        in_runs = f"constexpr std::array<FourByteRun, {len(found)}> runs{{{{\n{lines}}}}};\n\n"
    singles = [ord(character(bytes([byte]), codec) or "\0") for byte in _UPPER]
    upper = "".join(
        f"        {', '.join(f'0x{code:04X}' for code in singles[at : at + _IN_LINE])},\n"
        for at in range(0, len(singles), _IN_LINE)
    )
    upper = f"{{\n{upper}    }}" if any(singles) else "{}"
    return (
        f"{_HEAD}{rows_of_two}{rows_of_three}{in_runs}}}  // namespace\n\n"
        f"const MultiByteEncoding {identifier}{{\n"
        f'    "{name}", "{ENCODING_NAMES[name]}",\n'
        f"    {upper},\n"
        f"    {two}, {three}, {'runs' if found else '{}'},\n}};\n{_TAIL}"
    )


def main() -> int:
    """Write the files, or check them. Returns the exit code."""
    if "--check" in sys.argv[1:]:
        return int(
            any(file_of(name).read_text(encoding="utf-8") != written(name) for name in MULTI_BYTE)
        )
    for name in MULTI_BYTE:
        file_of(name).write_text(written(name), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
