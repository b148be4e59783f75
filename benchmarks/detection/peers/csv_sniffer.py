"""Python: `csv.Sniffer`, and `csv.reader` with the dialect that it found, in UTF-8."""

import csv
from pathlib import Path

from benchmarks.detection.reading import Reading, read_all, split_header


def read(path: Path, header: bool | None) -> Reading:
    """Read a file. Raises csv.Error or UnicodeDecodeError if it cannot be read."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        text = file.read()
    sniffer = csv.Sniffer()
    dialect = sniffer.sniff(text)
    rows = [row for row in csv.reader(text.splitlines(keepends=True), dialect) if row]
    return split_header(rows, header=sniffer.has_header(text) if header is None else header)


if __name__ == "__main__":
    read_all(read)
