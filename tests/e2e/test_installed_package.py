"""The package as users install it: a wheel in an environment of theirs, and types for mypy."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = (
    "pyproject.toml", "README.md", "requirements", "shared", "storage", "processor", "gateway",
    "csvmill",
)  # fmt: skip
TIMEOUT = 100.0
RIGHT = """
import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, assert_type

from csvmill.client import (
    Aggregate, Aggregation, AsyncClient, Client, Condition, GroupColumn, Input, JobEvent,
    JobProgress, JobView, Order, Progress, Refused, ReportView, ResultView, Retries,
    ServerUnavailable, UploadView,
)


def show(progress: Progress) -> None:
    assert_type(progress.done, int)
    assert_type(progress.total, int | None)


SONGS = Aggregation(
    group_by=(GroupColumn("Song"), GroupColumn("Date", truncate="month")),
    aggregates=(Aggregate("sum", "Plays", name="Plays"),),
    where=Condition("Plays", ">", ("3",), kind="number"),
    order_by=(Order("Plays", descending=True),),
    input=Input(delimiter=";"),
)
assert_type(SONGS.group_by, tuple[GroupColumn, ...])
assert_type(SONGS.limit, int | None)

with Client("http://127.0.0.1:8000", retries=Retries(attempts=None, within=60)) as client:
    try:
        job_id = client.upload(Path("plays.csv"), aggregation=SONGS, progress=show)
    except ServerUnavailable as error:
        assert_type(error.retry_after, float | None)
        raise
    except Refused as error:
        assert_type(error.status, int)
        raise
    assert_type(job_id, str)
    assert_type(client.upload_status(job_id), UploadView)
    job = client.wait(job_id, timeout=60, changed=lambda job: print(job.state))
    assert_type(job, JobView)
    assert_type(job.rows_in, int | None)
    assert_type(job.report, ReportView | None)
    assert_type(job.aggregation, Mapping[str, Any] | None)
    result = client.download(job_id, Path("totals.csv"), progress=show)
    assert_type(result, ResultView)
    assert_type(result.size, int)
    for job in client.jobs(state=["SUCCESS"]):
        assert_type(job, JobView)


async def main() -> None:
    async with AsyncClient("http://127.0.0.1:8000") as client:
        assert_type(await client.upload(Path("plays.csv")), str)
        async for event in client.events("id"):
            assert_type(event, JobEvent)
            assert_type(event.progress, JobProgress)
        async for job in client.jobs():
            assert_type(job.id, str)


asyncio.run(main())
"""
WRONG = """
from pathlib import Path

from csvmill.client import Aggregate, Client

with Client("http://127.0.0.1:8000") as client:
    client.upload("plays.csv")  # not a path
    client.upload(Path("plays.csv"), paralel=3)  # no such parameter
    client.job("id").row_in  # no such field
    client.download("id", Path("totals.csv")).size + "x"  # not a text
    Aggregate("sum", {})  # not a column
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with csvmill as a wheel, and what it requires."""
    folder = tmp_path_factory.mktemp("installed")
    source, wheels, home = folder / "source", folder / "wheels", folder / "venv"
    source.mkdir()
    for name in SOURCES:
        path = ROOT / name
        if path.is_dir():
            shutil.copytree(path, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(path, source)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input"]
    # By the pinned setuptools that is installed here: nothing is downloaded.
    offline = ["--no-deps", "--no-index"]
    build = ["wheel", *offline, "--no-build-isolation", "--wheel-dir", str(wheels), str(source)]
    run(*pip, *build, cwd=folder)
    venv.create(home, with_pip=False, symlinks=True)
    python = home / "bin/python"
    (wheel,) = wheels.iterdir()
    run(*pip, "--python", str(python), "install", *offline, str(wheel), cwd=folder)
    # What csvmill requires comes from the environment of the tests.
    (site,) = home.glob("lib/python*/site-packages")
    (site / "requirements.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def run(*command: str, cwd: Path, exit_code: int = 0) -> str:
    """The output of a program that knows nothing of the checkout."""
    env = {"PATH": os.environ["PATH"], "HOME": str(cwd)}
    done = subprocess.run(
        command, cwd=cwd, env=env, timeout=TIMEOUT, text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert done.returncode == exit_code, done.stdout
    return done.stdout


def mypy(python: Path, folder: Path, code: str, *, exit_code: int = 0) -> str:
    """What mypy says of a file of the user's."""
    (folder / "users.py").write_text(code)
    cache = f"--cache-dir={python.parents[2] / 'mypy'}"
    options = ("--strict", "--warn-unreachable", cache, f"--python-executable={python}")
    return run(sys.executable, "-m", "mypy", *options, "users.py", cwd=folder, exit_code=exit_code)


def test_the_client_is_typed_for_those_who_use_it(python: Path, tmp_path: Path) -> None:
    where = run(str(python), "-c", "import csvmill; print(csvmill.__file__)", cwd=tmp_path)
    assert where.startswith(str(python.parents[1]))
    assert mypy(python, tmp_path, RIGHT).startswith("Success")


def test_what_is_wrong_is_found(python: Path, tmp_path: Path) -> None:
    said = mypy(python, tmp_path, WRONG, exit_code=1)
    wrong = [n for n, line in enumerate(WRONG.splitlines(), 1) if "# no" in line]
    lines = [int(line.split(":")[1]) for line in said.splitlines() if ": error:" in line]
    assert lines == wrong, said
