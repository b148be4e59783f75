"""What moves bytes into and out of DuckDB beside it, in threads that count and digest them."""

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
"""Bytes moved at a time, and the size that pipes get."""


class _Task(threading.Thread):
    """A thread whose error is raised where it is joined."""

    def __init__(self, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self.error: BaseException | None = None
        """What the work ended with, whatever it is; None if it is well, or goes on."""

    def run(self) -> None:
        """Do the work; `finish` raises the error that it ended with."""
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001 - a total of half a file is worse
            self.error = error
        finally:
            self._let_go()

    def _work(self) -> None:
        raise NotImplementedError

    def _let_go(self) -> None:
        """Close this end of a pipe, so that the other does not wait, once it is known why."""

    def finish(self) -> None:
        """Wait until the work is done. Raises the error that it ended with."""
        self.join()
        if self.error is not None:
            raise self.error


class SourceBlocks:
    """The bytes of a source that is open at `file`, block by block, all `size` of them."""

    def __init__(self, file: FileIO, size: int) -> None:
        self._file = file
        self._size = size
        self.done = 0
        """Bytes read so far."""

    @property
    def consumed(self) -> bool:
        """Whether all bytes have been read."""
        return self.done == self._size

    def __iter__(self) -> Iterator[bytes]:
        """Raises OSError, and AttemptFailed if there are fewer or more bytes in the end."""
        while block := self._file.read(BLOCK):
            self.done += len(block)
            yield block
        if not self.consumed:
            raise AttemptFailed(f"the source ended after {self.done} of {self._size} bytes")


class FileInput(_Task):
    """DuckDB reads a regular file itself; a census of it is taken beside it."""

    with_header = True
    path = "input.csv"

    def __init__(self, file: FileIO, header: Header) -> None:
        super().__init__("census")
        self._file = file
        self._header = header
        self._census = Census(quoted=bool(header.dialect.quote), ending=header.ending)
        self._given_up = False
        # Whoever asks how far it is may do so when the file has been closed.
        self._expected = self.size()

    def __enter__(self) -> Self:
        # DuckDB reads /dev/fd/N with one thread only, and takes * and [ in a path for patterns.
        Path(self.path).symlink_to(os.path.realpath(f"/dev/fd/{self._file.fileno()}"))
        self.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._given_up = True
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
        """Whether the ledger accounts for the file. Raises what the census ended with."""
        self.finish()
        whole = self._census.size == self.size()
        return whole and ledger.balances(self._census, self._header.ending)

    def done(self, percentage: float) -> int:
        """Bytes of the file that DuckDB has read, which says what percentage (or -1) that is."""
        return self._header.end + self.passed(percentage)

    def passed(self, percentage: float) -> int:
        """The same of its data, everything after the header."""
        return int(self._expected * min(max(percentage, 0.0), 100.0) / 100)


class InputPump(_Task):
    """Relays text, without the header, to DuckDB, and takes the census on the way.

    `blocks` is the text from its beginning, as it comes of `source`.
    """

    with_header = False

    def __init__(self, source: SourceBlocks, blocks: Iterator[bytes], header: Header) -> None:
        super().__init__("relay")
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
        # If DuckDB gave up early, the relay sees a broken pipe now instead of waiting for ever.
        os.close(self._reading)
        self.join()

    def _work(self) -> None:
        to_skip = self._header.end
        for block in self._blocks:
            data = block[to_skip:] if to_skip else block
            to_skip = max(0, to_skip - len(block))
            self._census.add(data, len(data))
            write_all(self._writing, data)

    def _let_go(self) -> None:
        os.close(self._writing)

    def size(self) -> int:
        """Bytes of the data; waits until all have been relayed, and raises why they were not."""
        self.finish()
        return self._census.size

    def confirms(self, ledger: Ledger) -> bool:
        """Whether the ledger accounts for the stream, and the stream for the whole source."""
        return self._source.consumed and ledger.balances(self._census, self._header.ending)

    def done(self, _percentage: float) -> int:
        """Bytes of the source that have been read."""
        return self._source.done

    def passed(self, _percentage: float) -> int:
        """Bytes of the data that have been relayed: of the text, after the header."""
        return self._census.size


class OutputPump(_Task):
    """Takes what DuckDB writes to a pipe into a result."""

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
        """Begin to take what is written to the pipe."""
        self._result = result
        self.start()

    def _work(self) -> None:
        assert self._result is not None  # noqa: S101
        while block := os.read(self._reading, BLOCK):
            self._result.write(block)

    def _let_go(self) -> None:
        os.close(self._reading)

    def finish(self) -> None:
        """Wait until everything written has been taken. Raises why it was not."""
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
