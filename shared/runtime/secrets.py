"""The secrets of a service: read from variables or files, and kept from other processes.

Each setting of the type `SecretStr` may be in a file, which the variable `CSVMILL_<NAME>_FILE`
names. The memory of a process, and the variables that it was started with, can be read by every
process of the same user, unless the process is marked as not dumpable.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from shared.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic_settings import BaseSettings

_SET_DUMPABLE = 4
"""Of prctl(2)."""


def secrets_in_files(kind: type[BaseSettings]) -> dict[str, str]:
    """Return the secret settings of `kind` that are in files, by the names of the fields.

    White space around a secret does not count. Raises InvalidInput for a file that cannot be read
    or is empty, and for a secret that is given twice.
    """
    found = {}
    for field, variable in _variables(kind):
        of_file = f"{variable}_FILE"
        path = os.environ.get(of_file)
        if not path:
            continue
        if os.environ.get(variable):
            raise InvalidInput(f"{of_file}: {variable} is set too; set one of them")
        try:
            text = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidInput(f"{of_file}: the file cannot be read: {error}") from error
        if not text:
            raise InvalidInput(f"{of_file}: the file is empty: {path}")
        found[field] = text
    return found


def forget_secrets(kind: type[BaseSettings]) -> None:
    """Remove the secret settings of `kind` from the variables of this process.

    Those that it was started with stay in its memory: see `hide_memory`.
    """
    for _, variable in _variables(kind):
        os.environ.pop(variable, None)


def hide_memory() -> None:
    """Keep the memory and the first variables of this process from others of the same user.

    On Linux. It has no core dumps then, and only root can attach a debugger.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_DUMPABLE, 0, 0, 0, 0)


def _variables(kind: type[BaseSettings]) -> Iterator[tuple[str, str]]:
    """Yield the field and the variable of each secret setting."""
    for name, field in kind.model_fields.items():
        if field.annotation in (SecretStr, SecretStr | None):
            yield name, f"CSVMILL_{name.upper()}"
