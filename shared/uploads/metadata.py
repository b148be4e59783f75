"""The metadata of an upload: stored with its blob, so that any service can start its job."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from shared.aggregation.json_codec import decode_aggregation, encode_aggregation
from shared.aggregation.spec import SONG_PLAYS
from shared.jobs.engine_choice import EngineChoice

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from uuid import UUID

    from shared.aggregation.spec import Aggregation

FILENAME = "filename"
AGGREGATION = "aggregation"
"""The aggregation as a row of the database has it; absent for the default."""
CONCAT = "concat"
"""`PARTIAL`, or `final;` and the parts that the upload was concatenated from (tus)."""
PARTIAL = "partial"
COMPLETION = "completion"
"""`EXPLICIT`, or absent if the upload is complete with its last missing byte."""
EXPLICIT = "explicit"
FAIL_EARLY = "fail_early"
"""`YES` if the upload is refused once rows are found that fail its job; else absent."""
YES = "yes"
SPEC_NAME = "spec_name"
"""The name of the saved spec that the aggregation was; absent if it was none."""
NOTIFY = "notify"
"""The URLs that are notified when the job ends, as JSON; absent without any."""
JOB = "job"
"""`NONE` if the upload becomes no job, but waits until jobs are asked of it; else absent."""
NONE = "none"
ENGINE = "engine"
"""Where the job is to be computed; absent for `auto`."""
KEEP = "keep"
"""The seconds for which the upload is kept after its last byte, or `inf`; absent if it is not."""


def metadata_of(aggregation: Aggregation | None) -> dict[str, str]:
    """Return the metadata of an upload for this aggregation; empty for the default one."""
    if aggregation is None or aggregation == SONG_PLAYS:
        return {}
    return {AGGREGATION: encode_aggregation(aggregation)}


def aggregation_of(metadata: Mapping[str, str]) -> Aggregation:
    """Return the aggregation of an upload with this metadata."""
    text = metadata.get(AGGREGATION)
    return SONG_PLAYS if text is None else decode_aggregation(text)


def spec_name_of(metadata: Mapping[str, str]) -> str | None:
    """Return the name of the saved spec that the aggregation of an upload was, if it was one."""
    return metadata.get(SPEC_NAME)


def engine_of(metadata: Mapping[str, str]) -> EngineChoice:
    """Return where the job of an upload with this metadata is to be computed."""
    return EngineChoice(metadata.get(ENGINE, EngineChoice.AUTO))


def notify_of(metadata: Mapping[str, str]) -> tuple[str, ...]:
    """Return the URLs that are notified when the job of an upload with this metadata ends."""
    text = metadata.get(NOTIFY)
    return () if text is None else tuple(json.loads(text))


def with_notify(metadata: Mapping[str, str], urls: Iterable[str]) -> dict[str, str]:
    """Return metadata with more URLs that are notified when the job ends, each once."""
    every = tuple(dict.fromkeys((*notify_of(metadata), *urls)))
    return {**metadata, NOTIFY: json.dumps(every)} if every else dict(metadata)


def filename_of(upload_id: UUID, metadata: Mapping[str, str]) -> str:
    """Return the file name that the client sent, or one made of the id."""
    return metadata.get(FILENAME, f"{upload_id}.csv")


def awaits_mark(metadata: Mapping[str, str]) -> bool:
    """Whether the upload becomes a job only once its client marks it as complete."""
    return metadata.get(COMPLETION) == EXPLICIT


def fails_early(metadata: Mapping[str, str]) -> bool:
    """Whether more bytes are refused once rows are found that fail the upload's job."""
    return metadata.get(FAIL_EARLY) == YES


def is_part(metadata: Mapping[str, str]) -> bool:
    """Whether the upload is a part of another upload, and so never becomes a job itself."""
    return metadata.get(CONCAT) == PARTIAL


def becomes_no_job(metadata: Mapping[str, str]) -> bool:
    """Whether the upload becomes no job when it is complete, and waits until jobs are asked."""
    return metadata.get(JOB) == NONE


def kept_for(metadata: Mapping[str, str]) -> float | None:
    """Return how many seconds the upload is kept after its last byte; None if it is not."""
    text = metadata.get(KEEP)
    return None if text is None else float(text)
