"""The exceptions of the client."""

from __future__ import annotations


class ClientError(Exception):
    """Base class. The message says what failed and why."""


class Refused(ClientError):
    """The server refused a request. The same request would be refused again."""

    def __init__(self, status: int, message: str, problem: str | None = None) -> None:
        super().__init__(f"{message} (HTTP {status})")
        self.status = status
        self.problem = problem
        """The `type` of the problem details (RFC 9457), or None for `about:blank`."""


class BodyTooLarge(Refused):
    """Something on the way to the server, such as a proxy, refuses a request body of this size."""


class ServerUnavailable(ClientError):
    """The server was not reached or could not serve the request. A later call may succeed."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds to wait, from `Retry-After` (RFC 9110, 10.2.3), or None."""


class ConnectionLost(ServerUnavailable):
    """No response arrived: connecting failed, the connection broke, or it timed out."""


class JobUnsuccessful(ClientError):
    """The job ended without a result. The message is the server's reason."""


class BadRows(ClientError):
    """Rows that fail the job were found while the file was uploaded with `fail_early`."""


class InputChanged(ClientError):
    """The file differs from the one whose upload was started."""


class NotVerified(ClientError):
    """Bytes do not have the digest that was declared for them."""
