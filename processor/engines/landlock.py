"""Files that this process may open from now on, where the system has Landlock.

Like `kernel/src/run/landlock.cpp`, for child processes that are written in Python.
"""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ctypes
    from collections.abc import Iterable

# Of linux/landlock.h; the numbers are those of every architecture.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_QUERY_VERSION = 1
_PATH_BENEATH = 1
_WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 1, 1 << 2, 1 << 3
_REMOVE_DIR, _REMOVE_FILE, _MAKE_DIR, _MAKE_REG = 1 << 4, 1 << 5, 1 << 7, 1 << 8
_TRUNCATE = 1 << 14
_READ = _READ_FILE | _READ_DIR
_WRITE = _WRITE_FILE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG | _TRUNCATE


def restrict_files(libc: ctypes.CDLL, readable: Iterable[str], writable: Iterable[str]) -> bool:
    """Leave this thread, and those that it starts, the files beneath these paths.

    They may read `readable`, and read, write, create and remove what is beneath `writable`; paths
    that do not exist are left out. Also forbids TCP, signals to other processes and abstract
    sockets, as far as the system's Landlock can. Returns whether it is in force. Needs
    `no_new_privs`.
    """
    version = libc.syscall(_CREATE_RULESET, None, 0, _QUERY_VERSION)
    if version < 1:
        return False
    rights = _known_rights(version)
    attributes = struct.pack("=QQQ", *rights)
    ruleset = libc.syscall(_CREATE_RULESET, attributes, len(attributes), 0)
    if ruleset < 0:
        return False
    try:
        rules = [(path, _READ) for path in readable]
        rules += [(path, _READ | _WRITE) for path in writable]
        return (
            all(_allow(libc, ruleset, path, allowed & rights[0]) for path, allowed in rules)
            and libc.syscall(_RESTRICT_SELF, ruleset, 0) == 0
        )
    finally:
        os.close(ruleset)


def _known_rights(version: int) -> tuple[int, int, int]:
    """Return all rights that a version knows: to files, of TCP, and scopes."""
    files = (1 << 13) - 1
    for since, right in ((2, 1 << 13), (3, _TRUNCATE), (5, 1 << 15)):
        if version >= since:
            files |= right
    return files, 3 if version >= 4 else 0, 3 if version >= 6 else 0


def _allow(libc: ctypes.CDLL, ruleset: int, path: str, rights: int) -> bool:
    try:
        file = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        if not os.path.isdir(path):  # noqa: PTH112  (pathlib is not loaded for it)
            rights &= _READ_FILE | _WRITE_FILE | _TRUNCATE
        rule = struct.pack("=Qi", rights, file)
        return bool(libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, rule, 0) == 0)
    finally:
        os.close(file)
