"""The messages between the engine and its child processes: a JSON object a line.

A child reads its task from its control pipe, and writes events to standard output: one socket is
both.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from shared.csv.problems import Problem
from shared.errors import AttemptFailed
from shared.jobs.report import Report, Rows, Seconds

if TYPE_CHECKING:
    from pathlib import Path

    from processor.engines.port import EngineLimits
    from shared.csv.dialect import Dialect

Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Knobs:
    """Settings of the kernel that do not change a result. Tests vary them."""

    block: int = 1 << 20
    """Bytes that a thread reads at a time."""
    vectors: bool = True
    """Whether vector instructions may be used."""
    groups: int | None = None
    """Bytes of memory for groups; None is what the limit of memory leaves."""
    confine: bool = True
    """Whether the kernel gives up its rights before it reads the file."""


@dataclass(frozen=True, slots=True)
class Input:
    """A file that is one of several."""

    number: int
    """From 0, in their order."""
    name: str
    before: int
    """Bytes of the files before it, after decompression."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A column that is not in the file. All its cells have the same text."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a file, of which the kernel writes the state: bytes that begin with a record."""

    begin: int = 0
    end: int | None = None
    """None is the end of the file."""
    cut: bool = False
    """Whether `end` may be within a record: the part ends before it."""
    header: Message | None = None
    """The event `header` of the first part; None for that part itself."""
    input: Input | None = None
    """The file, if it is one of several. The part has all of it."""


@dataclass(frozen=True, slots=True)
class Merge:
    """States of parts of a file, in any order, which the kernel merges into the result.

    Or states of several files.
    """

    states: tuple[Path, ...]
    gather: bool = False
    """Whether they are merged into the state of a larger part."""
    files: tuple[str, ...] = ()
    """The names of all files, if there are several."""


def encode(message: Message) -> bytes:
    """Return a message as a line."""
    return json.dumps(message).encode() + b"\n"


def decode(line: bytes) -> Message:
    """Return the message of a line. Raises AttemptFailed for other lines."""
    try:
        message = json.loads(line)
    except ValueError as error:
        raise AttemptFailed(f"the engine's process wrote {line[:100]!r}") from error
    if not isinstance(message, dict):
        raise AttemptFailed(f"the engine's process wrote {line[:100]!r}")
    return message


def encode_task(
    path: Path | None,
    size: int | None,
    dialect: Dialect,
    limits: EngineLimits,
    knobs: Knobs,
    *,
    memory: int,
    skip: bool,
    scratch: int | None = None,
    work: Part | Merge | None = None,
) -> bytes:
    """Return the first message to the kernel, which may use `memory` bytes.

    It may use `scratch` bytes of disk; None is what the limits say. It reads `path`, or its
    standard input, of a file of `size` bytes; `work` is None if it reads all of the file.
    """
    return encode(
        {
            **_work(work),
            "path": None if path is None else str(path.absolute()),
            "size": size,
            "memory": memory,
            "scratch": limits.scratch if scratch is None else scratch,
            "rejects": limits.most_rejects,
            "threads": limits.threads,
            "block": knobs.block,
            "groups": knobs.groups,
            "vectors": knobs.vectors,
            "confine": knobs.confine,
            "skip": skip,
            "dialect": {
                "delimiter": dialect.delimiter,
                "quote": dialect.quote,
                "escape": dialect.escape,
                "header": dialect.header,
                "line_end": dialect.line_end,
                "sep_line": dialect.sep_line,
                "encoding": dialect.encoding,
                "skip_lines": dialect.skip_lines,
                "header_line": dialect.header_line,
                "header_starts_with": dialect.header_starts_with,
                "comment": dialect.comment,
                "footer": dialect.footer_text,
                "footer_lines": dialect.footer_lines,
                "pad": dialect.on_ragged in ("pad", "pad_or_truncate"),
                "truncate": dialect.on_ragged in ("truncate", "pad_or_truncate"),
                "trailing_delimiters": dialect.trailing_delimiters,
            },
        }
    )


def _work(work: Part | Merge | None) -> Message:
    if work is None:
        return {"work": "run"}
    if isinstance(work, Merge):
        states = [str(path.absolute()) for path in work.states]
        return {
            "work": "gather" if work.gather else "merge",
            "states": states,
            "files": work.files,
        }
    return {
        "work": "partial",
        "begin": work.begin,
        "end": work.end,
        "cut": work.cut,
        "header": work.header,
        "input": None if work.input is None else asdict(work.input),
    }


def report_from(event: Message) -> Report:
    """Return the report in the last event of a kernel that has read the file."""
    return Report(
        rows=Rows(event["aggregated"], event["filtered"], event["rejected"]),
        groups=event["groups"],
        problems=tuple(Problem(**{"record": b"", **problem}) for problem in event["problems"]),
        problem_count=event["problem_count"],
        bytes_decompressed=event["bytes"],
        seconds=Seconds(write=event["write_seconds"]),
        rows_of_several_lines=event["of_several_lines"],
        most_lines=event["most_lines"],
        lines_passed_over=event["passed_over"],
        rejects_omitted=event["rejects_omitted"],
        rows_padded=event["padded"],
        rows_truncated=event["truncated"],
    )
