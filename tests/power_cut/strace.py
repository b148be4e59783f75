"""The system calls of a process and its children, as strace(1) writes them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

TRACED = (
    "openat,open,creat,close,pwrite64,pwritev,pwritev2,write,writev,lseek,ftruncate,fallocate,"
    "fdatasync,fsync,syncfs,sync,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,rmdir,"
    "link,linkat,copy_file_range,sendto,sendmsg"
)
"""Every call that changes a file or a folder, makes it durable, or sends an answer."""

_LINE = re.compile(r"(?P<pid>\d+) +(?P<rest>.*)", re.DOTALL)
_CALL = re.compile(r"(?P<name>\w+)\((?P<arguments>.*)\) += (?P<result>-?\d+)(?P<more>.*)")
_RESUMED = re.compile(r"<\.\.\. (?P<name>\w+) resumed>(?P<rest>.*)")
_UNFINISHED = " <unfinished ...>"
_STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_OF_DESCRIPTOR = re.compile(r"<((?:\\x[0-9a-f]{2})*)>")


@dataclass(frozen=True, slots=True)
class Call:
    """A system call that succeeded."""

    name: str
    arguments: Sequence[str]
    """As strace shows them; strings and paths in hexadecimal."""
    result: int
    result_path: bytes | None
    """The path of the descriptor that was returned."""
    begun: int
    """The index of the line at which it began. It ended at the line at which it is yielded."""

    def text(self, index: int) -> bytes:
        """Return an argument that is a string."""
        return b"".join(map(_decoded, _STRING.findall(self.arguments[index])))

    def path_of(self, index: int) -> bytes:
        """Return the path of an argument that is a descriptor; nothing if it has no path."""
        found = _OF_DESCRIPTOR.search(self.arguments[index])
        is_file = found is not None and not self.arguments[index].endswith("(deleted)")
        return _decoded(found[1]) if found and is_file else b""

    def number(self, index: int) -> int:
        """Return an argument that is a number, or a descriptor."""
        found = re.match(r"-?\d+", self.arguments[index])
        assert found, self.arguments[index]
        return int(found[0])


def command(log: Path, *arguments: str) -> list[str]:
    """Return the command that runs `arguments` and writes its system calls to `log`."""
    options = ["-f", "-y", "-xx", "-s", "16777216", "-e", "signal=none"]
    return ["strace", *options, "-e", f"trace={TRACED}", "-o", str(log), *arguments]


def calls(log: Path) -> Iterator[tuple[int, Call]]:
    """Yield the calls that succeeded, in the order in which they ended, with the line of that."""
    waiting: dict[str, tuple[int, str]] = {}
    with log.open(encoding="ascii") as lines:
        for index, line in enumerate(lines):
            found = _LINE.match(line.rstrip("\n"))
            assert found, line[:200]
            pid, rest = found["pid"], found["rest"]
            if rest.endswith(_UNFINISHED):
                waiting[pid] = index, rest.removesuffix(_UNFINISHED)
                continue
            begun = index
            if resumed := _RESUMED.match(rest):
                begun, start = waiting.pop(pid)
                rest = start + resumed["rest"]
            call = _CALL.match(rest)
            if call is None or int(call["result"]) < 0:
                continue  # the end of a process, a call that a signal interrupted, or an error
            returned = _OF_DESCRIPTOR.search(call["more"])
            yield (
                index,
                Call(
                    call["name"],
                    call["arguments"].split(", "),
                    int(call["result"]),
                    _decoded(returned[1]) if returned else None,
                    begun,
                ),
            )


def _decoded(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))
