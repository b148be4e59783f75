"""What the private servers have in common: a folder, a process, and a life that ends with it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Self

from tests.servers.accounts import make_folder, remove_folder, server_account

if TYPE_CHECKING:
    from tests.processes import OwnedProcess


class PrivateServer(ABC):
    """One server in a temporary folder, on one port for as long as the object exists.

    A context manager: entering starts it, leaving closes it.
    """

    def __init__(self, user: str) -> None:
        self._account = server_account(user)
        self._folder = make_folder(user, self._account)
        self._process: OwnedProcess | None = None

    @property
    @abstractmethod
    def url(self) -> str:
        """Where clients connect, as the administrator."""

    @property
    def running(self) -> bool:
        """Whether the server has been started and has not ended since."""
        return self._process is not None and self._process.returncode is None

    @abstractmethod
    def start(self) -> None:
        """Start, on the data that an earlier run left; returns once clients can connect."""

    @abstractmethod
    def stop(self) -> None:
        """Shut down in order. Does nothing if the server does not run."""

    def kill(self) -> None:
        """SIGKILL every process of the server at once, as a crash of the machine would."""
        if self._process:
            self._process.destroy()
            self._process = None

    def restart(self) -> None:
        """`start` on the same data and port, after `stop` if the server runs."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Let the server hang: connections stay open, nothing is answered until `resume`."""
        assert self._process, "the server does not run"
        self._process.pause()

    def resume(self) -> None:
        """Go on after `pause`."""
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
