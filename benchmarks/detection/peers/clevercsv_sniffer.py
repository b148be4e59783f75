"""CleverCSV: finds encoding, dialect and header by the consistency of patterns and types."""

from pathlib import Path

import clevercsv

from benchmarks.detection.reading import Reading, read_all, split_header


def read(path: Path, header: bool | None) -> Reading:
    """Read a file. Raises an exception if CleverCSV finds no dialect."""
    encoding = clevercsv.encoding.get_encoding(str(path))
    rows = clevercsv.read_table(str(path), encoding=encoding)
    if header is None:
        with path.open(encoding=encoding, newline="") as file:
            header = clevercsv.Sniffer().has_header(file.read())
    return split_header(rows, header=header)


if __name__ == "__main__":
    read_all(read)
