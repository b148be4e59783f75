"""Options that several commands take."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    F = TypeVar("F", bound=Callable[..., Any])

_URL = re.compile(r"https?://[^/]+")


def server_url(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    """Refuse at once what no server can have."""
    if value is not None and not _URL.match(value):
        raise click.BadParameter(f"{value!r} is no URL; did you mean 'http://{value}'?")
    return value


server_option = click.option(
    "--server",
    metavar="URL",
    callback=server_url,
    default="http://127.0.0.1:8000",
    show_default=True,
    envvar="CSVMILL_SERVER",
    show_envvar=True,
    help="Where the gateway, or the standalone service, listens.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Answer as JSON, for scripts.")
quiet_option = click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
parallel_option = click.option(
    "--parallel",
    type=click.IntRange(1, 64),
    default=4,
    show_default=True,
    help="Requests on their way at a time.",
)
retry_option = click.option(
    "--retry-for",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    default=600.0,
    show_default=True,
    help="How long to go on if the server does not answer.",
)
job_argument = click.argument("job_id", metavar="ID")


UNITS = {
    "": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30,
}  # fmt: skip


def _size(_ctx: click.Context, _param: click.Parameter, value: str) -> int:
    """A number of bytes: 8388608, 8MiB, 8MB."""
    digits = value.rstrip("kKmMgGiIbB ")
    unit = UNITS.get(value[len(digits) :].strip().lower())
    if not (digits.isascii() and digits.isdigit() and int(digits)) or unit is None:
        raise click.BadParameter(f"{value!r} is no size; give bytes, or 8MiB")
    return int(digits) * unit


chunk_option = click.option(
    "--chunk-size",
    metavar="SIZE",
    callback=_size,
    default="8MiB",
    show_default=True,
    help="Bytes of a chunk; chunks shrink by themselves on a bad connection.",
)


def output_path(_ctx: click.Context, _param: click.Parameter, value: Path | None) -> Path | None:
    """A path where a file can appear in one step: what a link leads to, and never a device."""
    if value is None or str(value) == "-":
        return value
    if value.is_symlink():
        value = value.resolve()
    if not value.parent.is_dir():
        raise click.BadParameter(f"there is no folder {value.parent}; make it first")
    if value.exists() and not value.is_file():
        raise click.BadParameter(
            f"{value} is no regular file, which a result would replace; name another"
        )
    return value


def input_argument(*, allow_dash: bool = False) -> Callable[[F], F]:
    """FILE, which exists, or `-` for standard input where that is allowed."""
    kind = click.Path(exists=True, dir_okay=False, path_type=Path, allow_dash=allow_dash)
    return click.argument("file", metavar="FILE", type=kind)


def output_option(help_text: str) -> Callable[[F], F]:
    """`-o`, a path or `-` for standard output."""
    return click.option(
        "-o", "--output", required=True, metavar="PATH", help=help_text, callback=output_path,
        type=click.Path(dir_okay=False, path_type=Path, allow_dash=True),
    )  # fmt: skip
