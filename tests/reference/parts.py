"""Run the kernel on files, on parts of files, and on states of parts."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field, replace
from itertools import count
from typing import TYPE_CHECKING, Any

from processor.engines.kernel_run import kernel_program
from processor.engines.messages import Knobs, decode, encode, encode_task
from processor.engines.port import EngineLimits
from processor.engines.query_message import encode_query
from shared.aggregation.resolve import resolve
from shared.csv.compression import compression_of, decompress
from shared.inspection.open_text import open_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from processor.engines.messages import Merge, Message, Part
    from shared.csv.dialect import Dialect
    from shared.jobs.job import Aggregation

UNREPEATABLE = ("peak_memory", "peak_scratch", "write_seconds", "confined")
"""Members of an event that differ from attempt to attempt."""


@dataclass(frozen=True)
class Ended:
    """How an attempt of the kernel ended."""

    event: Message
    """The last one, without what differs from attempt to attempt."""
    header: Message | None
    folder: Path

    @property
    def state(self) -> Path:
        """The state of a part."""
        return self.folder / "state"

    @property
    def files(self) -> tuple[bytes, bytes]:
        """The result and the rejects. Files of an attempt without a result do not count."""
        if self.event["event"] != "finished":
            return b"", b""
        rejects = self.folder / "rejects.csv"
        return (self.folder / "result").read_bytes(), (
            rejects.read_bytes() if rejects.exists() else b""
        )


@dataclass
class Kernel:
    """Runs one aggregation of one file, of which `data` are the bytes after decompression."""

    aggregation: Aggregation
    dialect: Dialect
    data: bytes
    folder: Path
    rejects: int = 1 << 30
    """The bytes of the file of rejects."""
    _numbers: Iterator[int] = field(default_factory=count)

    @classmethod
    def of(cls, aggregation: Aggregation, sent: bytes, folder: Path) -> Kernel:
        """Return it for a file as it was sent. Raises MalformedInput."""
        dialect, _ = open_text(
            [sent],
            aggregation.known_input,
            names=aggregation.named_columns,
            strict=aggregation.is_default,
        )
        declared = aggregation.known_input.compression or compression_of(sent)
        data = b"".join(decompress(iter([sent]), declared, None))
        (folder / "file").write_bytes(data)
        return cls(aggregation, dialect, data, folder)

    def run(
        self,
        work: Part | Merge | None = None,
        knobs: Knobs | None = None,
        *,
        threads: int = 1,
        stream: bool = False,
        sized: bool = True,
        **task: Any,
    ) -> Ended:
        """Run the kernel. Raises InvalidInput if the aggregation does not fit the header.

        `stream` writes the bytes to the kernel's standard input; `sized` tells it the size of the
        file; `task` replaces members of the task.
        """
        folder = self.folder / f"attempt-{next(self._numbers)}"
        folder.mkdir()
        line = encode_task(
            None if stream else self.folder / "file",
            len(self.data) if sized else None,
            self.dialect,
            replace(EngineLimits(), threads=threads, rejects=self.rejects),
            knobs or Knobs(),
            memory=EngineLimits().memory,
            skip=self.aggregation.input.on_bad_row == "skip",
            work=work,
        )
        if task:
            line = encode({**decode(line), **task})
        begin = getattr(work, "begin", 0)
        piped = self.folder / f"piped-{begin}"
        if stream:
            piped.write_bytes(self.data[begin:])
        reading, writing = os.pipe()
        with (
            (piped if stream else self.folder / "file").open("rb") as source,
            subprocess.Popen(
                [kernel_program(), str(reading)],
                stdin=source if stream else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                pass_fds=[reading],
                cwd=folder,
            ) as process,
        ):
            os.close(reading)
            try:
                return self._watched(process, writing, line, folder)
            finally:
                os.close(writing)

    def _watched(
        self, process: subprocess.Popen[bytes], control: int, task: bytes, folder: Path
    ) -> Ended:
        assert process.stdout is not None
        os.write(control, task)
        header, event = None, None
        for line in process.stdout:
            event = decode(line)
            if event["event"] == "header":
                header = event
                query = resolve(self.aggregation, event["fields"])
                os.write(control, encode_query(query))
        status = process.wait()
        assert event is not None
        assert status == 0, f"the kernel ended with {status} after {event}"
        for member in UNREPEATABLE:
            event.pop(member, None)
        return Ended(event, header, folder)
