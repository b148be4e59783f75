"""What one client plans to do with one file, and what the service answered."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.chaos.inputs import Content, Input

TERMINAL = ("SUCCESS", "FAILURE", "REVOKED")


class Plan(StrEnum):
    """How a client behaves. All but `LEAVE` repeat each request until it is answered."""

    RESULT = "result wanted"
    LEAVE = "left before the last byte"
    CANCEL_UPLOAD = "upload cancelled before the last byte"
    RACE = "upload cancelled while the last byte comes"
    CANCEL_JOB = "job cancelled"


class UploadProtocol(StrEnum):
    """The upload protocol of a client."""

    DROPZONE = "by Dropzone"
    NATIVE = "by v1"


ASKS_AGAIN = 0.4
"""The share of the clients that want a result and ask for a second job of their upload."""
CACHED = 0.5
"""The share of these that take what is computed already."""
LATEST_ASK = 45.0
"""Seconds, at most, from the first result to the second job."""
_PLANS = {3: Plan.CANCEL_UPLOAD, 13: Plan.LEAVE, 17: Plan.RACE}
_PLANS.update(dict.fromkeys((1, 6, 9, 15), Plan.CANCEL_JOB))


@dataclass(slots=True)
class Asked:
    """A job that a client asks for, of an upload that has become one, and the answers."""

    after: float
    """Seconds that the client waits before it asks."""
    cache: bool
    """Whether it takes the result of the job of the upload."""
    job_id: str | None = None
    """The job, once that was acknowledged."""
    refused: str = ""
    """Why no job was created: the upload is not kept any longer."""
    state: str | None = None
    message: str = ""
    download: Content | None = None
    expired: bool = False
    """Whether an answer said that the result had expired."""


@dataclass(slots=True)
class Scenario:
    """The plan for one upload, and the answers that its client received."""

    input: Input
    """Without its bytes after they were sent."""
    dzuuid: str
    """The name that the client gives the upload, in either protocol; another if the file is sent
    again because chunks were lost."""
    plan: Plan = Plan.RESULT
    protocol: UploadProtocol = UploadProtocol.DROPZONE
    servers_are_lost: bool = False
    """Whether storage servers are lost for good, and acknowledged chunks with them."""
    left: list[str] = field(default_factory=list)
    """The names under which the file was sent before. It may be complete under them too, and so
    have a job that no client knows."""
    job_ids: set[str] = field(default_factory=set)
    acknowledged: bool = False
    cancelled: bool | None = None
    """The final answer to a cancellation: done (True) or too late (False); None without one."""
    deleted: bool = False
    """Whether the cancellation came too late, and so deleted what the job had stored."""
    retries: int = 0
    """Retries of the failed job that were acknowledged."""
    retries_requested: int = 0
    """Retries that were requested. One without an answer may have succeeded."""
    gave_up: bool = False
    """Whether the client left a failed job alone although its file is well-formed."""
    state: str | None = None
    message: str = ""
    download: Content | None = None
    expired: bool = False
    """Whether an answer said that the result or the input had expired."""
    full_at: list[float] = field(default_factory=list)
    """When an answer said that the disk is full (507), in Unix seconds."""
    asked: Asked | None = None
    """A second job of the same upload; None if the client does not ask for one."""
    errors: list[str] = field(default_factory=list)
    """Answers that violate the API."""

    @property
    def sends_everything(self) -> bool:
        """Whether the client plans to send every byte."""
        return self.plan not in (Plan.LEAVE, Plan.CANCEL_UPLOAD)


def new_scenario(seed: int, file: Input, *, servers_are_lost: bool = False) -> Scenario:
    """Return the scenario of a file. The same arguments give the same scenario."""
    draw = random.Random(f"{seed}/scenario/{file.number}")
    dzuuid = str(uuid.UUID(int=draw.getrandbits(128), version=4))
    plan = _PLANS.get(file.number % 20, Plan.RESULT)
    scenario = Scenario(
        file,
        dzuuid,
        plan,
        draw.choice(tuple(UploadProtocol)),
        servers_are_lost=servers_are_lost,
    )
    if plan is Plan.RESULT and draw.random() < ASKS_AGAIN:
        # Some ask when the first job is about to expire, and its upload with it.
        after = draw.choice((0.0, 0.0, draw.uniform(0.0, LATEST_ASK)))
        scenario.asked = Asked(after, cache=draw.random() < CACHED)
    return scenario
