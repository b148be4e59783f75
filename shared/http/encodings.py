"""Refuses request bodies with a content coding (RFC 9110, 8.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from shared.errors import UnsupportedMedia

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

IDENTITY = "identity"


def check_codings(request: web.Request) -> None:
    """Raise UnsupportedMedia for a body with a content coding, whatever it contains.

    Few bytes could be decoded to very many, past every limit of sizes. A compressed file is sent
    as what it is: its bytes, without a content coding.
    """
    for field in request.headers.getall("Content-Encoding", ()):
        for coding in field.split(","):
            if (given := coding.strip().lower()) not in ("", IDENTITY):
                raise UnsupportedMedia(
                    f"Content-Encoding {given!r} is not supported; send the bytes as they are"
                )


@web.middleware
async def refuse_encoded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The same as a middleware."""
    check_codings(request)
    return await handler(request)
