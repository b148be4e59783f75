"""The command line."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any, NoReturn

import click

from csvmill.client.quick_start import collecting_later
from csvmill.commands.exit_codes import MEANINGS, Exit
from csvmill.commands.interrupts import restore_interrupts
from csvmill.commands.process_end import exit_at_once

COMMANDS = {
    "run": "csvmill.commands.run",
    "ask": "csvmill.commands.ask",
    "inspect": "csvmill.commands.inspect",
    "upload": "csvmill.commands.transfer",
    "status": "csvmill.commands.job",
    "download": "csvmill.commands.transfer",
    "link": "csvmill.commands.link",
    "cancel": "csvmill.commands.changes",
    "delete": "csvmill.commands.changes",
    "retry": "csvmill.commands.changes",
    "jobs": "csvmill.commands.jobs",
    "uploads": "csvmill.commands.uploads",
    "specs": "csvmill.commands.specs",
    "serve": "csvmill.commands.serve",
    "keys": "csvmill.commands.keys",
    "webhooks": "csvmill.commands.webhooks",
    "tenants": "csvmill.commands.tenants",
    "audit": "csvmill.commands.audit",
    "doctor": "csvmill.commands.doctor",
    "completion": "csvmill.commands.completion",
}
"""The module of each command, which is imported when the command is used. In order of the help."""
_EXITS = "\n".join(f"  {code:>3}  {meaning}" for code, meaning in MEANINGS.items())


class Commands(dict[str, click.Command]):
    """The commands by name, each imported when it is asked for."""

    def __missing__(self, name: str) -> click.Command:
        with collecting_later():
            command: click.Command = getattr(import_module(COMMANDS[name]), name)
        self[name] = command
        return command


class OrderedGroup(click.Group):
    """Lists commands in the order of `COMMANDS`, not of the alphabet. A call ends the process."""

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Run the command that the process was started with, and exit."""
        restore_interrupts()
        try:
            super().__call__(*args, **kwargs)
        except SystemExit as end:
            if end.code is None or isinstance(end.code, int):
                exit_at_once(end.code or 0)
            raise
        exit_at_once(0)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that is named first, whose import an interrupt may end."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            click.echo(f"Error: {MEANINGS[Exit.INTERRUPTED]}", err=True)
            raise click.exceptions.Exit(Exit.INTERRUPTED) from error

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, or None if there is none of this name."""
        return self.commands[cmd_name] if cmd_name in COMMANDS else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that is named first in `args`."""
        if args[0] not in COMMANDS:
            for name in COMMANDS:  # so that click proposes one of them
                self.get_command(ctx, name)
        return super().resolve_command(ctx, args)


@click.group(
    cls=OrderedGroup,
    commands=Commands(),
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=f"\b\nExit codes:\n{_EXITS}",
)
@click.version_option(package_name="csvmill")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Aggregate CSV files too large for memory, over resumable HTTP.

    \b
    Examples:
      csvmill run plays.csv -o totals.csv
      csvmill serve --port 8000 --data-dir /var/lib/csvmill
    """
    if ctx.invoked_subcommand != "serve":  # which logs them, as all services do
        _warn_of_unknown_settings()


def _warn_of_unknown_settings() -> None:
    """Name misspelt environment variables on standard error, such as `CSVMILL_SERVR`."""
    names = [name for name in os.environ if name.startswith("CSVMILL_")]
    if not names:
        return  # most processes, which need not import anything
    from shared.runtime.unknown_settings import unknown_settings

    for message in unknown_settings(names):
        click.echo(f"Warning: {message}", err=True)
