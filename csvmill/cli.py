"""The command line."""

from __future__ import annotations

import click

from csvmill.commands.completion import completion
from csvmill.commands.doctor import doctor
from csvmill.commands.exit_codes import MEANINGS
from csvmill.commands.inspect import inspect
from csvmill.commands.job import cancel, retry, status
from csvmill.commands.jobs import jobs
from csvmill.commands.run import run
from csvmill.commands.serve import serve
from csvmill.commands.transfer import download, upload

COMMANDS = (run, inspect, upload, status, download, cancel, retry, jobs, serve, doctor, completion)
_EXITS = "\n".join(f"  {code:>3}  {meaning}" for code, meaning in MEANINGS.items())


class OrderedGroup(click.Group):
    """Lists commands in the order of `COMMANDS`, not of the alphabet."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order in which the commands were added."""
        return list(self.commands)


@click.group(
    cls=OrderedGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=f"\b\nExit codes:\n{_EXITS}",
)
@click.version_option(package_name="csvmill")
def main() -> None:
    """Aggregate CSV files too large for memory, over resumable HTTP.

    \b
    Examples:
      csvmill run plays.csv -o totals.csv
      csvmill serve --port 8000 --data-dir /var/lib/csvmill
    """


for command in COMMANDS:
    main.add_command(command)
