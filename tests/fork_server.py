"""A process that has imported our services and forks those that tests start.

A forked service is a process of its own, as `python -m <module>` would start it, but it does not
spend most of a second on imports. `tests/forked.py` sends the requests.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import runpy
import selectors
import socket
import sys
from dataclasses import dataclass
from typing import Any

MODULES = ("gateway", "processor", "storage", "csvmill")
"""The modules that are forked. Each is run as `python -m <module>`."""
LAZY = ("asyncpg", "aio_pika", "uvloop", "csvmill.standalone.app")
"""Imports of theirs that they delay."""
REQUEST_SIZE = 1 << 20
DESCRIPTORS = 4
"""Of a request: standard input, output and error, and the pipe for the exit status."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to run. `env` is its whole environment."""

    module: str
    arguments: list[str]
    env: dict[str, str]
    cwd: str

    @classmethod
    def decode(cls, message: bytes) -> Request:
        return cls(**json.loads(message))


def serve(connection: socket.socket) -> Request | None:
    """Fork for each request, until the connection ends.

    Returns twice: the request in each new process, and None at the end in this one.
    """
    selector = selectors.DefaultSelector()
    selector.register(connection, selectors.EVENT_READ)
    running: dict[int, tuple[int, int]] = {}
    while True:
        for key, _ in selector.select():
            if key.data is not None:
                pid, pipe = running.pop(key.fd)
                selector.unregister(key.fd)
                os.close(key.fd)
                status = os.waitpid(pid, 0)[1]
                _report(pipe, os.waitstatus_to_exitcode(status))
                continue
            message, descriptors, _, _ = socket.recv_fds(connection, REQUEST_SIZE, DESCRIPTORS)
            if not message:
                return None
            request = Request.decode(message)
            if (pid := os.fork()) == 0:
                selector.close()
                connection.close()
                for pidfd, (_, pipe) in running.items():
                    os.close(pidfd)
                    os.close(pipe)
                _become(request, descriptors)
                return request
            for descriptor in descriptors[:-1]:
                os.close(descriptor)
            pidfd = os.pidfd_open(pid)
            running[pidfd] = (pid, descriptors[-1])
            selector.register(pidfd, selectors.EVENT_READ, data=pid)
            connection.send(str(pid).encode())


def _report(pipe: int, code: int) -> None:
    try:
        os.write(pipe, str(code).encode())
    except BrokenPipeError:
        pass  # no caller waits for it any more
    finally:
        os.close(pipe)


def _become(request: Request, descriptors: list[int]) -> None:
    os.setsid()
    for target, descriptor in enumerate(descriptors[:-1]):
        os.dup2(descriptor, target)
    for descriptor in descriptors:
        os.close(descriptor)
    os.chdir(request.cwd)
    os.environ.clear()
    os.environ.update(request.env)
    sys.argv = [request.module, *request.arguments]


def _import() -> None:
    # `python -m` runs __main__ as a module that was not imported before.
    for module in MODULES[:-1]:
        importlib.import_module(f"{module}.__main__")
        del sys.modules[f"{module}.__main__"]
    for module in ("csvmill.cli", *LAZY):
        importlib.import_module(module)
    gc.collect()
    gc.freeze()


def _run() -> Any:
    _import()
    request = serve(socket.socket(fileno=int(sys.argv[1])))
    if request is not None:
        runpy.run_module(request.module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _run()
