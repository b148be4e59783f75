"""The examples in the documents are run unchanged and print what the documents show."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from csvmill.client import AsyncClient

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.conftest import Standalone

ROOT = Path(__file__).parents[2]
DOCUMENTED_URL = "http://127.0.0.1:8000"
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
JOB = re.compile(rf'(?:"job_id": "|/jobs/)({UUID.pattern})')


def examples(document: Path) -> Iterator[tuple[str, str]]:
    """Yield each command of the `console` blocks with the output that the document shows."""
    for block in re.findall(r"```console\n(.*?)```", document.read_text(), re.DOTALL):
        for example in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command = re.match(r"(?:.*\\\n)*.*\n", example)
            assert command
            yield command[0], example[command.end() :].strip()


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("README.md", 5),
        ("docs/api.md", 5),
        ("docs/client.md", 5),
        ("docs/csv.md", 4),
        ("docs/aggregation.md", 3),
        ("docs/report.md", 2),
        ("docs/tutorial.md", 8),
    ],
)
async def test_every_console_example_prints_the_documented_output(
    name: str, least: int, standalone: Standalone, tmp_path: Path
) -> None:
    folder = tmp_path / "cwd"
    folder.mkdir()
    ids: dict[str, str] = {}
    ran = 0
    async with AsyncClient(standalone.url) as client:
        for command, documented in examples(ROOT / name):
            # Ids differ in each run: from now on the documented id is replaced by the real one.
            line = UUID.sub(lambda id_: ids[id_[0]], command)
            output = subprocess.run(  # noqa: ASYNC221  (nothing runs beside it)
                ["bash", "-ec", line.replace(DOCUMENTED_URL, standalone.url)],
                cwd=folder, env=with_commands(tmp_path, standalone.url),
                check=True, capture_output=True, text=True, timeout=60,
            ).stdout.strip()  # fmt: skip
            output = output.replace(standalone.url, DOCUMENTED_URL)
            shown, real = UUID.findall(documented), UUID.findall(output)
            ids.update(zip(shown, real, strict=True))
            assert output == UUID.sub(lambda id_: ids[id_[0]], documented), command
            for job_id in set(JOB.findall(output)):
                await client.wait(job_id, timeout=60)
            ran += 1
    assert ran >= least


async def test_every_python_example_prints_the_documented_output(
    standalone: Standalone, tmp_path: Path
) -> None:
    text = (ROOT / "docs/client.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == len(re.findall("```python", text)) >= 2
    (command, _), *_ = examples(ROOT / "docs/client.md")
    subprocess.run(["bash", "-ec", command], cwd=tmp_path, check=True, timeout=60)  # noqa: ASYNC221
    for code, documented in blocks:
        output = subprocess.run(  # noqa: ASYNC221
            [sys.executable, "-c", code.replace(DOCUMENTED_URL, standalone.url)],
            cwd=tmp_path, check=True, stdout=subprocess.PIPE, text=True, timeout=60,
        ).stdout  # fmt: skip
        assert output == documented


def with_commands(home: Path, server: str) -> dict[str, str]:
    """Return an environment with `csvmill` in PATH and a state folder of its own."""
    commands = Path(sys.executable).parent
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("CSVMILL_")},
        "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}",
        "CSVMILL_SERVER": server,
        "CSVMILL_STATE_DIR": str(home / "state"),
    }
