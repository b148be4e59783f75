"""Read a downloaded result as a data frame of Polars or pandas, if that is installed."""

from __future__ import annotations

import json
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from csvmill.client.errors import ClientError

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

Format = Literal["csv", "gzip", "zstd", "jsonl", "parquet", "xlsx"]
SIGNATURES: tuple[tuple[bytes, Format], ...] = (
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"PAR1", "parquet"),
    (b"PK\x03\x04", "xlsx"),
    (b"{", "jsonl"),
)
"""How results of each format begin, except for CSV. (`gzip` and `zstd` are compressed CSV.)"""


def to_polars(path: Path, *, text: Collection[str] = ()) -> Any:
    """Return a result as a `polars.DataFrame`. Blocks.

    CSV has no types: Polars guesses them, so that `007` becomes 7. The columns `text` stay text.
    Raises ClientError if Polars is not installed, OSError if the file cannot be read.
    """
    polars = _library("polars", "Polars")
    kind = format_of_file(path)
    if kind == "parquet":
        return polars.read_parquet(path)
    if kind == "jsonl":
        return polars.read_ndjson(path, infer_schema_length=None)
    if kind == "xlsx":
        return polars.read_excel(path)
    kept = dict.fromkeys(text, polars.String)
    return polars.read_csv(path, infer_schema_length=None, schema_overrides=kept)  # decompressed


def to_pandas(path: Path, *, text: Collection[str] = ()) -> Any:
    """Return a result as a `pandas.DataFrame`. Blocks. Raises as `to_polars`."""
    pandas = _library("pandas", "pandas")
    kind = format_of_file(path)
    if kind == "parquet":
        return pandas.read_parquet(path)
    if kind == "jsonl":
        # pandas.read_json makes numbers and dates of texts that look like them.
        with path.open(encoding="utf-8") as lines:
            return pandas.DataFrame.from_records(list(map(json.loads, lines)))
    if kind == "xlsx":
        return pandas.read_excel(path)
    return pandas.read_csv(
        path,
        compression=kind if kind in ("gzip", "zstd") else None,
        dtype=dict.fromkeys(text, str),
        # Only an empty field is no value: `NA` and `null` are texts.
        keep_default_na=False,
        na_values=[""],
    )


def format_of_file(path: Path) -> Format:
    """Return the format of a result by its first bytes, whatever its name is."""
    with path.open("rb") as file:
        start = file.read(4)
    return next((kind for begin, kind in SIGNATURES if start.startswith(begin)), "csv")


def _library(module: str, name: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        raise ClientError(f"{name} is not installed: pip install {module}") from error
