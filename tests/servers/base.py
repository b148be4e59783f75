"""The base class of the private servers: a temporary folder, a port and a process."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Self

from tests.servers.accounts import make_folder, remove_folder, server_account

if TYPE_CHECKING:
    from tests.processes import OwnedProcess


class PrivateServer(ABC):
    """One server in a temporary folder. It keeps its port when it is restarted.

    Use it as a context manager: entering starts the server, leaving closes it.
    """

    def __init__(self, user: str) -> None:
        self._account = server_account(user)
        self._folder = make_folder(user, self._account)
        self._process: OwnedProcess | None = None

    @property
    @abstractmethod
    def url(self) -> str:
        """The URL with which clients connect as the administrator."""

    @property
    def running(self) -> bool:
        """Whether the server runs."""
        return self._process is not None and self._process.returncode is None

    @abstractmethod
    def start(self) -> None:
        """Start with the data of an earlier run, if any. Return once clients can connect."""

    @abstractmethod
    def stop(self) -> None:
        """Shut down gracefully. Does nothing if the server does not run."""

    def kill(self) -> None:
        """Send SIGKILL to every process of the server at once, like a crash of the machine."""
        if self._process:
            self._process.destroy()
            self._process = None

    def restart(self) -> None:
        """Stop the server if it runs, then start it with the same data and port."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Make the server hang until `resume`: connections stay open, and it sends nothing."""
        assert self._process, "the server does not run"
        self._process.pause()

    def resume(self) -> None:
        """Continue after `pause`."""
        assert self._process, "the server does not run"
        self._process.resume()

    def close(self) -> None:
        """Kill the server and remove its folder."""
        self.kill()
        remove_folder(self._folder)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
