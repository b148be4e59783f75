"""The names of objects. All are below the prefix of the setting, `a/b/` or nothing.

    about/<key>.json    describes a complete blob: the blob is complete if and only if this exists
    inflight/<key>.json describes an upload of which parts are in object storage
    data/<key>/<id>     the bytes of a blob, or those of an upload once it was adopted. Each attempt
                        to store a blob has an id of its own, so none ever changes what another has
                        written; only what `about` names counts

An object that neither names is an orphan. No name is another one up to a slash, although keys are
(`results/<id>/1` and `results/<id>/1/rejects`): servers that keep objects as files refuse that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

from shared.blobs.blob import parse_key
from shared.errors import InvalidInput

if TYPE_CHECKING:
    from shared.blobs.blob import BlobKey


_END = ".json"


@dataclass(frozen=True, slots=True)
class Names:
    """The names below one prefix."""

    prefix: str

    def about(self, key: BlobKey) -> str:
        """The object that describes a complete blob."""
        return f"{self.abouts()}{key}{_END}"

    def abouts(self, kind: str = "") -> str:
        """What the names of objects that describe complete blobs, of a kind, begin with."""
        return f"{self.prefix}about/{kind and f'{kind}/'}"

    def inflight(self, key: BlobKey) -> str:
        """The object that describes an upload in flight."""
        return f"{self.inflights()}{key}{_END}"

    def inflights(self, kind: str = "") -> str:
        """What the names of objects that describe uploads in flight, of a kind, begin with."""
        return f"{self.prefix}inflight/{kind and f'{kind}/'}"

    @property
    def data(self) -> str:
        """What the names of all objects with bytes begin with."""
        return f"{self.prefix}data/"

    def new_data(self, key: BlobKey) -> str:
        """Return the name of a new object with the bytes of a blob."""
        return f"{self.data}{key}/{uuid4().hex}"

    def key_of_data(self, name: str) -> BlobKey | None:
        """Return the blob whose bytes an object has; None if its name is none of these."""
        return _key(name.removeprefix(self.data).rpartition("/")[0])

    def key_of_about(self, name: str) -> BlobKey | None:
        """Return the blob that `about` describes; None if its name is none of these."""
        return _described(name.removeprefix(self.abouts()))

    def key_of_inflight(self, name: str) -> BlobKey | None:
        """Return the upload in flight that an object describes; None if it does not."""
        return _described(name.removeprefix(self.inflights()))


def _described(text: str) -> BlobKey | None:
    return _key(text.removesuffix(_END)) if text.endswith(_END) else None


def _key(text: str) -> BlobKey | None:
    try:
        return parse_key(text)
    except InvalidInput:
        return None
