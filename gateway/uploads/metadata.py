"""What an upload is to be aggregated to: it travels with the upload's blob, so that any gateway
can make its job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.aggregation.rows import decode_aggregation, encode_aggregation
from shared.aggregation.spec import SONG_PLAYS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.aggregation.spec import Aggregation

KEY = "aggregation"
"""Under which the metadata of an upload's blob have it."""


def metadata_of(aggregation: Aggregation | None) -> dict[str, str]:
    """The metadata that say what a client asked for; none for what every upload gets is_default."""
    if aggregation is None or aggregation == SONG_PLAYS:
        return {}
    return {KEY: encode_aggregation(aggregation)}


def aggregation_of(metadata: Mapping[str, str]) -> Aggregation:
    """What the metadata of an upload's blob say that it is to be aggregated to."""
    text = metadata.get(KEY)
    return SONG_PLAYS if text is None else decode_aggregation(text)
