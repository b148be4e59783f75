"""License, changelog and unit of systemd agree with the project."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

from shared.runtime.health import VERSION

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
UNIT = ROOT / "deploy/systemd/csvmill.service"


def test_there_is_one_version() -> None:
    assert PROJECT["version"] == version("csvmill") == VERSION


def test_the_changelog_has_the_version_and_its_headings_are_those_of_keep_a_changelog() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    released = re.findall(r"^## \[(\d+\.\d+\.\d+)\] - \d{4}-\d\d-\d\d$", text, re.MULTILINE)
    assert PROJECT["version"] == released[0]
    ordered = [tuple(map(int, each.split("."))) for each in released]
    assert ordered == sorted(ordered, reverse=True)
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert set(re.findall(r"^### (.*)$", text, re.MULTILINE)) <= kinds
    assert len(re.findall(r"^## ", text, re.MULTILINE)) == len(released) + 1  # and Unreleased


def test_the_license_is_that_of_the_project() -> None:
    assert PROJECT["license"] == "MIT"
    assert (ROOT / "LICENSE").read_text().startswith("MIT License\n")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_the_unit_of_systemd_is_valid_and_confined(tmp_path: Path) -> None:
    # With a command that exists
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/opt/csvmill/bin/csvmill", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False
    )
    assert (done.returncode, UNIT.name in done.stderr) == (0, False), done.stderr
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--threshold=20", unit],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
