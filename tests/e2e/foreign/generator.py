"""Runs schemathesis, which generates valid and invalid requests from `/openapi.json`."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.protocols.ietf.headers import MEDIA_TYPE
from gateway.protocols.tus.handlers import CONTENT_TYPE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TIMEOUT = 540.0
REFUSING = [400, 401, 403, 404, 405, 406, 409, 412, 415, 422]
"""The statuses that refuse an invalid request. 412 is the tus status for another version."""
HOOKS = f"""
import atexit
import json
import os
from collections import Counter

import schemathesis

for media_type in ({CONTENT_TYPE!r}, {MEDIA_TYPE!r}):
    schemathesis.serializer.alias(media_type, "application/octet-stream")

answers = Counter()


@schemathesis.hook
def before_load_schema(context, raw_schema):
    # The limits of nested filters would make thousands of similar requests.
    spec = raw_schema["components"]["schemas"]["Aggregation"]["properties"]
    for nested in ("where", "having"):
        spec[nested] = {{"enum": [None, {{"column": 1, "op": "is_empty"}}]}}
    del spec["order_by"]
    # At the limits of `spec` the URL is too long to be sent.
    for method in ("post", "put"):
        uploads = raw_schema["paths"]["/api/v1/uploads"][method]
        uploads["parameters"] = [p for p in uploads["parameters"] if p["name"] != "spec"]


@schemathesis.hook
def before_call(context, case, kwargs):
    # By following links it would revoke or rotate the key that it uses.
    if case.path_parameters and case.path_parameters.get("key_id") == os.environ.get("OWN_KEY"):
        case.path_parameters["key_id"] = "0123456789"


@schemathesis.hook
def after_call(context, case, response):
    # Requests with a method that the operation has not are not counted for it.
    if case.method == case.operation.method.upper():
        answers[case.operation.label, response.status_code] += 1


@atexit.register
def write_answers():
    with open("answers.json", "w") as file:
        json.dump([[*answer, count] for answer, count in answers.items()], file)
"""


@dataclass(frozen=True)
class Plan:
    """Which requests are generated: at most `examples` random ones to each operation.

    Without a seed, the requests are always the same, and include those at the limits of the schema
    and those that follow links between operations.
    """

    examples: int
    seed: int | None = None

    @property
    def options(self) -> list[str]:
        """The options of schemathesis."""
        options = ["--max-examples", str(self.examples)]
        if self.seed is None:
            return [*options, "--generation-deterministic"]
        return [*options, "--seed", str(self.seed), "--phases", "fuzzing"]


@dataclass(frozen=True)
class Outcome:
    """What schemathesis found, and how often each operation was answered with each status."""

    report: Mapping[str, Any]
    printed: str
    answers: Mapping[str, Counter[int]]

    @property
    def succeeded(self) -> set[str]:
        """The operations that succeeded at least once."""
        return {name for name, seen in self.answers.items() if any(s < 300 for s in seen)}

    def check(self) -> None:
        """Raise AssertionError if an answer is not as the document describes it."""
        assert self.report["failures"] == [], self.printed
        assert self.report["errors"] == [], self.printed
        assert self.report["exit_code"] == 0, self.printed


@dataclass(frozen=True)
class Generator:
    """What schemathesis sends to the service at `url`.

    `known` has values that a parameter of paths has in most requests. `key` is an API key.
    """

    url: str
    folder: Path
    known: Mapping[str, Sequence[str]] = field(default_factory=dict)
    key: str | None = None

    async def run(self, plan: Plan) -> Outcome:
        """Send the requests of the plan."""
        (self.folder / "schemathesis.toml").write_text(self._config())
        (self.folder / "hooks.py").write_text(HOOKS)
        program = shutil.which("schemathesis", path=str(Path(sys.executable).parent))
        assert program
        process = await asyncio.create_subprocess_exec(
            program, "--config-file", "schemathesis.toml", "run", f"{self.url}/openapi.json",
            *plan.options,
            *([] if self.key is None else ["--header", f"Authorization: Bearer {self.key}"]),
            "--no-color", "--continue-on-failure",
            "--report", "json", "--report-json-path", "report.json",
            # A schema cannot express that a digest matches, or that a chunk is within its file.
            # A cancelled job still exists.
            "--exclude-checks", "positive_data_acceptance,use_after_free",
            cwd=self.folder,
            env={"OWN_KEY": self.key.split("_")[1] if self.key else ""},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        try:
            async with asyncio.timeout(TIMEOUT):
                output, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return self._outcome(output.decode(errors="replace"))

    def _config(self) -> str:
        lines = ['hooks = "hooks"', "[checks]"]
        lines += [
            f"{check}.expected-statuses = {REFUSING}"
            for check in ("negative_data_rejection", "missing_required_header")
        ]
        lines += ["[dictionaries]"]
        lines += [f"{name} = {{ values = {json.dumps(ids)} }}" for name, ids in self.known.items()]
        lines += ["[parameters]"]
        lines += [
            f'"path.{name}" = {{ dictionary = "{name}", probability = 0.8 }}' for name in self.known
        ]
        return "\n".join(lines)

    def _outcome(self, printed: str) -> Outcome:
        report, counts = (self.folder / name for name in ("report.json", "answers.json"))
        assert report.exists(), printed
        answers: dict[str, Counter[int]] = {}
        for name, status, count in json.loads(counts.read_text()):
            answers.setdefault(name, Counter())[status] += count
        return Outcome(json.loads(report.read_text()), printed, answers)
