"""Size and digest of a result as the server's API shows them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from csvmill.client.errors import ClientError

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class ResultView:
    """A file of a job, as the server described it before the download."""

    size: int
    """Bytes."""
    etag: str
    """The entity-tag as in the header, with quotes."""
    sha256: str
    """In hexadecimal."""
    path: Path | None = field(default=None, compare=False)
    """Where it was downloaded to; None if it was not."""

    def to_polars(self, *, text: Collection[str] = ()) -> Any:
        """Return the downloaded result as a `polars.DataFrame`. Blocks.

        CSV has no types: Polars guesses them, so that `007` becomes 7. The columns `text` stay
        text. JSON lines, Parquet and workbooks have types. Raises ClientError if it was not
        downloaded, or Polars is not installed.
        """
        from csvmill.client.dataframes import to_polars

        return to_polars(self._downloaded(), text=text)

    def to_pandas(self, *, text: Collection[str] = ()) -> Any:
        """Return the downloaded result as a `pandas.DataFrame`. See `to_polars`."""
        from csvmill.client.dataframes import to_pandas

        return to_pandas(self._downloaded(), text=text)

    def _downloaded(self) -> Path:
        if self.path is None:
            raise ClientError("download the result first: `download` returns it with its path")
        return self.path
