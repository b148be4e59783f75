"""The output formats. Everything that depends on the format of a result reads this table.

To add a format, add its name and its line here. A new encoding of rows (another delimiter is one)
also needs a writer in the kernel (`kernel/src/output/row.cpp`) and a preview reader in
`gateway.results.preview_rows`; a new compression, a compressor in `processor.engines.result`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from shared.csv.dialect import Compression

FormatName = Literal["csv", "csv.gz", "csv.zst", "jsonl", "parquet", "xlsx"]
RowEncoding = Literal["csv", "jsonl", "parquet", "xlsx"]
"""How rows become bytes."""
PreviewSource = Literal["csv", "jsonl", "stored"]
"""Where the first rows are read from: the start of the result, as CSV or as JSON lines, or the
preview that the engine stored beside it."""


@dataclass(frozen=True, slots=True)
class OutputFormat:
    """One format of a result."""

    name: FormatName
    label: str
    """The name of the format in messages."""
    media_type: str
    extension: str
    help: str
    rows: RowEncoding
    preview: PreviewSource
    compression: Compression = "none"
    """The compression of the whole file."""
    compressed: bool = False
    """Whether a content coding (RFC 9110, 8.4) would not make it smaller."""
    strict_names: bool = False
    """Whether output columns need names that are not empty and differ in more than case."""


FORMATS: dict[FormatName, OutputFormat] = {
    each.name: each
    for each in (
        OutputFormat(
            "csv", "CSV", "text/csv; charset=utf-8", ".csv", "with a header", "csv", "csv"
        ),
        OutputFormat(
            "csv.gz",
            "CSV",
            "application/gzip",
            ".csv.gz",
            "CSV compressed with gzip",
            "csv",
            "csv",
            compression="gzip",
            compressed=True,
        ),
        OutputFormat(
            "csv.zst",
            "CSV",
            "application/zstd",
            ".csv.zst",
            "CSV compressed with zstd",
            "csv",
            "csv",
            compression="zstd",
            compressed=True,
        ),
        # No media type is registered for JSON lines.
        OutputFormat(
            "jsonl",
            "JSON lines",
            "application/x-ndjson",
            ".jsonl",
            "a JSON object per row",
            "jsonl",
            "jsonl",
        ),
        OutputFormat(
            "parquet",
            "Parquet",
            "application/vnd.apache.parquet",
            ".parquet",
            "typed columns",
            "parquet",
            "stored",
            compressed=True,
            strict_names=True,
        ),
        OutputFormat(
            "xlsx",
            "Excel",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            ".xlsx",
            "a workbook for Excel",
            "xlsx",
            "stored",
            compressed=True,
        ),
    )
}
DEFAULT_FORMAT: FormatName = "csv"


def formats_help() -> str:
    """Return all formats with their descriptions, for help texts."""
    return ", ".join(f"{each.name} ({each.help})" for each in FORMATS.values())
