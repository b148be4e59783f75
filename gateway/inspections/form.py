"""Reads the form with which a client sends the start of a file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.http.forms import Form
from gateway.keys import SETTINGS
from shared.aggregation.json_reader import MAX_LENGTH, parse_aggregation
from shared.errors import InvalidInput
from shared.inspection.sample import SAMPLE_SIZE

if TYPE_CHECKING:
    from aiohttp import web

    from gateway.http.forms import Part
    from shared.aggregation.spec import Aggregation

AGGREGATION, SIZE, FILE = "aggregation", "size", "file"
_PARTS = (AGGREGATION, SIZE, FILE)
_is_size = re.compile(r"[0-9]{1,19}").fullmatch


@dataclass(frozen=True, slots=True)
class SampleForm:
    """The start of a file, and what a client says about the file."""

    sample: bytes
    size: int | None
    """Bytes of the whole file; None if the client does not say."""
    aggregation: Aggregation | None

    @property
    def whole(self) -> bool:
        """Whether the sample is the whole file. Without a size, one below the limit is."""
        return len(self.sample) == self.size if self.size is not None else not self.is_longest

    @property
    def is_longest(self) -> bool:
        """Whether the sample is as long as it may be."""
        return len(self.sample) == SAMPLE_SIZE


async def read_form(request: web.Request) -> SampleForm:
    """Read the parts of the body, in any order.

    Raises InvalidInput if one is malformed, unknown, given twice or too long, or `file` is missing;
    and BodyTooSlow.
    """
    settings = request.app[SETTINGS]
    form = Form(request, client_timeout=settings.client_timeout, least=settings.upload_rate)
    found: dict[str, str] = {}
    sample: bytes | None = None
    async for part in form:
        name = part.name or ""
        if name not in _PARTS:
            raise InvalidInput(f"unknown: {name}; send {', '.join(_PARTS)}", field=name)
        if name in found or (name == FILE and sample is not None):
            raise InvalidInput(f"field {name} is given twice; send it once", field=name)
        if name == FILE:
            sample = await _sample(part)
        else:
            found[name] = await part.text(MAX_LENGTH)
    if sample is None:
        raise InvalidInput("file is missing; send the first bytes of the file", field=FILE)
    size = _size(found.get(SIZE))
    if size is not None and size < len(sample):
        raise InvalidInput(
            f"size is {size}, but the sample has {len(sample)} bytes; send the bytes of the whole "
            "file",
            field=SIZE,
        )
    spec = found.get(AGGREGATION, "")
    return SampleForm(sample, size, parse_aggregation(spec, AGGREGATION) if spec.strip() else None)


async def _sample(part: Part) -> bytes:
    sample = bytearray()
    async for piece in part.pieces():
        sample += piece
        if len(sample) > SAMPLE_SIZE:
            raise InvalidInput(
                f"file is longer than {SAMPLE_SIZE} bytes; send only the first MiB of the file",
                field=FILE,
            )
    return bytes(sample)


def _size(text: str | None) -> int | None:
    if text is None or not text.strip():
        return None
    if not _is_size(text.strip()):
        raise InvalidInput(
            f"size is {text!r}; send the bytes of the whole file, a whole number", field=SIZE
        )
    return int(text)
