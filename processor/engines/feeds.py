"""What moves bytes into and out of DuckDB beside it, in threads that count and digest them."""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Self

from processor.engines.ledger import TAIL, Census

if TYPE_CHECKING:
    from io import FileIO
    from types import TracebackType

    from processor.engines.ledger import Ledger
    from processor.engines.plan import Header
    from processor.engines.result_file import ResultFile

BLOCK = 1 << 20
"""Bytes moved at a time, and the size that pipes get."""


class _Task(threading.Thread):
    """A thread whose error is raised where it is joined."""

    def __init__(self, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self._error: OSError | None = None

    def run(self) -> None:
        """Do the work; `finish` raises the error that it ended with."""
        try:
            self._work()
        except OSError as error:
            self._error = error

    def _work(self) -> None:
        raise NotImplementedError

    def finish(self) -> None:
        """Wait until the work is done. Raises OSError."""
        self.join()
        if self._error is not None:
            raise self._error


class FileFeed(_Task):
    """DuckDB reads a regular file itself; a census of it is taken only if there is need."""

    with_header = True
    path = "input.csv"

    def __init__(self, file: FileIO, header: Header) -> None:
        super().__init__("census")
        self._file = file
        self._header = header
        self._census = Census()
        self._given_up = False

    def __enter__(self) -> Self:
        # DuckDB reads /dev/fd/N with one thread only, and takes * and [ in a path for patterns.
        Path(self.path).symlink_to(os.path.realpath(f"/dev/fd/{self._file.fileno()}"))
        # A header in quotes announces needless quotes all over, which only a census can settle.
        if self._header.quoted:
            self.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._given_up = True
        if self.ident is not None:
            self.join()

    def _work(self) -> None:
        block = bytearray(BLOCK)
        self._file.seek(self._header.end)
        while not self._given_up and (length := self._file.readinto(block)):
            self._census.add(block, length)

    def size(self) -> int:
        """Bytes of the data."""
        return os.fstat(self._file.fileno()).st_size - self._header.end

    def confirms(self, ledger: Ledger) -> bool:
        """Whether the ledger accounts for the file. Raises OSError."""
        size = self.size()
        length = min(size, TAIL)
        tail = os.pread(self._file.fileno(), length, self._header.end + size - length)
        if ledger.balances_at_sight(size, tail, self._header.ending):
            return True
        if self.ident is None:
            self.start()
        self.finish()
        return ledger.balances(self._census, self._header.ending)

    def done(self, percentage: float) -> int:
        """Bytes that DuckDB has read, which says what percentage (or -1) that is."""
        read = int(self.size() * min(max(percentage, 0.0), 100.0) / 100)
        return self._header.end + read


class PipeFeed(_Task):
    """Relays a stream's data, without the header, to DuckDB, and takes the census on the way."""

    with_header = False

    def __init__(self, file: FileIO, header: Header, beginning: bytes) -> None:
        super().__init__("relay")
        self._file = file
        self._header = header
        self._beginning = beginning
        self._census = Census()
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
        # If DuckDB gave up early, the relay sees a broken pipe now instead of waiting for ever.
        os.close(self._reading)
        self.join()

    def _work(self) -> None:
        try:
            data = self._beginning[self._header.end :]
            self._relay(data, len(data))
            block = bytearray(BLOCK)
            while length := self._file.readinto(block):
                self._relay(block, length)
        finally:
            os.close(self._writing)

    def _relay(self, block: bytes | bytearray, length: int) -> None:
        self._census.add(block, length)
        with memoryview(block) as view:
            _write_all(self._writing, view[:length])

    def size(self) -> int:
        """Bytes of the data; waits until all have been relayed. Raises OSError."""
        self.finish()
        return self._census.size

    def confirms(self, ledger: Ledger) -> bool:
        """Whether the ledger accounts for the stream."""
        return ledger.balances(self._census, self._header.ending)

    def done(self, _percentage: float) -> int:
        """Bytes that have been given to DuckDB."""
        return self._header.end + self._census.size


class Drain(_Task):
    """Takes what DuckDB writes to a pipe into a result."""

    def __init__(self) -> None:
        super().__init__("drain")
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
        if self._result is not None:
            self.join()
        os.close(self._reading)

    def start_into(self, result: ResultFile) -> None:
        """Begin to take what is written to the pipe."""
        self._result = result
        self.start()

    def _work(self) -> None:
        assert self._result is not None  # noqa: S101
        while block := os.read(self._reading, BLOCK):
            self._result.write(block)

    def finish(self) -> None:
        """Wait until everything written has been taken. Raises OSError."""
        self._close()
        super().finish()

    def _close(self) -> None:
        if self._writing >= 0:
            os.close(self._writing)
            self._writing = -1


def _pipe() -> tuple[int, int]:
    reading, writing = os.pipe()
    with contextlib.suppress(PermissionError):  # beyond the user's quota; smaller ones do
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, BLOCK)
    return reading, writing


def _write_all(descriptor: int, data: memoryview) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
