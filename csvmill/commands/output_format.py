"""The format of a result by the name of its file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from shared.aggregation.formats import FORMATS

if TYPE_CHECKING:
    from pathlib import Path

    from shared.aggregation.formats import FormatName

_FORMAT_OF: dict[str, FormatName] = {
    **{each.extension: each.name for each in FORMATS.values()},
    ".ndjson": "jsonl",
}
_USE_INSTEAD = {
    ".json": ".jsonl",
    ".gz": ".csv.gz",
    ".zst": ".csv.zst",
    ".tsv": ".csv",
    ".tab": ".csv",
    ".bz2": ".csv.gz",
    ".zip": ".csv.gz",
    ".xls": ".xlsx",
    ".ods": ".xlsx",
    ".arrow": ".parquet",
    ".feather": ".parquet",
    ".orc": ".parquet",
    ".avro": ".parquet",
}
"""Endings of formats that results are not written in, and what to write instead."""


def format_of(output: Path, given: str | None) -> str | None:
    """Return the format in which to write `output`, None if neither its name nor `given` says it.

    `given` is the format of the spec. Raises UsageError if both contradict each other, and if the
    name is that of a format that is not written.
    """
    name = output.name.lower()
    named = next(
        (
            _FORMAT_OF[each]
            for each in sorted(_FORMAT_OF, key=len, reverse=True)
            if name.endswith(each)
        ),
        None,
    )
    if named is None:
        instead = _USE_INSTEAD.get(output.suffix.lower())
        if given is None and instead is not None:
            raise click.UsageError(
                f"{output.name}: results are not written as {output.suffix}; name it {instead}, or "
                f"say --format, which is one of {', '.join(FORMATS)}"
            )
        return given
    if given is not None and given != named:
        raise click.UsageError(
            f"{output.name} is the name of a file of format {named}, and the format is {given}; "
            "change one of them"
        )
    return named
