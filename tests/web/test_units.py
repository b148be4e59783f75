"""The page's modules without a browser: `node --test` runs tests/web/units."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

UNITS = Path(__file__).parent / "units"
TIMEOUT = 100
FOREIGN = "CSVMILL_TEST_FOREIGN"


def node() -> list[str]:
    """Return how to start Node.js with the page's modules; skip the test without Node.js."""
    if shutil.which("node") is None:
        missing = "Node.js 18 or newer is not installed; on Debian: apt-get install nodejs"
        if os.environ.get(FOREIGN) == "required":
            pytest.fail(f"{missing} ({FOREIGN}=required: tests that need it must not be skipped)")
        pytest.skip(missing)
    asked = subprocess.run(
        ["node", "-p", "process.versions.node"], capture_output=True, text=True, check=True
    )
    version = tuple(int(part) for part in asked.stdout.split(".")[:2])
    # Later versions tell modules from scripts by themselves.
    older = version < (20, 19) or (22, 0) <= version < (22, 7)
    return ["node", *(["--experimental-default-type=module"] if older else [])]


@pytest.mark.parametrize("module", sorted(path.name for path in UNITS.glob("*.test.mjs")))
def test_modules_of_the_page_do_what_their_tests_say(module: str) -> None:
    done = subprocess.run(
        [*node(), "--test", "--test-reporter=spec", str(UNITS / module)],
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
