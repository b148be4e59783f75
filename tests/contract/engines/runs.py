"""The engines of the contract suite, and helpers to run them."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Protocol

import pytest

from processor.engines.messages import Knobs
from processor.engines.native import NativeEngine
from shared.jobs.job import SONG_PLAYS, Aggregation
from tests.contract.engines.local_cluster import local_cluster
from tests.contract.engines.reference import ReferenceEngine
from tests.contract.engines.sources import LocalSource, StreamSource

if TYPE_CHECKING:
    from pathlib import Path

    from processor.engines.port import Engine, EngineLimits, EngineProgress, Output, Source
    from tests.oracle import Expected


class MakeEngine(Protocol):
    """Makes an engine with these limits. `groups` is its memory for groups, to spill few."""

    def __call__(self, limits: EngineLimits, groups: int | None = None) -> Engine: ...


def _engine(knobs: Knobs, limits: EngineLimits, groups: int | None = None) -> Engine:
    return NativeEngine(limits, replace(knobs, groups=groups))


ENGINES: dict[str, MakeEngine] = {
    "kernel": partial(_engine, Knobs()),
    # Many blocks, none of which vector instructions read, so that threads wait for each other.
    "kernel-small-blocks": partial(_engine, Knobs(block=1 << 12, vectors=False)),
}


def on_ranges(limits: EngineLimits, groups: int | None = None) -> Engine:
    """Make an engine that aggregates files in small ranges, as on a cluster."""
    return NativeEngine(limits, Knobs(groups=groups), cluster=local_cluster())


def _reference(limits: EngineLimits, groups: int | None = None) -> Engine:
    return ReferenceEngine()


ON_RANGES = pytest.param("kernel-on-ranges", marks=pytest.mark.long)

MAKERS: dict[str, MakeEngine] = {
    **ENGINES,
    "kernel-on-ranges": on_ranges,
    "reference": _reference,
}

WITH_REFERENCE = pytest.mark.parametrize(
    "make_engine", [*ENGINES, "reference", ON_RANGES], indirect=True
)
"""Runs a test on every engine and on the reference: for what a file means, not what it costs."""

KERNEL_AND_REFERENCE = pytest.mark.parametrize(
    "make_engine", ["kernel", "reference"], indirect=True
)
"""The same for many files, or long ones, on one kernel."""


def ignore(_progress: EngineProgress) -> None:
    pass


async def aggregate(
    engine: Engine, source: Source, scratch: Path, aggregation: Aggregation = SONG_PLAYS
) -> Output:
    return await engine.aggregate(aggregation, [source], scratch, ignore)


def leftovers(scratch: Path) -> set[Path]:
    return set(scratch.iterdir())


def assert_is(output: Output, expected: Expected) -> None:
    result = output.path.read_bytes()
    report = output.report
    rejects = output.rejects
    rows = report.rows
    assert (result, rows.aggregated, rows.filtered, rows.rejected, report.groups) == (
        expected.result, *expected.rows, expected.groups,
    )  # fmt: skip
    assert (rejects.path.read_bytes() if rejects else b"") == expected.rejects
    if rejects:
        assert (rejects.size, rejects.sha256) == (
            len(expected.rejects),
            hashlib.sha256(expected.rejects).hexdigest(),
        )
    assert (report.bytes_out, report.problem_count) == (output.size, report.rows.rejected)
    assert output.size == len(result)
    assert output.sha256 == hashlib.sha256(result).hexdigest()


def sources(data: bytes, tmp_path: Path) -> list[Source]:
    path = tmp_path / "input's [*].csv"
    path.write_bytes(data)
    return [LocalSource(path), StreamSource(data)]
