"""`GET /api/v1/jobs`."""

from __future__ import annotations

import base64
import re
import struct
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import pytest
from yarl import URL

from shared.blobs.blob import upload_key
from shared.jobs.job import SONG_PLAYS, Job
from tests.unit.gateway.problems import problem_of

if TYPE_CHECKING:
    from tests.unit.gateway.conftest import Gateway

JOBS = "/api/v1/jobs"
NOON = 1_767_355_200.0
"""2026-01-02T12:00:00Z"""


async def make(gateway: Gateway, now: float, filename: str = "plays.csv") -> Job:
    upload_id = uuid4()
    return await gateway.jobs.create(
        upload_id=upload_id,
        input_key=upload_key(upload_id),
        input_size=1,
        filename=filename,
        aggregation=SONG_PLAYS,
        max_attempts=3,
        now=now,
    )


async def listed(gateway: Gateway, url: str) -> dict[str, Any]:
    response = await gateway.client.get(URL(url, encoded=True))
    assert response.status == 200
    answer: dict[str, Any] = await response.json()
    return answer


def ids(answer: dict[str, Any]) -> list[str]:
    return [job["id"] for job in answer["jobs"]]


async def test_the_list_is_empty_at_first(gateway: Gateway) -> None:
    response = await gateway.client.get(JOBS)
    assert await response.json() == {"jobs": [], "next": None}
    assert "Link" not in response.headers
    assert (await gateway.client.head(JOBS)).status == 200


async def test_a_listed_job_is_shown_like_a_single_one_with_its_attempts(gateway: Gateway) -> None:
    done = await gateway.finished_job(b"result", filename="Čaj.csv")
    waiting = await gateway.pending_job()
    answer = await listed(gateway, JOBS)
    alone = [await (await gateway.client.get(f"{JOBS}/{job.id}")).json() for job in (waiting, done)]
    assert answer == {"jobs": alone, "next": None}
    assert [len(job["attempts"]) for job in answer["jobs"]] == [0, 1]


