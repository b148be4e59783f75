"""The URL of a server, which may contain a user name and a password."""

from __future__ import annotations

from base64 import b64encode
from urllib.parse import unquote, urlsplit, urlunsplit


def without_credentials(url: str) -> str:
    """Return the URL without user name and password, for messages and files."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def path_of_link(server: str, link: str) -> str:
    """Return the path of a link in an answer, relative to the URL of the server.

    A server that knows the prefix below which a proxy shows it writes it into its links.
    """
    prefix = urlsplit(server).path.rstrip("/")
    return link.removeprefix(prefix) if link.startswith(f"{prefix}/api/") else link


def basic_authorization(url: str) -> str | None:
    """Return the `Authorization` of the user name and password in the URL (RFC 7617), if any."""
    parts = urlsplit(url)
    if parts.username is None:
        return None
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return f"Basic {b64encode(pair.encode()).decode()}"
