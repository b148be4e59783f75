"""Check that no committed file contains a path of one machine or the address of a package index.

Print one line for each finding. The exit code is 1 if there are findings, else 0.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

HOME_FOLDER = re.compile(r"(?<![\w.$}])/(?:home|Users)/[\w.-]+|(?<![\w.$}-])/roo[t]/")
"""The home folder of a user, which is valid on one machine only."""

INDEX_ADDRESS = re.compile(r"\w+://|--(?:index-url|extra-index-url|find-links|trusted-host)\b")
"""The address of an index in a list of packages. Each machine configures its own index."""


def findings(path: Path) -> list[str]:
    """Return the findings in one file, as `path:line: text`; none for a file that is not text."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        return []
    found = []
    for number, line in enumerate(lines, 1):
        if match := HOME_FOLDER.search(line):
            found.append(f"{path}:{number}: a path of one machine: {match[0]}")
        listed = path.parts[0] == "requirements" or path.name == "package-lock.json"
        if listed and (match := INDEX_ADDRESS.search(line)):
            found.append(f"{path}:{number}: names an index: {match[0]}")
    return found


def main() -> int:
    """Check every file that git tracks or would add."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    paths = [Path(name) for name in listed.split("\0") if name]
    wrong = [line for path in paths if path.is_file() for line in findings(path)]
    sys.stderr.writelines(f"{line}\n" for line in wrong)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
