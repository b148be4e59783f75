"""The report of a job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from shared.api.described import AlsoJsonSchema, WithJsonSchema, described
from shared.api.view import Count, Ordinal, View
from shared.jobs.input_limits import SHOWN_INPUTS

_DIALECT = {
    "type": "object",
    "properties": {
        "bom": {
            "type": ["boolean", "null"],
            "description": "Whether the file begins with a byte order mark; null if that was not "
            "checked",
        },
        "line_ends": {
            "type": ["array", "null"],
            "items": {"enum": ["lf", "crlf", "cr"]},
            "description": "The line ends in the first MiB; null if that was not checked",
        },
        "null": {"type": "array", "items": {"type": "string"}},
        "number": {"type": "object"},
    },
    "additionalProperties": {"type": ["string", "boolean", "integer", "null"]},
}
_SECONDS = {
    "type": "object",
    "properties": {
        stage: {"type": "number", "minimum": 0, "description": description}
        for stage, description in (
            ("queue", "From the creation of the job to the start of this attempt"),
            ("aggregate", "Reading and grouping"),
            ("write", "Sorting and writing the result"),
            ("store", "Sending the result to storage"),
        )
    },
    "required": ["queue", "aggregate", "write", "store"],
}


_KIND = (
    "A code that never changes; later versions may have others. One of `assumed_encoding`, "
    "`utf8_text`, `assumed_header`, `assumed_quote`, `unit_row`, `grouped_integers`, "
    "`quote_in_text`, "
    "`repeated_header`, `similar_header`, `total_row`, `total_group`, `sum_row`, `empty_row`, "
    "`note_row`, `blank_group`, `below_empty_line`, `padded_records`, `truncated_records`, "
    "`records_in_quotes`, `trailing_delimiters`, `similar_groups`, `similar_distinct`, "
    "`similar_values`, `kept_values`"
)


@dataclass(frozen=True, slots=True)
class WarningView(View):
    """What was read in the file, but may mean something else."""

    kind: Annotated[str, described(_KIND)]
    count: Ordinal
    """How often it was found."""
    line: Ordinal | None
    """The line on which the record of the first one begins; null if unknown."""
    column: Ordinal | None
    """The column of the first one; null if it is none, or unknown."""
    example: str
    """The first one, quoted and escaped."""
    message: str
    """What was found, and what it may mean."""
    remedy: str
    """What to send, or to change in the file, to settle it."""
    file: str | None = None
    """The name of the file of the first one, if the job has several; else null."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputReportView(View):
    """What the attempt found in one of several files."""

    name: str
    """The name of the file."""
    bytes_in: Count
    """Bytes of the file as it was uploaded."""
    rows_in: Count
    """Records of the file, without the header."""
    rows_aggregated: Count
    """Records in the result."""
    rows_filtered: Count
    """Records that `where` excluded."""
    rows_rejected: Count
    """Records that break a rule."""
    delimiter: str
    encoding: str
    compression: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportView(View):
    """What the latest attempt found and used.

    If the attempt ended before it had read the whole file, the numbers that depend on the whole
    file are null.
    """

    dialect: Annotated[Mapping[str, Any], WithJsonSchema(_DIALECT)] | None
    """How the file is written; null if the attempt ended before that was known."""
    engine: str
    """The program that computed the result."""
    engine_version: str
    """The version of the engine."""
    plan: str
    """`exact`; `fast` in some reports of earlier versions."""
    rows_in: Count | None
    """Records of the file, without the header: aggregated + filtered + rejected."""
    rows_aggregated: Count | None
    """Records in the result."""
    rows_filtered: Count | None
    """Records that `where` excluded."""
    rows_rejected: Count | None
    """Records that break a rule."""
    rows_of_several_lines: Count | None = None
    """Records that span several lines; null in some reports of earlier versions."""
    most_lines: Count | None = None
    """Lines of the longest record, at least 1; null in some reports of earlier versions."""
    lines_passed_over: Count | None = None
    """Lines that are in no record: empty lines, comments, and what is above and below the table;
    null in reports of earlier versions."""
    rejects_omitted: Count | None = None
    """Rejected records that are not in the file of rejects, because it was full; null in reports of
    earlier versions."""
    rows_padded: Count | None = None
    """Records with too few cells that were filled, if `on_ragged` says so; null in reports of
    earlier versions."""
    rows_truncated: Count | None = None
    """Records with too many cells that were cut, if `on_ragged` says so; null in reports of
    earlier versions."""
    groups: Count | None
    """Rows of the result, without the header."""
    bytes_decompressed: Count | None
    """Bytes of the file after decompression."""
    bytes_out: Count | None
    """Bytes of the result."""
    bytes_in: Count
    """Bytes of the file as it was uploaded."""
    seconds: Annotated[Mapping[str, float], WithJsonSchema(_SECONDS)]
    """The duration of each stage."""
    peak_memory: Count
    """The highest memory use of the engine, in bytes."""
    peak_scratch: Count
    """The highest disk use of the engine, in bytes."""
    confinement: tuple[str, ...] = ()
    """What confined the process of the engine: `rlimits`, `no_new_privs`, `landlock`, `seccomp`."""
    attempts: Ordinal
    """Attempts so far, including released ones."""
    warnings: tuple[WarningView, ...] = ()
    """What is doubtful in the file; empty if the file could not be read, and in reports of earlier
    versions."""
    head_start: Count | None = None
    """Bytes that had been aggregated when the upload ended, if that began while the file was
    received."""
    inputs: Annotated[tuple[InputReportView, ...], AlsoJsonSchema({"maxItems": SHOWN_INPUTS})] = ()
    """The first files, in their order, if the job has several; else none."""
    cluster: Annotated[str | None, WithJsonSchema({"enum": ["spark", None]})] = None
    """`spark` if a Spark cluster read the file; null if the processor did."""
