"""The files that a command reads: paths, patterns, and `-` for standard input."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from csvmill.commands.options import STREAM
from shared.jobs.engine_choice import EngineChoice

if TYPE_CHECKING:
    from collections.abc import Callable

    F = TypeVar("F", bound=Callable[..., Any])


def found_files(
    _context: click.Context, _parameter: click.Parameter, given: tuple[str, ...]
) -> tuple[Path, ...]:
    """Return the files that paths and patterns name, each pattern's in order of their names.

    Raises BadParameter if there is none, or one of them is a folder.
    """
    files: list[Path] = []
    for text in given:
        path = Path(text)
        if path == STREAM or path.exists():
            found = [path]
        else:
            found = sorted(Path(each) for each in glob.glob(text))  # noqa: PTH207 - any path
        if not found:
            wanted = "no file matches" if glob.has_magic(text) else "there is no file"
            raise click.BadParameter(f"{wanted} {text!r}")
        files += found
    for file in files:
        if file.is_dir():
            raise click.BadParameter(f"{str(file)!r} is a folder; name files, as in '{file}/*.csv'")
    if STREAM in files and len(files) > 1:
        raise click.BadParameter("standard input (-) cannot be one of several files")
    return tuple(files)


def files_argument(command: F) -> F:
    """Add FILE..., as `files`."""
    return click.argument("files", metavar="[FILE]...", nargs=-1, callback=found_files)(command)


upload_option = click.option(
    "--upload",
    "uploads",
    multiple=True,
    metavar="ID",
    help="An upload on the server, by its id or its file's name; may be repeated.",
)
cache_option = click.option(
    "--cache/--no-cache",
    default=True,
    help="Whether the result may be one that the server has computed before.  [default: it may]",
)
engine_option = click.option(
    "--engine",
    type=click.Choice([*map(str, EngineChoice)]),
    help="Where the server computes it: on its Spark cluster whatever the size, if it has one, or "
    "never there.  [default: as its settings say]",
)
spec_name_option = click.option(
    "--spec-name", metavar="NAME", help="Use the spec that the server has saved under this name."
)
