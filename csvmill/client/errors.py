"""What the client raises: one small tree."""

from __future__ import annotations


class ClientError(Exception):
    """Base of what the client raises; the message says what failed and why."""


class Refused(ClientError):
    """The server refused a request, and would refuse it again."""

    def __init__(self, status: int, message: str, problem: str | None = None) -> None:
        super().__init__(f"{message} (HTTP {status})")
        self.status = status
        self.problem = problem
        """The problem's `type` (RFC 9457), where the server gave one other than `about:blank`."""


class ServerUnavailable(ClientError):
    """The server could not be reached or could not serve now; the same call may succeed later."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds that the server asked to be left alone for (RFC 9110, 10.2.3)."""


class ConnectionLost(ServerUnavailable):
    """No answer came: there is no connection, it broke, or nothing moved for too long."""


class JobUnsuccessful(ClientError):
    """The job ended without a result; the message is the server's reason."""


class InputChanged(ClientError):
    """The file is not, or is no longer, the one whose upload began."""


class NotVerified(ClientError):
    """Bytes arrived that do not have the digest which was announced for them."""
