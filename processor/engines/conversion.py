"""Convert a result, from the CSV of the kernel to another format, in a child process."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from processor.engines.child import child_process, python_command
from processor.engines.messages import decode, encode
from processor.engines.result import described
from shared.errors import AttemptFailed, MalformedInput

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from processor.engines.port import EngineLimits, Written
    from processor.engines.usage import Usage
    from shared.aggregation.resolve import Query


def kinds_of(query: Query, *, day: str, group: str) -> list[str]:
    """Return the kind of each column of the result: `day` and `group` for group columns.

    Dates with time zones are texts: neither DuckDB nor spreadsheets keep the zone.
    """
    groups = query.aggregation.group_by
    texts = {"date": "text"} if query.aggregation.notation.dates.zoned else {}
    return [
        *(day if column.truncate == "day" else group for column in groups),
        *(texts.get(kind, kind) for kind in query.kinds[len(groups) :]),
    ]


async def convert_in_child(
    module: str,
    rows: Path,
    task: Mapping[str, Any],
    limits: EngineLimits,
    usage: Usage,
    *,
    result: str,
    preview: str,
) -> tuple[Written, Written]:
    """Run `module` on the CSV file `rows`; return the result and the preview that it wrote.

    `task` is what the module has to know besides the name of `rows` and the limits; `result` and
    `preview` are names of files beside `rows`, which is removed. Raises MalformedInput for what the
    format cannot hold, AttemptFailed and OSError.
    """
    folder = rows.parent
    limited = {"rows": rows.name, **task, "memory": limits.memory, "scratch": limits.scratch}
    command, variables = python_command(module)
    async with child_process(command, folder, variables=variables, nice=limits.nice) as child:
        child.send(encode(limited))
        with usage.of_child(child.pid):
            line = await child.lines.readline()
        if not line:
            raise AttemptFailed(await child.exit_message())
    event = decode(line)
    usage.use(memory=event["peak_memory"])
    if event["event"] == "malformed":
        raise MalformedInput(event["reason"])
    if event["event"] == "failed":
        raise usage.failure(event["reason"])
    await asyncio.to_thread(rows.unlink)
    return await described(folder / result), await described(folder / preview)
