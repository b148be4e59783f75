"""The unprivileged user as which a server runs, and the folder that it owns."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests import reaper

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class ProgramMissing(RuntimeError):
    """A server's program is not installed. The message says how to install it."""


@dataclass(frozen=True, slots=True)
class Account:
    """A user and a group, by their numbers."""

    uid: int
    gid: int


def server_account(preferred: str) -> Account | None:
    """Return the account as which to run a server: None (the current user) unless run as root.

    Root uses `preferred`, the user of the server's package, or else the user `nobody`.
    """
    if os.geteuid() != 0:
        return None
    for name in (preferred, "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise RuntimeError(f"running as root, and neither user {preferred!r} nor 'nobody' exists")


def make_folder(prefix: str, account: Account | None) -> Path:
    """Create a temporary folder that `account` owns (0700). Remove it with `remove_folder`."""
    folder = Path(tempfile.mkdtemp(prefix=f"csvmill-{prefix}-"))
    reaper.watch_folder(folder)
    if account:
        os.chown(folder, account.uid, account.gid)
    return folder


def remove_folder(folder: Path) -> None:
    """Remove a folder created by `make_folder`."""
    shutil.rmtree(folder)
    reaper.forget_folder(folder)


def run_as(
    account: Account | None,
    args: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    timeout: float,
    stdin: str = "",
) -> str:
    """Run a command as `account` and return its standard output.

    Raises subprocess.CalledProcessError if it fails, subprocess.TimeoutExpired after `timeout`
    seconds.
    """
    return subprocess.run(
        args,
        check=True,
        input=stdin,
        stdout=subprocess.PIPE,
        text=True,
        timeout=timeout,
        env=dict(env),
        cwd=cwd,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    ).stdout


def find_program(name: str, folders: Sequence[str], *, package: str) -> str:
    """Return the path of a program in PATH or in one of `folders`, which may contain wildcards.

    If there are several versions, the newest is used. Raises ProgramMissing.
    """
    candidates = [
        path for pattern in folders for path in Path("/").glob(f"{pattern.lstrip('/')}/{name}")
    ]
    for path in sorted(candidates, key=_version, reverse=True):
        if os.access(path, os.X_OK):
            return str(path)
    if found := shutil.which(name):
        return found
    raise ProgramMissing(
        f"{name} is not installed: `make test` installs it, or `apt-get install {package}`"
    )


def _version(path: Path) -> list[int]:
    return [int(part) for part in path.parts if part.isdigit()]
