"""Threads that move bytes into and out of DuckDB, and count and digest them."""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Self

from processor.engines.ledger import Census
from shared.errors import AttemptFailed
from shared.runtime.files import write_all

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import FileIO
    from types import TracebackType

    from processor.engines.ledger import Ledger
    from processor.engines.plan import Header
    from processor.engines.result_file import ResultFile

BLOCK = 1 << 20
"""Bytes moved at a time; also the size of the pipes' buffers."""


class _Task(threading.Thread):
    """A thread whose error `finish` raises."""

    def __init__(self, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self.error: BaseException | None = None
        """The error that ended the work; None if it succeeded or still runs."""

    def run(self) -> None:
        """Do the work, and keep its error."""
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001 - finish raises it
            self.error = error
        finally:
            self._close_pipe()

    def _work(self) -> None:
        raise NotImplementedError

    def _close_pipe(self) -> None:
        """Close this end of the pipe, after `error` is set, so that the other end does not wait."""

    def finish(self) -> None:
        """Wait until the work is done. Raises its error."""
        self.join()
        if self.error is not None:
            raise self.error


class SourceBlocks:
    """Yields the `size` bytes of the source in `file`, block by block."""

    def __init__(self, file: FileIO, size: int) -> None:
        self._file = file
        self._size = size
        self.done = 0
        """The bytes read so far."""

    @property
    def consumed(self) -> bool:
        """Whether all bytes have been read."""
        return self.done == self._size

    def __iter__(self) -> Iterator[bytes]:
        """Yield the blocks. Raises OSError, and AttemptFailed if the size is not as expected."""
        while block := self._file.read(BLOCK):
            self.done += len(block)
            yield block
        if not self.consumed:
            raise AttemptFailed(f"the source ended after {self.done} of {self._size} bytes")


class FileInput(_Task):
    """A regular file that DuckDB reads itself, while this thread takes its census."""

    with_header = True
    path = "input.csv"

    def __init__(self, file: FileIO, header: Header) -> None:
        super().__init__("census")
        self._file = file
        self._header = header
        self._census = Census(quoted=bool(header.dialect.quote), ending=header.ending)
        self._stopped = False
        # Stored, because progress may be read after the file is closed.
        self._expected = self.size()

    def __enter__(self) -> Self:
        # DuckDB reads /dev/fd/N in one thread only, and takes * and [ in a path as patterns.
        Path(self.path).symlink_to(os.path.realpath(f"/dev/fd/{self._file.fileno()}"))
        self.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._stopped = True
        self.join()

    def _work(self) -> None:
        block = bytearray(BLOCK)
        self._file.seek(self._header.end)
        while not self._stopped and (length := self._file.readinto(block)):
            self._census.add(block, length)

    def size(self) -> int:
        """Return the size of the data, which is everything after the header, in bytes."""
        return os.fstat(self._file.fileno()).st_size - self._header.end

    def confirms(self, ledger: Ledger) -> bool:
        """Return whether the ledger accounts for the whole file. Raises the error of the census."""
        self.finish()
        complete = self._census.size == self.size()
        return complete and ledger.balances(self._census, self._header.ending)

    def done(self, percentage: float) -> int:
        """Return the bytes of the file that DuckDB has read at this percentage (-1 is unknown)."""
        return self._header.end + self.passed(percentage)

    def passed(self, percentage: float) -> int:
        """Return the bytes of the data that DuckDB has read."""
        return int(self._expected * min(max(percentage, 0.0), 100.0) / 100)


class InputPump(_Task):
    """Writes the text after the header to a pipe that DuckDB reads, and takes its census.

    `blocks` is the whole text, which is read from `source`.
    """

    with_header = False

    def __init__(self, source: SourceBlocks, blocks: Iterator[bytes], header: Header) -> None:
        super().__init__("input")
        self._source = source
        self._blocks = blocks
        self._header = header
        self._census = Census(quoted=bool(header.dialect.quote), ending=header.ending)
        self._reading, self._writing = _pipe()
        self.path = f"/dev/fd/{self._reading}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        # If DuckDB stopped early, the thread gets a broken pipe instead of waiting forever.
        os.close(self._reading)
        self.join()

    def _work(self) -> None:
        to_skip = self._header.end
        for block in self._blocks:
            data = block[to_skip:] if to_skip else block
            to_skip = max(0, to_skip - len(block))
            self._census.add(data, len(data))
            write_all(self._writing, data)

    def _close_pipe(self) -> None:
        os.close(self._writing)

    def size(self) -> int:
        """Wait until all data is written, and return its bytes. Raises the error of the thread."""
        self.finish()
        return self._census.size

    def confirms(self, ledger: Ledger) -> bool:
        """Return whether the ledger accounts for the data, and the whole source was read."""
        return self._source.consumed and ledger.balances(self._census, self._header.ending)

    def done(self, _percentage: float) -> int:
        """Return the bytes of the source read so far."""
        return self._source.done

    def passed(self, _percentage: float) -> int:
        """Return the bytes of the data written so far."""
        return self._census.size


class OutputPump(_Task):
    """Copies what DuckDB writes to a pipe into a result."""

    def __init__(self) -> None:
        super().__init__("output")
        self._reading, self._writing = _pipe()
        self.path = f"/dev/fd/{self._writing}"
        self._result: ResultFile | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._close()
        if self._result is None:
            os.close(self._reading)
        else:
            self.join()

    def start_into(self, result: ResultFile) -> None:
        """Start to copy the pipe into `result`."""
        self._result = result
        self.start()

    def _work(self) -> None:
        assert self._result is not None  # noqa: S101
        while block := os.read(self._reading, BLOCK):
            self._result.write(block)

    def _close_pipe(self) -> None:
        os.close(self._reading)

    def finish(self) -> None:
        """Wait until all data is copied. Raises the error of the thread."""
        self._close()
        super().finish()

    def _close(self) -> None:
        if self._writing >= 0:
            os.close(self._writing)
            self._writing = -1


def _pipe() -> tuple[int, int]:
    reading, writing = os.pipe()
    with contextlib.suppress(
        PermissionError
    ):  # over the quota of the user; a smaller buffer works too
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, BLOCK)
    return reading, writing
