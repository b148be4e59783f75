"""The wheel, installed in a virtual environment that does not see the checkout."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
from email.parser import Parser
from pathlib import Path

import pytest

from gateway.web.files import page

ROOT = Path(__file__).parents[2]
SOURCES = (
    "pyproject.toml", "README.md", "LICENSE", "requirements", "scripts", "kernel", "shared",
    "storage", "processor", "gateway", "csvmill",
)  # fmt: skip
PLAYS = "Song,Date,Number of Plays\nUmbrella,2020-01-02,200\nUmbrella,2020-01-02,100\n"
TOTALS = "Song,Date,Total Number of Plays for Date\nUmbrella,2020-01-02,300\n"
ROUND_TRIP = """
import asyncio
from pathlib import Path

from csvmill.client import AsyncClient
from csvmill.standalone.child import local_service


async def main() -> None:
    log = Path("service.log")
    async with local_service(Path("data"), log) as url, AsyncClient(url) as client:
        job_id = await client.upload(Path("plays.csv"))
        await client.wait(job_id, timeout=60)
        await client.download(job_id, Path("totals.csv"))


asyncio.run(main())
"""
IMPORTED = """
import sys
import csvmill.client
print(*sorted(sys.modules), sep="\\n")
"""
LAUNCHER = """#!/bin/sh
# The arguments are those of the compiler: ... -MF DEPENDENCIES -o OBJECT -c SOURCE
previous=
for argument; do
    case $previous in
        -MF) dependencies=$argument ;;
        -o) object=$argument ;;
    esac
    previous=$argument
done
[ -e "{built}/$object" ] || exec "$@"
cp "{built}/$object" "$object"
: >"$dependencies"
"""
TIMEOUT = 100.0
BUILDING = 400.0
pytestmark = pytest.mark.timeout(TIMEOUT + BUILDING)
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
    """The interpreter of a virtual environment with the wheel and its dependencies."""
    folder = tmp_path_factory.mktemp("installed")
    source, wheels, home = folder / "source", folder / "wheels", folder / "venv"
    source.mkdir()
    for name in SOURCES:
        path = ROOT / name
        if path.is_dir():
            shutil.copytree(path, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            (source / name).parent.mkdir(exist_ok=True)
            shutil.copy(path, source / name)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input"]
    # Built with the pinned tools of this environment: nothing is downloaded.
    offline = ["--no-deps", "--no-index"]
    build = ["wheel", *offline, "--no-build-isolation", "--wheel-dir", str(wheels), str(source)]
    run(*pip, *build, *compiled_before(folder), cwd=folder, timeout=BUILDING)
    venv.create(home, with_pip=False, symlinks=True)
    python = home / "bin/python"
    (wheel,) = wheels.iterdir()
    run(*pip, "--python", str(python), "install", *offline, str(wheel), cwd=folder)
    # The dependencies come from the environment of the tests, whose .pth files, and with them the
    # checkout, are not read from here.
    (site_packages(python) / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def compiled_before(folder: Path) -> tuple[str, ...]:
    """Return settings with which a build takes the kernel's object files from `make kernel`.

    They are those of the same sources. Everything else is done as in any other build: CMake
    configures and links. Without object files, or if a source is newer, everything is compiled.
    """
    built = ROOT / "build/kernel"
    program = built / "csvmill-kernel"
    sources = [path.stat().st_mtime for path in (ROOT / "kernel/src").rglob("*.?pp")]
    if not program.exists() or program.stat().st_mtime < max(sources):
        return ()
    launcher = folder / "launcher"
    launcher.write_text(LAUNCHER.format(built=built))
    launcher.chmod(0o700)
    return ("--config-settings", f"cmake.define.CMAKE_CXX_COMPILER_LAUNCHER={launcher}")


def site_packages(python: Path) -> Path:
    """The folder of an environment that packages are installed in."""
    (folder,) = python.parents[1].glob("lib/python*/site-packages")
    return folder


def run(*command: str, cwd: Path, exit_code: int = 0, timeout: float = TIMEOUT) -> str:
    """Run a command without the environment variables of the tests; return its output."""
    env = {"PATH": os.environ["PATH"], "HOME": str(cwd)}
    done = subprocess.run(
        command, cwd=cwd, env=env, timeout=timeout, text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert done.returncode == exit_code, done.stdout
    return done.stdout


def mypy(python: Path, folder: Path, code: str, *, exit_code: int = 0) -> str:
    """Check a user's module with mypy; return its output."""
    (folder / "users.py").write_text(code)
    cache = f"--cache-dir={python.parents[2] / 'mypy'}"
    options = ("--strict", "--warn-unreachable", cache, f"--python-executable={python}")
    return run(sys.executable, "-m", "mypy", *options, "users.py", cwd=folder, exit_code=exit_code)


