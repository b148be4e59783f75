"""Replays the system calls of a process on a disk with a cache."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tests.power_cut.disk import File, Folder

if TYPE_CHECKING:
    from pathlib import Path

    from tests.power_cut.disk import Node
    from tests.power_cut.strace import Call


class Replay:
    """The folder `root`, which is empty before the first call; other paths are not looked at."""

    def __init__(self, root: Path) -> None:
        self.root = Folder()
        self._path = os.fsencode(root)
        self._positions: dict[int, int] = {}
        """Where write(2) to a descriptor continues. Only the traced service writes files so."""

    def apply(self, call: Call, at: int) -> None:
        """Do what the call did, which ended at `at`."""
        act = getattr(self, f"_{call.name}", None)
        if act is not None:
            act(call, at)
        elif call.name not in ("close", "sendto", "sendmsg"):
            assert "<" not in call.arguments[0] or self._node(call) is None, f"unknown: {call}"

    # Files

    def _openat(self, call: Call, at: int) -> None:
        path = self._inside(call.result_path)
        if path is None:
            return
        self._positions[call.result] = 0
        flags = call.arguments[2]
        if "O_CREAT" in flags and self._find(path) is None:
            self._put(path, File(), at)
        file = self._find(path)
        if isinstance(file, File) and "O_TRUNC" in flags and file.content:
            file.resize(0, at)
        if isinstance(file, File) and "O_APPEND" in flags:
            self._positions[call.result] = len(file.content)

    def _lseek(self, call: Call, _at: int) -> None:
        if self._inside(call.path_of(0)) is not None:
            self._positions[call.number(0)] = call.result

    def _write(self, call: Call, at: int) -> None:
        file = self._file(call)
        if file is not None:
            position = self._positions[call.number(0)]
            file.write(position, call.text(1)[: call.result], at)
            self._positions[call.number(0)] = position + call.result

    def _pwrite64(self, call: Call, at: int) -> None:
        file = self._file(call)
        if file is not None:
            file.write(call.number(-1), call.text(1)[: call.result], at)

    def _pwritev2(self, call: Call, at: int) -> None:
        file = self._file(call)
        if file is not None:
            # The buffers are several arguments, as they are split: [{iov_base="..", iov_len=1}, ..
            bases = (i for i, text in enumerate(call.arguments) if "iov_base=" in text)
            data = b"".join(map(call.text, bases))
            file.write(call.number(-2), data[: call.result], at)

    def _ftruncate(self, call: Call, at: int) -> None:
        file = self._file(call)
        if file is not None:
            file.resize(call.number(1), at)

    def _fallocate(self, call: Call, at: int) -> None:
        file = self._file(call)
        stop = call.number(2) + call.number(3)
        if file is not None and call.number(1) == 0 and stop > len(file.content):
            file.resize(stop, at)

    def _copy_file_range(self, call: Call, _at: int) -> None:
        assert self._file(call) is None, "a copy within the folder cannot be replayed yet"

    def _fdatasync(self, call: Call, _at: int) -> None:
        node = self._node(call)
        if node is not None:
            node.sync(call.begun)

    _fsync = _fdatasync

    def _syncfs(self, call: Call, _at: int) -> None:
        if self._node(call) is not None:
            _sync_all(self.root, call.begun)

    # Names

    def _mkdir(self, call: Call, at: int) -> None:
        self._put(self._inside(call.text(0)), Folder(), at)

    def _unlink(self, call: Call, at: int) -> None:
        self._put(self._inside(call.text(0)), None, at)

    _rmdir = _unlink

    def _unlinkat(self, call: Call, at: int) -> None:
        self._put(self._inside(_joined(call, 0)), None, at)

    def _mkdirat(self, call: Call, at: int) -> None:
        self._put(self._inside(_joined(call, 0)), Folder(), at)

    def _rename(self, call: Call, at: int) -> None:
        self._move(call.text(0), call.text(1), at)

    def _renameat(self, call: Call, at: int) -> None:
        self._move(_joined(call, 0), _joined(call, 2), at)

    _renameat2 = _renameat

    def _linkat(self, call: Call, _at: int) -> None:
        assert self._inside(_joined(call, 2)) is None, "a link cannot be replayed yet"

    def _move(self, source: bytes, target: bytes, at: int) -> None:
        source_path, target_path = self._inside(source), self._inside(target)
        if source_path is None and target_path is None:
            return
        assert source_path is not None, f"{source!r} comes from outside"
        self._put(target_path, self._find(source_path), at)
        self._put(source_path, None, at)

    # Paths

    def _inside(self, path: bytes | None) -> bytes | None:
        """Return a path relative to the folder; None if it is outside."""
        if not path or not path.startswith(self._path + b"/"):
            return b"" if path == self._path else None
        return path[len(self._path) + 1 :]

    def _find(self, path: bytes) -> Node | None:
        node: Node | None = self.root
        for name in filter(None, path.split(b"/")):
            node = node.content.get(name) if isinstance(node, Folder) else None
        return node

    def _put(self, path: bytes | None, node: Node | None, at: int) -> None:
        if not path:
            return
        parent, _, name = path.rpartition(b"/")
        folder = self._find(parent)
        assert isinstance(folder, Folder), path
        folder.put(name, node, at)

    def _node(self, call: Call) -> Node | None:
        path = self._inside(call.path_of(0))
        return None if path is None else self._find(path)

    def _file(self, call: Call) -> File | None:
        node = self._node(call)
        return node if isinstance(node, File) else None


def _joined(call: Call, index: int) -> bytes:
    """Return the path that a descriptor of a folder and a name are."""
    name = call.text(index + 1)
    return name if name.startswith(b"/") else call.path_of(index) + b"/" + name


def _sync_all(folder: Folder, begun: int) -> None:
    for node in folder.content.values():
        if isinstance(node, Folder):
            _sync_all(node, begun)
        else:
            node.sync(begun)
    folder.sync(begun)
