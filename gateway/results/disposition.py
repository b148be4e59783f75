"""The Content-Disposition of a download."""

from __future__ import annotations

import re
from urllib.parse import quote

MOST_BYTES = 255
"""Of a name in UTF-8: file systems take no longer one."""
_END = 20
"""Characters at the end of a longer name that are kept, with its extensions."""
_MISLEADING = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
"""Controls, those of the direction of text, a byte order mark, and surrogates: they hide what a
name is, such as its extension, or cannot be encoded."""


def content_disposition(filename: str) -> str:
    """Return `attachment` with the name in both forms (RFC 6266, 4.3; RFC 8187).

    The plain form is ASCII, for old clients. Other clients read `filename*`. Misleading characters
    are replaced by `_`, and a name of more than `MOST_BYTES` is shortened before its end.
    """
    name = _shortened(_MISLEADING.sub("_", filename))
    plain = "".join(c if " " <= c <= "~" and c not in '"\\%' else "_" for c in name)
    field = f'attachment; filename="{plain}"'
    if plain != name:
        field += f"; filename*=UTF-8''{quote(name, safe='')}"
    return field


def _shortened(name: str) -> str:
    encoded = name.encode()
    if len(encoded) <= MOST_BYTES:
        return name
    end = name[-_END:].encode()
    return (encoded[: MOST_BYTES - len(end)]).decode(errors="ignore") + end.decode()
