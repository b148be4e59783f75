"""What a client means to do with one file, and what it was told about it."""

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
    """How a client behaves; all but `LEAVE` repeat each request until they have an answer."""

    RESULT = "result wanted"
    LEAVE = "left before the last byte"
    CANCEL_UPLOAD = "upload cancelled before the last byte"
    RACE = "upload cancelled while the last byte comes"
    CANCEL_JOB = "job cancelled"


class Dialect(StrEnum):
    """Which protocol a client uploads by."""

    DROPZONE = "by Dropzone"
    NATIVE = "by v1"


_PLANS = {3: Plan.CANCEL_UPLOAD, 13: Plan.LEAVE, 17: Plan.RACE}
_PLANS.update(dict.fromkeys((1, 6, 9, 15), Plan.CANCEL_JOB))


@dataclass(slots=True)
class Story:
    """What a client was told about one upload."""

    input: Input
    """Without its bytes once the client has done with them."""
    dzuuid: str
    """The client's own name for the upload, in either dialect."""
    plan: Plan = Plan.RESULT
    dialect: Dialect = Dialect.DROPZONE
    job_ids: set[str] = field(default_factory=set)
    acknowledged: bool = False
    cancelled: bool | None = None
    """What a request to cancel was answered in the end: done, or too late; None without one."""
    retries: int = 0
    """How often its failed job was put back, as far as it was told."""
    retries_asked: int = 0
    """Requests for that; those without an answer may have been fulfilled as well."""
    resigned: bool = False
    """Whether it left a job as it was that failed through no fault of the file."""
    state: str | None = None
    message: str = ""
    download: Content | None = None
    expired: bool = False
    """Whether it was told that result or input are not kept any longer."""
    full_at: list[float] = field(default_factory=list)
    """When it was told that there is no room, in Unix seconds."""
    wrong: list[str] = field(default_factory=list)
    """Answers that no honest client may get."""

    @property
    def whole(self) -> bool:
        """Whether the client means to send every byte."""
        return self.plan not in (Plan.LEAVE, Plan.CANCEL_UPLOAD)


def new_story(seed: int, file: Input) -> Story:
    """The upload of a file, under an id of its own."""
    draw = random.Random(f"{seed}/story/{file.number}")
    dzuuid = str(uuid.UUID(int=draw.getrandbits(128), version=4))
    plan = _PLANS.get(file.number % 20, Plan.RESULT)
    return Story(file, dzuuid, plan, draw.choice(tuple(Dialect)))
