"""How a process connects to a server."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Pooler(StrEnum):
    """What is between a process and PostgreSQL.

    A pooler gives each transaction any of its connections. So no state of a connection lasts:
    statements are not prepared for the next call, and nothing listens.
    """

    AUTO = "auto"
    """A pooler, if the server's process is not the one that was told when the connection began."""
    TRANSACTION = "transaction"
    """A pooler such as PgBouncer in transaction mode."""
    NONE = "none"
    """The server itself, or something that gives each client a connection of its own."""


@dataclass(frozen=True, slots=True)
class Connections:
    """The connections of one process to PostgreSQL."""

    size: int = 10
    """The most at a time."""
    pooler: Pooler = Pooler.AUTO
