"""Write the tables of Unicode for the kernel, from the Unicode of this Python.

    python scripts/unicode_tables.py [--check]

With `--check`, compare the committed file with this Python instead. Only differences in characters
that both versions of Unicode know are reported; the exit code is 1 if there are any, else 0.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

FILE = Path(__file__).resolve().parent.parent / "kernel" / "src" / "text" / "unicode_tables.cpp"
WIDTH = 100
FIRST = 0x80
"""The first character of the tables; the kernel knows ASCII."""
CHARACTERS = range(FIRST, 0x110000)
FINAL_SIGMA = "\u03c2"
DOTTED_I = "\u0130"
"""The only character whose lower case has two characters; the kernel knows it."""
JAMO = (*range(0x1161, 0x1176), *range(0x11A8, 0x11C3))
"""Vowels and final consonants, which NFC joins with what precedes them."""

Rows = list[tuple[int, ...]]

TABLES = {
    "unassigned": "Range",
    "not_printable": "Range",
    "cased": "Range",
    "ignorable": "Range",
    "upper": "Run",
    "lower": "Run",
    "upper_expansions": "Expansion",
    "combining": "Class",
    "not_inert": "Range",
    "decompositions": "Pair",
    "compositions": "Pair",
}
"""The names of the tables, and the types of their rows."""
NUMBERS = {"Range": 2, "Class": 3, "Pair": 3, "Run": 4, "Expansion": 4}
"""How many numbers a row of each type has."""


def is_unassigned(text: str) -> bool:
    """Whether this version of Unicode does not know the character. Then it is not printable."""
    return unicodedata.category(text) == "Cn"


def is_ignorable(text: str) -> bool:
    """Whether a character is case-ignorable: it may stand between a letter and a final sigma."""
    return f"A{text}\u03a3".lower().endswith(FINAL_SIGMA) and not is_cased(text)


def is_cased(text: str) -> bool:
    """Whether a sigma directly after this character is final, as that character is a letter."""
    return f"{text}\u03a3".lower().endswith(FINAL_SIGMA)


def ranges(holds: Callable[[str], bool]) -> Rows:
    """The ranges of the characters for which `holds` is true."""
    found: list[list[int]] = []
    for code in CHARACTERS:
        if holds(chr(code)):
            if found and found[-1][1] == code - 1:
                found[-1][1] = code
            else:
                found.append([code, code])
    return [tuple(each) for each in found]


def runs(change: Callable[[str], str]) -> Rows:
    """The runs of the characters that `change` replaces by one other, at steps of 1 or 2."""
    found: list[list[int]] = []
    for code in CHARACTERS:
        changed = change(chr(code))
        if len(changed) != 1 or changed == chr(code):
            continue
        difference = ord(changed) - code
        if found and found[-1][3] == difference and code - found[-1][1] <= 2:
            first, last, step, _ = found[-1]
            if first == last or code - last == step:
                found[-1][1:3] = code, code - last
                continue
        found.append([code, code, 1, difference])
    return [tuple(each) for each in found]


def expansions(change: Callable[[str], str]) -> Rows:
    """The characters that `change` replaces by several."""
    found: Rows = []
    for code in CHARACTERS:
        changed = [ord(each) for each in change(chr(code))]
        if len(changed) > 1:
            found.append((code, *changed, *[0] * (3 - len(changed))))
    return found


def classes() -> Rows:
    """The ranges of characters of the same canonical combining class, except for class 0."""
    found: list[list[int]] = []
    for code in CHARACTERS:
        number = unicodedata.combining(chr(code))
        if number and found and found[-1][1:] == [code - 1, number]:
            found[-1][1] = code
        elif number:
            found.append([code, code, number])
    return [tuple(each) for each in found]


def decompositions() -> Rows:
    """The canonical decompositions: a character, and the one or two in its place.

    Those of Hangul syllables are computed, and not in the table (Unicode, 3.12).
    """
    found: Rows = []
    for code in CHARACTERS:
        parts = unicodedata.decomposition(chr(code)).split()
        if parts and not parts[0].startswith("<"):
            found.append((code, int(parts[0], 16), int(parts[1], 16) if parts[1:] else 0))
    return found


def compositions() -> Rows:
    """The characters that NFC makes of two, sorted by these two."""
    found = [
        row
        for row in decompositions()
        if row[2] and unicodedata.normalize("NFC", chr(row[1]) + chr(row[2])) == chr(row[0])
    ]
    return sorted(found, key=lambda row: row[1:])


def is_not_inert() -> Callable[[str], bool]:
    """Whether a character may be changed by NFC, or change another one before it."""
    seconds = {row[2] for row in compositions()} | set(JAMO)

    def holds(text: str) -> bool:
        changed = unicodedata.normalize("NFC", text) != text
        return changed or bool(unicodedata.combining(text)) or ord(text) in seconds

    return holds


def tables() -> dict[str, Rows]:
    """The tables for the Unicode of this Python."""
    if [chr(row[0]) for row in expansions(str.lower)] != [DOTTED_I]:
        sys.exit("Unicode has a new character whose lower case has several: change the kernel")
    return {
        "unassigned": ranges(is_unassigned),
        "not_printable": ranges(lambda text: not (text.isprintable() or is_unassigned(text))),
        "cased": ranges(is_cased),
        "ignorable": ranges(is_ignorable),
        "upper": runs(str.upper),
        "lower": runs(str.lower),
        "upper_expansions": expansions(str.upper),
        "combining": classes(),
        "not_inert": ranges(is_not_inert()),
        "decompositions": decompositions(),
        "compositions": compositions(),
    }


def written(name: str, rows: Rows) -> Iterable[str]:
    """The lines of a table in C++."""
    kind = TABLES[name]
    yield f"constexpr {kind} {name}_rows[]{{"
    line = "   "
    for row in rows:
        difference = [str(row[3])] if kind == "Run" else []
        numbers = [f"0x{number:X}" for number in (row[:2] if kind == "Run" else row)]
        if kind == "Run":
            numbers += [str(row[2]), *difference]
        elif kind == "Class":
            numbers[2] = str(row[2])
        elif kind == "Expansion":
            numbers[1:] = [f"{{{', '.join(numbers[1:])}}}"]
        item = f" {{{', '.join(numbers)}}},"
        if len(line) + len(item) > WIDTH:
            yield line
            line = "   "
        line += item
    yield line
    yield "};"


def first_line() -> str:
    """The first line of the file, which has the version of Unicode."""
    return f"// Unicode {unicodedata.unidata_version}. Written by scripts/unicode_tables.py."


def source() -> str:
    """The text of the file."""
    lines = [
        first_line(),
        "// clang-format off",
        '#include "text/unicode_tables.hpp"',
        "",
        "namespace csvmill::unicode {",
        "namespace {",
        "",
    ]
    for name, rows in tables().items():
        lines += [*written(name, rows), ""]
    lines += ["}  // namespace", ""]
    for name, kind in TABLES.items():
        lines.append(f"constinit const std::span<const {kind}> {name}{{{name}_rows}};")
    lines += ["", "}  // namespace csvmill::unicode", ""]
    return "\n".join(lines)


def committed(text: str) -> dict[str, Rows]:
    """The tables in the text of the file."""
    found: dict[str, Rows] = {}
    for kind, name, body in re.findall(r"constexpr (\w+) (\w+)_rows\[\]\{\n(.*?)\n\};", text, re.S):
        numbers = [int(each, 0) for each in re.findall(r"-?\b(?:0x[0-9A-F]+|[0-9]+)\b", body)]
        size = NUMBERS[kind]
        found[name] = [tuple(numbers[at : at + size]) for at in range(0, len(numbers), size)]
    return found


def expanded(name: str, rows: Rows) -> dict[int, Sequence[int]]:
    """What a table says about each character that it has."""
    if TABLES[name] == "Range":
        return {code: () for first, last in rows for code in range(first, last + 1)}
    if TABLES[name] in ("Expansion", "Pair"):
        return {row[0]: row[1:] for row in rows}
    if TABLES[name] == "Class":
        return {code: row[2:] for row in rows for code in range(row[0], row[1] + 1)}
    return {
        code: (code + difference,)
        for first, last, step, difference in rows
        for code in range(first, last + 1, step)
    }


def differences(text: str) -> list[str]:
    """Where the file differs from this Python in characters that both know."""
    ours, theirs = tables(), committed(text)
    if theirs.keys() != TABLES.keys():
        return ["the file does not have the tables that this program writes"]
    unknown: set[int] = set()
    if not text.startswith(f"{first_line()}\n"):
        for each in (ours, theirs):
            unknown.update(expanded("unassigned", each["unassigned"]))
    found = []
    for name, rows in ours.items():
        here, there = expanded(name, rows), expanded(name, theirs[name])
        found += [
            f"{name}: U+{code:04X}"
            for code in sorted(here.keys() | there.keys())
            if here.get(code) != there.get(code) and code not in unknown
        ]
    return found


def main() -> int:
    """Write the file, or check it."""
    if sys.argv[1:] == ["--check"]:
        found = differences(FILE.read_text(encoding="utf-8"))
        sys.stderr.writelines(f"{each}\n" for each in found)
        return 1 if found else 0
    if sys.argv[1:]:
        sys.exit(__doc__)
    FILE.write_text(source(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
