"""csvmill: a job that counts the equal records of each file, with the kernel."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.detection.reading import Reading
from processor.engines.native import NativeEngine
from processor.engines.port import EngineLimits
from shared.aggregation.spec import Aggregate, Aggregation, GroupColumn
from shared.csv.dialect import Input
from shared.errors import JobFailed
from tests.contract.engines.sources import LocalSource

if TYPE_CHECKING:
    from processor.engines.port import EngineProgress


async def read(path: Path, header: bool | None, width: int) -> Reading:
    """Group the records of a file by all its `width` columns, by position."""
    aggregation = Aggregation(
        tuple(GroupColumn(column) for column in range(1, width + 1)),
        (Aggregate("count", None, "equal records"),),
        input=Input(header=header),
    )
    with tempfile.TemporaryDirectory() as scratch:
        try:
            output = await NativeEngine(EngineLimits()).aggregate(
                aggregation, [LocalSource(path)], Path(scratch), _ignore
            )
        except JobFailed as error:
            return Reading(told=str(error))
        text = output.path.read_text(encoding="utf-8")
    names, *groups = csv.reader(io.StringIO(text, newline=""))
    records = [group[:-1] for group in groups for _ in range(int(group[-1]))]
    dialect = output.report.dialect
    has_header = dialect is not None and dialect.header
    told = "; ".join(warning.kind for warning in output.report.warnings)
    return Reading(names[:-1] if has_header else None, records, told)


def _ignore(_progress: EngineProgress) -> None:
    pass
