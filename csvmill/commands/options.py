"""Options and arguments that several commands share."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    F = TypeVar("F", bound=Callable[..., Any])

STREAM = Path("-")
"""Standard input or standard output, where a command takes a path."""
_URL = re.compile(r"https?://[^/]+")


def server_url(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    """Refuse a value that is not an HTTP URL."""
    if value is not None and not _URL.match(value):
        raise click.BadParameter(f"{value!r} is not a URL; did you mean 'http://{value}'?")
    if value is not None:
        try:
            parts = urlsplit(value)
            known = parts.hostname is not None and parts.port != 0
        except ValueError:
            known = False
        if not known:
            # Not shown: it may have a password.
            raise click.BadParameter("the URL has no valid host and port, as in http://HOST:8000")
    return value


API_KEY = "csvmill.api_key"
"""Where the context of a command has the API key."""


def _keep_api_key(ctx: click.Context, _param: click.Parameter, value: str | None) -> None:
    path = os.environ.get("CSVMILL_API_KEY_FILE")
    if not value and path:
        value = Path(path).read_text(encoding="utf-8").strip()
    if value and not (value.isascii() and value.isprintable() and " " not in value):
        raise click.BadParameter(
            "this is not a valid API key: it contains spaces or other characters that a "
            "key cannot have"
        )
    ctx.meta[API_KEY] = value or None


def given_api_key() -> str | None:
    """Return the API key of the running command, if it was given one."""
    key: str | None = click.get_current_context().meta.get(API_KEY)
    return key


api_key_option = click.option(
    "--api-key",
    metavar="KEY",
    callback=_keep_api_key,
    expose_value=False,
    envvar="CSVMILL_API_KEY",
    show_envvar=True,
    help="Key for the server. Other users of this machine see arguments, but no variables.",
)
_server_option = click.option(
    "--server",
    metavar="URL",
    callback=server_url,
    default="http://127.0.0.1:8000",
    show_default=True,
    envvar="CSVMILL_SERVER",
    show_envvar=True,
    help="URL of the gateway or of the standalone service.",
)


def server_option(command: F) -> F:
    """Add `--server`, and `--api-key`, which `given_api_key` returns."""
    return _server_option(api_key_option(command))


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
quiet_option = click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
parallel_option = click.option(
    "--parallel",
    type=click.IntRange(1, 64),
    default=4,
    show_default=True,
    help="Number of concurrent requests.",
)
retry_option = click.option(
    "--retry-for",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    default=600.0,
    show_default=True,
    help="How long to keep retrying while the server is unavailable.",
)
job_argument = click.argument("job_id", metavar="ID")


UNITS = {
    "": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9,
    "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30,
}  # fmt: skip


def _size(_ctx: click.Context, _param: click.Parameter, value: str | None) -> int | None:
    """Read a number of bytes: 8388608, 8MiB, 8M (the same, as in dd and rclone), 8MB."""
    if value is None:
        return None
    digits = value.rstrip("kKmMgGiIbB ")
    unit = UNITS.get(value[len(digits) :].strip().lower())
    if not (digits.isascii() and digits.isdigit() and int(digits)) or unit is None:
        raise click.BadParameter(
            f"{value!r} is not a size; give a number of bytes, or a size such as 512K or 8MiB"
        )
    return int(digits) * unit


chunk_option = click.option(
    "--chunk-size",
    metavar="SIZE",
    callback=_size,
    default=None,
    help="Bytes of a chunk; shrinks by itself on an unreliable connection.  [default: 8MiB; "
    "to a server on this machine, the whole file]",
)


def output_path(_ctx: click.Context, _param: click.Parameter, value: Path | None) -> Path | None:
    """Return a path that a file can replace atomically: symbolic links are resolved.

    Refuses devices, pipes and paths in a missing folder.
    """
    if value is None or value == STREAM:
        return value
    if value.is_symlink():
        value = value.resolve()
    if not value.parent.is_dir():
        raise click.BadParameter(f"the folder {value.parent} does not exist; create it first")
    if value.exists() and not value.is_file():
        raise click.BadParameter(f"{value} is not a regular file; use another path")
    return value


def input_argument(*, allow_dash: bool = False) -> Callable[[F], F]:
    """Add FILE, an existing file; with `allow_dash` also `-` for standard input."""
    kind = click.Path(exists=True, dir_okay=False, path_type=Path, allow_dash=allow_dash)
    return click.argument("file", metavar="FILE", type=kind)


def output_option(help_text: str) -> Callable[[F], F]:
    """Add `-o`, a path or `-` for standard output."""
    return click.option(
        "-o", "--output", required=True, metavar="PATH", help=help_text, callback=output_path,
        type=click.Path(dir_okay=False, path_type=Path, allow_dash=True),
    )  # fmt: skip


def send_to_stdout(path: Path) -> None:
    """Copy a file to standard output, as bytes."""
    with path.open("rb") as file:
        shutil.copyfileobj(file, sys.stdout.buffer)
    sys.stdout.buffer.flush()