async def test_the_pages_contain_each_job_once_newest_first_while_others_are_created(
    gateway: Gateway,
) -> None:
    jobs = [await make(gateway, NOON + number // 2, "50% > é&.csv") for number in range(7)]
    await make(gateway, NOON)
    url = f"{JOBS}?filename=50%25%20%3E%20%C3%A9%26.csv&limit=3&state=STARTED,PENDING&state=RETRY"
    pages = []
    while url:
        response = await gateway.client.get(URL(url, encoded=True))
        answer = await response.json()
        pages.append(ids(answer))
        await make(gateway, NOON + 100, "50% > é&.csv")
        link = response.headers.get("Link", "")
        assert link == (f'<{answer["next"]}>; rel="next"' if answer["next"] else "")
        url = answer["next"]
        if url:
            assert urlsplit(url).path == JOBS
            query = parse_qs(urlsplit(url).query)
            assert query.pop("cursor")
            assert query == {
                "filename": ["50% > é&.csv"],
                "limit": ["3"],
                "state": ["STARTED,PENDING", "RETRY"],
            }
            assert re.fullmatch(r"[!-;=?-~]+", url)  # valid in a Link header between < and >
    assert [len(page) for page in pages] == [3, 3, 1]
    newest_first = sorted(jobs, key=lambda job: (job.created_at, job.id.hex), reverse=True)
    assert [id_ for page in pages for id_ in page] == [str(job.id) for job in newest_first]


async def test_a_page_that_is_exactly_full_is_the_last(gateway: Gateway) -> None:
    jobs = [await make(gateway, NOON + number) for number in range(2)]
    answer = await listed(gateway, f"{JOBS}?limit=2")
    assert (ids(answer), answer["next"]) == ([str(jobs[1].id), str(jobs[0].id)], None)


async def test_a_page_has_fifty_jobs_by_default(gateway: Gateway) -> None:
    for number in range(51):
        await make(gateway, NOON + number)
    answer = await listed(gateway, JOBS)
    assert len(answer["jobs"]) == 50
    assert len((await listed(gateway, answer["next"]))["jobs"]) == 1
    assert len((await listed(gateway, f"{JOBS}?limit=500"))["jobs"]) == 51


async def test_jobs_are_filtered_by_state(gateway: Gateway) -> None:
    pending, started = await gateway.pending_job(), await gateway.started_job()
    done = await gateway.finished_job(b"x")
    for query, found in (
        ("state=SUCCESS", [done]),
        ("state=PENDING&state=SUCCESS", [done, pending]),
        ("state=PENDING,STARTED", [started, pending]),
        ("state=REVOKED", []),
    ):
        assert ids(await listed(gateway, f"{JOBS}?{query}")) == [str(job.id) for job in found]


async def test_jobs_are_found_by_a_part_of_their_name(gateway: Gateway) -> None:
    names = ["March plays.csv", "sales.csv", "PLAYS of May.csv"]
    jobs = [await make(gateway, NOON + n, name) for n, name in enumerate(names)]
    answer = await listed(gateway, f"{JOBS}?name=Plays")
    assert (ids(answer), answer["next"]) == ([str(jobs[2].id), str(jobs[0].id)], None)
    first = await listed(gateway, f"{JOBS}?name=plays&limit=1")
    assert ids(first) == [str(jobs[2].id)]
    assert "name=plays" in first["next"]
    assert ids(await listed(gateway, first["next"])) == [str(jobs[0].id)]
    assert ids(await listed(gateway, f"{JOBS}?name=plays&state=SUCCESS")) == []


async def test_a_page_of_a_rare_name_ends_after_some_jobs_and_the_next_continues(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.jobs.list.EXAMINED", 4)
    rare = await make(gateway, NOON, "rare.csv")
    for number in range(9):
        await make(gateway, NOON + 1 + number)
    assert await pages_of(gateway, f"{JOBS}?name=rare") == [[], [], [str(rare.id)]]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("created_after=2026-01-02T12:00:00Z", [1, 0]),
        ("created_after=2026-01-02T12:00:00.001Z", [1]),
        ("created_before=2026-01-02T12:00:00Z", []),
        ("created_before=2026-01-02T12:00:01Z", [0]),
        ("created_after=2026-01-02T12:00:00Z&created_before=2026-01-02T12:00:01Z", [0]),
        ("created_after=2026-01-02T13:00:00.5%2B01:00", [1]),
        ("created_after=2026-01-02t12:00:00.5z", [1]),
        ("created_before=0001-01-01T00:00:00%2B14:00", []),
        ("created_before=9999-12-31T23:59:59-14:00", [1, 0]),
    ],
)
async def test_jobs_are_filtered_by_creation_time(
    gateway: Gateway, query: str, found: list[int]
) -> None:
    jobs = [await make(gateway, NOON + number) for number in range(2)]
    assert ids(await listed(gateway, f"{JOBS}?{query}")) == [str(jobs[n].id) for n in found]


def cursor(created_at: float) -> str:
    packed = struct.pack(">d16s", created_at, UUID(int=7).bytes)
    return base64.urlsafe_b64encode(packed).decode()


@pytest.mark.parametrize(
    ("query", "parts"),
    [
        ("state=DONE", ["state is 'DONE'", "send PENDING, STARTED"]),
        ("state=PENDING,failure", ["state is 'failure'"]),
        ("state=", ["state is ''"]),
        ("created_after=yesterday", ["created_after is 'yesterday'", "RFC 3339"]),
        ("created_before=2026-01-02", ["created_before is '2026-01-02'"]),
        ("created_before=2026-13-02T00:00:00Z", ["created_before is '2026-13-02T00:00:00Z'"]),
        ("created_before=2026-01-02T00:00:00+01:00", ["escape + as %2B"]),
        ("created_before=٢٠٢٦-01-02T00:00:00Z", ["RFC 3339"]),
        ("created_after=2026-W01-1T00:00:00Z", ["RFC 3339"]),
        ("name=", ["name has 0 characters", "send 1 to 500"]),
        ("name=" + "n" * 501, ["name has 501 characters"]),
        ("name=a&filename=a.csv", ["not both"]),
        ("limit=0", ["limit is '0'", "1 to 500"]),
        ("limit=501", ["limit is '501'"]),
        ("limit=-1", ["limit is '-1'"]),
        ("limit=" + "9" * 5000, ["send 1 to 500"]),
        ("limit=٣", ["1 to 500"]),
        ("limit=1&limit=2", ["limit is given 2 times"]),
        ("cursor=", ["cursor is ''", "use the one of `next`"]),
        ("cursor=nonsense", ["cursor is 'nonsense'"]),
        ("cursor=" + "A" * 33, ["use the one of `next`"]),
        ("cursor=" + "A" * 31 + "+", ["use the one of `next`"]),
        (f"cursor={cursor(float('nan'))}", ["use the one of `next`"]),
        (f"cursor={cursor(float('inf'))}", ["use the one of `next`"]),
        ("sate=PENDING", ["unknown: sate", "state, created_after"]),
    ],
)
async def test_a_malformed_parameter_is_refused_with_its_name_value_and_a_hint(
    gateway: Gateway, query: str, parts: list[str]
) -> None:
    problem = await problem_of(await gateway.client.get(f"{JOBS}?{query}"), 400, "invalid-input")
    for words in parts:
        assert words in problem["detail"]
    assert problem["field"] == query.partition("=")[0]


async def test_a_cursor_of_a_deleted_job_continues_at_its_position(
    gateway: Gateway,
) -> None:
    jobs = [await make(gateway, NOON + number) for number in range(3)]
    answer = await listed(gateway, f"{JOBS}?cursor={cursor(NOON + 1.5)}")
    assert ids(answer) == [str(jobs[1].id), str(jobs[0].id)]


async def pages_of(gateway: Gateway, url: str) -> list[list[str]]:
    pages = []
    while url:
        answer = await listed(gateway, url)
        pages.append(ids(answer))
        url = answer["next"]
    return pages


async def test_a_page_of_large_jobs_ends_at_a_mebibyte(gateway: Gateway) -> None:
    # With specs of 64 KB it had 32 MB, which the gateway kept for each client that read slowly.
    jobs = [await make(gateway, NOON + n, "n" * 30_000 + ".csv") for n in range(80)]
    pages = await pages_of(gateway, f"{JOBS}?limit=500")
    assert [id_ for page in pages for id_ in page] == [str(job.id) for job in reversed(jobs)]
    # Each has some hundred bytes more than its name, which is also that of its input.
    assert [len(page) for page in pages] == [17, 17, 17, 17, 12]


async def test_small_jobs_fill_a_page_up_to_its_limit(gateway: Gateway) -> None:
    jobs = [await make(gateway, NOON + n) for n in range(120)]
    pages = await pages_of(gateway, f"{JOBS}?limit=110")
    assert [id_ for page in pages for id_ in page] == [str(job.id) for job in reversed(jobs)]
    assert [len(page) for page in pages] == [110, 10]


async def test_a_job_larger_than_a_page_is_a_page(gateway: Gateway) -> None:
    jobs = [await make(gateway, NOON + n, "n" * 1_100_000 + ".csv") for n in range(2)]
    assert await pages_of(gateway, JOBS) == [[str(job.id)] for job in reversed(jobs)]
