"""`csvmill run --detect` declares what an inspection proposes, and prints it."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from tests.forked import run_command

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from tests.e2e.conftest import Standalone

TITLED = b"Sales 2020\n\nk;n\na;1\n# odd\nb;2\na;3\n\nSource: x\n"


def run(server: Standalone, folder: Path, *options: str) -> subprocess.CompletedProcess[bytes]:
    (folder / "sales.csv").write_bytes(TITLED)
    return run_command(
        *("run", "sales.csv", "-o", "out.csv", "--group-by", "k", "--sum", "n", *options),
        env={**os.environ, "CSVMILL_SERVER": server.url},
        cwd=folder,
        timeout=60.0,
    )


def test_a_run_with_detect_declares_and_prints_the_proposal(
    shared_standalone: Standalone, tmp_path: Path
) -> None:
    refused = run(shared_standalone, tmp_path)
    assert refused.returncode != 0

    done = run(shared_standalone, tmp_path, "--detect", "--json", "--restart")

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out.csv").read_bytes() == b"k,sum(n)\na,4\nb,2\n"
    detected = "detected: --comment '#' --header-line 3 --skip-footer 1"
    assert detected in done.stderr.decode()
    assert json.loads(done.stdout)["report"]["lines_passed_over"] == 5


def test_what_is_declared_is_not_detected(shared_standalone: Standalone, tmp_path: Path) -> None:
    done = run(
        shared_standalone, tmp_path, "--detect", "--header-line", "3", "--comment", "#",
        "--skip-footer", "Source", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "detected: nothing to declare" in done.stderr.decode()
    assert json.loads(done.stdout)["report"]["lines_passed_over"] == 5
