"""Write the tables of single-byte encodings for the kernel, from the codecs of this Python.

    python scripts/single_byte_tables.py [--check]

With `--check`, compare the committed file with this Python instead; the exit code is 1 if they
differ, else 0.
"""

from __future__ import annotations

import sys
from pathlib import Path

from shared.csv.encodings import CODECS, ENCODING_NAMES, SINGLE_BYTE

FILE = Path(__file__).resolve().parent.parent / "kernel/src/text/single_byte_tables.cpp"
_HEAD = """\
// Written by scripts/single_byte_tables.py.
// clang-format off
#include "text/single_byte_tables.hpp"

namespace csvmill {

// NOLINTBEGIN(readability-magic-numbers)
const std::array<SingleByteEncoding, single_byte_encoding_count> single_byte_encodings{{
"""
_TAIL = """\
}};
// NOLINTEND(readability-magic-numbers)

}  // namespace csvmill
"""
_IN_LINE = 8


def table(codec: str) -> list[int]:
    """Return the characters of the bytes from 0x80 on; 0 for a byte without one."""
    texts = (bytes([byte]).decode(codec, "ignore") for byte in range(0x80, 0x100))
    return [ord(text) if text else 0 for text in texts]


def written() -> str:
    """Return the file."""
    rows = []
    for name in SINGLE_BYTE:
        found = [f"0x{character:04X}" for character in table(CODECS[name])]
        lines = [found[at : at + _IN_LINE] for at in range(0, len(found), _IN_LINE)]
        body = "".join(f"        {', '.join(line)},\n" for line in lines)
        rows.append(f'    {{"{name}", "{ENCODING_NAMES[name]}", {{\n{body}    }}}},\n')
    return _HEAD + "".join(rows) + _TAIL


def main() -> int:
    """Write the file, or check it. Returns the exit code."""
    if "--check" in sys.argv[1:]:
        return int(FILE.read_text(encoding="ascii") != written())
    FILE.write_text(written(), encoding="ascii")
    return 0


if __name__ == "__main__":
    sys.exit(main())
