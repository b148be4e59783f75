"""The unprivileged user a server runs as, and the folder it owns."""

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
    """A server's program is not installed; the message says how to get it."""


@dataclass(frozen=True, slots=True)
class Account:
    """A user and group by number."""

    uid: int
    gid: int


def server_account(preferred: str) -> Account | None:
    """Whom to run a server as: None (oneself), unless this is root.

    Root runs it as `preferred`, the user that the server's package made, else as `nobody`.
    """
    if os.geteuid() != 0:
        return None
    for name in (preferred, "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise RuntimeError(f"running as root, and there is neither a user {preferred} nor nobody")


def make_folder(prefix: str, account: Account | None) -> Path:
    """A temporary folder that `account` owns (0700). Remove it with `remove_folder`."""
    folder = Path(tempfile.mkdtemp(prefix=f"csvmill-{prefix}-"))
    reaper.watch_folder(folder)
    if account:
        os.chown(folder, account.uid, account.gid)
    return folder


def remove_folder(folder: Path) -> None:
    """Remove what `make_folder` made."""
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
    """What a command prints to standard output, run as `account`.

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
    """The path of a program in PATH or in one of `folders`, which may hold wildcards.

    Of several versions the newest is taken. Raises ProgramMissing, which names the package.
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