def test_the_wheel_installs_one_top_level_name(python: Path) -> None:
    (info,) = site_packages(python).glob("csvmill-*.dist-info")
    with (info / "RECORD").open(newline="") as file:
        installed = {Path(row[0]) for row in csv.reader(file)}
    names = {path.parts[0] for path in installed if path.parts[0] != ".."}
    assert names == {"csvmill", info.name}
    scripts = {path for path in installed if path.parts[0] == ".."}
    assert scripts == {Path("../../../bin/csvmill"), Path("../../../bin/csvmill-kernel")}
    modules = {path.parts[1] for path in installed if path.parts[0] == "csvmill"}
    assert modules >= {"client", "gateway", "processor", "storage", "shared"}


def test_the_wheel_says_its_license_and_the_version_that_everything_says(
    python: Path, tmp_path: Path
) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    (info,) = site_packages(python).glob("csvmill-*.dist-info")
    assert info.name == f"csvmill-{version}.dist-info"
    metadata = Parser().parsestr((info / "METADATA").read_text())
    assert metadata["License-Expression"] == "MIT"
    assert (info / "licenses/LICENSE").read_text() == (ROOT / "LICENSE").read_text()
    said = run(str(python.parent / "csvmill"), "--version", cwd=tmp_path)
    assert said.split()[-1] == version
    code = "from csvmill.shared.runtime.health import VERSION; print(VERSION)"
    assert run(str(python), "-c", code, cwd=tmp_path).strip() == version


def test_the_checkout_is_not_importable_from_the_environment(python: Path, tmp_path: Path) -> None:
    code = "import importlib.util as u, csvmill; print(u.find_spec('shared'), csvmill.__file__)"
    spec, file = run(str(python), "-c", code, cwd=tmp_path).split()
    assert spec == "None"
    assert file.startswith(str(python.parents[1]))


def test_a_file_is_aggregated_by_the_installed_command(python: Path, tmp_path: Path) -> None:
    (tmp_path / "plays.csv").write_text(PLAYS)
    run(str(python.parent / "csvmill"), "run", "plays.csv", "-o", "totals.csv", cwd=tmp_path)
    assert (tmp_path / "totals.csv").read_text() == TOTALS


def test_the_installed_client_talks_to_the_installed_service(python: Path, tmp_path: Path) -> None:
    (tmp_path / "plays.csv").write_text(PLAYS)
    run(str(python), "-c", ROUND_TRIP, cwd=tmp_path)
    assert (tmp_path / "totals.csv").read_text() == TOTALS


def test_the_client_loads_no_service_database_or_broker(python: Path, tmp_path: Path) -> None:
    modules = run(str(python), "-c", IMPORTED, cwd=tmp_path).split()
    packages = {"csvmill.gateway", "csvmill.processor", "csvmill.storage"}
    libraries = {"duckdb", "pyarrow", "aio_pika", "aiormq", "asyncpg", "sqlite3", "click", "rich"}
    loaded = {".".join(module.split(".")[:2]) for module in modules}
    assert "csvmill.client" in loaded
    assert not loaded & (packages | libraries)


def test_the_installed_gateway_has_the_whole_page(python: Path, tmp_path: Path) -> None:
    code = "from csvmill.gateway.web.files import page; print(page().version, *page().files)"
    version, *names = run(str(python), "-c", code, cwd=tmp_path).split()
    assert version == page().version, "the digest of all files"
    assert sorted(names) == sorted(page().files)


@pytest.mark.parametrize("service", ["gateway", "storage", "processor"])
def test_each_service_is_started_by_its_module_name(
    python: Path, tmp_path: Path, service: str
) -> None:
    output = run(str(python), "-m", f"csvmill.{service}", cwd=tmp_path, exit_code=1)
    assert "CSVMILL_STORAGE_TOKEN" in output


def test_correct_use_of_the_client_passes_strict_mypy(python: Path, tmp_path: Path) -> None:
    assert mypy(python, tmp_path, RIGHT).startswith("Success")


def test_wrong_use_of_the_client_is_found_by_mypy(python: Path, tmp_path: Path) -> None:
    output = mypy(python, tmp_path, WRONG, exit_code=1)
    wrong = [n for n, line in enumerate(WRONG.splitlines(), 1) if "# no" in line]
    lines = [int(line.split(":")[1]) for line in output.splitlines() if ": error:" in line]
    assert lines == wrong, output
