"""A disk with a cache: which files a power cut may leave, by what POSIX promises.

What was written to a file is durable once fsync(2) or fdatasync(2) of the file has returned, and
began after the write. A name in a folder is durable once fsync(2) of the folder has. Anything else
may be on the disk or not, in any order: a real file system promises more, and none promises less.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path
    from random import Random


@dataclass(slots=True)
class _Write:
    """Bytes at an offset of a file, or its new size."""

    offset: int
    data: bytes | None
    at: int
    """When it ended."""


@dataclass(slots=True)
class File:
    """The content of a file: what is durable, and what may be."""

    durable: bytearray = field(default_factory=bytearray)
    cached: list[_Write] = field(default_factory=list)
    content: bytearray = field(default_factory=bytearray)
    """What its readers see."""

    def write(self, offset: int, data: bytes, at: int) -> None:
        """Write `data` at `offset`."""
        self._do(_Write(offset, data, at))

    def resize(self, size: int, at: int) -> None:
        """Cut the file, or fill it up with zeros."""
        self._do(_Write(size, None, at))

    def sync(self, begun: int) -> None:
        """Make durable what ended before `begun`."""
        for write in self.cached:
            if write.at < begun:
                _apply(self.durable, write)
        self.cached = [write for write in self.cached if write.at >= begun]

    def left(self, chance: Random | None) -> bytes:
        """Return what a power cut leaves; without `chance`, nothing that is not durable."""
        left = bytearray(self.durable)
        for write in self.cached if chance else ():
            if chance and chance.random() < 0.5:
                _apply(left, _torn(write, chance))
        return bytes(left)

    def _do(self, write: _Write) -> None:
        _apply(self.content, write)
        self.cached.append(write)


@dataclass(slots=True)
class Folder:
    """The names in a folder: what is durable, and what may be."""

    durable: dict[bytes, Node] = field(default_factory=dict)
    cached: list[tuple[bytes, Node | None, int]] = field(default_factory=list)
    """New names, and removed ones, with when that ended."""
    content: dict[bytes, Node] = field(default_factory=dict)

    def put(self, name: bytes, node: Node | None, at: int) -> None:
        """Give a name to a file or folder; None removes the name."""
        if node is None:
            del self.content[name]
        else:
            self.content[name] = node
        self.cached.append((name, node, at))

    def sync(self, begun: int) -> None:
        """Make durable what ended before `begun`."""
        for name, node, at in self.cached:
            if at < begun:
                _put(self.durable, name, node)
        self.cached = [each for each in self.cached if each[2] >= begun]

    def left(self, chance: Random | None) -> dict[bytes, Node]:
        """Return what a power cut leaves; without `chance`, nothing that is not durable."""
        left = dict(self.durable)
        for name, node, _ in self.cached if chance else ():
            if chance and chance.random() < 0.5:
                _put(left, name, node)
        return left


Node = File | Folder


def write_tree(folder: Folder, path: Path, chance: Random | None) -> None:
    """Write what a power cut leaves of `folder` to the new folder `path`."""
    path.mkdir(mode=0o700)
    for name, node in folder.left(chance).items():
        target = path / os.fsdecode(name)
        if isinstance(node, Folder):
            write_tree(node, target, chance)
        else:
            target.write_bytes(node.left(chance))
            target.chmod(0o600)


def _apply(content: bytearray, write: _Write) -> None:
    stop = write.offset + len(write.data or b"")
    content.extend(bytes(max(0, stop - len(content))))
    if write.data is None:
        del content[write.offset :]
    else:
        content[write.offset : stop] = write.data


def _torn(write: _Write, chance: Random) -> _Write:
    """Return the write, or its first bytes only."""
    if write.data is None or chance.random() < 0.5:
        return write
    return _Write(write.offset, write.data[: chance.randrange(len(write.data) + 1)], write.at)


def _put(names: dict[bytes, Node], name: bytes, node: Node | None) -> None:
    if node is None:
        names.pop(name, None)
    else:
        names[name] = node
