"""However a file is cut up and sent, the file is stored, and it has one job."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.gateway.forms import FormBody

if TYPE_CHECKING:
    from tests.unit.gateway.conftest import Gateway


@dataclass(frozen=True)
class Plan:
    """A file, the `(start, stop)` of its chunks, and for each the position of the file part."""

    source: bytes
    chunks: list[tuple[int, int, int]]
    nominal: int
    parallel: int


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    source = draw(st.binary(min_size=1, max_size=300))
    nominal = draw(st.integers(1, 120))
    starts = list(range(0, len(source), nominal))
    regular = [(start, min(start + nominal, len(source))) for start in starts]
    position = st.integers(0, len(source))
    pairs = draw(st.lists(st.tuples(position, position).map(sorted), max_size=6))
    # A chunk that is declared as the last of equal chunks, and is shorter, belongs at the end.
    extra = [(a, min(b, a + nominal)) for a, b in pairs if a + nominal != len(source)]
    spans = draw(st.permutations([*regular, *extra]))
    return Plan(
        source,
        [(start, stop, draw(st.integers(0, 4))) for start, stop in spans],
        nominal,
        draw(st.integers(1, 4)),
    )


def form(plan: Plan, dzuuid: str, start: int, stop: int, file_position: int) -> FormBody:
    total = len(plan.source)
    # The last chunk is also declared as the client does that counts back from the end.
    counts_back = stop == total and file_position % 2 == 1
    parts: list[tuple[str, str] | tuple[str, bytes, str]] = [
        ("dzuuid", dzuuid),
        ("dzchunkbyteoffset", str(total - plan.nominal if counts_back else start)),
        ("dzchunksize", str(plan.nominal)),
        ("dztotalfilesize", str(total)),
    ]
    parts.insert(file_position, ("file", plan.source[start:stop], 'filename="plays.csv"'))
    return FormBody.of(*parts)


@given(plan=plans())
@settings(max_examples=60)
async def test_any_plan_stores_the_file_and_creates_one_job(gateway: Gateway, plan: Plan) -> None:
    dzuuid = str(uuid4())
    slots = asyncio.Semaphore(plan.parallel)
    published = len(gateway.bus.published)

    async def send(start: int, stop: int, file_position: int) -> str | None:
        async with slots:
            status, answer = await gateway.post(form(plan, dzuuid, start, stop, file_position))
        assert status == 200, answer
        return answer.get("job_id")

    named = await asyncio.gather(*(send(*chunk) for chunk in plan.chunks))
    jobs = {job_id for job_id in named if job_id}
    assert len(jobs) == 1
    job = await gateway.jobs.get(UUID(jobs.pop()))
    assert await gateway.content(job.inputs[0].key) == plan.source
    assert job.input_size == len(plan.source)
    assert set(gateway.bus.published[published:]) == {job.id}
