"""System calls that this process may make from now on.

The filter of child processes that are written in Python names what is refused, as Python and its
libraries make more calls than a list of what is allowed could name. That of the kernel
(`kernel/src/run/syscall_filter.cpp`) names what is allowed.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from typing import NamedTuple

_SET_SECCOMP, _MODE_FILTER = 22, 2
"""Arguments of prctl(2)."""
_ALLOW, _FAIL, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
"""What a filter returns, of linux/seccomp.h; `_FAIL` with an error number."""
_LOAD, _AND, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x06
"""Codes of the Berkeley packet filter, for 32 bits."""
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
"""Offsets in `seccomp_data`. Both architectures are little-endian."""
_CLONE_THREAD = 0x00010000
_X32 = 0x40000000


class _Machine(NamedTuple):
    architecture: int
    """As audit(7) numbers it."""
    column: int
    """The column of `_REFUSED`."""


_MACHINES = {"x86_64": _Machine(0xC000003E, 0), "aarch64": _Machine(0xC00000B7, 1)}

_REFUSED: dict[str, tuple[int | None, int | None]] = {
    # Other programs and processes.
    "execve": (59, 221),
    "execveat": (322, 281),
    "fork": (57, None),
    "vfork": (58, None),
    "kill": (62, 129),
    "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "pidfd_open": (434, 434),
    "pidfd_send_signal": (424, 424),
    "pidfd_getfd": (438, 438),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "setns": (308, 268),
    "unshare": (272, 97),
    # The network.
    "socket": (41, 198),
    "socketpair": (53, 199),
    "connect": (42, 203),
    "bind": (49, 200),
    "listen": (50, 201),
    "accept": (43, 202),
    "accept4": (288, 242),
    # The system, and what has often been a way into it.
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
}
"""The numbers of the refused system calls on x86-64 and on ARM64, None where there is none."""
_CLONE, _CLONE3, _TGKILL = (56, 220), (435, 435), (234, 131)


def filter_syscalls(libc: ctypes.CDLL) -> bool:
    """Refuse this thread, and those that it starts, what reading and writing files does not need.

    Refused calls fail with EPERM. Threads may still be started. Returns whether the system has such
    filters. Needs `no_new_privs`.
    """
    machine = _MACHINES.get(platform.machine())
    if machine is None:
        return False
    code = _program(machine)
    held = ctypes.create_string_buffer(code, len(code))
    program = _Program(len(code) // 8, ctypes.addressof(held))
    return bool(libc.prctl(_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program), 0, 0) == 0)


class _Program(ctypes.Structure):
    """`struct sock_fprog`."""

    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_void_p))


def _program(machine: _Machine) -> bytes:
    column = machine.column
    refused = [numbers[column] for numbers in _REFUSED.values()]
    code = [
        _step(_LOAD, _ARCHITECTURE),
        _step(_EQUAL, machine.architecture, 1, 0),
        _step(_RETURN, _KILL),
        _step(_LOAD, _NUMBER),
    ]
    if column == 0:
        code += [_step(_AT_LEAST, _X32, 0, 1), _step(_RETURN, _KILL)]
    for number in refused:
        if number is not None:
            code += [_step(_EQUAL, number, 0, 1), _step(_RETURN, _FAIL | errno.EPERM)]
    # The flags of clone3 are in memory, where a filter cannot read them: libraries fall back.
    code += [_step(_EQUAL, _CLONE3[column], 0, 1), _step(_RETURN, _FAIL | errno.ENOSYS)]
    code += _allow_if(_CLONE[column], mask=_CLONE_THREAD, bits=_CLONE_THREAD)
    # abort() and raise().
    code += _allow_if(_TGKILL[column], mask=0xFFFFFFFF, bits=os.getpid())
    code.append(_step(_RETURN, _ALLOW))
    return b"".join(code)


def _allow_if(number: int, *, mask: int, bits: int) -> list[bytes]:
    """Allow a call if just `bits` of `mask` are set in its first argument."""
    return [
        _step(_EQUAL, number, 0, 5),
        _step(_LOAD, _FIRST_ARGUMENT),
        _step(_AND, mask),
        _step(_EQUAL, bits, 0, 1),
        _step(_RETURN, _ALLOW),
        _step(_RETURN, _FAIL | errno.EPERM),
    ]


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
