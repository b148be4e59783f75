"""The member `engine` of requests: where a job is to be computed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from tests.unit.gateway.datasets.asking import ask, sent
from tests.unit.gateway.native import BODY, SIZE, created, post, put
from tests.unit.gateway.problems import problem_of

if TYPE_CHECKING:
    from tests.unit.gateway.conftest import Gateway

MALFORMED = pytest.mark.parametrize("given", ["Spark", "", 1, True, ["spark"], {}], ids=repr)


@pytest.mark.parametrize("engine", ["auto", "local", "spark"])
async def test_a_job_is_asked_with_where_it_is_to_be_computed(
    gateway: Gateway, engine: str
) -> None:
    shown = await (await ask(gateway, await sent(gateway), engine=engine)).json()
    assert shown["engine"] == engine
    assert (await gateway.jobs.get(UUID(shown["id"]))).engine == engine


async def test_without_a_choice_it_is_auto(gateway: Gateway) -> None:
    assert (await (await ask(gateway, await sent(gateway))).json())["engine"] == "auto"


@pytest.mark.parametrize("engine", ["auto", "local", "spark", None])
async def test_a_declared_upload_becomes_a_job_that_is_computed_there(
    gateway: Gateway, engine: str | None
) -> None:
    path = await created(gateway, size=SIZE, engine=engine)
    job = (await put(gateway, path, 0, BODY)).headers["Csvmill-Job"]
    shown = await (await gateway.client.get(job)).json()
    assert shown["engine"] == (engine or "auto")


@MALFORMED
async def test_another_value_is_refused(gateway: Gateway, given: Any) -> None:
    upload = await sent(gateway)
    for response in (await ask(gateway, upload, engine=given), await post(gateway, engine=given)):
        problem = await problem_of(response, 400, "invalid-input")
        assert problem["field"] == "engine"
        assert "send auto, local or spark" in problem["detail"]


async def test_an_upload_that_becomes_no_job_is_computed_nowhere(gateway: Gateway) -> None:
    response = await post(gateway, size=SIZE, job=False, engine="spark")
    assert (await problem_of(response, 400, "invalid-input"))["field"] == "job"
